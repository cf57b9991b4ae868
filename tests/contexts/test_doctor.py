"""`molthub doctor`: what is in order on a machine, and what is not, with a remedy each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.reconciler.site import GIT
from tests.reconciler.world import World, run_molthub
from tests.registry.command import schema_validator


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.site.bot("prod/ada", {"skill/git": made.site.skill("git", "1.0.0", GIT)})
    made.site.publish()
    places = ("--index", str(made.site.folder), "--target", str(made.target), "--state", str(made.state))
    assert run_molthub("context", "set", "prod", *places).status == 0
    return made


def found(status: int, *options: str) -> dict[str, dict[str, Any]]:
    done = run_molthub("doctor", "--json", *options)
    assert done.status == status, done
    said = json.loads(done.stdout)
    assert [error.message for error in schema_validator("doctor").iter_errors(said)] == []
    return {one["what"]: one for one in said["findings"]}


def test_a_machine_in_order_is_told_so(world: World) -> None:
    world.report("reconcile", status=0)
    told = found(0)
    assert "registry and reconciler" in told["molthub"]["said"]
    assert "1 in-sync" in told["context prod (current), bots"]["said"]
    assert "1 fleet" in told["context prod (current), index"]["said"]
    assert run_molthub("doctor").stderr == "all is in order\n"


def test_what_is_wrong_is_told_with_what_can_be_done(world: World) -> None:
    assert "is not there" in found(1)["context prod (current), bots"]["said"]
    world.home("prod/ada").mkdir(parents=True)
    mine = world.home("prod/ada") / ".agents/skills/git/SKILL.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("Mine.")
    world.report("reconcile", status=4)
    assert "--status conflict" in found(1)["context prod (current), bots"]["remedy"]
    (world.site.folder / "registry.json").unlink()
    told = found(1, "--context", "prod")
    assert not told["context prod (current), index"]["ok"]
    assert all(one["ok"] or one["remedy"] for one in told.values())
    assert "did you mean prod" in found(1, "--context", "prd")["contexts"]["remedy"]


def test_settings_that_do_not_parse_are_told(home: Path) -> None:
    settings = home / ".config/molthub/secrets.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("order: [nobody]\n")
    settings.chmod(0o600)
    told = found(1)
    assert not told["secrets"]["ok"]
    assert "none is set" in told["contexts"]["said"]
