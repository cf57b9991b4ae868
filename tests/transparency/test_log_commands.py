"""``molthub sign`` keeps the log and ``skills verify`` checks it: the commands as people type them, over a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from molthub.client.trust import Trust
from molthub.transparency.checkpoint import read_checkpoint
from molthub.transparency.entries import LoggedRelease
from molthub.transparency.tiles import split_bundle
from tests.builders import pack, registry, skill
from tests.index_fixture import hang_up
from tests.registry.command import Command
from tests.transparency.every_tile import all_tiles
from tests.transparency.world import World, forked, numbered


@pytest.fixture
def installed(skills: Command, world: World) -> World:
    """Return the registry after a client has installed from it, which trusts its root."""
    root = world.keys / "1.root.json"
    assert skills("registry", "add", world.server.url, "--root", root, "--project").status == 0
    assert skills("install", "git@1.0.0").status == 0
    return world


def refused(skills: Command, problem: str) -> dict[str, str]:
    said = skills("verify", "--json")
    assert said.status == 1, said
    assert said.json["skills"][0]["state"] == "intact", "the files are judged whatever becomes of the log"
    problems: list[dict[str, str]] = said.json["logs"][0]["problems"]
    assert [found["id"] for found in problems] == [problem]
    assert problems[0]["remedy"]
    assert problem in skills("verify").err
    return problems[0]


def test_every_version_is_logged_in_order(world: World) -> None:
    world.publish({**numbered(3), **registry(skill("a"), pack("dev", {"skills": ["a"]}), skill("@acme/deploy"))})
    note = read_checkpoint(world.server.files["log/checkpoint"].decode())
    assert (note.origin, note.size) == ("acme/log", 6)
    entries = split_bundle(world.server.files["log/tile/entries/000.p/6"], 6)
    named = [(entry["type"], entry["name"], entry["version"]) for entry in map(json.loads, entries)]
    assert named[3:] == [("pack", "dev", "1"), ("skill", "@acme/deploy", "1.0.0"), ("skill", "a", "1.0.0")]
    assert [name for _, name, _ in named[:3]] == ["git"] * 3
    first = json.loads(entries[0])
    assert LoggedRelease("skill", "git", "1.0.0", first["digest"]).entry() == entries[0]
    assert first["format"] == "molthub.log-entry/1"


def test_what_is_yanked_or_removed_stays_in_the_log_and_adds_nothing(world: World) -> None:
    records = {"1.0.0": {"yanked": "It skips hooks."}, "1.1.0": {"removed": "Malware."}}
    numbers = ("1.0.0", "1.1.0", "1.2.0")
    tree = registry(skill("git", *numbers, records=records, homepage="https://example.com/"), locked=False)
    tree = {path: text for path, text in tree.items() if "/1.1.0/" not in path}
    said = world.publish(tree)
    assert (said.status, said.json["log"]["size"], said.json["log"]["added"]) == (0, 3, [])


def test_a_signature_that_adds_nothing_leaves_the_log_alone(world: World) -> None:
    before = {path: content for path, content in world.server.files.items() if path.startswith("log/")}
    said = world.publish({**numbered(3), "README.md": "Hello.\n"})
    assert said.json["log"]["added"] == []
    assert before == {path: content for path, content in world.server.files.items() if path.startswith("log/")}


def test_verify_finds_what_is_installed_in_the_log(skills: Command, installed: World) -> None:
    said = skills("verify", "--json")
    assert (said.status, said.json["logs"][0]["state"], said.json["logs"][0]["size"]) == (0, "proven", 3)
    assert said.json["skills"][0]["logIndex"] in range(3)
    installed.publish(numbered(260))
    assert skills("install", "git@1.259.0").status == 0
    installed.server.requests.clear()
    said = skills("verify")
    assert said.status == 0
    assert "2 in the log of" in said.err
    assert "260 versions, 257 more than before" in said.err
    asked = [path for path in installed.server.paths if path.startswith("log/")]
    assert len(asked) <= 5, "only the files that are needed are fetched"
    assert not any("entries" in path for path in asked)
    assert "more than before" not in skills("verify").err


def test_a_log_that_shrank_is_refused_at_once(skills: Command, installed: World) -> None:
    old = dict(installed.server.files)
    assert skills("verify").status == 0
    installed.publish(numbered(5))
    assert skills("verify").status == 0
    installed.fork(old, numbered(4))
    assert "had 5 entries and now has 4" in refused(skills, "MH621")["message"]
    said = skills("install", "git", "--json")
    assert (said.status, said.json["error"]["id"]) == (1, "MH621")


def test_a_fork_of_the_same_length_is_refused_at_once(skills: Command, installed: World) -> None:
    old = dict(installed.server.files)
    installed.publish(numbered(5))
    assert skills("verify").status == 0
    installed.fork(old, forked(2))
    refused(skills, "MH621")


def test_a_longer_fork_is_found_by_verify(skills: Command, installed: World) -> None:
    """Somebody who has the keys shows this client another history: it is consistent in itself, and not with ours."""
    old = dict(installed.server.files)
    installed.publish(numbered(5))
    assert skills("verify").status == 0
    installed.fork(old, forked(9))
    assert skills("search").status == 0
    assert "first 5 entries" in refused(skills, "MH621")["message"]


def test_a_fork_that_was_only_installed_from_is_found_later(skills: Command, installed: World) -> None:
    """What was read in between counts, though nobody asked for proof of it then."""
    assert skills("verify").status == 0
    live = dict(installed.server.files)
    installed.fork(live, forked(2), times=0)
    assert skills("search").status == 0
    installed.server.files = live
    for count in range(4, 9):
        installed.publish(numbered(count))
    refused(skills, "MH621")


def test_a_registry_that_stops_logging_is_refused(skills: Command, installed: World) -> None:
    installed.sign_by_hand(installed.server.files["registry.json"], log=False)
    assert "now has none" in refused(skills, "MH621")["message"]


def test_a_version_that_was_made_for_few_eyes_is_named(skills: Command, installed: World) -> None:
    """The index offers a version that its log does not hold."""
    live = dict(installed.server.files)
    installed.publish(numbered(4))
    hidden = installed.server.files["registry.json"]
    installed.server.files |= {
        path: content for path, content in live.items() if path.startswith(("log/", "metadata/"))
    }
    installed.sign_by_hand(hidden, log=True)
    assert skills("install", "git@1.3.0").status == 0
    found = refused(skills, "MH622")
    assert "git@1.3.0" in found["message"]
    assert "not among the 3 versions" in found["message"]
    assert skills("verify", "git@1.0.0").status == 0


def test_places_are_hints_only(skills: Command, installed: World) -> None:
    for path in [path for path in installed.server.files if path.startswith("log/places/")]:
        installed.server.files[path] = b"what is this?"
    assert skills("verify").status == 0
    for path in [path for path in installed.server.files if path.startswith("log/places/")]:
        del installed.server.files[path]
    assert skills("verify").status == 0


def test_damaged_tiles_are_told_from_a_fork(skills: Command, installed: World) -> None:
    path = "log/tile/0/000.p/3"
    good = installed.server.files[path]
    installed.server.files[path] = bytes(96)
    assert "do not lead" in refused(skills, "MH623")["message"]
    del installed.server.files[path]
    assert path in refused(skills, "MH623")["message"]
    installed.server.files[path] = good
    assert skills("verify").status == 0


def test_a_registry_that_does_not_answer_is_told_apart(skills: Command, installed: World) -> None:
    installed.server.faults["metadata/"] = hang_up
    said = skills("verify")
    assert (said.status, "MH601" in said.err, "1 intact" in said.err) == (4, True, True)
    assert skills("verify", "--offline").status == 0


def test_a_registry_that_nobody_trusts_is_not_asked(skills: Command, world: World) -> None:
    assert skills("install", "git", "--registry", world.server.url).status == 0
    world.server.requests.clear()
    said = skills("verify", "--json")
    assert (said.status, said.json["logs"][0]["state"], world.server.paths) == (0, "unsigned", [])


def test_a_registry_without_a_log_is_told(skills: Command, installed: World) -> None:
    Trust.of(installed.server.url).folder.joinpath("log.json").unlink()
    installed.sign_by_hand(installed.server.files["registry.json"], log=False)
    said = skills("verify")
    assert (said.status, "keeps no log" in said.err) == (0, True)


def test_what_was_seen_is_never_forgotten_by_accident(skills: Command, installed: World) -> None:
    kept = Trust.of(installed.server.url).folder / "log.json"
    kept.write_bytes(b"{}")
    assert "log.json" in refused(skills, "MH602")["message"]
    assert kept.read_bytes() == b"{}"


# --- what signing refuses ------------------------------------------------------------------------------------------


def test_a_version_that_changed_is_not_signed(world: World) -> None:
    said = world.publish(numbered(3, homepage="https://other.example.com/"))
    assert (said.status, said.json["error"]["id"]) == (1, "MH621")
    assert "git@1.0.0 is logged with sha256:" in said.json["error"]["message"]
    assert "2 more like it" in said.json["error"]["message"]
    assert said.json["error"]["remedy"]
    said = world.publish(None, "--accept-fork")
    assert (said.status, said.json["log"]["size"]) == (0, 6)


def test_a_version_that_is_gone_is_named_and_stays_logged(world: World) -> None:
    said = world.publish(numbered(2))
    assert (said.status, said.json["log"]["size"], "git@1.2.0" in said.err) == (0, 3, True)
    assert world.publish(numbered(3)).json["log"]["added"] == [], "it is back, and is not logged twice"


@pytest.mark.parametrize("path", ["log/tile/0/000.p/3", "log/tile/entries/000.p/3", "log/checkpoint"])
def test_a_damaged_log_is_not_gone_on_from(path: str, world: World) -> None:
    good = world.server.files[path]
    world.server.files[path] = good[:-1]
    said = world.publish(numbered(4))
    assert (said.status, said.json["error"]["id"] in ("MH611", "MH623")) == (1, True)
    assert said.json["error"]["place"]
    assert said.json["error"]["remedy"]
    world.server.files[path] = good
    assert world.publish(None).status == 0


def test_a_checkpoint_of_another_history_is_not_gone_on_from(world: World) -> None:
    old = dict(world.server.files)
    world.publish(forked(2))
    fork = world.server.files["log/checkpoint"]
    world.server.files = old
    world.publish(numbered(9), "--accept-fork")
    world.server.files["log/checkpoint"] = fork
    said = world.publish(None)
    assert (said.status, said.json["error"]["id"]) == (1, "MH621")
    del world.server.files["log/checkpoint"]
    assert world.publish(None).status == 0, "whoever was killed before the last file is gone on from"


def test_a_checkpoint_that_is_ahead_of_the_metadata_is_not_gone_on_from(world: World) -> None:
    old = dict(world.server.files)
    world.publish(numbered(4))
    world.server.files = {**world.server.files, **old, "log/checkpoint": world.server.files["log/checkpoint"]}
    said = world.publish(None)
    assert (said.status, said.json["error"]["id"]) == (1, "MH621")
    assert "with 4 entries, and the signed metadata names acme/log with 3" in said.json["error"]["message"]


def test_a_folder_that_has_seen_more_than_the_live_site_stops(world: World, tmp_path: Path) -> None:
    live = dict(world.server.files)
    signing = ("sign", "--keys", world.keys, "--registry", world.repository, "--index", tmp_path / "site", "--json",
               "--previous", world.server.url)  # fmt: skip
    world.publish(numbered(4))
    assert world.molthub("build", "--registry", world.repository, "--out", tmp_path / "site").status == 0
    assert world.molthub(*signing).status == 0
    world.server.files = live
    said = world.molthub(*signing)
    assert (said.status, said.json["error"]["id"]) == (1, "MH612")
    assert "published is version 1" in said.json["error"]["message"]
    world.fork(live, forked(9), times=5)
    assert world.molthub("build", "--registry", world.repository, "--out", tmp_path / "site").status == 0
    said = world.molthub(*signing)
    assert (said.status, said.json["error"]["id"]) == (1, "MH621")


def test_the_whole_log_is_written_for_a_host_that_forgets(skills: Command, installed: World) -> None:
    installed.publish(numbered(5))
    assert (
        installed.publish(numbered(6), "--whole-log", replace=True, here={"log/tile/entries/000.p/6": b"x"}).status == 0
    )
    found = {path for path in installed.server.files if path.startswith("log/tile/")}
    tiles = list(all_tiles(6))
    bundles = {f"log/{tile.bundle_path}" for tile in tiles if tile.level == 0}
    assert found == {f"log/{tile.path}" for tile in tiles} | bundles
    assert skills("install", "git@1.4.0").status == 0
    assert skills("verify").status == 0


def test_a_key_that_was_lost_is_replaced_and_the_log_goes_on(skills: Command, installed: World) -> None:
    before = read_checkpoint(installed.server.files["log/checkpoint"].decode())
    next(installed.keys.glob("online-*.pem")).unlink()
    assert installed.publish(numbered(4)).status == 1
    assert installed.molthub("sign", "rotate", "--keys", installed.keys, "--online").status == 0
    said = installed.publish(None)
    assert (said.status, said.json["log"]["size"]) == (0, 4)
    after = read_checkpoint(installed.server.files["log/checkpoint"].decode())
    assert (before.origin, before.size, after.size) == (after.origin, 3, 4)
    assert skills("verify").status == 0
