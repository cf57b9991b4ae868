"""A rollout on a real target folder: what each bot gets from pass to pass, and what people say to it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from molthub import schema_files
from molthub.documents import hex_of
from tests.reconciler.site import GIT
from tests.reconciler.world import Outcome, World, run_molthub, state_of

BOTS = ("ada", "bob", "cyd", "dan", "eve", "fay")
WAVES = {"waves": [{"name": "canary", "count": 1}, {"name": "half", "percent": 50}, {"name": "all"}],
         "maxUnavailable": "100%"}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    made = World(tmp_path)
    ask_for(made, "1.0.0")
    return made


def ask_for(world: World, version: str, *, rollout: Any = WAVES, broken: bool = False) -> None:
    """Let git ask for a version of the skill; a broken one has an archive that is not there."""
    digest = world.site.skill("git", version, {**GIT, "notes.md": version})
    for bot in BOTS:
        world.site.bot(f"prod/{bot}", {"skill/git": digest})
    world.site.fleet("prod", rollout=rollout)
    world.site.publish()
    if broken:
        world.site.archive_of(digest).write_bytes(b"not this")


def versions(world: World) -> dict[str, int]:
    found: dict[str, int] = {}
    for bot in BOTS:
        place = world.home(f"prod/{bot}") / ".agents/skills/git/notes.md"
        text = place.read_text() if place.exists() else ""
        found[text] = found.get(text, 0) + 1
    return found


def passes(world: World, count: int, *options: str) -> dict[str, Any]:
    for _ in range(count):
        outcome = world.molthub("reconcile", "--json", *options)
        assert outcome.status in (0, 4), outcome
    report: dict[str, Any] = json.loads(outcome.stdout)
    return report


def rollout(world: World, *arguments: str) -> Outcome:
    return run_molthub("rollout", *arguments, "--target", str(world.target), "--state", str(world.state))


def status(world: World) -> Any:
    found = json.loads(rollout(world, "status", "prod", "--json").stdout)
    return found["rollouts"][0]


def test_a_new_fleet_and_then_a_change_go_in_waves(world: World) -> None:
    report = world.report("reconcile", status=0)
    assert versions(world) == {"1.0.0": 1, "": 5}
    assert [problem["id"] for problem in report["problems"]] == ["MH725"]
    assert sorted(row["state"] for row in report["bots"]) == ["in-sync", *["suspended"] * 5]
    passes(world, 1)
    assert versions(world) == {"1.0.0": 3, "": 3}
    passes(world, 3)
    assert versions(world) == {"1.0.0": 6}
    assert status(world)["history"][-1]["outcome"] == "done"
    ask_for(world, "1.1.0")
    seen = []
    for _ in range(6):
        passes(world, 1)
        seen.append(versions(world).get("1.1.0", 0))
    assert list(dict.fromkeys(seen)) == [1, 3, 6]
    assert rollout(world, "status").status == 0


def test_a_fleet_that_ran_before_keeps_what_it_has(world: World) -> None:
    ask_for(world, "1.0.0", rollout=None)
    passes(world, 1)
    assert versions(world) == {"1.0.0": 6}
    ask_for(world, "1.1.0")
    passes(world, 1)
    assert versions(world) == {"1.0.0": 5, "1.1.0": 1}


def test_what_breaks_the_canary_reaches_nobody_else_and_is_not_tried_again(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0", broken=True)
    report = passes(world, 1)
    assert [row["state"] for row in report["bots"]].count("failed") == 1
    report = passes(world, 3)
    assert versions(world) == {"1.0.0": 6}
    assert {row["state"] for row in report["bots"]} == {"in-sync"}
    found = status(world)
    assert found["history"][-1]["outcome"] == "rolled-back"
    assert rollout(world, "status", "prod").status == 4
    assert [problem["id"] for problem in report["problems"]] == ["MH726"]
    ask_for(world, "1.2.0")
    passes(world, 6)
    assert versions(world) == {"1.2.0": 6}


def test_people_pause_resume_promote_abort_and_undo(world: World) -> None:
    passes(world, 6)
    ask_for(
        world, "1.1.0", rollout={**WAVES, "waves": [{"name": "canary", "count": 1, "soak": "24h"}, {"name": "all"}]}
    )
    passes(world, 3)
    assert versions(world) == {"1.0.0": 5, "1.1.0": 1}
    assert rollout(world, "status").status == 3
    for wish, after in (("pause", 1), ("promote", 6), ("undo", 0)):
        asked = rollout(world, wish, "prod")
        assert asked.status == 0, asked
        assert status(world)["asked"] == [wish]
        passes(world, 3)
        assert versions(world).get("1.1.0", 0) == after, wish
    assert rollout(world, "resume", "test").status == 1
    ask_for(world, "1.2.0")
    passes(world, 1)
    rollout(world, "abort", "prod")
    passes(world, 2)
    assert versions(world) == {"1.0.0": 6}


def test_what_is_remembered_is_as_its_schema_says(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0", rollout={**WAVES, "gates": [{"name": "g", "probe": {"command": ["false"]}, "attempts": 9}]})
    for _ in range(3):
        passes(world, 1, "--run-gates")
        kinds = [schema_files.load(kind) for kind in schema_files.names()]
        registry: Registry[Any] = Registry().with_resources(
            [(one["$id"], DRAFT202012.create_resource(one)) for one in kinds]
        )
        schema = Draft202012Validator(schema_files.load("rollout-state"), registry=registry)
        assert [error.message for error in schema.iter_errors(status(world))] == []
    assert status(world)["step"]["failures"][0]["count"] == 3


def test_a_plan_makes_no_step(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0")
    report = world.report("plan", status=3)
    assert sum(row["state"] == "pending" for row in report["bots"]) == 1
    assert status(world)["step"] is None
    passes(world, 6)
    assert versions(world) == {"1.1.0": 6}


def test_a_state_that_cannot_be_read_changes_nobody(world: World) -> None:
    passes(world, 6)
    place = world.state / "targets" / hex_of(str(world.target).encode())[:12] / "rollout-prod.json"
    kept = place.read_bytes()
    place.write_bytes(b"{")
    ask_for(world, "1.1.0")
    report = world.report("reconcile", status=1)
    assert {row["state"] for row in report["bots"]} == {"suspended"}
    assert versions(world) == {"1.0.0": 6}
    assert rollout(world, "status").status == 1
    place.write_bytes(kept)
    passes(world, 1)
    assert versions(world)["1.1.0"] == 1


def test_a_probe_that_fails_takes_a_change_back(world: World) -> None:
    gated = {**WAVES, "gates": [{"name": "alive", "probe": {"command": ["test", "-e", "well"]}}]}
    passes(world, 6)
    ask_for(world, "1.1.0", rollout=gated)
    passes(world, 3)
    assert "runs no commands" in status(world)["history"][-1]["why"]
    ask_for(world, "1.2.0", rollout=gated)
    passes(world, 3, "--run-gates")
    assert "ended with status 1" in status(world)["history"][-1]["why"]
    for bot in BOTS:
        (world.home(f"prod/{bot}") / "well").touch()
    ask_for(world, "1.3.0", rollout=gated)
    passes(world, 6, "--run-gates")
    assert versions(world) == {"1.3.0": 6}


def test_a_pinned_bot_holds_nothing_up(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0")
    passes(world, 6)
    world.molthub("rollback", "prod/ada", "--to", hex_of(b""))
    assert world.molthub("rollback", "prod/ada").status == 0
    ask_for(world, "1.2.0")
    passes(world, 8)
    assert status(world)["step"] is None
    assert versions(world)["1.2.0"] >= 5
    shutil.rmtree(world.target)
    report = passes(world, 1)
    assert state_of(report, "prod/eve") == "in-sync"


def test_who_works_on_one_bot_makes_no_step(world: World) -> None:
    report = world.report("reconcile", "--bot", "prod/ada", status=1)
    assert [problem["id"] for problem in report["bots"][0]["problems"]] == ["MH710"]
    assert versions(world) == {"": 6}
    passes(world, 6)
    ask_for(world, "1.1.0")
    for bot in BOTS:
        assert state_of(passes(world, 1, "--bot", f"prod/{bot}"), f"prod/{bot}") == "in-sync"
    assert versions(world) == {"1.0.0": 6}
