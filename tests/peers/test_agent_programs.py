"""The agents' own programs, unmodified, read the files that the adapters write. They run offline, with no account."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile, same
from molthub.platforms.json_text import read_json5
from tests.peers.agent_homes import SECRET, seen_by, seen_server, write_home
from tests.peers.npm_programs import npm_program
from tests.peers.program_home import ProgramHome, claude_command
from tests.platforms.json5_documents import json5_texts

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent

# Arguments as they are declared, and as the server must get them.
LITERAL = ["$HOME", "a $$ b", "{HOME}", "$$"]
MEANT = ["$HOME", "a $ b", "{HOME}", "$"]

OWNERS_OPENCLAW = """\
// Ada's gateway
{
  gateway: { mode: 'local', port: 18789 }, // keep
  mcp: {
    servers: { mine: { command: 'true' } }, // by hand
  },
}
"""


def desired_with(server: dict[str, Any]) -> dict[str, Any]:
    return {
        "mcp/seen": server,
        "mcp/tickets": {
            "url": "http://127.0.0.1:9/mcp",
            "headers": {"Authorization": "Bearer ${secrets.github_token}"},
        },
        "mcp/events": {"url": "http://127.0.0.1:9/sse", "transport": "sse"},
        "env/LOG_LEVEL": "debug",
        "env/PRICE": "5$$",
        "env/GITHUB_TOKEN": "${secrets.github_token}",
        "config/@acme/pg": {"schema": "public", "deep": [1, {"a": None}, 2.5, "$HOME"]},
        "skill/@acme/pg": "sha256:0",
        "skill/code-review": "sha256:0",
    }


def written_files(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


# --- OpenClaw ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def openclaw_program() -> Path:
    return npm_program("openclaw", HERE / "openclaw")


class OpenClawHome(ProgramHome):
    """One home, and the program run in it."""

    def __init__(self, program: Path, folder: Path) -> None:
        super().__init__([str(program)], folder)
        self.seen = folder / "seen.json"

    def asked(self, *arguments: str) -> Any:
        return self.json(*arguments, "--json")


@pytest.fixture
def openclaw(openclaw_program: Path, tmp_path: Path) -> OpenClawHome:
    home = OpenClawHome(openclaw_program, tmp_path)
    owners = tmp_path / ".openclaw" / "openclaw.json"
    owners.parent.mkdir()
    owners.write_text(OWNERS_OPENCLAW)
    write_home(
        tmp_path, "openclaw", desired_with(seen_server([*LITERAL, "${home}", "${HOME}", "$$$${HOME}"], home.seen))
    )
    return home


def test_openclaw_finds_nothing_wrong(openclaw: OpenClawHome) -> None:
    done = openclaw.done("config", "validate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Config valid" in done.stdout
    assert "Missing env var" not in done.stdout + done.stderr


def test_openclaw_needs_no_file_of_an_owner(openclaw_program: Path, tmp_path: Path) -> None:
    home = OpenClawHome(openclaw_program, tmp_path)
    write_home(tmp_path, "openclaw", desired_with(seen_server([], home.seen)))
    assert home.done("config", "validate").returncode == 0


def test_openclaw_starts_the_server_as_declared(openclaw: OpenClawHome) -> None:
    assert openclaw.asked("mcp", "probe", "seen")["servers"]["seen"]["tools"] == 1
    arguments, variables = seen_by(openclaw.seen)
    assert arguments == [*MEANT, "${home}", "${HOME}", "$${HOME}"]
    assert (variables["TOKEN"], variables["LEVEL"]) == (SECRET, "debug")


def test_openclaw_has_our_servers_and_the_owners(openclaw: OpenClawHome) -> None:
    servers = openclaw.asked("config", "get", "mcp.servers")
    assert sorted(servers) == ["events", "mine", "seen", "tickets"]
    assert servers["tickets"]["transport"] == "streamable-http"
    assert servers["events"]["transport"] == "sse"


def test_openclaw_has_the_settings_of_a_skill_and_the_environment(openclaw: OpenClawHome) -> None:
    assert openclaw.asked("config", "get", "skills.entries.pg.config") == {
        "schema": "public",
        "deep": [1, {"a": None}, 2.5, "$HOME"],
    }
    assert sorted(openclaw.asked("config", "get", "env.vars")) == ["LOG_LEVEL", "PRICE"]


def test_openclaw_gives_plain_variables_to_what_it_starts(openclaw: OpenClawHome) -> None:
    file = openclaw.folder / ".openclaw" / "openclaw.json"
    config = ConfigFile.parse(file.read_bytes(), "json5", file.name)
    server = {**seen_server(["x"], openclaw.seen), "args": [str(HERE / "seen_server.mjs"), "${LOG_LEVEL}", "${PRICE}"]}
    config.set(("mcp", "servers", "mine"), {**server, "env": {"SEEN_FILE": str(openclaw.seen)}})
    file.write_bytes(config.to_bytes())
    openclaw.asked("mcp", "probe", "mine")
    assert seen_by(openclaw.seen)[0] == ["debug", "5$"]


def test_openclaw_lists_the_skills_of_the_bot_and_knows_its_own(openclaw: OpenClawHome) -> None:
    skills = openclaw.asked("skills", "list")["skills"]
    ours = {skill["name"]: skill for skill in skills if skill["source"] == "openclaw-workspace"}
    assert sorted(ours) == ["code-review", "pg"]
    assert all(skill["eligible"] for skill in ours.values())
    assert {skill["name"] for skill in skills} - ours.keys() == platform("openclaw").bundled_skills


def test_openclaw_finds_the_skills_of_each_of_several_agents(openclaw: OpenClawHome) -> None:
    write_home(openclaw.folder, "openclaw", {"skill/writing": "sha256:0"}, agent="writer")
    file = openclaw.folder / ".openclaw" / "openclaw.json"
    config = ConfigFile.parse(file.read_bytes(), "json5", file.name)
    roster = {"main": {"workspace": "~/.openclaw/workspace"}, "writer": {}}
    config.set(("agents",), {"ownership": "explicit", "entries": roster})
    file.write_bytes(config.to_bytes())
    for agent, names in (("main", ["code-review", "pg"]), ("writer", ["writing"])):
        skills = openclaw.asked("skills", "list", "--agent", agent)["skills"]
        assert sorted(skill["name"] for skill in skills if skill["source"] == "openclaw-workspace") == names


def test_openclaw_changes_its_own_settings_and_leaves_our_files(openclaw: OpenClawHome) -> None:
    ours = {path: content for path, content in written_files(openclaw.folder).items() if path.parent.name == "molthub"}
    done = openclaw.done("config", "set", "gateway.port", "18790")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path: path.read_bytes() for path in ours} == ours
    config = ConfigFile.parse((openclaw.folder / ".openclaw/openclaw.json").read_bytes(), "json5", "openclaw.json")
    assert config.get(("mcp", "$include")) == (True, ["./molthub/mcp.json5"])
    assert openclaw.done("config", "validate").returncode == 0


def test_what_stands_beside_an_include_wins_as_the_adapter_says(openclaw: OpenClawHome) -> None:
    file = openclaw.folder / ".openclaw" / "openclaw.json"
    config = ConfigFile.parse(file.read_bytes(), "json5", file.name)
    [(shadow, pointer)] = platform("openclaw").shadows("main", "mcp/events", {"command": "x"})
    assert shadow == ".openclaw/openclaw.json"
    config.set(pointer, {"transport": "streamable-http"})
    file.write_bytes(config.to_bytes())
    assert openclaw.asked("config", "get", "mcp.servers.events")["transport"] == "streamable-http"


def test_openclaws_own_reader_of_json5_agrees_with_ours(openclaw_program: Path) -> None:
    texts: list[str] = []

    @settings(max_examples=300, database=None, suppress_health_check=list(HealthCheck))
    @given(json5_texts())
    def gather(case: tuple[str, Any]) -> None:
        texts.append(case[0])

    gather()
    script = (
        "const {parse} = require('json5'); const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "process.stdout.write(JSON.stringify(texts.map(text => parse(text))))"
    )
    modules = openclaw_program.parent.parent
    done = subprocess.run(["node", "-e", script], input=json.dumps(texts), cwd=modules, capture_output=True,
                          text=True, check=True, timeout=60)  # fmt: skip
    for text, theirs in zip(texts, json.loads(done.stdout, parse_int=float), strict=True):
        assert same(read_json5(text), theirs), text


# --- Claude Code ---------------------------------------------------------------------------------------------------


class ClaudeHome(ProgramHome):
    """One home, and the program run in it: no account, no network."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            claude_command(),
            folder,
            DISABLE_AUTOUPDATER="1",
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            ANTHROPIC_API_KEY="none",
            ANTHROPIC_BASE_URL="http://127.0.0.1:9",
        )
        self.seen = folder / "seen.json"

    def servers(self) -> str:
        done = self.done("mcp", "list")
        return done.stdout + done.stderr

    def first_event(self) -> Any:
        """Return what the program says when a session begins; the session itself would find nobody to talk to."""
        command = [*self.command, "-p", "hi", "--output-format", "stream-json", "--verbose"]
        with subprocess.Popen(command, cwd=self.folder, env=self.environment, text=True, start_new_session=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as session:  # fmt: skip
            assert session.stdout is not None
            try:
                return json.loads(session.stdout.readline())
            finally:
                _end(session)


def _end(session: subprocess.Popen[str]) -> None:
    """End the program and what it started."""
    os.killpg(session.pid, signal.SIGKILL)


@pytest.fixture
def claude(tmp_path: Path) -> ClaudeHome:
    home = ClaudeHome(tmp_path)
    (tmp_path / ".claude.json").write_text('{"numStartups": 3, "mcpServers": {"mine": {"command": "true"}}}')
    write_home(tmp_path, "claude-code", desired_with(seen_server(LITERAL, home.seen)))
    return home


def test_claude_code_starts_the_server_as_declared(claude: ClaudeHome) -> None:
    listed = claude.servers()
    assert "✔ Connected" in next(line for line in listed.splitlines() if line.startswith("seen:"))
    assert "tickets: http://127.0.0.1:9/mcp (HTTP)" in listed
    assert "events: http://127.0.0.1:9/sse (SSE)" in listed
    assert "mine: true" in listed
    assert "Warning" not in listed
    arguments, variables = seen_by(claude.seen)
    assert arguments == MEANT
    assert (variables["TOKEN"], variables["LEVEL"]) == (SECRET, "debug")


def test_claude_code_begins_a_session_with_the_bots_skills_servers_and_environment(claude: ClaudeHome) -> None:
    event = claude.first_event()
    assert {"pg", "code-review"} <= set(event["skills"])
    assert {"seen", "tickets", "events", "mine"} == {server["name"] for server in event["mcp_servers"]}
    assert set(event["skills"]) - {"pg"} <= platform("claude-code").bundled_skills
    _, variables = seen_by(claude.seen)
    assert (variables["LOG_LEVEL"], variables["PRICE"]) == ("debug", "5$")


def test_claude_code_rewrites_its_state_and_keeps_our_servers(claude: ClaudeHome) -> None:
    desired = desired_with(seen_server(LITERAL, claude.seen))
    claude.first_event()
    state = ConfigFile.parse((claude.folder / ".claude.json").read_bytes(), "json", ".claude.json")
    for key in ("mcp/seen", "mcp/tickets", "mcp/events"):
        entry = platform("claude-code").entries("main", key, desired[key])[0]
        found, value = state.get(entry.pointer)
        assert found
        assert same(value, entry.value)
    assert SECRET not in (claude.folder / ".claude.json").read_text()


@pytest.mark.parametrize("name", ["claude-in-chrome", "computer-use", "workspace"])
def test_claude_code_has_servers_of_its_own(claude: ClaudeHome, name: str) -> None:
    file = claude.folder / ".claude.json"
    state = ConfigFile.parse(file.read_bytes(), "json", file.name)
    state.set(("mcpServers", name), {"type": "stdio", "command": "true"})
    file.write_bytes(state.to_bytes())
    assert f'"{name}" is a reserved MCP server name' in claude.servers()
