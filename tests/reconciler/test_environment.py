"""Which bot lacks what on its machine, told by `molthub plan` before anything is applied."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from molthub.errors import UsageError
from molthub.model import DesiredState, Json, Needs, Origin, SyncPolicy
from molthub.platforms.json_document import JsonDocument
from molthub.platforms.pitfalls import Pitfall
from molthub.references.openclaw_settings import setting_holds
from molthub.secrets.resolver import Missing
from molthub.secrets.settings_text import settings_of
from molthub_reconciler.environment import ThisMachine, unmet_here
from tests.reconciler.site import GIT
from tests.reconciler.world import World
from tests.secrets.places import private, secret, settings

NEEDS = {
    "git": Needs(bins=("git", "gh"), any_bins=(("rg", "ag"), ("chrome", "chromium")), systems=("windows", "macos"))
}
SERVER = {"command": "x", "env": {"T": "${secrets.token}"}}


class FakeMachine:
    """A Linux machine with a few programs and no secret."""

    system = "linux"

    def has(self, program: str) -> bool:
        return program in {"git", "ag"}

    def missing(self, bot: str, secrets: frozenset[str]) -> Mapping[str, Missing]:
        if bot == "prod/bob":
            raise UsageError("no bot is named", remedy="name it")
        return {name: Missing(name) for name in sorted(secrets)}

    def pitfalls(self, bot: str, secret: str) -> Collection[Pitfall]:
        del bot, secret  # no value is known
        return ()


@pytest.fixture
def declared(world: World) -> World:
    desired: dict[str, Json] = {"skill/git": world.site.skill("git", "1.2.0", GIT), "mcp/hub": SERVER}
    origins = {"skill/git": (Origin("pack/dev@1", "packs/dev/1.yaml:4"),)}
    for bot in ("prod/ada", "prod/bob"):
        world.site.bot(bot, desired, origins=origins, needs=NEEDS)
    world.site.publish()
    return world


def test_programs_systems_and_secrets_that_are_missing_are_told(declared: World) -> None:
    found = unmet_here(declared.site.bots["prod/ada"], FakeMachine())
    who = "git@1.2.0 (packs/dev/1.yaml:4)"
    assert [(problem.id, problem.message) for problem in found] == [
        ("MH732", f"{who} needs the program gh, which is not on the PATH here"),
        ("MH732", f"{who} needs one of the programs chrome or chromium, none is on the PATH here"),
        ("MH733", f"{who} is made for windows or macos, and this is linux"),
        ("MH731", "secret token does not resolve, which mcp/hub needs: no provider is asked"),
    ]
    assert {problem.severity for problem in found} == {"warning"}
    assert all(problem.remedy for problem in found)
    assert unmet_here(declared.site.bots["prod/bob"], FakeMachine())[-1].message == "no bot is named"


def test_how_an_author_would_install_a_program_is_said() -> None:
    installs = (("gh", "brew install gh"), ("chrome", "uv tool install c"), ("gh", "npm install -g gh"), ("git", "no"))
    needs = {"git": replace(NEEDS["git"], systems=(), installs=installs)}
    state = DesiredState("prod", "ada", "agents-dir", "ada", "main", {}, SyncPolicy("detect", prune=False), needs=needs)
    assert [problem.remedy for problem in unmet_here(state, FakeMachine())] == [
        "install it where the bot runs (its author says: brew install gh or npm install -g gh), or take the skill away",
        "install it where the bot runs (its author says: uv tool install c), or take the skill away",
    ]


def test_plan_tells_and_applies_nothing_less_for_it(
    declared: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private(tmp_path / "bin" / "gh", "#!/bin/sh\n", 0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    report = declared.report("plan", status=3)
    told = {bot["bot"]: [problem["id"] for problem in bot["problems"]] for bot in report["bots"]}
    lacking = ["MH732", "MH732", "MH732", "MH733", "MH731"]
    assert told == {"prod/ada": lacking, "prod/bob": lacking}
    assert [bot["state"] for bot in report["bots"]] == ["pending", "pending"]
    lines = declared.molthub("plan").stderr.splitlines()
    assert len([line for line in lines if line.startswith("prod/ada and 1 more: warning MH73")]) == 5
    assert declared.report("plan", "--elsewhere", status=3)["bots"][0]["problems"] == []
    assert declared.report("reconcile", status=0)["bots"][0]["problems"] == []
    assert declared.report("plan", status=0)["bots"][0]["problems"] != []


def test_what_the_bot_has_is_not_told(declared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "CANARY")
    report = declared.molthub("plan", "--json")
    assert "MH731" not in report.stdout
    assert "CANARY" not in report.stdout + report.stderr


def test_settings_that_cannot_be_read_stop_no_plan(declared: World, home: Path) -> None:
    settings(home, "order: [nobody]")
    ran = declared.molthub("plan")
    assert ran.status == 3
    assert "there is no provider nobody" in ran.stderr


def test_providers_are_asked_once_for_all_bots_unless_they_are_told_apart(tmp_path: Path) -> None:
    noted = tmp_path / "asked"
    plugin = private(
        tmp_path / "plugin", f"#!/bin/sh\necho asked >> {noted}\necho '{{\"protocolVersion\": 1}}'\n", 0o755
    )
    text = f"providers: {{op: {{kind: exec, command: [{plugin}]}}}}\norder: [op]\n"
    machine = ThisMachine(settings_of(text.encode(), "x"))
    for bot in ("prod/ada", "prod/bob", "prod/ada"):
        assert set(machine.missing(bot, frozenset({"a", "b"}))) == {"a", "b"}
    assert noted.read_text().count("asked") == 1
    assert set(machine.missing("prod/ada", frozenset({"a", "c"}))) == {"a", "c"}
    assert noted.read_text().count("asked") == 2
    machine = ThisMachine(settings_of(f"{text}bots: {{prod/ada: {{order: [environment]}}}}".encode(), "x"))
    assert machine.missing("prod/ada", frozenset({"a"}))["a"].reason == "environment: no variable A"
    assert "op: " in machine.missing("prod/bob", frozenset({"a"}))["a"].reason


# --- settings of OpenClaw -------------------------------------------------------------------------------------------

SETTINGS = """{
  // mine
  channels: {slack: {enabled: true}, discord: {token: " "}},
  tools: {web: 0, list: ["a"]},
  plugins: {$include: "plugins.json5", entries: {voice: {}}},
}"""


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("channels.slack", True),
        ("channels.slack.enabled", True),
        ("channels.discord.token", False),
        ("channels.telegram", False),
        ("tools.web", False),
        ("tools.list.0", True),
        ("browser.enabled", True),
        ("plugins.entries.voice", True),
        ("plugins.entries.other", False),
        ("plugins.slots", None),
        ("__proto__.x", False),
    ],
)
def test_settings_hold_as_the_program_itself_judges(path: str, holds: bool | None) -> None:
    assert setting_holds(JsonDocument(SETTINGS, "json5").value, path) is holds


def test_settings_that_do_not_hold_are_told_of_bots_on_openclaw_alone(world: World) -> None:
    needs = {"git": Needs(settings=("channels.slack", "channels.telegram"))}
    desired: dict[str, Json] = {"skill/git": world.site.skill("git", "1.2.0", GIT)}
    for bot, program in (("prod/ada", "openclaw"), ("prod/bob", "claude-code"), ("prod/eve", "openclaw")):
        world.site.bot(bot, desired, platform=program, needs=needs)
    world.site.publish()
    private(world.home("prod/ada") / ".openclaw/openclaw.json", SETTINGS)
    private(world.home("prod/eve") / ".openclaw/openclaw.json", "{")
    report = world.report("plan", status=3)
    told = {bot["bot"]: [problem for problem in bot["problems"] if problem["id"] == "MH741"] for bot in report["bots"]}
    assert {bot: len(problems) for bot, problems in told.items()} == {"prod/ada": 1, "prod/bob": 0, "prod/eve": 0}
    assert told["prod/ada"][0]["message"] == (
        "git@1.2.0 (fleets/prod/bots/ada.yaml:9) requires the setting channels.telegram, which does not hold here"
    )


# --- values that do not arrive ---------------------------------------------------------------------------------------


def test_a_value_that_the_program_would_spoil_is_told_before(world: World, home: Path) -> None:
    servers: dict[str, Json] = {
        "mcp/by-reference": {"url": "https://a.example/", "headers": {"X-Key": "${secrets.key}"}},
        "mcp/by-exec": {"command": "x", "args": ["${secrets.key}"], "env": {"K": "${secrets.key}"}},
    }
    for bot, program in (("prod/ada", "opencode"), ("prod/bob", "claude-code")):
        world.site.bot(bot, servers, platform=program)
    world.site.publish()
    secret(home, "key", 'CANARY"quoted')
    report = world.molthub("plan", "--json")
    told = {
        bot["bot"]: [(problem["id"], problem["message"]) for problem in bot["problems"]]
        for bot in json.loads(report.stdout)["bots"]
    }
    ((known, message),) = told["prod/ada"]
    assert (known, message.split(": ")[0]) == ("MH742", "secret key does not reach mcp/by-reference as it is")
    assert told["prod/bob"] == []
    assert "CANARY" not in report.stdout + report.stderr
    secret(home, "key", "plain")
    assert "MH742" not in world.molthub("plan", "--json").stdout
