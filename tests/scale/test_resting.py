"""Bots of this machine at rest: nothing of theirs is read, and whatever moves shows all the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from molthub.model import SyncPolicy
from molthub_reconciler.at_rest.by_files import from_bytes, to_bytes
from tests.reconciler.site import GIT, stamps
from tests.reconciler.world import World, changes_of, state_of
from tests.scale.opened import touched

ADA, BOB = "prod/ada", "prod/bob"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with two bots that are in sync and at rest."""
    world = World(tmp_path)
    git = world.site.skill("git", "1.2.0", GIT)
    for bot in (ADA, BOB):
        world.site.bot(bot, {"env/LEVEL": "debug", "skill/git": git})
    world.site.publish()
    world.report("reconcile", status=0)
    return world


def rest(world: World) -> Path:
    return world.bot_state(ADA).parent.parent.parent / "rest.json"


@pytest.mark.parametrize("command", ["reconcile", "drift"])
def test_at_rest_no_file_of_a_bot_is_opened_and_nothing_is_written(world: World, command: str) -> None:
    before = {**stamps(world.state), **stamps(world.target)}
    with touched() as found:
        report = world.report(command, status=0)
    assert [path for path in found if "/ada" in path or "/bob" in path] == []
    after = {**stamps(world.state), **stamps(world.target)}
    assert {path for path in after if after[path] != before.get(path)} <= {"targets", "."} | {
        path
        for path in after
        if path.endswith("/lock")  # which says who works here
    }
    assert {bot["state"] for bot in report["bots"]} == {"in-sync"}
    assert report["bots"][0]["observed"] == report["bots"][0]["desired"] == world.site.bots[ADA].digest


def test_it_is_the_same_report_as_that_of_a_look(world: World) -> None:
    extra = world.home(ADA) / ".agents/skills/own/SKILL.md"
    extra.parent.mkdir()
    extra.write_text("---\nname: own\ndescription: Mine.\n---\n")
    looked = world.report("reconcile", status=0)
    assert changes_of(looked, ADA)["skill/own"]["drift"] == "extra"
    rested = world.report("reconcile", status=0)
    assert rested["bots"] == looked["bots"]
    assert world.report("drift", status=0)["bots"] == world.report("drift", "--full", status=0)["bots"]


def edit(world: World) -> None:
    (world.home(ADA) / ".agents/skills/git/SKILL.md").write_text("edited")


def add(world: World) -> None:
    (world.home(ADA) / ".agents/skills/git/more.md").write_text("added")


def take(world: World) -> None:
    shutil.rmtree(world.home(ADA) / ".agents/skills/git")


def configure(world: World) -> None:
    place = world.home(ADA) / ".agents/molthub.json"
    place.write_text(place.read_text().replace("debug", "loud"))


def chmod(world: World) -> None:
    (world.home(ADA) / ".agents/skills/git/scripts/run.sh").chmod(0o644)


@pytest.mark.parametrize("damage", [edit, add, take, configure, chmod])
def test_whatever_moves_in_a_home_shows_and_is_mended(world: World, damage: Callable[[World], None]) -> None:
    damage(world)
    report = world.report("drift", status=3)
    assert (state_of(report, ADA), state_of(report, BOB)) == ("drifted", "in-sync")
    assert len(changes_of(world.report("reconcile", status=0), ADA)) == 1
    assert changes_of(world.report("drift", status=0), ADA) == {}


def test_what_git_says_shows(world: World) -> None:
    world.site.bot(ADA, {"env/LEVEL": "info"})
    world.site.publish()
    assert set(changes_of(world.report("reconcile", status=0), ADA)) == {"env/LEVEL", "skill/git"}


def test_a_state_that_was_changed_shows(world: World) -> None:
    (world.bot_state(ADA) / "receipt.json").unlink()
    world.report("reconcile", status=0)
    assert (world.bot_state(ADA) / "receipt.json").exists()
    receipt = world.bot_state(BOB) / "receipt.json"
    receipt.write_bytes(b"{")
    report = world.report("drift", status=0)
    assert [problem["id"] for bot in report["bots"] for problem in bot["problems"]] == ["MH709"]


def test_a_rollback_is_not_slept_through(world: World) -> None:
    world.site.bot(ADA, {"env/LEVEL": "info"})
    world.site.revision = "2" * 40
    world.site.publish()
    world.report("reconcile", status=0)
    outcome = world.molthub("rollback", ADA)
    assert outcome.status == 0, outcome
    assert state_of(world.report("reconcile", status=0), ADA) == "rolled-back"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"format": "molthub.rest/1"}', b'"x"',
                                     b'{"format":"molthub.rest/1","paths":[],"skills":[],"bots":{"prod/ada":[1]}}',
                                     b'{"format":"molthub.rest/9","paths":[],"skills":[],"bots":{}}'])  # fmt: skip
def test_a_list_that_cannot_be_read_only_costs_a_look(world: World, content: bytes) -> None:
    rest(world).write_bytes(content)
    assert {bot["state"] for bot in world.report("reconcile", status=0)["bots"]} == {"in-sync"}
    assert set(from_bytes(rest(world).read_bytes())) == {ADA, BOB}


def test_what_is_written_is_read_back(world: World) -> None:
    content = rest(world).read_bytes()
    assert to_bytes(from_bytes(content)) == content
    said = json.loads(content)
    assert len(said["paths"]) == len(said["skills"]) == 1  # which bots share


def test_bots_that_are_gone_are_not_kept(world: World) -> None:
    del world.site.bots[BOB]
    world.site.fleet("prod", sync=SyncPolicy(orphans="delete"))
    world.site.bot(ADA, {"env/LEVEL": "info"})
    world.site.publish()
    world.molthub("reconcile", "--allow-mass-removal")
    assert set(from_bytes(rest(world).read_bytes())) == {ADA}


def test_a_bot_whose_corrections_are_counted_is_looked_at(world: World) -> None:
    edit(world)
    world.report("reconcile", status=0)
    with touched() as found:
        world.report("reconcile", status=0)
    assert any("/ada" in path for path in found)
    assert not any("/bob" in path for path in found)
