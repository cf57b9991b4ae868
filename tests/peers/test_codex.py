"""Codex CLI, unmodified, reads what its adapter writes, and writes beside it. It runs offline, with no account."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile
from tests.peers.http_mcp_server import HttpServer
from tests.peers.judged_home import (
    MEANT,
    bring_in_sync,
    check_servers_were_started,
    desired_state,
    files_with_the_secret,
    publish,
    started_server,
)
from tests.peers.npm_programs import npm_program
from tests.peers.program_home import ProgramHome
from tests.platforms.toml_documents import TomlCase, toml_texts
from tests.reconciler.world import World

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent

OWNER = """\
# Ada's settings
model = "gpt-5" # keep

[mcp_servers.mine]
command = "true" # by hand

# about projects
[projects."/home/ada"]
trust_level = "trusted"
"""


class CodexHome(ProgramHome):
    """One home, and the program run in it."""

    def __init__(self, folder: Path) -> None:
        super().__init__([str(npm_program("codex", HERE / "codex"))], folder)
        self.config = folder / ".codex" / "config.toml"

    def servers(self) -> dict[str, Any]:
        """Return the transports that the program lists, by name."""
        return {server["name"]: server["transport"] for server in self.json("mcp", "list", "--json")}

    def ask(self, *questions: tuple[str, dict[str, Any]]) -> list[Any]:
        """Ask the app server, which is what Codex's own windows talk to."""
        start = ("initialize", {"clientInfo": {"name": "peer", "title": "peer", "version": "1"}})
        command = [*self.command, "app-server"]
        with subprocess.Popen(command, cwd=self.folder, env=self.environment, text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:  # fmt: skip
            try:
                return [_answer(server, number, *question) for number, question in enumerate((start, *questions))][1:]
            finally:
                server.terminate()


def _answer(server: subprocess.Popen[str], number: int, method: str, params: dict[str, Any]) -> Any:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n")
    server.stdin.flush()
    for line in server.stdout:
        message = json.loads(line)
        if message.get("id") == number:
            return message["result"]
    raise AssertionError(method)


@pytest.fixture
def codex(world: World, http: HttpServer) -> CodexHome:
    return CodexHome(bring_in_sync(world, "codex", desired_state(world, http), {".codex/config.toml": OWNER}))


def test_codex_lists_the_bots_servers_and_the_owners(codex: CodexHome, http: HttpServer) -> None:
    servers = codex.servers()
    assert sorted(servers) == ["keyed", "mine", "renamed", "seen", "tickets"]
    assert servers["seen"]["args"][1:] == MEANT
    assert servers["seen"]["env_vars"] == ["GITHUB_TOKEN"]
    assert servers["renamed"]["command"] == "molthub"
    assert servers["tickets"].items() >= {"bearer_token_env_var": "GITHUB_TOKEN"}.items()
    assert servers["tickets"]["http_headers"] == {"X-Team": "a $ b"}
    assert servers["keyed"]["env_http_headers"] == {"X-Key": "GITHUB_TOKEN"}
    assert servers["keyed"]["url"] == f"{http.url}/keyed"


def test_codex_starts_the_servers_as_declared_and_finds_the_skills(
    world: World, codex: CodexHome, http: HttpServer
) -> None:
    status, skills = codex.ask(("mcpServerStatus/list", {}), ("skills/list", {"cwds": [str(codex.folder)]}))

    tools = {server["name"]: sorted(server["tools"]) for server in status["data"]}
    assert tools == {"keyed": ["look"], "mine": [], "renamed": ["look"], "seen": ["look"], "tickets": ["look"]}
    check_servers_were_started(world, http)
    [found] = skills["data"]
    assert not found["errors"]
    by_scope = {scope: {skill["name"] for skill in found["skills"] if skill["scope"] == scope}
                for scope in ("user", "system")}  # fmt: skip
    assert by_scope == {"user": {"pg"}, "system": platform("codex").bundled_skills}
    assert files_with_the_secret(codex.folder) == []


def test_codex_gives_plain_variables_to_the_commands_it_runs(codex: CodexHome) -> None:
    variables = dict(line.partition("=")[::2] for line in codex.run("sandbox", "--", "env").splitlines())
    assert variables["LOG_LEVEL"] == "5$"


def test_codex_adds_a_server_beside_ours_and_we_leave_what_it_wrote(
    world: World, codex: CodexHome, http: HttpServer, tmp_path: Path
) -> None:
    added = ("mcp", "add", "other", "--env", "A=1", "--", "true")
    assert set(OWNER.splitlines()) <= set(codex.config.read_text().splitlines())
    codex.run(*added)
    assert "other" in codex.servers()
    assert world.molthub("drift").status == 0

    desired = desired_state(world, http)
    publish(world, "codex", {**desired, "mcp/seen": started_server(world, "seen", {}, ["changed"])})
    assert codex.servers()["seen"]["args"][1:] == ["changed"]
    publish(world, "codex", {"skill/pg": desired["skill/pg"]})
    alone = CodexHome(tmp_path / "alone")
    alone.config.parent.mkdir(parents=True)
    alone.config.write_text(OWNER)
    alone.run(*added)
    assert codex.config.read_text() == alone.config.read_text()


def test_a_server_that_codex_removes_is_drift_and_comes_back(world: World, codex: CodexHome) -> None:
    codex.run("mcp", "remove", "seen")
    report = world.report("drift", status=3)
    assert [change["key"] for change in report["bots"][0]["changes"]] == ["mcp/seen"]
    assert world.molthub("reconcile").status == 0
    assert "seen" in codex.servers()


def test_codex_reads_our_edits_of_anybodys_file(tmp_path: Path) -> None:
    codex = CodexHome(tmp_path)
    codex.config.parent.mkdir()
    servers = {"ours": {"command": "npx", "args": ["-y", "a \"b\" '\x7f' é \\"], "env": {"A.B": "1", "K": ""}},
               "beside": {"url": "http://127.0.0.1:9/", "http_headers": {"X-A": "\t"}}}  # fmt: skip
    texts: list[str] = []

    @settings(max_examples=40, database=None, suppress_health_check=list(HealthCheck))
    @given(toml_texts())
    def gather(case: TomlCase) -> None:
        texts.append(case.text.removeprefix("\ufeff"))

    gather()
    for text in texts:
        file = ConfigFile.parse(text.encode(), "toml", "config.toml")
        for name, server in servers.items():
            file.set(("mcp_servers", name), server)
        file.set(("mcp_servers", "ours", "startup_timeout_sec"), 5.0)
        file.set(("shell_environment_policy", "set", "LEVEL"), "1")
        codex.config.write_bytes(file.to_bytes())
        found = codex.servers()
        assert (found["ours"]["args"], found["ours"]["env"]) == (servers["ours"]["args"], servers["ours"]["env"]), text
        assert found["beside"]["http_headers"] == {"X-A": "\t"}
