"""Publishing into a folder that is served and may hold other things: always a whole index, and nothing lost."""

from __future__ import annotations

import gzip
import os
import resource
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from molthub.errors import MolthubError
from molthub.index.folder import BLOB, MARKER, TEMPORARY, opened_for_build
from molthub.index.publish import publish
from tests.builders import Tree, registry, skill, skill_version, write_tree
from tests.index import walk
from tests.index.made import TWO_VERSIONS, build, site

DAY = 24 * 60 * 60
THIRD_VERSION = registry(skill("git", "1.1.0", "1.2.0", "1.3.0"), skill("docker"), locked=False)


def modified(folder: Path) -> dict[str, int]:
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def age(folder: Path, days: float) -> None:
    """Make every root as if it had been written so long ago."""
    for file in folder.glob("*.registry.json"):
        then = time.time() - days * DAY
        os.utime(file, (then, then))


def test_what_is_built_is_what_stands_there(tmp_path: Path) -> None:
    index = build(TWO_VERSIONS)
    result = publish(index, tmp_path / "a" / "site")
    assert walk.contents(tmp_path / "a" / "site") == {
        **index.files,
        MARKER: (tmp_path / "a" / "site" / MARKER).read_bytes(),
    }
    assert set(result.written) == set(index.files)
    assert (result.unchanged, result.removed) == (0, ())
    walk.verify(tmp_path / "a" / "site")


def test_what_is_unchanged_is_not_touched(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path)
    before = modified(tmp_path)
    result = publish(build(TWO_VERSIONS), tmp_path)
    assert (result.written, result.removed) == ((), ())
    assert result.unchanged == len(build(TWO_VERSIONS).files)
    assert modified(tmp_path) == before


def test_one_new_version_writes_what_speaks_of_it_and_nothing_else(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path)
    written = publish(build(THIRD_VERSION), tmp_path).written
    assert not [path for path in written if "docker" in path]
    assert len([path for path in written if path.startswith("archives/")]) == 1
    assert len([path for path in written if path.startswith("shards/")]) == 1
    walk.verify(tmp_path)


def test_blobs_come_first_and_the_root_last(tmp_path: Path) -> None:
    written = publish(build(TWO_VERSIONS), tmp_path).written
    blobs = [bool(BLOB.match(path)) for path in written]
    assert blobs == sorted(blobs, reverse=True)
    assert written[-1] == "registry.json"
    assert written[blobs.index(False) - 1].endswith(".registry.json")


def test_a_damaged_file_is_mended(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path)
    archive = next((tmp_path / "archives").iterdir())
    archive.write_bytes(b"")
    assert publish(build(TWO_VERSIONS), tmp_path).written == (f"archives/{archive.name}",)
    walk.verify(tmp_path)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_modes_are_the_same_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        site(TWO_VERSIONS, tmp_path / "site")
    finally:
        os.umask(before)
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (tmp_path / "site").rglob("*")}
    assert modes == {(True, 0o755), (False, 0o644)}


# --- what is removed, and what never -------------------------------------------------------------------------------


def test_views_of_what_is_gone_are_removed_with_their_folders(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path)
    result = publish(build(registry(skill("git", "1.1.0", "1.2.0"), locked=False)), tmp_path)
    assert {"simple/docker/index.html", "api/v1/skills/docker.json"} <= set(result.removed)
    assert not (tmp_path / "simple" / "docker").exists()
    assert not (tmp_path / "api" / "v1" / "skills" / "docker").exists()
    walk.verify(tmp_path)


def test_other_peoples_files_stay(tmp_path: Path) -> None:
    theirs: Tree = {"CNAME": "skills.example.com", ".well-known/security.txt": "Contact: x", "blog/index.html": "hi"}
    site(TWO_VERSIONS, tmp_path)
    write_tree(theirs, tmp_path)
    site(registry(skill("docker"), locked=False), tmp_path)
    assert {path: (tmp_path / path).read_text() for path in theirs} == theirs


def test_what_strays_into_an_index_folder_is_removed(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path)
    write_tree({"api/v1/skills/old.json": "{}", "archives/note.txt": "x"}, tmp_path)
    assert publish(build(TWO_VERSIONS), tmp_path).removed == ("api/v1/skills/old.json", "archives/note.txt")


@pytest.mark.parametrize("name", ["notes.txt", "registry.json", "api/v1/data.json"])
def test_a_folder_of_somebodys_files_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    write_tree({name: "{}"}, tmp_path)
    with pytest.raises(MolthubError, match="not empty, and no index") as refused:
        site(TWO_VERSIONS, tmp_path)
    assert "new or empty folder" in refused.value.remedy
    assert walk.contents(tmp_path) == {name: b"{}"}


def test_a_branch_of_its_own_may_hold_the_index(tmp_path: Path) -> None:
    write_tree({".git/HEAD": "ref: refs/heads/gh-pages\n"}, tmp_path)
    walk.verify(site(TWO_VERSIONS, tmp_path))
    assert (tmp_path / ".git" / "HEAD").exists()


def test_an_index_that_was_copied_without_its_marker_is_an_index(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two", ignore=shutil.ignore_patterns(MARKER))
    walk.verify(site(THIRD_VERSION, tmp_path / "two"))


def test_a_link_in_place_of_an_index_folder_is_not_followed(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path / "site")
    write_tree({"precious.txt": "x"}, tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "site" / "api")
    (tmp_path / "site" / "api").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MolthubError, match="this is a link"):
        site(TWO_VERSIONS, tmp_path / "site")
    assert walk.contents(tmp_path / "elsewhere") == {"precious.txt": b"x"}


@pytest.mark.parametrize("order", [("data", "data/x.md"), ("data/x.md", "data")], ids=["file first", "folder first"])
def test_a_skills_file_may_become_a_folder_and_back(tmp_path: Path, order: tuple[str, str]) -> None:
    first, second = order
    old = skill_version("git", "1.0.0", {first: "one"})
    new = skill_version("git", "1.1.0", {second: "two"})
    site(registry(skill("git", versions={"1.0.0": old}), locked=False), tmp_path)
    site(registry(skill("git", versions={"1.0.0": old, "1.1.0": new}), locked=False), tmp_path)
    assert (tmp_path / "s/git/.well-known/agent-skills/git" / second).read_text() == "two"
    walk.verify(tmp_path)


# --- old roots -----------------------------------------------------------------------------------------------------


def roots(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.registry.json")}


def old_index(folder: Path) -> Path:
    """Return a folder that holds only what the root before the last one names, as a client may have read it."""
    root = (folder / "registry.json").read_bytes()
    old = next(file for file in folder.glob("*.registry.json") if file.read_bytes() != root)
    copy = folder.parent / "old"
    shutil.copytree(folder, copy)
    shutil.copyfile(old, copy / "registry.json")
    return copy


def test_a_client_with_the_old_root_still_gets_everything(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path / "site")
    site(registry(skill("docker"), locked=False), tmp_path / "site")
    assert "skill/git@1.2.0" in walk.releases(tmp_path / "site", walk.verify(old_index(tmp_path / "site")))


def test_after_thirty_days_the_old_root_and_its_blobs_go(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path)
    site(registry(skill("docker"), locked=False), tmp_path)
    age(tmp_path, 31)
    site(registry(skill("docker"), locked=False), tmp_path)
    assert len(roots(tmp_path)) == 1
    assert len(list((tmp_path / "archives").iterdir())) == 1
    walk.verify(tmp_path)


def test_the_days_count_from_when_a_root_was_replaced(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path)
    age(tmp_path, 100)
    site(THIRD_VERSION, tmp_path)
    assert len(roots(tmp_path)) == 2


def test_the_archive_of_a_removed_version_goes_at_once(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path)
    release = walk.releases(tmp_path, walk.verify(tmp_path))["skill/git@1.2.0"]
    records = {"1.2.0": {"removed": "It leaks."}}
    site(registry(skill("git", "1.1.0", "1.2.0", records=records), skill("docker"), locked=False), tmp_path)
    assert not (tmp_path / "archives" / f"{release['archive']}.tar.gz").exists()
    assert len(roots(tmp_path)) == 2
    walk.verify(tmp_path)


def test_an_old_root_that_was_damaged_keeps_nothing(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path)
    site(registry(skill("docker"), locked=False), tmp_path)
    current = (tmp_path / "registry.json").read_bytes()
    for file in tmp_path.glob("*.registry.json"):
        if file.read_bytes() != current:
            file.write_text("{}")
    site(registry(skill("docker"), locked=False), tmp_path)
    assert len(roots(tmp_path)) == 1
    walk.verify(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08", gzip.compress(b"{}")], ids=["empty", "cut off", "no shard"])
def test_an_old_shard_that_was_damaged_keeps_nothing(tmp_path: Path, content: bytes) -> None:
    site(TWO_VERSIONS, tmp_path)
    for file in (tmp_path / "shards").iterdir():
        file.write_bytes(content)
    site(registry(skill("new"), locked=False), tmp_path)
    assert len(list((tmp_path / "archives").iterdir())) == 1
    walk.verify(tmp_path)


# --- two at once, and trouble --------------------------------------------------------------------------------------


def test_two_builds_into_one_folder_do_not_mix(tmp_path: Path) -> None:
    with opened_for_build(tmp_path), pytest.raises(MolthubError, match="another build is writing here"):
        site(TWO_VERSIONS, tmp_path)
    walk.verify(site(TWO_VERSIONS, tmp_path))


def test_what_a_killed_run_left_half_written_is_removed(tmp_path: Path) -> None:
    write_tree({MARKER: "", TEMPORARY: "{", f"archives/{TEMPORARY}": "half"}, tmp_path)
    site(TWO_VERSIONS, tmp_path)
    assert not list(tmp_path.rglob(TEMPORARY))
    walk.verify(tmp_path)


LIMITED = """
import resource, sys
from pathlib import Path
from molthub.cli.main import molthub_group
from molthub.console import run
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), -1))
status = run(molthub_group, sys.argv[2:])
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
sys.exit(status)
"""


def test_a_disk_that_refuses_to_write_leaves_the_old_index(tmp_path: Path) -> None:
    registry_folder = write_tree(TWO_VERSIONS, tmp_path / "registry")
    out = site(TWO_VERSIONS, tmp_path / "site")
    root = (out / "registry.json").read_bytes()
    large = skill_version("git", "2.0.0", {"assets/large.bin": os.urandom(50_000)})
    write_tree(registry(skill("git", "1.1.0", "1.2.0", versions={"2.0.0": large}), locked=False), registry_folder)
    arguments = ["build", "--registry", str(registry_folder), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "20000", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert (out / "registry.json").read_bytes() == root
    assert not list(out.rglob(TEMPORARY))
    walk.verify(out)
    unlimited = [sys.executable, "-c", LIMITED, str(resource.RLIM_INFINITY), *arguments]
    assert subprocess.run(unlimited, check=False).returncode == 0
    assert "skill/git@2.0.0" in walk.releases(out, walk.verify(out))
