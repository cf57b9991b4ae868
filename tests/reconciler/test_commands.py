"""What the three commands print, refuse and tell the shell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from molthub.atomic import FileLock
from molthub.model import Json
from tests.reconciler.site import contents, read_json
from tests.reconciler.world import World, run_molthub
from tests.registry.command import assert_document


def check_report(document: Json) -> None:
    """Validate a report against its published schema."""
    assert_document("report", document)


def test_each_report_is_of_the_published_form(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform="openclaw")
    world.site.publish()
    check_report(world.report("plan", status=3))
    check_report(world.report("reconcile", status=0))
    home = world.home("prod/ada") / ".openclaw"
    (home / "openclaw.json").write_text('{"mcp": {"servers": {"github": 1}}}')
    (home / "workspace/skills/git/SKILL.md").unlink()
    (home / "molthub/env.json5").write_text("{vars: {LEVEL: NaN, TOKEN: Infinity}}")
    check_report(world.report("drift", status=3))
    world.site.bot("prod/ada", {}, platform="claude-code")
    world.site.publish()
    check_report(world.report("plan", status=3))
    check_report(world.report("reconcile", status=4))
    (world.home("prod/ada") / ".openclaw/molthub/mcp.json5").write_text("{")
    check_report(world.report("reconcile", status=1))


def test_people_get_a_row_per_change_of_one_bot(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()

    outcome = world.molthub("plan")

    server = '{"args":["-y","server-github"],"command…'
    assert [" ".join(line.split()) for line in outcome.stdout.splitlines()] == [
        "bot key action cause what origin",
        'prod/ada config/docker create declared {"registry":"local"} fleets/prod/bots/ada.yaml:9',
        "prod/ada env/LEVEL create declared debug fleets/prod/bots/ada.yaml:9",
        "prod/ada env/TOKEN create declared ${secrets.token} fleets/prod/bots/ada.yaml:9",
        f"prod/ada mcp/github create declared {server} fleets/prod/bots/ada.yaml:9",
        "prod/ada skill/docker create declared 2.0.1 fleets/prod/bots/ada.yaml:9",
        "prod/ada skill/git create declared 1.2.0 fleets/prod/bots/ada.yaml:9",
        "",
        "prod: 1 bot, 1 pending",
        "plan: 6 to create, 0 to update, 0 to delete",
    ]


def test_bots_that_get_everything_at_once_are_a_row_each(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.bot("test/eve", {"env/LEVEL": "info"})
    world.site.publish()

    outcome = world.molthub("plan")

    assert [" ".join(line.split()) for line in outcome.stdout.splitlines()] == [
        "bot key action cause what origin",
        "prod/ada 6 keys create declared 2 skills, 1 server, 2 variables, 1 setting",
        "test/eve env/LEVEL create declared info fleets/test/bots/eve.yaml:9",
        "",
        "prod: 1 bot, 1 pending",
        "test: 1 bot, 1 pending",
        "plan: 7 to create, 0 to update, 0 to delete",
    ]
    assert world.molthub("reconcile").stdout.splitlines()[-2:] == ["prod: 1 bot, 1 in sync", "test: 1 bot, 1 in sync"]
    assert world.molthub("drift").stdout.splitlines() == ["prod: 1 bot, 1 in sync", "test: 1 bot, 1 in sync"]


def test_quiet_says_nothing_but_what_is_wrong(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()

    assert world.molthub("reconcile", "--quiet").stderr == ""


def test_dry_run_is_plan(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()

    assert world.report("reconcile", "--dry-run", status=3)["command"] == "plan"
    assert not world.target.exists()


def test_drift_needs_a_target_that_is_there(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()

    outcome = world.molthub("drift")

    assert outcome.status == 1
    assert str(world.target) in outcome.stderr


def test_a_bare_name_is_enough_where_one_bot_has_it(world: World, desired: dict[str, Json]) -> None:
    for bot in ("prod/ada", "prod/eve", "test/eve"):
        world.site.bot(bot, desired)
    world.site.publish()

    assert [bot["bot"] for bot in world.report("plan", "--bot", "ada", status=3)["bots"]] == ["prod/ada"]
    outcome = world.molthub("plan", "--bot", "eve")
    assert (outcome.status, "write one of prod/eve, test/eve" in outcome.stderr) == (2, True)


@pytest.mark.parametrize("bot", ["prod/", "/ada", "a/b/c"])
def test_a_bot_is_named_by_fleet_and_name(world: World, desired: dict[str, Json], bot: str) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()

    outcome = world.molthub("plan", "--bot", bot)

    assert (outcome.status, "FLEET/BOT" in outcome.stderr) == (2, True)


@pytest.mark.parametrize("choice", [("--bot", "prod/adda"), ("--fleet", "pord"), ("--bot", "pord/ada")])
def test_who_nobody_knows_is_answered_with_the_nearest_name(
    world: World, desired: dict[str, Json], choice: tuple[str, str]
) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()

    outcome = world.molthub("reconcile", *choice)

    assert outcome.status == 1
    assert "did you mean" in outcome.stderr


@pytest.mark.parametrize(
    ("target", "state"),
    [("site/bots", "state"), (".", "state"), ("bots", "bots/state"), ("site", "state")],
)
def test_folders_stand_apart(world: World, desired: dict[str, Json], target: str, state: str) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    before = contents(world.folder)

    places = ["--target", str(world.folder / target), "--state", str(world.folder / state)]
    outcome = run_molthub("reconcile", "--index", str(world.site.folder), *places, "--once")

    assert outcome.status == 2
    assert contents(world.folder) == before


def test_an_index_that_is_not_there_is_said(world: World) -> None:
    assert world.molthub("plan").status == 1


def test_a_second_reconcile_says_who_is_at_it(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    world.molthub("reconcile")
    lock = next(world.state.glob("targets/*/lock"))

    with FileLock(lock):
        lock.write_text("process 4711\n")
        outcome = world.molthub("reconcile")
        looked = world.molthub("plan")

    assert outcome.status == 1
    assert "process 4711" in outcome.stderr
    assert looked.status == 0


def test_the_state_folder_is_private_and_remembers(world: World, desired: dict[str, Json]) -> None:
    for number in range(7):
        world.site.bot("prod/ada", {**desired, "env/LEVEL": str(number)})
        world.site.publish()
        world.report("reconcile", status=0)

    folders = [path for path in (world.state, *world.state.rglob("*")) if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    state = world.bot_state("prod/ada")
    assert len(list((state / "documents").iterdir())) == 5
    lines = [json.loads(line) for line in (state / "passes.jsonl").read_text().splitlines()]
    assert [len(line["changes"]) for line in lines] == [6, 1, 1, 1, 1, 1, 1]
    origin = "fleets/prod/bots/ada.yaml:9"
    assert lines[-1]["changes"] == [
        {"key": "env/LEVEL", "action": "update", "cause": "declared", "origin": origin, "result": "applied"}
    ]
    assert read_json(state.parents[2] / "target.json")["address"] == str(world.target)
    receipt = read_json(state / "receipt.json")
    assert (state / "documents" / f"{receipt['document']}.json").exists()


def test_the_default_state_folder_follows_xdg(world: World, desired: dict[str, Json], home: Path) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()

    places = ["--index", str(world.site.folder), "--target", str(world.target)]
    assert run_molthub("reconcile", *places, "--once").status == 0

    assert list(home.glob(".local/state/molthub/targets/*/bots/prod/ada/receipt.json"))


def test_the_commands_are_part_of_molthub() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "molthub.cli.main", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(f"\n  {command} " in help_text for command in ("plan", "drift", "reconcile"))
