"""The programs of the table, unmodified, read what their rows write: skills, servers of both kinds, variables.

Each program is run once in a home that an owner has settings in, offline and with no account, until it has started
the servers; then everything is compared with what was declared.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from molthub.errors import PlatformValueError
from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile, same
from molthub.platforms.rows import BY_NAME
from molthub.references.secrets import is_sensitive
from tests.peers.agent_backend import Backend, agent_backend
from tests.peers.agent_homes import SECRET, SERVER, environment, seen_by, write_home
from tests.peers.http_mcp_server import HttpServer, http_mcp_server
from tests.peers.npm_programs import npm_file, npm_program
from tests.peers.program_home import claude_command
from tests.platforms.readers import ENVIRONMENT
from tests.platforms.test_expansion_laws import meant, texts

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent
SAMPLES = 150
KEPT = "kept-4711"
OFFLINE = {
    "TICKETS_TOKEN": SECRET,
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "COPILOT_OFFLINE": "true",
    "COPILOT_PROVIDER_BASE_URL": "http://127.0.0.1:9/v1",
    "COPILOT_MODEL": "none",
    "ANTHROPIC_API_KEY": "none",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "AMP_API_KEY": "none",
    "AMP_URL": "http://127.0.0.1:9",
    "npm_config_fetch_retries": "0",
    **ENVIRONMENT,
}


@dataclass(frozen=True)
class Program:
    """How one program is told to start its servers, and how it lists skills. ``owner`` is what stands in its file.

    A program that lists no skills tells a model of them: ``told`` finds them in that. ``first`` is run once before,
    ``variables`` and it may name the address of what answers in the model's place as ``{url}``. ``dollar`` is an
    argument that it must not expand.
    """

    command: Callable[[], list[str]]
    servers: tuple[str, ...]
    skills: tuple[str, ...] = ()
    owner: dict[str, Any] = field(default_factory=dict)
    told: str = ""
    prompt: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    dollar: str = "$$x"


_CLINE_PROMPT = ("-P", "openai-native", "--json", "say hi")
PROGRAMS = {
    "claude-code": Program(claude_command, ("mcp", "list")),
    "gemini-cli": Program(
        lambda: [str(npm_program("gemini", HERE / "gemini"))],
        ("mcp", "list"),
        ("skills", "list"),
        {"security": {"folderTrust": {"enabled": False}}},
    ),
    "opencode": Program(
        lambda: [str(npm_file("opencode-linux-x64/bin/opencode", HERE / "opencode"))],
        ("mcp", "list"),
        ("debug", "skill"),
    ),
    "copilot-cli": Program(
        lambda: [str(npm_program("copilot", HERE / "copilot"))], ("-p", "hi"), ("skill", "list", "--json")
    ),
    "cursor": Program(
        lambda: ["node", str(HERE / "cursor_session.cjs"), str(npm_file("@cursor/sdk", HERE / "cursor"))],
        (),
        told=r"/skills/([\w-]+)/SKILL\.md",
        variables={"CURSOR_BACKEND_URL": "{url}"},
    ),
    "cline": Program(
        lambda: [str(npm_file("@cline/cli-linux-x64/bin/cline", HERE / "cline"))],
        _CLINE_PROMPT,
        told=r"Available skills: ([\w, -]+)\.",
        prompt=_CLINE_PROMPT,
        first=("auth", "-p", "openai-native", "-k", "none", "-m", "none", "-b", "{url}/v1"),
        variables={"CLINE_SESSION_BACKEND_MODE": "local"},  # no process that goes on in the background
    ),
    "qwen-code": Program(
        lambda: [str(npm_program("qwen", HERE / "qwen"))],
        ("mcp", "list"),
        owner={"security": {"folderTrust": {"enabled": False}}},
        told=r"<skill>\\n<name>\\n([\w-]+)\\n",
        prompt=("--auth-type", "openai", "hi there"),
        dollar="$$ x",  # a name after it could not be written: there is no escape
        variables={"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": "{url}/v1", "OPENAI_MODEL": "none"},
    ),
    "amp": Program(lambda: [str(npm_program("amp", HERE / "amp"))], ("mcp", "doctor"), ("skill", "list")),
}


_SESSION = ("-p", "hi", "--output-format", "stream-json", "--verbose")
_LISTED = r'"name": "([\w-]+)"|^([\w-]+) \[Enabled\]|^ *• ([\w-]+) - '


@dataclass
class Ran:
    """One program after its run."""

    name: str
    home: Path
    program: Program
    desired: dict[str, Any]
    texts: list[str]
    backend: Backend
    said: str = ""
    asked: dict[str, dict[str, str]] = field(default_factory=dict)

    def file(self) -> Path:
        return self.home / BY_NAME[self.name].server_file("linux")

    def config(self) -> ConfigFile:
        return ConfigFile.parse(self.file().read_bytes(), BY_NAME[self.name].file_format, "settings")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*self.program.command(), *arguments]
        return subprocess.run(command, cwd=self.home, env=environment(self.home, **self.variables()), timeout=120,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # fmt: skip

    def variables(self) -> dict[str, str]:
        own = {name: value.format(url=self.backend.url) for name, value in self.program.variables.items()}
        return OFFLINE | own

    def skills(self) -> str:
        """Return what the program says of its skills; Claude Code says it when a session begins."""
        if self.program.told:
            pattern = re.compile(self.program.told)
            if not pattern.search(self.backend.told()):
                self.start_servers(lambda: pattern.search(self.backend.told()) is not None, self.program.prompt)
            names = ", ".join(pattern.findall(self.backend.told())).split(", ")
            return " ".join(f'"name": "{name}"' for name in names)
        if not self.program.skills:
            self.start_servers(lambda: "\n" in (self.home / "said.txt").read_text(), _SESSION)
            return " ".join(f'"name": "{name}"' for name in json.loads(self.said.splitlines()[0])["skills"])
        done = self.run(*self.program.skills)
        return done.stdout

    def start_servers(
        self, until: Callable[[], bool], arguments: Sequence[str] = (), variables: Mapping[str, str] | None = None
    ) -> None:
        """Run the program until it has started its servers; it might then wait for somebody to talk to."""
        command = [*self.program.command(), *(arguments or self.program.servers)]
        with (self.home / "said.txt").open("w+") as said:
            set_for_it = environment(self.home, **(variables or self.variables()))
            running = subprocess.Popen(command, cwd=self.home, env=set_for_it, stdout=said, stderr=said,
                                       stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
            deadline = time.monotonic() + 90
            while running.poll() is None and not until() and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(1 if running.poll() is None else 0)  # it may say something of what it found
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        self.said = (self.home / "said.txt").read_text()


def samples(name: str) -> list[str]:
    """Return texts that the adapter takes both as an argument and as a variable of a server that is not wrapped."""
    found: list[str] = []

    @settings(max_examples=SAMPLES, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(texts)
    def gather(text: str) -> None:
        if is_sensitive(text) and BY_NAME[name].references.wrapped:
            return
        try:
            platform(name).entries("main", "mcp/s", {"command": "x", "args": [text], "env": {"V": text}})
        except PlatformValueError:
            return
        found.append(text)

    gather()
    return found


def desired_state(home: Path, http: HttpServer, name: str, sample: list[str]) -> dict[str, Any]:
    refers = BY_NAME[name].references.usual is not None
    variables = {f"V{number}": text for number, text in enumerate(sample)}
    own = {"TOKEN": "${secrets.tickets_token}", "LEVEL": "HOME"}
    headers = {"Authorization": "Bearer ${secrets.tickets_token}" if refers else "none", "X-Level": "debug"}
    return {
        "mcp/seen": {"command": "node", "args": [str(SERVER), "-", *sample],
                     "env": {"SEEN_FILE": str(home / "seen.json"), **own, **variables}},
        "mcp/keyed": {"command": "node", "args": [str(SERVER), "--key=${secrets.tickets_token}", PROGRAMS[name].dollar],
                      "env": {"SEEN_FILE": str(home / "keyed.json")}},
        "mcp/hidden": {"command": "node", "args": [str(SERVER)],
                       "env": {"SEEN_FILE": str(home / "hidden.json"), "TOKEN": "${secrets.github_token}"}},
        "mcp/tickets": {"url": f"{http.url}/tickets", "headers": headers},
        "skill/@acme/pg": "sha256:0",
        "skill/deploy": "sha256:0",
    }  # fmt: skip


def keep_secret(home: Path, name: str, value: str) -> None:
    """Put a secret where ``molthub exec`` looks after the environment."""
    folder = home / ".config/molthub/secrets"
    folder.mkdir(mode=0o700, parents=True)
    (folder / name).touch(mode=0o600)
    (folder / name).write_text(value)


@pytest.fixture(scope="module", params=PROGRAMS)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    name: str = request.param
    row, program, home = BY_NAME[name], PROGRAMS[name], tmp_path_factory.mktemp(name)
    owners: Any = {"mine": platform(name).entries("main", "mcp/mine", {"command": "true"})[0].value}
    for key in reversed(row.servers):
        owners = {key: owners}
    text = json.dumps({**program.owner, **owners}, indent=2)
    file = home / row.server_file("linux")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text if row.file_format == "json" else text.replace("{\n", "{\n  // by hand\n", 1))
    with http_mcp_server() as http, agent_backend() as backend:
        sample = samples(name)
        found = Ran(name, home, program, desired_state(home, http, name, sample), sample, backend, asked=http.asked)
        write_home(home, name, found.desired)
        if program.first:
            found.run(*(argument.format(url=backend.url) for argument in program.first))
        keep_secret(home, "github_token", KEPT)
        files = [home / f"{server}.json" for server in ("seen", "keyed", "hidden")]
        found.start_servers(lambda: all(file.exists() for file in files) and bool(http.asked))
        yield found


def test_copilot_keeps_some_variables_for_itself_and_no_other(tmp_path: Path) -> None:
    withheld = sorted(BY_NAME["copilot-cli"].references.withheld)
    names = [*withheld, "GH_TOKEN", "NPM_TOKEN", "GEMINI_API_KEY", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD"]
    ran = Ran("copilot-cli", tmp_path, PROGRAMS["copilot-cli"], {}, [], Backend("http://127.0.0.1:9"))
    server = {"type": "stdio", "command": "node", "args": [str(SERVER), *(f"${{{name}}}" for name in names)],
              "env": {"SEEN_FILE": str(tmp_path / "seen.json")}}  # fmt: skip
    ran.file().parent.mkdir()
    ran.file().write_text(json.dumps({"mcpServers": {"seen": server}}))
    ran.start_servers((tmp_path / "seen.json").exists, variables=OFFLINE | dict.fromkeys(names, "set"))
    arguments, _ = seen_by(tmp_path / "seen.json")
    assert arguments == [f"${{{name}}}" if name in withheld else "set" for name in names]


def test_it_starts_the_server_with_the_arguments_and_variables_that_were_declared(ran: Ran) -> None:
    arguments, variables = seen_by(ran.home / "seen.json")
    assert arguments == ["-", *map(meant, ran.texts)]
    assert {text: variables.get(f"V{number}") for number, text in enumerate(ran.texts)} == {
        text: meant(text) for text in ran.texts
    }
    assert len(ran.texts) > SAMPLES / 10


def test_a_secret_of_its_environment_arrives_at_the_server(ran: Ran) -> None:
    _, variables = seen_by(ran.home / "seen.json")
    assert (variables["TOKEN"], variables["LEVEL"]) == (SECRET, "HOME")


def test_a_secret_arrives_in_an_argument(ran: Ran) -> None:
    assert seen_by(ran.home / "keyed.json")[0] == [f"--key={SECRET}", meant(ran.program.dollar)]


def test_a_secret_whose_variable_the_program_hides_is_found_by_exec(ran: Ran) -> None:
    _, variables = seen_by(ran.home / "hidden.json")
    assert variables["TOKEN"] == (KEPT if ran.name == "copilot-cli" else SECRET)


def test_it_sends_the_headers_that_were_declared(ran: Ran) -> None:
    headers = ran.asked["/tickets"]
    bearer = f"Bearer {SECRET}" if BY_NAME[ran.name].references.usual else "none"
    assert (headers["authorization"], headers["x-level"]) == (bearer, "debug")


def test_no_secret_is_on_disk_and_none_is_said(ran: Ran) -> None:
    seen = {ran.home / name for name in ("seen.json", "keyed.json", "hidden.json")}
    files = [path for path in ran.home.rglob("*") if path.is_file() and path not in seen]
    assert ran.file() in files
    assert [str(path) for path in files if SECRET.encode() in path.read_bytes()] == []


def test_what_the_owner_has_is_there_after_the_run_and_so_is_ours(ran: Ran) -> None:
    row, config = BY_NAME[ran.name], ran.config()
    assert config.get((*row.servers, "mine"))[0]
    assert ("// by hand" in ran.file().read_text()) == (row.file_format != "json")
    for key in ("mcp/seen", "mcp/tickets"):
        entry = platform(ran.name).entries("main", key, ran.desired[key])[0]
        assert same(config.get(entry.pointer)[1], entry.value)


def test_it_lists_the_skills_of_the_bot_and_knows_its_own(ran: Ran) -> None:
    said = ran.skills()
    found = {name for names in re.findall(_LISTED, said, re.MULTILINE) for name in names if name}
    assert {"pg", "deploy"} <= found
    assert found - {"pg", "deploy"} <= platform(ran.name).bundled_skills
