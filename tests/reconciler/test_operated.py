"""The operator's view of a folder of bots: what is on record, a look now, a nudge; and commands by context."""

from __future__ import annotations

import pytest

from molthub.errors import MissingExtraError, UsageError
from molthub.model import AttachedPack, Json
from molthub.observed import ObservedTarget, open_target
from tests.reconciler.running import holds, running, wait_for
from tests.reconciler.world import World, run_molthub


@pytest.fixture
def kept(world: World, desired: dict[str, Json]) -> World:
    """Return a world in which one bot was brought in sync."""
    world.site.bot("prod/ada", desired, packs={"dev": AttachedPack(3)})
    world.site.publish()
    assert world.molthub("reconcile").status == 0
    return world


def opened(world: World, *, index: bool = True) -> ObservedTarget:
    where = str(world.site.folder) if index else None
    return open_target(str(world.target), index=where, state=str(world.state))


def test_what_is_on_record_needs_no_index(kept: World) -> None:
    target = opened(kept, index=False)
    assert target.where == str(kept.target)
    ada = target.remembered()["prod/ada"]
    assert (dict(ada.packs), ada.state, ada.is_in_sync) == ({"dev": 3}, "in-sync", True)
    assert ada.at is not None
    with pytest.raises(UsageError, match="there is no index"):
        target.observe({"prod/ada"})


def test_a_look_sees_what_is_there_now_and_changes_nothing(kept: World) -> None:
    skill = kept.home("prod/ada") / ".agents/skills/git/SKILL.md"
    skill.write_text("edited")
    seen = opened(kept).observe({"prod/ada", "prod/nobody"})
    assert list(seen) == ["prod/ada"]
    assert (seen["prod/ada"].state, seen["prod/ada"].is_in_sync, dict(seen["prod/ada"].packs)) == (
        "drifted", False, {"dev": 3},
    )  # fmt: skip
    assert skill.read_text() == "edited"
    opened(kept).reconcile({"prod/ada"})
    assert opened(kept).observe({"prod/ada"})["prod/ada"].is_in_sync


def test_nobody_hears_a_nudge_where_nobody_works(world: World) -> None:
    target = opened(world)
    assert (target.remembered(), target.nudge()) == ({}, None)


def test_a_nudge_makes_whoever_keeps_the_target_look_at_once(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", {})
    world.site.publish()
    with running(world, "--interval", "3600") as program:
        wait_for(holds(program.log, "reconciling"))
        wait_for(lambda: opened(world).nudge() is not None)
        world.site.bot("prod/ada", desired)
        world.site.publish()
        assert opened(world).nudge() == f"process {program.process.pid}"
        wait_for(holds(program.log, "prod/ada in-sync; created"))
        assert program.stop() == 0
    assert opened(world).nudge() is None


def test_a_target_of_a_kind_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr("importlib.metadata.EntryPoints.select", lambda _self, **_what: ())
    with pytest.raises(MissingExtraError, match="looking at bots needs the extra 'reconciler'"):
        opened(world)


def test_commands_take_the_current_context(kept: World) -> None:
    places = ("--index", str(kept.site.folder), "--target", str(kept.target), "--state", str(kept.state))
    assert run_molthub("plan").status == 2
    assert "there is no index and no target: no context is set" in run_molthub("plan").stderr
    assert run_molthub("history", "prod/ada").status == 2
    assert run_molthub("context", "set", "here", *places).status == 0
    for command in (("plan",), ("drift",), ("reconcile", "--once"), ("history", "ada")):
        assert run_molthub(*command).status == 0, command
    # A place that is typed leaves the current context out of it: no other bots are reached by half a line.
    half = run_molthub("plan", "--index", str(kept.site.folder))
    assert (half.status, "there is no target" in half.stderr) == (2, True)
    assert run_molthub("plan", "--context", "here", "--index", str(kept.site.folder)).status == 0
    assert run_molthub("rollback", "--release", "prod/ada").status == 1
    assert run_molthub("drift", "--context", "there").status == 1
