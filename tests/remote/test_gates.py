"""Gates of bots on other machines: the agent runs the command, and only what is about the present counts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from molthub.documents import canonical_plain
from molthub.errors import FormatError
from molthub_reconciler.remote.exchange import answer_from_bytes
from molthub_reconciler.rollout.kept import read_state
from tests.reconciler.site import GIT
from tests.reconciler.world import World, run_molthub
from tests.remote.fleet import level
from tests.remote.inside import Inside, inside
from tests.remote.test_relay import root_file, sign

ADA = "prod/ada"


def gate(folder: Path, kind: str = "probe", **more: Any) -> dict[str, Any]:
    """Return a gate whose command notes that it ran, and ends as the file `verdict` says."""
    script = folder / "gate.py"
    script.write_text(
        "import os, pathlib, sys\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "given = sys.stdin.read()\n"
        "with (folder / 'ran').open('a') as ran:\n"
        "    print(os.environ['MOLTHUB_BOT'], os.environ['HOME'], os.environ['MOLTHUB_STEP'], given, file=ran)\n"
        "sys.exit(int((folder / 'verdict').read_text()))\n"
    )
    (folder / "verdict").write_text("0")
    return {"name": "works", kind: {"command": [sys.executable, str(script)]}, **more}


@pytest.fixture
def controlled(world: World) -> Iterator[Inside]:
    """Return a controller of one bot elsewhere, in sync, whose fleet has a gate; git then asks for another level."""
    world.site.skill("git", "1.2.0", GIT)
    world.site.fleet("prod", rollout={"waves": [{"name": "canary"}], "gates": [gate(world.folder)]})
    yield from _begun(world)


def _begun(world: World) -> Iterator[Inside]:
    world.site.bot(ADA, {"env/LEVEL": "debug"})
    world.site.publish()
    with inside(world) as found:
        found.token_file(ADA, found.enrol(ADA))
        settle(found)
        settle(found)
        (world.folder / "ran").unlink(missing_ok=True)
        git = next(digest for digest, one in world.site.artifacts.items() if one.name == "git")
        world.site.bot(ADA, {"env/LEVEL": "info", "skill/git": git})
        world.site.publish()
        yield found


def settle(controlled: Inside, *options: str) -> None:
    """Let the controller and the agent each look twice."""
    for _ in range(2):
        controlled.look()
        done = run_molthub(*controlled.agent(ADA, *(options or ("--run-gates",))), "--once")
        assert done.status in (0, 4), done
    controlled.look()


def rollout(controlled: Inside) -> Any:
    return read_state(controlled.place.state, "prod")


def outcomes(controlled: Inside) -> list[str]:
    return [one.outcome for one in rollout(controlled).history]


def ran(controlled: Inside) -> list[str]:
    place = controlled.world.folder / "ran"
    return place.read_text().splitlines() if place.exists() else []


def test_a_probe_that_passes_there_lets_a_change_go_on(controlled: Inside) -> None:
    before = len(outcomes(controlled))
    settle(controlled)
    assert outcomes(controlled)[before:] == ["done"], rollout(controlled)
    home = controlled.machine(ADA) / "bots" / ADA
    assert ran(controlled)[0].startswith(f"ada {home} ")
    given = controlled.place.agents.assignment(ADA)
    assert given is not None
    assert given.asks == ()  # nobody asks any more


def test_a_probe_that_fails_there_takes_a_change_back(controlled: Inside) -> None:
    (controlled.world.folder / "verdict").write_text("3")
    before = len(outcomes(controlled))
    settle(controlled)
    settle(controlled)
    assert outcomes(controlled)[before:] == ["rolled-back"]
    assert "the gate works failed for ada: python" in rollout(controlled).history[-1].why
    assert '"LEVEL": "debug"' in level(controlled.machine(ADA) / "bots" / ADA)


def test_an_agent_that_was_not_allowed_to_runs_nothing(controlled: Inside) -> None:
    before = len(outcomes(controlled))
    settle(controlled, "--quiet")
    assert outcomes(controlled)[before:] == ["rolled-back"]
    assert "its agent runs no commands of gates; start it with --run-gates" in rollout(controlled).history[-1].why
    assert ran(controlled) == []


def test_an_answer_on_something_else_promotes_nothing(controlled: Inside) -> None:
    controlled.look()
    assert run_molthub(*controlled.agent(ADA, "--quiet"), "--once").status == 0
    controlled.look()  # now it is asked
    given = controlled.place.agents.assignment(ADA)
    told = json.loads(controlled.place.agents.records.report(ADA) or b"")
    assert given is not None
    passed = {"passed": True, "detail": "", "at": "2026-11-21T12:00:00Z"}
    (ask,) = given.asks

    def answer(name: str, **changed: Any) -> str:
        said = {**told, **changed, "answers": {name: passed}}
        controlled.place.agents.told(ADA, canonical_plain(said))
        controlled.look()
        return next(iter(outcomes(controlled)[1:]), "waits")

    assert answer("0" * 32) == "waits"
    assert answer(ask.name, generation=given.generation - 1) == "waits"
    assert answer(ask.name, document="f" * 64) == "waits"
    assert answer(ask.name) == "done"


def test_scenarios_of_a_skill_that_the_change_brings_are_run_there(world: World) -> None:
    scenarios = {**GIT, "scenarios/commit.yaml": "name: commits\nasks: Commit this.\n"}
    world.site.skill("git", "1.2.0", scenarios)
    world.site.fleet("prod", rollout={"waves": [{"name": "canary"}], "gates": [gate(world.folder, "scenarios")]})
    for controlled in _begun(world):
        before = len(outcomes(controlled))
        settle(controlled)
        assert outcomes(controlled)[before:] == ["done"], rollout(controlled)
        assert [json.loads(line.split(" ", 3)[3])["scenario"]["name"] for line in ran(controlled)] == ["commits"]


def test_with_the_root_of_trust_only_commands_that_were_signed_are_run(controlled: Inside) -> None:
    keys = sign(controlled)
    trusting = ("--run-gates", "--root", root_file(controlled, keys))
    controlled.look()
    run_molthub(*controlled.agent(ADA, *trusting), "--once")
    controlled.look()
    given = controlled.place.agents.assignment(ADA)
    assert given is not None
    said = json.loads(controlled.place.agents.records.assignment(ADA) or b"")
    said["asks"][0]["command"] = ["touch", str(controlled.world.folder / "owned")]
    forged = answer_from_bytes(canonical_plain(said), "test").assignment
    controlled.place.agents.assign(forged)
    run_molthub(*controlled.agent(ADA, *trusting), "--once")
    told = controlled.place.agents.report(ADA)
    assert told is not None
    assert [one.detail for one in told.answers.values()] == [
        "the signed index names no such gate, so its agent runs no such command"
    ]
    assert not (controlled.world.folder / "owned").exists()
    controlled.place.agents.assign(given)
    run_molthub(*controlled.agent(ADA, *trusting), "--once")
    told = controlled.place.agents.report(ADA)
    assert told is not None
    assert [one.passed for one in told.answers.values()] == [True]


@pytest.mark.parametrize(
    "changed",
    [{"kind": "http"}, {"command": []}, {"skills": ["../../x"]}, {"timeout": -1}, {"gate": 1}],
)
def test_a_question_that_is_none_is_refused(controlled: Inside, changed: dict[str, Any]) -> None:
    controlled.look()
    run_molthub(*controlled.agent(ADA, "--quiet"), "--once")
    controlled.look()
    said = json.loads(controlled.place.agents.records.assignment(ADA) or b"")
    said["asks"][0] |= changed
    with pytest.raises(FormatError):
        answer_from_bytes(canonical_plain(said), "test")
