"""``molthub mirror`` as people type it: a whole copy, a part, a bundle; what readers of the folder see meanwhile."""

from __future__ import annotations

import gzip
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from molthub.client.access.environment import variable
from molthub.client.addresses import parse_address
from molthub.index.serve import make_server
from tests.builders import bot, commit, fleet, registry, skill
from tests.index import walk
from tests.index_fixture import (
    IndexBuilder,
    IndexServer,
    everywhere,
    locked,
    serve,
    tampered,
    truncated,
    unavailable,
)
from tests.loopback import serving
from tests.registry.command import Command

KILLS = int(os.environ.get("MOLTHUB_KILLS", "10"))
Change = Callable[[IndexServer], Any]


@pytest.fixture
def index() -> IndexBuilder:
    """Return an index with dependencies, an application, a scope, packs, a yanked version."""
    builder = IndexBuilder()
    builder.skill("shell-safety", "1.0.2")
    builder.skill("shell-safety", "1.0.3")
    builder.skill("shell-safety", "2.0.0")
    builder.skill("git", "1.1.0", yanked="It skipped hooks.")
    builder.skill("git", "1.2.0", dependencies={"shell-safety": "^1.0", "roundtable": ">=2"})
    builder.skill("docker", "2.0.0")
    builder.skill("docker", "2.0.1")
    builder.skill("@acme/deploy", "0.1.0")
    builder.skill("@acme/check", "0.2.0")
    builder.pack("dev", 1, ["docker@2.0.0", "git@1.2.0", "shell-safety@1.0.2"])
    builder.pack("dev", 2, ["docker@2.0.1", "git@1.2.0", "shell-safety@1.0.3"])
    return builder


@pytest.fixture
def server(index: IndexBuilder) -> Iterator[IndexServer]:
    with serve(index.files()) as server:
        yield server


def held(folder: Path) -> set[str]:
    """Return the versions that an index offers, verified: ``skill/git@1.2.0``."""
    root = walk.verify(folder)
    return {name for name, release in walk.releases(folder, root).items() if "archive" in release}


def installed(folder: Path) -> dict[str, bytes]:
    return {
        path: content for path, content in walk.contents(folder).items() if not path.startswith((".", "index.json"))
    }


# --- a whole mirror ------------------------------------------------------------------------------------------------


def test_a_mirror_holds_what_the_origin_publishes(server: IndexServer, molthub: Command, tmp_path: Path) -> None:
    said = molthub("mirror", server.url, "m")
    assert said.out.splitlines()[0] == f"m: 5 skills (9 versions), 1 packs, revision {IndexBuilder.revision[:12]}"
    assert "it is not signed" in said.err
    walk.verify(tmp_path / "m")
    mirrored = {path: content for path, content in walk.contents(tmp_path / "m").items() if not path.startswith(".")}
    twin = f"{walk.sha256(server.files['registry.json'])}.registry.json"
    assert mirrored == {**server.files, twin: server.files["registry.json"]}


def test_what_a_mirror_gives_is_what_the_origin_gives(
    server: IndexServer, molthub: Command, skills: Command, tmp_path: Path, home: Path
) -> None:
    """From the folder and over ``molthub serve``, with the origin gone and nothing in any cache: the same bytes."""
    names = ("git", "@acme/deploy", "pack/dev", "--host", "roundtable=2.1.0")
    found = {}
    for place in ("origin", "folder", "served"):
        shutil.rmtree(home / ".cache", ignore_errors=True)
        (tmp_path / place / ".skills").mkdir(parents=True)
        os.chdir(tmp_path / place)
        if place == "origin":
            assert skills("install", *names, "--registry", server.url).status == 0
            assert molthub("mirror", server.url, tmp_path / "m").status == 0
            server.faults = everywhere(unavailable(99))
        elif place == "folder":
            assert skills("install", *names, "--registry", tmp_path / "m").status == 0
        else:
            with serving(make_server(tmp_path / "m")) as copy:
                assert skills("install", *names, "--registry", copy.url).status == 0
                assert skills("search", "deploy", "--registry", copy.url, "--quiet").out.count("@acme/deploy") == 1
        found[place] = installed(tmp_path / place / ".skills")
    assert found["origin"] == found["folder"] == found["served"] != {}


def test_a_second_run_fetches_nothing(server: IndexServer, molthub: Command) -> None:
    assert molthub("mirror", server.url, "m", "--json").json["changed"] is True
    server.requests.clear()
    said = molthub("mirror", "m", "--json").json
    assert server.paths == ["metadata/timestamp.json", "registry.json"]
    assert (said["fetched"], said["changed"], said["removed"]) == (0, False, [])
    assert said["present"] == len(server.files) - 1


def test_only_what_is_new_is_fetched_and_the_old_stays_for_its_readers(
    server: IndexServer, index: IndexBuilder, molthub: Command, tmp_path: Path
) -> None:
    molthub("mirror", server.url, "m")
    before = walk.contents(tmp_path / "m")
    index.skill("docker", "3.0.0")
    server.files = index.files()
    server.requests.clear()
    said = molthub("mirror", "m", "--json").json
    assert sorted(path.split("/")[0] for path in server.paths) == [
        "archives", "metadata", "registry.json", "search", "shards"]  # fmt: skip
    assert (said["fetched"], said["changed"], said["removed"]) == (3, True, [])
    assert "skill/docker@3.0.0" in held(tmp_path / "m")
    kept = {path: content for path, content in before.items() if path != "registry.json" and path[0] != "."}
    assert kept.items() <= walk.contents(tmp_path / "m").items()


def test_what_no_root_of_the_last_30_days_names_is_removed(
    server: IndexServer, index: IndexBuilder, molthub: Command, tmp_path: Path
) -> None:
    molthub("mirror", server.url, "m")
    old = set(walk.contents(tmp_path / "m"))
    index.skill("docker", "3.0.0")
    server.files = index.files()
    molthub("mirror", "m")
    for root in (tmp_path / "m").glob("*.registry.json"):
        os.utime(root, (0, time.time() - 31 * 24 * 3600))
    assert len(molthub("mirror", "m", "--dry-run", "--json").json["removed"]) == 3
    removed = molthub("mirror", "m", "--json").json["removed"]
    assert sorted(path.partition("/")[0][-13:] for path in removed) == ["registry.json", "search", "shards"]
    assert set(removed) < old
    walk.verify(tmp_path / "m")


def test_a_version_that_was_removed_is_gone_at_once(
    server: IndexServer, index: IndexBuilder, molthub: Command, tmp_path: Path
) -> None:
    molthub("mirror", server.url, "m")
    release = index.skills["docker"].releases["2.0.0"].artifact

    index.change_release(
        "docker", "2.0.0", removed="malware", artifact=replace(release, archive="", size=0, unpacked=0)
    )
    del index.packs["dev"]
    server.files = index.files()
    said = molthub("mirror", "m", "--json").json
    assert f"archives/{release.archive}.tar.gz" in said["removed"]
    assert not (tmp_path / "m/archives" / f"{release.archive}.tar.gz").exists()


def test_damage_on_the_mirrors_own_disk_is_found_and_mended(
    server: IndexServer, molthub: Command, tmp_path: Path
) -> None:
    molthub("mirror", server.url, "m")
    for folder in ("archives", "shards", "search"):
        next((tmp_path / "m" / folder).iterdir()).write_bytes(b"rotten")
    said = molthub("mirror", "m", "--json").json
    assert (said["mended"], said["fetched"]) == (3, 3)
    walk.verify(tmp_path / "m")


@pytest.mark.parametrize("fault", [tampered, truncated, unavailable(99, 404)])
@pytest.mark.parametrize("place", ["registry.json", "shards/", "search/", "archives/"])
def test_what_goes_wrong_leaves_the_old_mirror_and_the_next_run_goes_on(
    fault: Any, place: str, server: IndexServer, index: IndexBuilder, molthub: Command, tmp_path: Path
) -> None:
    molthub("mirror", server.url, "m")
    before = held(tmp_path / "m")
    for number in range(3):
        index.skill(f"new-{number}", "1.0.0")
    server.files = index.files()
    server.faults = {place: fault}
    said = molthub("mirror", "m", "--json")
    assert said.status == 1, said
    assert said.json["error"]["message"]
    assert held(tmp_path / "m") == before
    server.faults = {}
    server.requests.clear()
    assert molthub("mirror", "m").status == 0
    assert len(held(tmp_path / "m")) == len(before) + 3
    if place == "archives/":
        assert [path for path in server.paths if path.startswith("shards/")] == [], "they were fetched before"


def test_archives_that_are_not_as_named_are_all_told_and_can_be_left_out(
    server: IndexServer, index: IndexBuilder, molthub: Command, tmp_path: Path
) -> None:
    bad = [index.skills[name].releases[version].artifact for name, version in (("git", "1.1.0"), ("docker", "2.0.0"))]
    server.faults = {f"archives/{artifact.archive}.tar.gz": tampered for artifact in bad[:1]}
    del server.files[f"archives/{bad[1].archive}.tar.gz"]
    said = molthub("mirror", server.url, "m")
    assert said.status == 1
    assert "docker@2.0.0: the index names this file but does not have it" in said.err
    assert "git@1.1.0" in said.err
    assert "--keep-going" in said.err
    assert not (tmp_path / "m/registry.json").exists()
    said = molthub("mirror", server.url, "m", "--keep-going", "--json")
    assert (said.status, len(said.json["problems"])) == (4, 2)
    assert (tmp_path / "m/registry.json").exists()


def test_a_dry_run_writes_nothing(server: IndexServer, molthub: Command, tmp_path: Path) -> None:
    said = molthub("mirror", server.url, "m", "--dry-run")
    assert (said.status, list(tmp_path.iterdir())) == (0, [])
    assert "files would be fetched" in said.out
    assert molthub("mirror", server.url, "m", "--dry-run", "--json").json["dryRun"] is True


def test_a_killed_run_leaves_a_whole_mirror_and_the_next_one_completes_it(tmp_path: Path) -> None:
    seed = secrets.randbelow(2**32)
    chance = random.Random(seed)  # noqa: S311 (moments to kill at)
    index = IndexBuilder()
    for number in range(30):
        index.skill(f"skill-{number}", "1.0.0")
    with serve(index.files()) as server:
        command = [sys.executable, "-m", "molthub.cli.main", "mirror", server.url, str(tmp_path / "m"), "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for round_ in range(max(2, KILLS // 3)):
            before = held(tmp_path / "m")
            for number in range(30):
                index.skill(f"skill-{number}", f"1.{round_ + 1}.0")
            server.files = index.files()
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                asked = len(server.requests)
                while process.poll() is None and len(server.requests) == asked:
                    time.sleep(0.001)
                time.sleep(chance.uniform(0, 0.15))
                process.kill()
            assert held(tmp_path / "m") in (before, everything(index)), f"seed {seed}"
            there = {path.name for path in (tmp_path / "m/archives").iterdir() if path.suffix == ".gz"}
            server.requests.clear()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            assert held(tmp_path / "m") == everything(index), f"seed {seed}"
            again = {path.removeprefix("archives/") for path in server.paths} & there
            assert again == set(), f"seed {seed}"
            assert not list((tmp_path / "m").rglob("*.tmp"))


def everything(index: IndexBuilder) -> set[str]:
    return {f"skill/{name}@{version}" for name, entry in index.skills.items() for version in entry.releases}


# --- where it may write --------------------------------------------------------------------------------------------


def test_a_folder_of_something_else_is_refused(
    server: IndexServer, index: IndexBuilder, molthub: Command, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    index.write(tmp_path / "built")
    for folder, message in (("mine", "not empty"), ("built", "an index is built here")):
        said = molthub("mirror", server.url, folder)
        assert (said.status, message in said.err) == (1, True), said
    assert molthub("mirror", "nowhere").status == 2
    assert molthub("mirror", "a", "b", "c").status == 2
    (tmp_path / "m").mkdir()
    (tmp_path / "m/.molthub-mirror.json").write_text("{}")
    assert "delete it" in molthub("mirror", server.url, "m").err


def test_another_registry_and_less_than_before_need_another_folder(
    server: IndexServer, molthub: Command, tmp_path: Path
) -> None:
    molthub("mirror", server.url, "m")
    said = molthub("mirror", server.url, "m", "--only", "git")
    assert (said.status, "would take most of it away" in said.err) == (2, True)
    other = IndexBuilder("other")
    other.skill("git", "9.0.0")
    with serve(other.files()) as elsewhere:
        said = molthub("mirror", elsewhere.url, "m")
    assert (said.status, "mirrors the registry acme, and that one is other" in said.err) == (2, True)
    assert "skill/git@1.2.0" in held(tmp_path / "m")


def test_two_runs_keep_out_of_each_others_way(server: IndexServer, molthub: Command, tmp_path: Path) -> None:
    from molthub.mirror.folder import MirrorFolder

    molthub("mirror", server.url, "m")
    with MirrorFolder(tmp_path / "m").opened():
        said = molthub("mirror", "m")
    assert (said.status, "another molthub" in said.err) == (1, True)


# --- parts ---------------------------------------------------------------------------------------------------------

GIT = {"skill/git@1.1.0", "skill/git@1.2.0"}
SAFE = {"skill/shell-safety@1.0.2", "skill/shell-safety@1.0.3"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--only", "git"), GIT | SAFE),
        (("--only", "git", "--latest"), {"skill/git@1.2.0", "skill/shell-safety@1.0.3"}),
        (("--only", "git@1.1.0"), {"skill/git@1.1.0"}),
        (("--only", "@acme"), {"skill/@acme/deploy@0.1.0", "skill/@acme/check@0.2.0"}),
        (("--only", "@acme/check", "--only", "docker@^2.0.1"), {"skill/@acme/check@0.2.0", "skill/docker@2.0.1"}),
        (
            ("--only", "pack/dev", "--latest"),
            {"pack/dev@2", "skill/docker@2.0.1", "skill/git@1.2.0", "skill/shell-safety@1.0.3"},
        ),
        (
            ("--only", "pack/dev@1"),
            {"pack/dev@1", "skill/docker@2.0.0", "skill/git@1.2.0", "skill/shell-safety@1.0.2"},
        ),
        (
            ("--latest",),
            {"pack/dev@2", "skill/docker@2.0.1", "skill/git@1.2.0", "skill/shell-safety@1.0.3",
             "skill/shell-safety@2.0.0", "skill/@acme/deploy@0.1.0", "skill/@acme/check@0.2.0"},
        ),
    ],
)  # fmt: skip
def test_a_part_holds_what_was_named_and_what_that_needs(
    options: tuple[str, ...], expected: set[str], server: IndexServer, molthub: Command, skills: Command, tmp_path: Path
) -> None:
    said = molthub("mirror", server.url, "part", *options)
    assert said.status == 0, said
    assert "not signed" in said.err
    assert held(tmp_path / "part") == expected
    names = {name.partition("/")[2].rpartition("@")[0] for name in expected}
    rows = skills("search", "--registry", "part", "--json", "--quiet").json
    listed = rows if isinstance(rows, list) else rows["results"]
    assert {row["name"].removeprefix("pack/") for row in listed} == names
    archives = {path.name for path in (tmp_path / "part/archives").iterdir()}
    assert len(archives) == len(expected)


def test_a_part_installs_and_grows_with_its_origin(
    server: IndexServer, index: IndexBuilder, molthub: Command, skills: Command, tmp_path: Path
) -> None:
    molthub("mirror", server.url, "part", "--only", "git", "--latest")
    index.skill("git", "1.3.0", dependencies={"docker": "^2"})
    server.files = index.files()
    assert molthub("mirror", "part", "--quiet").status == 0
    assert held(tmp_path / "part") == {"skill/git@1.3.0", "skill/docker@2.0.1"}
    (tmp_path / ".skills").mkdir()
    server.faults = everywhere(unavailable(99))
    assert skills("install", "git", "--registry", "part").out.splitlines()[-1] == "+ git 1.3.0"


def test_everything_that_is_not_there_is_named(server: IndexServer, molthub: Command, tmp_path: Path) -> None:
    names = ("gti", "pack/deb", "@acne", "git@^7", "pack/dev@9")
    options = [word for name in names for word in ("--only", name)]
    said = molthub("mirror", server.url, "part", *options)
    assert said.status == 1
    told: tuple[str, ...] = (
        "gti is not in this index",
        "did you mean git",
        "pack/deb is not",
        "@acne is not",
        "did you mean @acme",
    )
    told = (*told, "git@^7: no version", "pack/dev@9: there is no such version")
    assert [words for words in told if words not in said.err] == []
    assert not (tmp_path / "part/registry.json").exists()
    assert molthub("mirror", server.url, "part", "--only", "Not A Name").status == 2
    assert molthub("mirror", server.url, "part", "--only", "@").status == 2
    assert "there is no fleet prod" in molthub("mirror", server.url, "part", "--fleet", "prod").err


def test_a_part_of_a_large_index_is_found_in_its_many_search_lists(
    server: IndexServer, index: IndexBuilder, molthub: Command, skills: Command
) -> None:
    """Its search lists are those of a directory, and its shards have longer keys."""
    index.shard_length = 2
    files = index.files()
    root = json.loads(files["registry.json"])
    rows = json.loads(gzip.decompress(files[f"search/{root['search']['']}.json.gz"]))
    lists = [{**rows, "skills": rows["skills"][:3], "packs": []}, {**rows, "skills": rows["skills"][2:]}]
    names: list[str] = []
    for number, content in enumerate((*lists, None)):
        document = content or {"format": "molthub.search-directory/1", "rows": 6, "lists": names, "whole": {"g": 0},
                               "best": {}, "words": {}}  # fmt: skip
        packed = gzip.compress(json.dumps(document).encode(), mtime=0)
        name = walk.sha256(packed)
        files[f"search/{name}.json.gz"] = packed
        names = [*names, name] if number < 2 else names
        root["search"] = {"directory": name}
    files["registry.json"] = json.dumps(root).encode()
    server.files = files
    assert molthub("mirror", server.url, "part", "--only", "git").status == 0
    assert skills("search", "git", "--registry", "part", "--quiet").status == 0
    assert molthub("mirror", server.url, "all", "--json").json["fetched"] == len(files) - 2


# --- bundles -------------------------------------------------------------------------------------------------------


def test_a_bundle_is_carried_and_read_on_the_other_side(
    server: IndexServer, index: IndexBuilder, molthub: Command, skills: Command, tmp_path: Path
) -> None:
    said = molthub("mirror", server.url, "outside", "--bundle", "one.tar")
    assert said.out.splitlines()[-1].startswith("one.tar: ")
    with tarfile.open("one.tar") as tar:
        assert tar.getnames()[-1] == "registry.json"
        assert {(member.isreg(), member.mtime, member.uid) for member in tar} == {(True, 0, 0)}
    index.skill("docker", "3.0.0")
    server.files = index.files()
    molthub("mirror", "outside", "--bundle", "two.tar")
    server.faults = everywhere(unavailable(99))
    assert molthub("mirror", "one.tar", "inside").status == 0
    said = molthub("mirror", "two.tar", "inside", "--json")
    assert (said.status, said.json["fetched"]) == (0, 3)
    assert held(tmp_path / "inside") == held(tmp_path / "outside")
    (tmp_path / ".skills").mkdir()
    assert skills("install", "docker", "--registry", "two.tar").out == "+ docker 3.0.0\n"
    assert molthub("mirror", "inside", "--bundle", "three.tar", "--json").json["bundle"]["file"] == "three.tar"


def test_the_same_mirror_is_the_same_bundle(server: IndexServer, molthub: Command, tmp_path: Path) -> None:
    molthub("mirror", server.url, "m", "--bundle", "one.tar")
    molthub("mirror", "m", "--bundle", "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_a_bundle_that_is_none_is_refused(server: IndexServer, molthub: Command, tmp_path: Path) -> None:
    molthub("mirror", server.url, "m", "--bundle", "good.tar")
    content = bytearray((tmp_path / "good.tar").read_bytes())
    (tmp_path / "letter.txt").write_text("Dear all,")
    (tmp_path / "cut.tar").write_bytes(content[: len(content) // 2])
    content[700] ^= 1
    (tmp_path / "bent.tar").write_bytes(content)
    for name in ("letter.txt", "cut.tar", "bent.tar"):
        said = molthub("mirror", name, f"from-{name}", "--json")
        assert (said.status, said.json["error"].get("id", "")[:2]) == (1, "MH"), (name, said)


# --- private origins -----------------------------------------------------------------------------------------------


def test_a_private_index_is_mirrored_by_those_who_get_in(
    server: IndexServer, molthub: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.faults = everywhere(locked("Bearer letmein"))
    said = molthub("mirror", server.url, "m")
    assert (said.status, "skills registry login" in said.err) == (1, True)
    monkeypatch.setenv(variable("TOKEN", parse_address(server.url).origin), "letmein")
    assert molthub("mirror", server.url, "m").status == 0
    assert "letmein" not in (tmp_path / "m/.molthub-mirror.json").read_text()


def test_bots_are_brought_in_sync_from_a_private_index(
    molthub: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit(registry(skill("git", "1.0.0"), fleet("prod"), bot("prod", "ada", skills=["git"])), tmp_path / "registry")
    assert molthub("build", "--registry", "registry", "--out", "site", "--fleets").status == 0
    with serve(walk.contents(tmp_path / "site")) as private:
        private.faults = everywhere(locked("Bearer letmein"))
        arguments = ("reconcile", "--index", private.url, "--target", "bots", "--once")
        assert molthub(*arguments).status == 1
        monkeypatch.setenv(variable("TOKEN", parse_address(private.url).origin), "letmein")
        said = molthub(*arguments)
    assert said.status == 0, said
    assert list((tmp_path / "bots").rglob("SKILL.md"))
