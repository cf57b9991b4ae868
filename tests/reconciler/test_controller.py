"""Without --once, bots are kept in sync: drift is mended at once, the index is followed, trouble is waited out."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from molthub.model import Json
from molthub_reconciler.controller import line_of
from molthub_reconciler.report import BotReport
from molthub_reconciler.watch import HomeWatch, home_of
from tests.reconciler.running import PATIENCE, holds, running, wait_for
from tests.reconciler.site import stamps
from tests.reconciler.world import World


def test_drift_is_mended_and_the_index_followed(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    skill = world.home("prod/ada") / ".agents/skills/git/SKILL.md"
    with running(world) as program:
        wait_for(holds(skill, "Commit."))
        wait_for(holds(program.log, "prod/ada in-sync; created"))

        skill.write_text("edited")
        wait_for(holds(skill, "Commit."))
        shutil.rmtree(skill.parent)
        wait_for(holds(skill, "Commit."))

        world.site.bot("prod/ada", {**desired, "env/LEVEL": "info"})
        world.site.publish()
        wait_for(holds(world.home("prod/ada") / ".agents/molthub.json", '"LEVEL": "info"'))
        wait_for(holds(program.log, "updated env/LEVEL"))

        before = stamps(world.target)
        told = program.said()
        time.sleep(1.5)  # at least one more poll
        assert stamps(world.target) == before
        assert program.said() == told

        assert program.stop() == 0
        assert "SIGTERM: stopped" in program.said()


def test_it_goes_on_without_the_index_and_says_since_when(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    skill = world.home("prod/ada") / ".agents/skills/git/SKILL.md"
    root = world.site.folder / "registry.json"
    with running(world) as program:
        wait_for(holds(skill, "Commit."))
        good = root.read_bytes()
        root.write_text("no index")
        wait_for(holds(program.log, "the index cannot be read"))

        shutil.rmtree(skill.parent)
        wait_for(holds(skill, "Commit."))

        root.write_bytes(good)
        wait_for(holds(program.log, "the index can be read again (not since 2"))
        assert program.said().count("cannot be read") == 1


def test_it_goes_on_where_its_own_state_cannot_be_written_for_a_while(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    skill = world.home("prod/ada") / ".agents/skills/git/SKILL.md"
    with running(world) as program:
        wait_for(holds(skill, "Commit."))
        (revisions,) = world.state.glob("targets/*/revisions.jsonl")
        revisions.unlink()
        revisions.mkdir()
        world.site.bot("prod/ada", {**desired, "env/LEVEL": "info"})
        world.site.publish()
        wait_for(holds(program.log, "a pass could not come to its end"), program)

        revisions.rmdir()
        wait_for(holds(world.home("prod/ada") / ".agents/molthub.json", '"LEVEL": "info"'), program)
        wait_for(holds(program.log, "passes come to their end again"), program)
        assert program.said().count("could not come to its end") == 1
        assert program.stop() == 0


def test_a_bot_that_fails_is_tried_again_and_told_once(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform="claude-code")
    world.site.bot("prod/bob", desired, platform="claude-code")
    world.site.publish()
    broken = world.home("prod/ada") / ".claude.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{ broken")
    with running(world) as program:
        wait_for(holds(world.home("prod/bob") / ".claude.json", "mcpServers"))
        wait_for(holds(program.log, "prod/ada failed"))
        time.sleep(2.5)  # time for more attempts
        assert program.said().count("prod/ada failed") == 1

        broken.write_text("{}")
        wait_for(holds(program.log, "prod/ada in-sync"))
        assert program.process.poll() is None


def test_programs_get_a_report_per_line(world: World, desired: dict[str, Json]) -> None:
    import json

    world.site.bot("prod/ada", desired)
    world.site.publish()
    with running(world, "--json", "--quiet") as program:
        wait_for(holds(program.log, "\n"))
        report = json.loads(program.said().splitlines()[0])
    assert (report["format"], report["bots"][0]["state"]) == ("molthub.report/1", "in-sync")


def test_a_bot_that_nobody_knows_ends_it_at_once(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    with running(world, "--bot", "prod/adda") as program:
        assert program.process.wait(timeout=PATIENCE) == 1
        assert "did you mean prod/ada?" in program.said()


def test_without_watchfiles_it_says_how_often_it_looks(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    skill = world.home("prod/ada") / ".agents/skills/git/SKILL.md"
    blocked = world.folder / "without"
    blocked.mkdir()
    (blocked / "watchfiles.py").write_text("raise ImportError\n")
    os.environ["PYTHONPATH"] = str(blocked)
    try:
        with running(world) as program:
            wait_for(holds(skill, "Commit."))
            wait_for(holds(program.log, "pip install"))
            shutil.rmtree(skill.parent)
            wait_for(holds(skill, "Commit."))
    finally:
        del os.environ["PYTHONPATH"]


def test_a_watch_that_cannot_be_set_up_says_why(tmp_path: Path) -> None:
    reasons: list[str] = []
    with HomeWatch(tmp_path / "missing", lambda _homes: None, reasons.append):
        wait_for(lambda: reasons)


def test_what_moved_belongs_to_a_home(tmp_path: Path) -> None:
    assert home_of(tmp_path, str(tmp_path / "prod/ada/.claude.json")) == "prod/ada"
    assert home_of(tmp_path, str(tmp_path / "prod/ada")) == "prod/ada"
    assert home_of(tmp_path, str(tmp_path / "prod")) is None
    assert home_of(tmp_path, str(tmp_path / "prod/ada/.molthub-staging/1/SKILL.md")) is None
    assert home_of(tmp_path, "/elsewhere/x/y") is None


def test_one_line_says_what_was_done() -> None:
    changes = [
        *(
            {"key": f"env/K{number}", "action": "create", "cause": "declared", "result": "applied"}
            for number in range(5)
        ),
        {"key": "skill/git", "action": "delete", "cause": "declared", "result": "failed"},
        {"key": "skill/own", "action": "keep", "cause": "conflict", "result": "kept"},
        {"key": "skill/mine", "action": "keep", "cause": "drifted", "drift": "extra", "result": "kept"},
    ]
    assert line_of(BotReport("prod/ada", "failed", changes=tuple(changes))) == (
        "prod/ada failed; created env/K0, env/K1, env/K2 and 2 more; delete failed skill/git; kept skill/own"
    )
