"""A .skills folder is the old or the new, whatever happens in between, and its own files are read with care."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from molthub.client.cache import Store
from molthub.client.lockfile import InstalledVersion, read_lockfile, write_lockfile
from molthub.client.paths import home_skills, index_cache, skills_folder, state_folder
from molthub.client.skills_folder import SkillsFolder
from molthub.client.uninstall import uninstall
from molthub.client.wanted import parse_all
from molthub.errors import FormatError, MolthubError, NotFoundError

DIGEST = f"sha256:{'1' * 64}"


def entry(name: str, version: str, **facts: Any) -> InstalledVersion:
    return InstalledVersion(name, version, DIGEST, **facts)


def listing(*entries: InstalledVersion) -> dict[tuple[str, str], InstalledVersion]:
    return {(each.name, each.version): each for each in entries}


def fill(place: Path, text: str) -> None:
    place.mkdir()
    (place / "SKILL.md").write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> SkillsFolder:
    """Return a folder with git 1.0.0 and @acme/deploy 1.0.0 in it."""
    folder = SkillsFolder(tmp_path / ".skills")
    with folder.writing(), folder.change() as change:
        fill(change.add("git", "1.0.0"), "git one")
        fill(change.add("@acme/deploy", "1.0.0"), "deploy one")
        change.commit(listing(entry("git", "1.0.0"), entry("@acme/deploy", "1.0.0")))
    return folder


def names(folder: SkillsFolder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir())


def test_the_layout_is_as_documented(folder: SkillsFolder) -> None:
    assert names(folder) == [".lock", "@acme", "git", "index.json"]
    assert (folder.path / "git" / "1.0.0" / "SKILL.md").read_text() == "git one"
    assert (folder.path / "@acme" / "deploy" / "1.0.0" / "SKILL.md").read_text() == "deploy one"
    document = json.loads((folder.path / "index.json").read_bytes())
    assert document["format"] == "molthub.installed/1"
    assert document["skills"]["git"] == {"1.0.0": {"digest": DIGEST, "requested": None}}


def test_versions_stand_side_by_side_and_go_one_by_one(folder: SkillsFolder) -> None:
    with folder.writing(), folder.change() as change:
        fill(change.add("git", "2.0.0"), "git two")
        change.remove("@acme/deploy", "1.0.0")
        change.commit(listing(entry("git", "1.0.0"), entry("git", "2.0.0")))
    assert sorted(path.name for path in (folder.path / "git").iterdir()) == ["1.0.0", "2.0.0"]
    assert names(folder) == [".lock", "git", "index.json"]


def test_a_change_that_is_not_committed_leaves_nothing(folder: SkillsFolder) -> None:
    before = (folder.path / "index.json").read_bytes()

    def interrupted() -> None:
        with folder.writing(), folder.change() as change:
            fill(change.add("git", "2.0.0"), "git two")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(folder) == [".lock", "@acme", "git", "index.json"]
    assert (folder.path / "index.json").read_bytes() == before


def staged(folder: SkillsFolder) -> Path:
    """Leave behind what a process killed right after writing its journal leaves."""
    staging = folder.path / ".staging-0123"
    staging.mkdir()
    fill(staging / "0", "git two")
    fill(staging / "1", "git one, repaired")
    (staging / "index.json").write_bytes(write_lockfile(listing(entry("git", "1.0.0"), entry("git", "2.0.0"))))
    journal = {"adds": {"0": ["git", "2.0.0"], "1": ["git", "1.0.0"]}, "removes": [["@acme/deploy", "1.0.0"]]}
    (staging / "journal.json").write_text(json.dumps(journal))
    return staging


def finished(folder: SkillsFolder) -> None:
    with folder.writing():
        pass
    assert names(folder) == [".lock", "git", "index.json"]
    assert (folder.path / "git" / "2.0.0" / "SKILL.md").read_text() == "git two"
    assert (folder.path / "git" / "1.0.0" / "SKILL.md").read_text() == "git one, repaired"
    assert set(folder.installed()) == {("git", "1.0.0"), ("git", "2.0.0")}


def test_a_change_with_a_journal_is_finished_by_the_next_process(folder: SkillsFolder) -> None:
    staged(folder)
    finished(folder)


def test_uninstalling_what_an_interrupted_command_took_says_so(folder: SkillsFolder, store: Store) -> None:
    staged(folder)
    with pytest.raises(NotFoundError, match="not installed") as error:
        uninstall(parse_all(["@acme/deploy"]), folder, store)
    assert "interrupted" in error.value.remedy
    finished(folder)


@pytest.mark.parametrize("step", range(6))
def test_a_change_can_be_finished_from_any_step(folder: SkillsFolder, step: int) -> None:
    staging = staged(folder)
    git = folder.path / "git"
    steps = [
        lambda: (staging / "0").rename(git / "2.0.0"),
        lambda: (git / "1.0.0").rename(staging / "old-1"),
        lambda: (staging / "1").rename(git / "1.0.0"),
        lambda: (staging / "index.json").replace(folder.path / "index.json"),
        lambda: (folder.path / "@acme" / "deploy" / "1.0.0").rename(staging / "old-2"),
        (folder.path / "@acme" / "deploy").rmdir,
    ]
    for done in steps[: step + 1]:
        done()
    finished(folder)


@pytest.mark.parametrize("journal", [None, "", "{", "[]", '{"adds": {"0": ["../../evil", "1.0.0"]}, "removes": []}',
                                     '{"adds": {"../x": ["git", "3.0.0"]}, "removes": []}',
                                     '{"adds": {}, "removes": [["git", "../.."]]}'])  # fmt: skip
def test_a_change_without_a_sound_journal_is_cleaned_up(folder: SkillsFolder, journal: str | None) -> None:
    staging = staged(folder)
    if journal is None:
        (staging / "journal.json").unlink()
    else:
        (staging / "journal.json").write_text(journal)
    with folder.writing():
        pass
    assert names(folder) == [".lock", "@acme", "git", "index.json"]
    assert sorted(path.name for path in (folder.path / "git").iterdir()) == ["1.0.0"]


def test_a_link_named_like_a_staging_folder_is_not_followed(folder: SkillsFolder, tmp_path: Path) -> None:
    (tmp_path / "owner").mkdir()
    (tmp_path / "owner" / "kept").write_text("kept")
    (folder.path / ".staging-link").symlink_to(tmp_path / "owner")
    with folder.writing():
        pass
    assert (tmp_path / "owner" / "kept").exists()
    assert ".staging-link" not in names(folder)


@pytest.mark.parametrize("where", ["git", "@acme"])
def test_nothing_is_written_through_a_link(folder: SkillsFolder, tmp_path: Path, where: str) -> None:
    target = tmp_path / "elsewhere"
    (folder.path / where).rename(target)
    (folder.path / where).symlink_to(target)
    name = "git" if where == "git" else "@acme/deploy"
    with folder.writing(), folder.change() as change:
        fill(change.add(name, "2.0.0"), "two")
        with pytest.raises(MolthubError, match="a link stands"):
            change.commit({})
    assert not list(target.rglob("2.0.0"))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"), SkillsFolder(tmp_path / "file" / ".skills").writing():
        pass


def test_a_lockfile_survives_the_round_trip() -> None:
    installed = listing(
        entry("git", "1.10.0", archive="a", registry="https://x/", requested="git", installed="2026-11-20T17:00:00Z"),
        entry("git", "1.9.0"),
        entry("@acme/deploy", "1.0.0-rc.1"),
    )
    content = write_lockfile(installed)
    assert read_lockfile(content, "index.json") == installed
    assert content == write_lockfile(dict(reversed(installed.items())))
    assert content.index(b'"1.9.0"') < content.index(b'"1.10.0"')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"format": "molthub.installed/1"}',
        b'{"format": "molthub.installed/1", "skills": []}',
        b'{"format": "molthub.installed/1", "skills": {"../evil": {"1.0.0": {"digest": "sha256:%s"}}}}' % (b"1" * 64),
        b'{"format": "molthub.installed/1", "skills": {"git": {"../..": {"digest": "sha256:%s"}}}}' % (b"1" * 64),
        b'{"format": "molthub.installed/1", "skills": {"git": {"1.0.0": {"digest": "md5:1"}}}}',
        b'{"format": "molthub.installed/1", "skills": {"git": {"1.0.0": {"digest": "sha256:%s", "requested": 1}}}}'
        % (b"1" * 64),
    ],
)
def test_a_lockfile_that_is_none_is_said_with_its_path(content: bytes) -> None:
    with pytest.raises(FormatError) as error:
        read_lockfile(content, "/p/.skills/index.json")
    assert error.value.place == "/p/.skills/index.json"
    assert "mend" in error.value.remedy


def test_a_newer_lockfile_asks_for_a_newer_molthub() -> None:
    with pytest.raises(FormatError) as error:
        read_lockfile(b'{"format": "molthub.installed/2", "skills": {}}', "index.json")
    assert "newer" in error.value.remedy


# --- which folder --------------------------------------------------------------------------------------------------


def test_the_nearest_folder_up_to_the_git_root_counts(tmp_path: Path, home: Path) -> None:
    root = tmp_path / "repository"
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    (root / ".git").mkdir()
    (tmp_path / ".skills").mkdir()
    assert skills_folder(deep) == home / ".skills", "what is above the git root does not count"
    (root / ".skills").mkdir()
    assert skills_folder(deep) == root / ".skills"
    (root / "a" / ".skills").mkdir()
    assert skills_folder(deep) == root / "a" / ".skills"
    assert skills_folder(deep, use_home=True) == home_skills() == home / ".skills"


def test_a_project_folder_is_made_here(tmp_path: Path, home: Path) -> None:
    assert skills_folder(tmp_path) == home / ".skills"
    assert skills_folder(tmp_path, project=True) == tmp_path / ".skills"


def test_outside_of_git_only_the_folder_itself_counts(tmp_path: Path, home: Path) -> None:
    (tmp_path / ".skills").mkdir()
    (tmp_path / "below").mkdir()
    assert skills_folder(tmp_path) == tmp_path / ".skills"
    assert skills_folder(tmp_path / "below") == home / ".skills"


def test_the_cache_follows_xdg(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = index_cache("https://skills.example.com/")
    assert place.parent == home / ".cache" / "molthub" / "index"
    assert place == index_cache("https://skills.example.com")
    assert place != index_cache("https://skills.example.org/")
    monkeypatch.setenv("XDG_STATE_HOME", "relative/is/ignored")
    assert state_folder() == home / ".local" / "state" / "molthub"


def test_an_unreadable_lockfile_is_an_os_error(folder: SkillsFolder) -> None:
    (folder.path / "index.json").unlink()
    (folder.path / "index.json").mkdir()
    with pytest.raises(IsADirectoryError):
        folder.installed()
