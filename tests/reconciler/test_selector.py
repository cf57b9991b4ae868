"""`--selector`: a machine that keeps a part of a fleet, by labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from molthub.model import SyncPolicy
from tests.reconciler.running import holds, running, wait_for
from tests.reconciler.world import World, run_molthub, state_of

M1 = {"machine": "m1"}
M2 = {"machine": "m2"}
SETTING = {"env/LEVEL": "info"}


def declare(world: World, **machines: dict[str, str]) -> None:
    for bot, labels in machines.items():
        world.site.bot(f"prod/{bot}", SETTING, labels=labels)
    world.site.publish()


def homes(world: World) -> set[str]:
    return {path.name for path in world.target.glob("prod/*")}


def test_bots_of_other_machines_are_left_out(world: World) -> None:
    declare(world, ada=M1, bob=M2, eve={})
    planned = world.report("plan", "-l", "machine=m1", status=3)
    assert [bot["bot"] for bot in planned["bots"]] == ["prod/ada"]
    world.report("reconcile", "--selector", "machine=m1", status=0)
    assert homes(world) == {"ada"}
    assert world.report("drift", "-l", "machine=m1", status=0)["summary"]["bots"] == 1
    assert [bot["bot"] for bot in world.report("plan", "-l", "!machine", status=3)["bots"]] == ["prod/eve"]


def test_labels_narrow_what_is_named(world: World) -> None:
    declare(world, ada=M1, bob=M2)
    report = world.report("plan", "--bot", "ada", "--bot", "bob", "-l", "machine=m2", status=3)
    assert [bot["bot"] for bot in report["bots"]] == ["prod/bob"]


def test_labels_that_no_bot_has_are_a_mistake(world: World) -> None:
    declare(world, ada=M1)
    done = world.molthub("reconcile", "-l", "machine=m9")
    assert (done.status, homes(world)) == (1, set())
    assert "no bot has these labels" in done.stderr
    assert world.molthub("plan", "-l", "machine in m1").status == 2


def test_a_bot_that_moves_to_another_machine_stays_as_it_is_where_it_was(world: World) -> None:
    declare(world, ada=M1, bob=M1)
    world.report("reconcile", "-l", "machine=m1", status=0)
    declare(world, ada=M2, bob=M1)
    report = world.report("reconcile", "-l", "machine=m1", status=0)
    assert [bot["bot"] for bot in report["bots"]] == ["prod/bob"]
    assert homes(world) == {"ada", "bob"}


def test_a_bot_that_git_forgets_is_an_orphan_of_the_machine_that_kept_it(world: World) -> None:
    declare(world, ada=M1, bob=M1, eve=M2)
    world.report("reconcile", "-l", "machine=m1", status=0)
    world.site.bots.pop("prod/ada")
    world.site.fleet("prod", sync=SyncPolicy(orphans="delete"))
    world.site.publish()
    report = world.report("reconcile", "-l", "machine=m1", status=0)
    assert state_of(report, "prod/ada") == "orphaned"
    assert "prod/eve" not in {bot["bot"] for bot in report["bots"]}


def test_whoever_keeps_a_part_takes_up_bots_that_join_it_and_lives_through_a_lost_index(world: World) -> None:
    declare(world, ada=M1, eve=M2)
    with running(world, "--selector", "machine=m1", "--interval", "1") as program:
        wait_for(lambda: homes(world) == {"ada"}, program)
        declare(world, ada=M1, bob=M1, eve=M2)
        wait_for(lambda: homes(world) == {"ada", "bob"}, program)
        away = world.folder / "away"
        world.site.folder.rename(away)
        wait_for(lambda: "cannot be read" in program.said(), program)
        settings = world.home("prod/bob") / ".agents/molthub.json"
        settings.write_text(settings.read_text().replace("info", "trace"))
        wait_for(holds(settings, "info"), program)
        assert homes(world) == {"ada", "bob"}


def test_a_context_says_which_bots_its_machine_keeps(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLTHUB_CONTEXTS", str(tmp_path / "contexts.yaml"))
    declare(world, ada=M1, bob=M2)
    places = ("--index", str(world.site.folder), "--target", str(world.target), "--state", str(world.state))
    assert run_molthub("context", "set", "m1", *places, "--selector", "machine=m1").status == 0
    assert "machine=m1" in run_molthub("context", "list").stdout
    assert run_molthub("reconcile", "--once").status == 0
    assert homes(world) == {"ada"}
    assert run_molthub("context", "set", "m1", "--selector", "machine=").status == 0
    assert run_molthub("context", "set", "m1", "--selector", "=").status == 2


def test_who_listens_for_agents_keeps_whole_fleets(world: World) -> None:
    declare(world, ada=M1)
    places = ("--index", str(world.site.folder), "--target", str(world.target))
    done = run_molthub("reconcile", *places, "--listen", "127.0.0.1:0", "-l", "machine=m1")
    assert (done.status, "--listen is for whoever keeps all bots" in done.stderr) == (2, True)
