"""Nothing goes by mistake: mass removal, empty fleets, orphans, lost and broken receipts."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from molthub.model import Json, SyncPolicy
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace
from tests.reconciler.site import contents, stamps
from tests.reconciler.world import World, changes_of, state_of

MANY = {f"env/KEY_{number}": str(number) for number in range(12)}


def start(world: World, desired: dict[str, Json], *bots: str) -> None:
    for bot in bots:
        world.site.bot(bot, desired)
    world.site.publish()
    world.report("reconcile", status=0)


def test_too_much_at_once_is_not_removed(world: World) -> None:
    start(world, MANY, "prod/ada", "test/eve")
    before = contents(world.home("prod/ada"))
    world.site.bot("prod/ada", {"env/KEY_0": "0", "env/NEW": "new"})
    world.site.bot("test/eve", {key: value for key, value in MANY.items() if key != "env/KEY_0"})
    world.site.publish()

    report = world.report("reconcile", status=4)

    assert [problem["id"] for problem in report["problems"]] == ["MH703"]
    assert "prod" in report["problems"][0]["message"]
    found = changes_of(report, "prod/ada")
    assert {change["result"] for key, change in found.items() if change["action"] == "delete"} == {"kept"}
    assert found["env/NEW"]["result"] == "applied"
    assert (state_of(report, "prod/ada"), state_of(report, "test/eve")) == ("pending", "in-sync")
    assert all(key.encode() in contents(world.home("prod/ada"))[".agents/molthub.json"] for key in ("KEY_1", "NEW"))
    assert before != contents(world.home("prod/ada"))
    assert [problem["id"] for problem in world.report("plan", status=3)["problems"]] == ["MH703"]

    allowed = world.report("reconcile", "--allow-mass-removal", status=0)
    assert (state_of(allowed, "prod/ada"), allowed.get("problems")) == ("in-sync", None)


def test_replacing_everything_counts_as_removing_it(world: World) -> None:
    start(world, MANY, "prod/ada")
    world.site.bot("prod/ada", {f"env/OTHER_{number}": "x" for number in range(12)})
    world.site.publish()

    assert [problem["id"] for problem in world.report("reconcile", status=4)["problems"]] == ["MH703"]


def test_little_or_less_than_half_is_removed(world: World) -> None:
    start(world, dict(list(MANY.items())[:4]), "prod/ada")
    world.site.bot("prod/ada", {})
    world.site.publish()

    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"


def test_a_bot_that_is_gone_from_git_is_kept_and_told(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, "prod/ada", "prod/bob")
    before = contents(world.home("prod/ada"))
    del world.site.bots["prod/ada"]
    world.site.publish()

    report = world.report("reconcile", status=0)

    assert (state_of(report, "prod/ada"), state_of(report, "prod/bob")) == ("orphaned", "in-sync")
    assert [problem["id"] for problem in report["bots"][0]["problems"]] == ["MH706"]
    assert contents(world.home("prod/ada")) == before


def test_a_fleet_may_ask_for_orphans_to_be_removed(world: World, desired: dict[str, Json]) -> None:
    world.site.fleet("prod", sync=SyncPolicy(orphans="delete"))
    start(world, desired, "prod/ada", "prod/bob")
    (world.home("prod/ada") / "notes.txt").write_text("mine")
    del world.site.bots["prod/ada"]
    world.site.publish()
    assert state_of(world.report("plan", status=3), "prod/ada") == "orphaned"

    report = world.report("reconcile", status=0)

    assert {change["result"] for change in changes_of(report, "prod/ada").values()} == {"applied"}
    left = contents(world.home("prod/ada"))
    assert left["notes.txt"] == b"mine"
    assert not [name for name in left if "skills" in name]
    assert not world.bot_state("prod/ada").exists()
    assert [bot["bot"] for bot in world.report("reconcile", status=0)["bots"]] == ["prod/bob"]


def test_an_orphan_keeps_what_its_owner_edited(world: World, desired: dict[str, Json]) -> None:
    world.site.fleet("prod", sync=SyncPolicy(orphans="delete"))
    start(world, desired, "prod/ada", "prod/bob")
    (world.home("prod/ada") / ".agents/skills/git/SKILL.md").write_text("mine")
    del world.site.bots["prod/ada"]
    world.site.publish()

    report = world.report("reconcile", status=4)

    assert {problem["id"] for problem in report["bots"][0]["problems"]} == {"MH704", "MH706"}
    assert (world.home("prod/ada") / ".agents/skills/git/SKILL.md").read_text() == "mine"


def test_a_fleet_that_lost_all_its_bots_deletes_none(world: World, desired: dict[str, Json]) -> None:
    world.site.fleet("prod", sync=SyncPolicy(orphans="delete"))
    start(world, desired, "prod/ada", "test/eve")
    before = contents(world.home("prod/ada"))
    del world.site.bots["prod/ada"]
    world.site.publish()

    report = world.report("reconcile", status=4)

    assert [problem["id"] for problem in report["problems"]] == ["MH703"]
    assert contents(world.home("prod/ada")) == before


def test_an_index_without_fleets_deletes_nothing(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, "prod/ada")
    before = contents(world.target)
    world.site.bots.clear()
    world.site.fleets.clear()
    world.site.publish()

    report = world.report("reconcile", status=4)

    assert [problem["id"] for problem in report["problems"]] == ["MH703"]
    assert state_of(report, "prod/ada") == "orphaned"
    assert contents(world.target) == before


def test_a_fleet_that_was_asked_for_and_is_gone_is_doubted_as_well(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, "prod/ada", "test/eve")
    before = contents(world.target)
    del world.site.bots["prod/ada"], world.site.fleets["prod"]
    world.site.publish()

    chosen = world.report("reconcile", "--fleet", "prod", status=4)

    assert [problem["id"] for problem in chosen["problems"]] == ["MH703"]
    assert "no bots of prod, though 1 had been declared" in chosen["problems"][0]["message"]
    assert state_of(chosen, "prod/ada") == "orphaned"
    assert [problem["id"] for problem in world.report("plan", "--fleet", "prod", status=3)["problems"]] == ["MH703"]
    # One bot, or one of several fleets, may well be taken out of git on purpose.
    assert "problems" not in world.report("reconcile", "--bot", "prod/ada", status=0)
    assert "problems" not in world.report("reconcile", status=0)
    assert contents(world.target) == before


def test_an_index_that_never_had_bots_says_so(world: World) -> None:
    world.site.publish()

    outcome = world.molthub("reconcile")

    assert outcome.status == 1
    assert "--fleets" in outcome.stderr


def test_a_lost_receipt_deletes_nothing_and_adopts_what_is_equal(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, "prod/ada")
    shutil.rmtree(world.state)
    (world.home("prod/ada") / ".agents/skills/git/SKILL.md").write_text("edited")
    fewer = {key: value for key, value in desired.items() if key != "skill/docker"}
    world.site.bot("prod/ada", fewer)
    world.site.publish()

    report = world.report("reconcile", status=4)

    found = changes_of(report, "prod/ada")
    assert {key: change["cause"] for key, change in found.items() if change.get("drift") != "extra"} == {
        "skill/git": "conflict"
    }
    assert found["skill/docker"]["drift"] == "extra"
    assert (world.home("prod/ada") / ".agents/skills/docker/SKILL.md").exists()
    (world.home("prod/ada") / ".agents/molthub.json").unlink()
    assert {change["cause"] for change in changes_of(world.report("drift", status=3), "prod/ada").values()} == {
        "conflict", "drifted",
    }  # fmt: skip


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format": "molthub.receipt/1"}', b'{"format": "molthub.receipt/9"}']
)
def test_a_receipt_that_cannot_be_read_counts_as_lost_and_is_put_aside(
    world: World, desired: dict[str, Json], content: bytes
) -> None:
    start(world, desired, "prod/ada")
    receipt = world.bot_state("prod/ada") / "receipt.json"
    receipt.write_bytes(content)
    looked = stamps(world.bot_state("prod/ada"))
    assert [problem["id"] for problem in world.report("plan", "--elsewhere", status=0)["bots"][0]["problems"]] == [
        "MH709"
    ]
    assert stamps(world.bot_state("prod/ada")) == looked

    report = world.report("reconcile", status=0)

    assert [problem["id"] for problem in report["bots"][0]["problems"]] == ["MH709"]
    assert receipt.with_name("receipt.unreadable.json").read_bytes() == content
    assert world.report("reconcile", status=0)["bots"][0]["problems"] == []


def test_what_a_killed_pass_left_is_cleared(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, "prod/ada")
    staging = world.home("prod/ada") / ".molthub-staging"
    (staging / "1").mkdir(parents=True)
    (staging / "1/SKILL.md").write_text("half")

    world.report("plan", status=0)
    assert staging.exists()
    world.report("reconcile", status=0)
    assert not staging.exists()


def test_a_pass_that_may_not_remove_leaves_what_is_declared_no_more_to_the_next(
    world: World, desired: dict[str, Json]
) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    world.report("reconcile", status=0)
    world.site.bot("prod/ada", {key: value for key, value in desired.items() if key != "skill/git"})
    world.site.publish()
    place = Workplace(str(world.site.folder), world.target, world.state, Choice())
    folder = world.home("prod/ada") / ".agents/skills/git"
    for rules, is_left in ((Rules(may_remove=False), True), (Rules(), False)):
        place.once("reconcile", replace(rules, act=True, allow_mass_removal=True))
        assert folder.exists() is is_left
