"""A plan as people read it, hand it on, and have it carried out: as agreed, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from molthub.model import Json
from tests.reconciler.drifted import TOKEN, damaged
from tests.reconciler.site import GIT, contents, stamps
from tests.reconciler.world import World, changes_of, run_molthub, state_of
from tests.registry.command import assert_document


@pytest.fixture
def drifted(world: World, desired: dict[str, Json]) -> World:
    """Return a world in which much drifted, and git has moved on as well."""
    damaged(world, desired)
    world.site.bot("prod/ada", {**world.site.bots["prod/ada"].desired, "env/LEVEL": "trace"}, platform="openclaw")
    world.site.publish()
    return world


def kept(world: World, *options: str) -> Path:
    """Keep a plan in a file, and return that."""
    file = world.folder / "plan.json"
    assert world.molthub("plan", "--out", str(file), *options).status == 3
    return file


def test_a_plan_is_summed_up(drifted: World) -> None:
    lines = drifted.molthub("plan").stdout.splitlines()

    assert lines[-1] == "plan: 1 to create, 3 to update, 0 to delete, 1 left as they are"
    drifted.molthub("reconcile")
    assert "plan:" not in drifted.molthub("reconcile").stdout
    assert drifted.molthub("plan").stdout.splitlines()[-1].startswith("plan: 0 to create, 0 to update")


def test_what_is_held_back_is_counted_by_itself(world: World, desired: dict[str, Json]) -> None:
    world.site.fleet("prod")
    world.site.bot("prod/ada", desired, sync=world.site.fleets["prod"].sync.__class__("detect", prune=True))
    world.site.publish()

    lines = world.molthub("plan").stdout.splitlines()

    assert lines[-1] == "plan: 0 to create, 0 to update, 0 to delete, 6 held back"


def test_in_detail_every_key_is_shown_part_by_part(drifted: World) -> None:
    lines = drifted.molthub("plan", "--detail").stdout.splitlines()

    assert lines[0] == "prod/ada (openclaw): drifted"
    assert "  ~ env/LEVEL  (declared; fleets/prod/bots/ada.yaml:9)" in lines
    at = lines.index("  ~ env/LEVEL  (declared; fleets/prod/bots/ada.yaml:9)")
    assert lines[at + 1 : at + 3] == ["      - debug", "      + trace"]
    assert "      + /args/1: server-github" in [line.partition("  (")[0] for line in lines]
    assert any(line.startswith("      - SKILL.md: ") for line in lines)
    assert "  = skill/mine  (extra)" in lines
    assert TOKEN not in "\n".join(lines)
    assert drifted.molthub("drift", "--detail").stdout.splitlines()[0] == lines[0]


def test_in_detail_bots_that_get_everything_show_it(world: World, desired: dict[str, Json]) -> None:
    for bot in ("prod/ada", "prod/bob"):
        world.site.bot(bot, desired)
    world.site.publish()

    lines = world.molthub("plan", "--detail").stdout.splitlines()

    assert [line for line in lines if line and not line.startswith(" ")][:2] == [
        "prod/ada (agents-dir): pending",
        "prod/bob (agents-dir): pending",
    ]
    git = lines.index("  + skill/git  (declared; fleets/prod/bots/ada.yaml:9)")
    assert lines[git + 1].startswith("      + 1.2.0 (sha256:")
    server = lines.index("  + mcp/github  (declared; fleets/prod/bots/ada.yaml:9)")
    assert lines[server + 1 : server + 3] == ["      + {", '      +   "args": [']


@pytest.mark.parametrize("form", ["markdown", "html", "json", "sarif", "junit"])
def test_a_plan_is_told_in_the_forms_that_drift_is(drifted: World, form: str) -> None:
    before = stamps(drifted.target)

    outcome = drifted.molthub("plan", "--format", form)

    assert outcome.status == 3
    assert stamps(drifted.target) == before
    assert "env/LEVEL" in outcome.stdout.replace("\\", "")
    if form in ("markdown", "html"):
        assert "Plan" in outcome.stdout
        assert "3 to update" in outcome.stdout
    assert TOKEN not in outcome.stdout


def test_a_kept_plan_is_a_report_and_is_carried_out(drifted: World) -> None:
    file = kept(drifted)
    assert_document("report", json.loads(file.read_text()))

    report = drifted.report("reconcile", "--plan", str(file), status=0)

    assert {bot["state"] for bot in report["bots"]} == {"in-sync"}
    assert changes_of(report, "prod/ada")["env/LEVEL"]["result"] == "applied"
    assert drifted.report("plan", status=0)["summary"]["changes"] == 0


def test_a_bot_that_moved_since_is_left_and_said_and_the_others_go_on(world: World, desired: dict[str, Json]) -> None:
    for bot in ("prod/ada", "prod/bob"):
        world.site.bot(bot, desired)
    world.site.publish()
    world.report("reconcile", status=0)
    for bot in ("prod/ada", "prod/bob"):
        (world.home(bot) / ".agents/skills/git/SKILL.md").write_text("edited")
    file = kept(world)
    (world.home("prod/ada") / ".agents/skills/docker/SKILL.md").write_text("edited, too")
    before = contents(world.home("prod/ada"))

    report = world.report("reconcile", "--plan", str(file), status=4)

    assert [state_of(report, bot) for bot in ("prod/ada", "prod/bob")] == ["failed", "in-sync"]
    (problem,) = report["bots"][0]["problems"]
    assert (problem["id"], "the bot has moved since" in problem["message"]) == ("MH739", True)
    assert contents(world.home("prod/ada")) == before


def test_what_git_asks_for_since_is_not_what_was_planned(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    file = kept(world)
    world.site.bot("prod/ada", {**desired, "skill/git": world.site.skill("git", "1.3.0", {**GIT, "evil.md": "x"})})
    world.site.publish()

    report = world.report("reconcile", "--plan", str(file), status=1)

    assert "git asks for something else by now" in report["bots"][0]["problems"][0]["message"]
    assert not world.home("prod/ada").exists()


def test_only_bots_of_the_plan_and_of_the_choice_are_changed(world: World, desired: dict[str, Json]) -> None:
    for bot in ("prod/ada", "prod/bob", "prod/eve"):
        world.site.bot(bot, desired)
    world.site.publish()
    file = kept(world, "--bot", "prod/ada", "--bot", "prod/bob")

    report = world.report("reconcile", "--plan", str(file), "--bot", "prod/bob", status=0)

    assert [bot["bot"] for bot in report["bots"]] == ["prod/bob"]
    assert world.report("reconcile", "--plan", str(file), "--bot", "prod/ada", status=0)["summary"]["bots"] == 1
    assert world.molthub("reconcile", "--plan", str(file), "--bot", "prod/eve").status == 1
    assert not world.home("prod/eve").exists()


def test_a_bot_that_git_took_away_since_is_not_touched(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.bot("prod/bob", desired)
    world.site.publish()
    file = kept(world)
    del world.site.bots["prod/ada"]
    world.site.publish()

    report = world.report("reconcile", "--plan", str(file), status=4)

    assert [state_of(report, bot) for bot in ("prod/ada", "prod/bob")] == ["failed", "in-sync"]
    assert not world.home("prod/ada").exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "molthub.report/1", "command": "drift", "bots": []}'])
def test_what_is_no_plan_is_refused(world: World, desired: dict[str, Json], text: str) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    file = world.folder / "plan.json"
    file.write_text(text)

    outcome = world.molthub("reconcile", "--plan", str(file))

    assert (outcome.status, "this is no plan" in outcome.stderr) == (1, True)
    assert not world.home("prod/ada").exists()


@pytest.mark.parametrize("options", [("--once", "--dry-run"), (), ("--once", "--adopt", "--bot", "prod/ada")])
def test_a_plan_is_for_one_pass(world: World, desired: dict[str, Json], options: tuple[str, ...]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    file = kept(world)
    places: list[Any] = ["--index", world.site.folder, "--target", world.target, "--state", world.state]

    outcome = run_molthub("reconcile", *map(str, places), "--plan", str(file), *options)

    assert (outcome.status, "--plan is for one pass" in outcome.stderr) == (2, True)


def test_what_is_in_the_way_of_many_bots_is_said_once_with_what_can_be_done(world: World) -> None:
    for number in range(3):
        world.site.bot(f"prod/bot-{number}", {"skill/git": world.site.skill("git", "1.0.0", GIT)})
        mine = world.home(f"prod/bot-{number}") / ".agents/skills/git/SKILL.md"
        mine.parent.mkdir(parents=True)
        mine.write_text("Mine.")
    world.site.publish()
    told = world.molthub("plan").stderr.splitlines()
    assert [line.partition(": ")[0] for line in told if "MH705" in line] == ["prod/bot-0 and 2 more"]
    assert any("molthub reconcile --once --adopt" in line for line in told)
    (one,) = (line for line in world.molthub("plan", "--bot", "bot-1").stderr.splitlines() if "MH705" in line)
    assert one.startswith("prod/bot-1: .agents/skills/git: warning MH705")
