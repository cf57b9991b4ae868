"""A bot goes back to what it had, stays there while git asks for the bad one, and follows git once that moves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from molthub.model import Json, SyncPolicy
from molthub_reconciler.policy.pins import Pin
from tests.reconciler.site import GIT, contents
from tests.reconciler.test_commands import check_report
from tests.reconciler.world import World, changes_of, run_molthub, state_of
from tests.registry.command import assert_document

BAD = {**GIT, "SKILL.md": "---\nname: git\ndescription: Git.\n---\nBreak everything.\n"}


def release(world: World, desired: dict[str, Json], number: int, *bots: str) -> None:
    """Publish a state as the commit of that number, and bring bots there."""
    declare(world, desired, number, *bots)
    assert world.molthub("reconcile").status == 0


def declare(world: World, desired: dict[str, Json], number: int, *bots: str) -> None:
    for bot in bots or ("prod/ada",):
        world.site.bot(bot, desired)
    world.site.revision = f"{number:040x}"[::-1]
    world.site.publish()


def with_bad_git(world: World, desired: dict[str, Json]) -> dict[str, Json]:
    return {**desired, "skill/git": world.site.skill("git", "1.3.0", BAD), "env/LEVEL": "trace"}


def pinned_to(report: dict[str, Json], bot: str) -> Json:
    return next(row for row in report["bots"] if row["bot"] == bot).get("pinned")


def skill(world: World, bot: str = "prod/ada") -> str:
    return (world.home(bot) / ".agents/skills/git/SKILL.md").read_text()


def test_a_bot_goes_back_and_no_pass_brings_the_bad_one_again(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    good = contents(world.home("prod/ada"))
    release(world, with_bad_git(world, desired), 2)
    assert "Break" in skill(world)

    report = world.report("rollback", "prod/ada", status=0)

    check_report(report)
    assert contents(world.home("prod/ada")) == good
    assert state_of(report, "prod/ada") == "rolled-back"
    assert {key: (change["action"], change["cause"]) for key, change in changes_of(report, "prod/ada").items()} == {
        "env/LEVEL": ("update", "declared"),
        "skill/git": ("update", "declared"),
    }
    again = world.report("reconcile", "--full", status=0)
    assert (state_of(again, "prod/ada"), contents(world.home("prod/ada"))) == ("rolled-back", good)
    assert pinned_to(again, "prod/ada")["revision"] == f"{1:040x}"[::-1]
    assert state_of(world.report("plan", status=3), "prod/ada") == "rolled-back"
    assert state_of(world.report("drift", status=3), "prod/ada") == "rolled-back"
    outcome = world.molthub("drift")
    assert "prod: 1 bot, 1 rolled back" in outcome.stdout
    assert "MH712" in outcome.stderr


def test_what_drifts_while_pinned_is_mended_to_the_pinned_state(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    good = contents(world.home("prod/ada"))
    release(world, with_bad_git(world, desired), 2)
    world.report("rollback", "prod/ada", status=0)
    (world.home("prod/ada") / ".agents/skills/git/SKILL.md").write_text("edited")

    assert state_of(world.report("drift", status=3), "prod/ada") == "drifted"
    world.report("reconcile", status=0)

    assert contents(world.home("prod/ada")) == good


def test_the_pin_ends_when_git_asks_for_something_newer(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    bad = with_bad_git(world, desired)
    release(world, bad, 2)
    world.report("rollback", "prod/ada", status=0)

    declare(world, bad, 3)  # a commit that changes nothing for this bot
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "rolled-back"
    declare(world, {**desired, "env/LEVEL": "fixed"}, 4)
    report = world.report("reconcile", status=0)

    assert state_of(report, "prod/ada") == "in-sync"
    assert "followed again" in report["bots"][0]["problems"][0]["message"]
    assert "fixed" in (world.home("prod/ada") / ".agents/molthub.json").read_text()
    assert world.report("reconcile", status=0)["bots"][0]["problems"] == []


def test_an_index_that_lags_does_not_end_the_pin(world: World, desired: dict[str, Json]) -> None:
    for number in (1, 2):
        release(world, {**desired, "env/LEVEL": str(number)}, number)
    bad = with_bad_git(world, desired)
    release(world, bad, 3)
    world.report("rollback", "prod/ada", "--to", f"{1:040x}"[::-1][:8], status=0)
    before = contents(world.home("prod/ada"))

    declare(world, {**desired, "env/LEVEL": "2"}, 2)  # a mirror that is behind
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "rolled-back"
    declare(world, bad, 3)
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "rolled-back"

    assert contents(world.home("prod/ada")) == before


REVISION, OTHER = "1" * 40, "2" * 40


@pytest.mark.parametrize(
    ("digest", "revision", "holds"),
    [
        ("bad", OTHER, True),  # git asks for the same, at another commit
        ("new", OTHER, False),
        ("new", REVISION, True),  # a copy of the index that lags behind
        (None, OTHER, True),  # it does not resolve just now
        ("good", OTHER, False),  # git went back itself
    ],
)
def test_a_pin_holds_until_git_asks_for_something_newer(digest: str | None, revision: str, holds: bool) -> None:
    pin = Pin("0" * 64, "good", "2026-11-21T12:00:00Z", "bad", None, (REVISION,))
    assert pin.holds(digest, revision) is holds


def test_git_may_go_back_itself_by_a_new_commit(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    release(world, with_bad_git(world, desired), 2)
    world.report("rollback", "prod/ada", status=0)

    declare(world, desired, 3)

    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"


def test_release_follows_git_again(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    release(world, with_bad_git(world, desired), 2)
    world.report("rollback", "prod/ada", status=0)

    assert world.molthub("rollback", "--release", "prod").status == 0
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"

    assert "Break" in skill(world)
    outcome = world.molthub("rollback", "--release", "ada")
    assert (outcome.status, "none of them was rolled back" in outcome.stderr) == (1, True)


def test_a_fleet_goes_back_to_a_revision_also_bots_that_it_did_not_change(
    world: World, desired: dict[str, Json]
) -> None:
    for bot in ("prod/ada", "prod/bob"):
        world.site.bot(bot, desired)
    release(world, desired, 1, "prod/ada", "prod/bob")
    release(world, {**desired, "env/LEVEL": "2"}, 2, "prod/ada")  # nothing for bob
    release(world, {**desired, "env/LEVEL": "3"}, 3, "prod/ada", "prod/bob")

    report = world.report("rollback", "prod", "--to", f"{2:040x}"[::-1], status=0)

    levels = [json.loads((world.home(f"prod/{bot}") / ".agents/molthub.json").read_text())["env"]["LEVEL"]
              for bot in ("ada", "bob")]  # fmt: skip
    assert levels == ["2", "debug"]
    assert {row["state"] for row in report["bots"]} == {"rolled-back"}


def test_a_bot_goes_back_to_a_digest_or_a_document(world: World, desired: dict[str, Json]) -> None:
    for number in (1, 2, 3):
        release(world, {**desired, "env/LEVEL": str(number)}, number)
    kept = world.report("history", "prod/ada", status=0)["documents"]
    assert [one["current"] for one in kept] == [True, False, False]

    report = world.report("rollback", "ada", "--to", kept[2]["digest"], status=0)
    assert pinned_to(report, "prod/ada")["document"] == kept[2]["document"]
    report = world.report("rollback", "ada", "--to", kept[1]["document"][:8], status=0)
    assert pinned_to(report, "prod/ada")["digest"] == kept[1]["digest"]


def test_twice_back_goes_further_back_and_never_forward(world: World, desired: dict[str, Json]) -> None:
    for number in (1, 2, 3):
        release(world, {**desired, "env/LEVEL": str(number)}, number)

    for level in ("2", "1"):
        world.report("rollback", "prod/ada", status=0)
        assert f'"LEVEL":"{level}"' in (world.home("prod/ada") / ".agents/molthub.json").read_text().replace(" ", "")


def test_nobody_goes_forward_where_the_index_lags(world: World, desired: dict[str, Json]) -> None:
    for number in (1, 2, 3):
        release(world, {**desired, "env/LEVEL": str(number)}, number)
    world.report("rollback", "prod/ada", status=0)
    declare(world, {**desired, "env/LEVEL": "2"}, 2)  # a mirror that is behind

    world.report("rollback", "prod/ada", status=0)

    assert '"LEVEL":"1"' in (world.home("prod/ada") / ".agents/molthub.json").read_text().replace(" ", "")


def test_nobody_goes_back_to_what_git_asks_for(world: World, desired: dict[str, Json]) -> None:
    for number in (1, 2):
        release(world, {**desired, "env/LEVEL": str(number)}, number)
    kept = world.report("history", "prod/ada", status=0)["documents"]

    outcome = world.molthub("rollback", "prod/ada", "--to", kept[0]["digest"])

    assert (outcome.status, "git asks for" in outcome.stderr and "already" in outcome.stderr) == (1, True)
    assert not list(world.state.rglob("pin.json"))


def test_what_is_not_at_hand_is_answered_with_what_is(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    before = contents(world.folder)

    for to, said in (("abcdef12", "it can go back to: sha256:"), ("abc", "at least four digits")):
        outcome = world.molthub("rollback", "prod/ada", "--to", to)
        assert outcome.status in (1, 2), outcome
        assert said in outcome.stderr
    outcome = world.molthub("rollback", "prod/ada")
    assert (outcome.status, "no earlier document" in outcome.stderr) == (1, True)

    after = contents(world.folder)
    assert {path for path in after if after[path] != before.get(path)} <= {
        path for path in after if path.endswith("/lock")
    }


def test_a_skill_that_cannot_be_had_is_said_before_anything_is_touched(
    world: World, desired: dict[str, Json], home: Path
) -> None:
    release(world, desired, 1, "prod/ada", "prod/bob")
    bad = with_bad_git(world, desired)
    release(world, bad, 2, "prod/ada")
    release(world, {**desired, "env/LEVEL": "2"}, 2, "prod/bob")
    shutil.rmtree(home / ".cache/molthub/store")
    world.site.archive_of(str(desired["skill/git"])).unlink()
    before = contents(world.home("prod/ada"))

    report = world.report("rollback", "prod", status=4)

    assert contents(world.home("prod/ada")) == before
    assert "git@1.2.0" in report["bots"][0]["problems"][0]["message"]
    assert (state_of(report, "prod/ada"), state_of(report, "prod/bob")) == ("failed", "rolled-back")
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"  # it was not pinned


def test_without_an_index_the_store_is_enough(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    good = contents(world.home("prod/ada"))
    release(world, with_bad_git(world, desired), 2)
    moved = world.site.folder.rename(world.folder / "away")

    outcome = world.molthub("rollback", "prod/ada")
    assert outcome.status == 1  # a folder that is not there is a mistake

    places = ["--target", str(world.target), "--state", str(world.state)]
    outcome = run_molthub("rollback", "prod/ada", "--index", "http://127.0.0.1:9/", *places)
    assert outcome.status == 0, outcome
    assert contents(world.home("prod/ada")) == good
    moved.rename(world.site.folder)
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "rolled-back"


def test_a_dry_run_says_what_would_be_done(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    release(world, with_bad_git(world, desired), 2)
    before = contents(world.target)

    report = world.report("rollback", "prod/ada", "--dry-run", status=3)

    assert set(changes_of(report, "prod/ada")) == {"env/LEVEL", "skill/git"}
    assert contents(world.target) == before
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"


def test_how_it_is_kept_is_still_what_git_says(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    bad = with_bad_git(world, desired)
    release(world, bad, 2)
    world.report("rollback", "prod/ada", status=0)
    world.site.bot("prod/ada", bad, sync=SyncPolicy("detect"))
    world.site.publish()
    (world.home("prod/ada") / ".agents/skills/git/SKILL.md").write_text("edited")

    world.molthub("reconcile")

    assert skill(world) == "edited"


@pytest.mark.parametrize("content", ["{", '{"format": "molthub.pin/2"}', '{"format": "molthub.pin/1"}'])
def test_a_pin_that_cannot_be_read_is_not_taken_for_none(world: World, desired: dict[str, Json], content: str) -> None:
    release(world, desired, 1)
    release(world, with_bad_git(world, desired), 2)
    world.report("rollback", "prod/ada", status=0)
    good = contents(world.home("prod/ada"))
    (world.bot_state("prod/ada") / "pin.json").write_text(content)

    report = world.report("reconcile", status=1)

    assert report["bots"][0]["problems"][0]["id"] == "MH712"
    assert contents(world.home("prod/ada")) == good
    assert world.molthub("rollback", "--release", "prod/ada").status == 0


def test_history_says_what_was_changed_when_and_why(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)
    (world.home("prod/ada") / ".agents/skills/git/SKILL.md").write_text("edited")
    assert world.molthub("reconcile").status == 0
    release(world, with_bad_git(world, desired), 2)
    world.report("rollback", "prod/ada", status=0)

    outcome = world.molthub("history", "ada", "-n", "3")

    rows = [" ".join(line.split()) for line in outcome.stdout.splitlines()]
    assert rows[0] == "at revision state key what why"
    assert "rolled-back env/LEVEL updated rollback: declared fleets/prod/bots/ada.yaml:9" in rows[1]
    assert rows[2] == "skill/git updated 1.3.0 -> 1.2.0 rollback: declared fleets/prod/bots/ada.yaml:9"
    assert any("skill/git updated sha256:" in row and "drifted (modified)" in row for row in rows)
    assert "what it can be rolled back to:" in rows
    assert rows[-1].startswith("rolled back at ")
    document = world.report("history", "prod/ada", status=0)
    assert_document("history", document)
    assert [line["command"] for line in document["passes"]] == ["rollback", "reconcile", "reconcile", "reconcile"]
    assert document["passes"][0]["desired"] == document["passes"][0]["observed"]
    assert "trace" not in json.dumps(document)  # values are in git, or the owner's own
    assert_document("rollback-release", json.loads(world.molthub("rollback", "--release", "ada", "--json").stdout))
    assert_document("history", world.report("history", "prod/ada", status=0))


def test_history_of_nobody_is_answered_with_the_nearest_name(world: World, desired: dict[str, Json]) -> None:
    release(world, desired, 1)

    outcome = world.molthub("history", "prod/adda")

    assert (outcome.status, "did you mean prod/ada?" in outcome.stderr) == (1, True)
