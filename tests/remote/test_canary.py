"""No secret of a bot's machine reaches its controller: not by reports, gates' answers, logs, nor by what operators see.

Controller and agent are processes. On the agent's machine everything that might carry a secret away happens: it is
written over its placeholder by hand, it changes, a gate says it aloud and fails.
"""

from __future__ import annotations

import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.reconciler.running import program, wait_for
from tests.reconciler.world import World, run_molthub
from tests.remote.fleet import Fleet
from tests.secrets.leaks import leaks
from tests.secrets.places import SERVER, secret, settings

ADA = "prod/ada"


def canary(name: str) -> str:
    own = sha256(name.encode()).hexdigest()
    return f'{name}/{own[:12]}"ü%{own[12:26]}<{own[26:40]}>'


OLD, NEW, AGENT = canary("old"), canary("new"), canary("agent")


def test_what_the_agents_machine_knows_stays_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    home = world.folder / "home-of-agent"
    planted = {secret(home, "github_token", OLD), secret(home, "aloud", AGENT),
               settings(home, "watch: true\norder: [environment, directory]\n")}  # fmt: skip
    aloud = world.folder / "aloud.py"
    said = home / ".config/molthub/secrets/aloud"
    aloud.write_text(f"import sys\ntext = open({str(said)!r}).read()\nprint(text)\nsys.exit(text)\n")
    gate = {"name": "aloud", "probe": {"command": [sys.executable, str(aloud)]}}
    world.site.fleet("prod", rollout={"waves": [{"name": "all"}], "gates": [gate]})

    def declare(level: str) -> None:
        world.site.bot(ADA, {"mcp/github": SERVER, "env/TOKEN": "${secrets.github_token}", "env/LEVEL": level},
                       platform="claude-code")  # fmt: skip
        world.site.publish()

    declare("debug")
    fleet = Fleet(world)
    planted.add(fleet.token(ADA))
    operator = world.folder / "operator.token"
    operator.touch(0o600)
    operator.write_text(run_molthub("agents", "token", "--operator", "--operate", *fleet.places).stdout)
    monkeypatch.setenv("MOLTHUB_OPERATOR_TOKEN_FILE", str(operator))
    log = fleet.machine(ADA) / "log"
    bots = fleet.home(ADA)
    printed: list[str] = []
    with fleet.controller() as controller:
        options = fleet.agent_options(ADA, "--run-gates")
        with program(log, *options, env={"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}) as agent:
            wait_for(lambda: "ended with status" in controller.said(), controller)
            given = {path: path.read_text() for path in bots.rglob("*.json") if "${" in path.read_text()}
            assert given, sorted(bots.rglob("*"))
            for path, text in given.items():
                path.write_text(literal(text))
            wait_for(lambda: {path: path.read_text() for path in given} == given, agent)
            secret(home, "github_token", NEW)
            wait_for(lambda: agent.said().count("updated env/TOKEN") == 2, agent)
            wait_for(lambda: "secret-rotated" in json.dumps(_told(fleet)), controller)
            for command in (["plan", "--detail"], ["drift", "--json"], ["history", ADA, "--json"], ["agents", "list"],
                            ["rollout", "status", "prod", "--json"]):  # fmt: skip
                done = run_molthub(*command, "--target", fleet.url)
                printed += [done.stdout, done.stderr]
            printed += [controller.said(), agent.said()]
    token = (fleet.machine(ADA) / "token").read_text().strip()
    found = leaks([OLD, NEW, AGENT, token], printed, [world.folder], planted)
    assert found == []


def _told(fleet: Fleet) -> list[Any]:
    """Return the changes that the agent last told."""
    report = fleet.store.report(ADA)
    return [dict(change) for change in report.bot.changes] if report is not None else []


def literal(text: str) -> str:
    """Return a program's file with the old secret in the place of its reference."""
    return re.sub(r"\$\{[^}]*\}", lambda _: json.dumps(OLD)[1:-1], text)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps({"before": OLD}))
    assert leaks([OLD], [], [tmp_path], set())
