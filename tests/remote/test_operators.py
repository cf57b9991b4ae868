"""An operator at his own machine: the same commands, run by the controller; looking and operating are two things."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from molthub.model import Json
from tests.reconciler.running import Program, wait_for
from tests.reconciler.world import World, run_molthub
from tests.remote.fleet import Fleet, level

WAVES: Json = {"waves": [{"name": "canary", "count": 1}, {"name": "all"}]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operators")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[tuple[Fleet, Program]]:
    """Run a controller of two bots of its own machine, one of which drifted, and one that is elsewhere."""
    world = World(folder)
    world.site.fleet("prod", rollout=WAVES)
    for bot in ("ada", "bob", "far"):
        world.site.bot(f"prod/{bot}", {"env/LEVEL": "debug"})
    world.site.publish()
    fleet = Fleet(world)
    fleet.token("prod/far")
    with fleet.controller() as controller:
        wait_for(lambda: fleet.state_of("prod/ada") == fleet.state_of("prod/bob") == "in-sync", controller)
        yield fleet, controller


def operator(fleet: Fleet, name: str, *options: str) -> str:
    """Return the file with the token of a new operator."""
    place = fleet.world.folder / f"{name}.token"
    place.touch(0o600)
    made = run_molthub("agents", "token", "--operator", "--name", name, *options, *fleet.places)
    assert made.status == 0, made
    place.write_text(made.stdout)
    return str(place)


@pytest.fixture
def fleet(running: tuple[Fleet, Program], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fleet:
    """Be the operator who may only look, with a context for the controller."""
    fleet = running[0]
    monkeypatch.setenv("MOLTHUB_CONTEXTS", str(tmp_path / "contexts.yaml"))
    monkeypatch.setenv("MOLTHUB_OPERATOR_TOKEN_FILE", operator(fleet, "looker"))
    assert run_molthub("context", "set", "far", "--target", fleet.url).status == 0
    return fleet


def test_commands_that_look_say_what_they_say_on_the_controllers_machine(fleet: Fleet) -> None:
    there = ["--index", str(fleet.world.site.folder), *fleet.places]
    for command in (["plan", "--elsewhere"], ["drift", "--bot", "prod/ada"], ["plan", "--elsewhere", "--json"]):
        here, at_hand = run_molthub(*command), run_molthub(*command, *there)
        assert here.status == at_hand.status == 0 if "drift" in command else 3, here
        if "--json" in command:
            assert json.loads(here.stdout)["bots"] == json.loads(at_hand.stdout)["bots"]
        else:
            assert here.stdout == at_hand.stdout
    listed = run_molthub("agents", "list", "--context", "far")
    assert (listed.status, "prod/far  offline" in listed.stdout) == (3, True), listed
    status = run_molthub("rollout", "status", "prod", "--target", fleet.url)
    assert (status.status, "prod:" in status.stdout) == (0, True), status
    watched = run_molthub("rollout", "status", "prod", "--watch")
    assert (watched.status, " prod: " in watched.stdout) == (0, True), watched
    told = run_molthub("history", "ada", "-n", "1", "--json")
    assert [one["state"] for one in json.loads(told.stdout)["passes"]] == ["in-sync"], told


@pytest.mark.usefixtures("fleet")
def test_a_report_goes_into_a_file_of_the_operators_machine(tmp_path: Path) -> None:
    place = tmp_path / "drift.sarif"
    done = run_molthub("drift", "--bot", "prod/ada", "--format", "sarif", "--output", str(place))
    assert done.status == 0, done
    assert json.loads(place.read_text())["version"] == "2.1.0"
    refused = run_molthub("drift", "--output", str(place))
    assert (refused.status, "a table is for a terminal" in refused.stderr) == (2, True)
    here_alone = run_molthub("drift", "--root", str(place))
    assert (here_alone.status, "--root works on bots' folders, not through" in here_alone.stderr) == (2, True)


def test_errors_there_are_told_as_they_are_here(fleet: Fleet) -> None:
    done = run_molthub("history", "prod/nobody")
    assert (done.status, "nothing is on record of a bot prod/nobody" in done.stderr) == (1, True), done
    unknown = run_molthub("plan", "--bot", "prod/--help")
    assert (unknown.status, "Usage" in unknown.stdout) == (1, False), unknown
    refused = run_molthub("reconcile", "--target", fleet.url, "--index", str(fleet.world.site.folder), "--once")
    assert (refused.status, "run it on the controller's machine" in refused.stderr) == (2, True), refused


def test_who_may_look_changes_nothing(fleet: Fleet) -> None:
    for command in (["rollout", "pause", "prod"], ["rollback", "prod/ada"], ["rollback", "--release", "prod/ada"]):
        refused = run_molthub(*command, "--target", fleet.url, *(["--index", "x"] if "rollback" in command else []))
        assert (refused.status, "the operator looker may look" in refused.stderr) == (1, True), refused
        assert "agents token --operator --operate" in refused.stderr


def test_who_may_operate_pauses_rolls_back_and_lets_go(
    running: tuple[Fleet, Program], fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = running[1]
    monkeypatch.setenv("MOLTHUB_OPERATOR_TOKEN_FILE", operator(fleet, "ops", "--operate"))
    assert run_molthub("context", "set", "far", "--index", str(fleet.world.site.folder)).status == 0
    for bot in ("ada", "bob", "far"):
        fleet.world.site.bot(f"prod/{bot}", {"env/LEVEL": "info"})
    fleet.world.site.publish()
    for bot in ("ada", "bob"):
        home = fleet.world.home(f"prod/{bot}")
        wait_for(lambda home=home: '"LEVEL": "info"' in level(home), controller)  # type: ignore[misc] # bound at once
    dry = run_molthub("rollback", "prod/ada", "--dry-run")
    assert dry.status == 3, dry
    back = run_molthub("rollback", "prod/ada")
    assert back.status == 0, back
    assert '"LEVEL": "debug"' in level(fleet.world.home("prod/ada"))
    released = run_molthub("rollback", "--release", "prod/ada")
    assert (released.status, "follows git again" in released.stdout) == (0, True), released
    wait_for(lambda: '"LEVEL": "info"' in level(fleet.world.home("prod/ada")), controller)
    paused = run_molthub("rollout", "pause", "prod")
    assert paused.status == 0, paused
    wait_for(lambda: run_molthub("rollout", "status", "prod").status == 3)
    held = run_molthub("rollout", "status", "prod", "--watch", "--json")
    assert (held.status, json.loads(held.stdout)["held"]) == (3, True), held
    assert run_molthub("rollout", "resume", "prod").status == 0
    assert "the operator ops asks for: rollback -- prod/ada" in controller.said()
    assert "the operator ops asks for: rollout pause -- prod" in controller.said()
