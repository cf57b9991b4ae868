"""The line of commands that a team types, on bots whose agent programs run: make a pack, attach, update, verify."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.peers.agent_homes import SECRET, SERVER, seen_by
from tests.peers.judged_home import files_with_the_secret
from tests.peers.npm_programs import npm_program
from tests.peers.openclaw_gateway import owners_settings, running_gateway
from tests.peers.test_agent_programs import ClaudeHome

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent


class Team:
    """A registry in git, the index built from it, and the folder where bots live."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry, self.site, self.bots = folder / "registry", folder / "site", folder / "bots"
        self.seen = folder / "seen.json"

    def run(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(command, cwd=cwd or self.registry, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def begin(self) -> None:
        """Make a registry with a fleet of two bots."""
        self.run("molthub", "init", str(self.registry), cwd=self.folder)
        self.declare("fleets/prod/fleet.yaml", "Fleet", "prod", "{}")
        self.declare("fleets/prod/bots/ada.yaml", "Bot", "ada", "{platform: openclaw}")
        self.declare("fleets/prod/bots/cleo.yaml", "Bot", "cleo", "{platform: claude-code}")
        self.run("git", "add", "fleets")
        self.run("git", "commit", "--message", "Declare the fleet")

    def declare(self, file: str, kind: str, name: str, spec: str) -> None:
        path = self.registry / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"apiVersion: molthub.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")

    def publish_skill(self, name: str, description: str, *options: str) -> None:
        """Publish the next version of a skill."""
        loose = self.folder / "loose" / name
        loose.mkdir(parents=True, exist_ok=True)
        (loose / "SKILL.md").write_text(f"---\nname: {name}\ndescription: {description}\n---\nHi.\n")
        self.run("skills", "publish", str(loose), "--registry", str(self.registry), "--yes", *options)

    def packs(self, *arguments: str) -> None:
        self.run("molthub", "skill-packs", *arguments)

    def build(self) -> None:
        self.run("molthub", "build", "--out", str(self.site), "--fleets")

    def bot(self, command: str, *options: str) -> Any:
        """Run ``reconcile`` or ``drift`` and return the report."""
        places = ("--index", str(self.site), "--target", str(self.bots), "--json")
        return json.loads(self.run("molthub", command, *places, *options, cwd=self.folder))

    def states(self, command: str, *options: str) -> dict[str, str]:
        return {bot["bot"]: bot["state"] for bot in self.bot(command, *options)["bots"]}


IN_SYNC = {"prod/ada": "in-sync", "prod/cleo": "in-sync"}


@pytest.fixture
def team(tmp_path: Path) -> Team:
    team = Team(tmp_path)
    team.begin()
    return team


def test_a_pack_reaches_a_fleet_and_its_update_reaches_a_running_gateway(team: Team) -> None:
    for skill in ("git", "docker"):
        team.publish_skill(skill, f"Works with {skill}.")
    owners = team.bots / "prod/ada/.openclaw/openclaw.json"
    owners.parent.mkdir(parents=True)
    owners.write_text(owners_settings())

    team.packs("create", "--name", "Dev Stack", "--skills", "git,docker", "--mcp", f"first=node {SERVER} one",
               "--env", f"SEEN_FILE={team.seen}", "--env", "TOKEN=${secrets.github_token}")  # fmt: skip
    team.packs("attach", "dev-stack", "--fleet", "prod")
    team.build()
    assert team.states("reconcile", "--once") == IN_SYNC

    program = npm_program("openclaw", HERE / "openclaw")
    with running_gateway(program, team.bots / "prod/ada", team.folder / "gateway.log") as gateway:
        assert {"git", "docker"} == _workspace_skills(gateway.ask("gateway", "call", "skills.status")).keys()
        said = gateway.said()

        team.publish_skill("git", "Works with git, and says why.", "--bump", "minor")
        team.publish_skill("notes", "Takes notes.")
        team.packs("update", "dev-stack", "--skills", "git,notes", "--mcp", f"second=node {SERVER} two")
        team.build()
        assert team.states("reconcile", "--once") == IN_SYNC

        assert "mcp.servers.second" in gateway.wait_for("config hot reload applied", after=said)
        skills = _workspace_skills(gateway.ask("gateway", "call", "skills.status"))
        assert skills.keys() == {"git", "docker", "notes"}
        assert skills["git"] == "Works with git, and says why."
        assert _servers(gateway.ask("gateway", "call", "config.get")) == {"mine", "first", "second"}
        assert gateway.ask("mcp", "probe", "second")["servers"]["second"]["tools"] == 1

        said = gateway.said()
        team.packs("update", "dev-stack", "--without", "mcp/first,skill/docker")
        team.build()
        assert team.states("reconcile", "--once") == IN_SYNC
        assert "mcp.servers.first" in gateway.wait_for("config hot reload applied", after=said)
        assert _servers(gateway.ask("gateway", "call", "config.get")) == {"mine", "second"}
        assert _workspace_skills(gateway.ask("gateway", "call", "skills.status")).keys() == {"git", "notes"}
        assert gateway.process.poll() is None

    arguments, variables = seen_by(team.seen)
    assert (arguments, variables["TOKEN"]) == (["two"], SECRET)
    assert owners.read_text().startswith(owners_settings()[: len("// Ada's gateway\n{\n  gateway: {")])
    assert "// by hand" in owners.read_text()
    assert team.states("drift") == IN_SYNC
    assert files_with_the_secret(team.bots) == []


def _servers(settings: Any) -> set[str]:
    return set(settings["config"]["mcp"]["servers"])


def _workspace_skills(status: Any) -> dict[str, str]:
    return {
        skill["name"]: skill["description"] for skill in status["skills"] if skill["source"] == "openclaw-workspace"
    }


def test_a_pack_reaches_claude_code_and_its_update_the_next_session(team: Team) -> None:
    team.publish_skill("git", "Works with git.")
    team.packs("create", "--name", "Dev Stack", "--skills", "git", "--env", f"SEEN_FILE={team.seen}",
               "--env", "TOKEN=${secrets.github_token}")  # fmt: skip
    team.packs("attach", "dev-stack", "--bots", "cleo")
    team.build()
    team.bot("reconcile", "--once")
    claude = ClaudeHome(team.bots / "prod" / "cleo")
    assert "git" in claude.first_event()["skills"]

    team.publish_skill("notes", "Takes notes.")
    team.packs("update", "dev-stack", "--skills", "notes", "--mcp", f"second=node {SERVER} two")
    team.build()
    assert team.states("reconcile", "--once")["prod/cleo"] == "in-sync"
    event = claude.first_event()
    assert {"git", "notes"} <= set(event["skills"])
    assert [server["name"] for server in event["mcp_servers"]] == ["second"]
    assert "✔ Connected" in claude.servers()
    arguments, variables = seen_by(team.seen)
    assert (arguments, variables["TOKEN"]) == (["two"], SECRET)
    assert team.states("drift")["prod/cleo"] == "in-sync"

    team.packs("detach", "dev-stack", "--bots", "cleo")
    team.build()
    team.bot("reconcile", "--once")
    assert not {"git", "notes"} & set(claude.first_event()["skills"])
    assert files_with_the_secret(team.bots) == []
