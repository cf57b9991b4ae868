"""VS Code's own workbench and server, unmodified, read what its adapter writes: servers of both kinds, skills.

It runs as it does without a desktop: the server in the bot's home, the workbench in a browser.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page

from molthub.platforms.rows import BY_NAME
from molthub.references.skill_folders import SKILL_FOLDERS
from tests.peers.agent_homes import SECRET, SERVER, environment, seen_by
from tests.peers.http_mcp_server import HttpServer
from tests.peers.judged_home import BOT, LITERAL, MEANT, bring_in_sync, skill_files
from tests.peers.npm_programs import npm_file
from tests.peers.test_searched_folders import NAMES, put
from tests.reconciler.world import World

pytestmark = pytest.mark.peers
INNER = "code-server/lib/vscode"
ROW = BY_NAME["vscode"]
_INPUT = ".quick-input-widget .quick-input-filter input"
OWNERS = '{\n    // by hand\n    "servers": {\n        "mine": { "command": "true" }\n    }\n}\n'


@dataclass
class Workbench:
    """VS Code in a browser."""

    page: Page

    def rows(self) -> list[str]:
        """Return what the list says that is open."""
        found = self.page.query_selector_all(".quick-input-list .monaco-list-row")
        return [row.get_attribute("aria-label") or "" for row in found]

    def listed(self, command: str, last: str) -> list[str]:
        """Run a command that opens a list, and return that once it has a row that begins with ``last``."""
        self.page.keyboard.press("Escape")
        self.page.wait_for_selector(_INPUT, state="hidden")
        self.page.keyboard.press("F1")
        self.choose(command, before=">")
        until(lambda: any(row.startswith(last) for row in self.rows()), lambda: f"{last} in {self.rows()}")
        return self.rows()

    def choose(self, name: str, before: str = "") -> None:
        """Take the row of the open list that begins with ``name``, which is asked for with ``before`` in front."""
        self.page.wait_for_selector(_INPUT, state="visible")
        self.page.fill(_INPUT, before + name)
        until(lambda: self.rows()[:1] != [] and self.rows()[0].startswith(name), lambda: f"{name} in {self.rows()}")
        self.page.keyboard.press("Enter")

    def start(self, server: str) -> None:
        """Start one server."""
        self.listed("MCP: List Servers", server)
        self.choose(server)
        self.choose("Start Server")


def until(holds: Callable[[], Any], what: Callable[[], str]) -> None:
    """Wait until something holds; what the page throws away meanwhile is asked anew."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        try:
            if holds():
                return
        except Error:
            pass
        sleep(0.2)
    raise AssertionError(what())


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def workbench(world: World, tmp_path: Path, browser: Browser) -> Iterator[Callable[[], Workbench]]:
    """Return what opens VS Code in the bot's home."""
    running: list[subprocess.Popen[bytes]] = []
    project, own = tmp_path / "project", tmp_path / "server"
    page = browser.new_page()

    def opened() -> Workbench:
        home, port = world.home(BOT), free_port()
        project.mkdir()
        own.mkdir()
        (own / "data").symlink_to((home / ROW.server_file("linux")).parent.parent)
        program = npm_file(f"{INNER}/out/server-main.js", Path(__file__).parent / "code-server", INNER)
        command = ["node", str(program), "--host", "127.0.0.1", "--port", str(port), "--without-connection-token"]
        command += ["--accept-server-license-terms", "--server-data-dir", str(own), "--default-folder", str(project)]
        with (tmp_path / "said.txt").open("wb") as said:
            server = subprocess.Popen(command, cwd=project, env=environment(home), stdout=said, stderr=said,
                                      start_new_session=True)  # fmt: skip
        running.append(server)
        until(lambda: b"Web UI" in (tmp_path / "said.txt").read_bytes(), (tmp_path / "said.txt").read_text)
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector(".monaco-workbench .part.editor", timeout=60_000)
        return Workbench(page)

    yield opened
    page.close()
    for process in running:
        os.killpg(process.pid, signal.SIGKILL)  # what it started is in its group
        process.wait()


def test_vscode_starts_the_servers_as_declared(
    world: World, http: HttpServer, workbench: Callable[[], Workbench]
) -> None:
    seen = world.folder / "seen.json"
    env = {"SEEN_FILE": str(seen), "LEVEL": "debug", "TOKEN": "${secrets.github_token}"}
    headers = {"Authorization": "Bearer ${secrets.github_token}", "X-Team": "a $$ b"}
    desired = {
        "mcp/seen": {"command": "node", "args": [str(SERVER), *LITERAL, "--key=${secrets.github_token}"], "env": env},
        "mcp/tickets": {"url": f"{http.url}/tickets", "headers": headers},
    }
    file = bring_in_sync(world, "vscode", desired, {ROW.server_file("linux"): OWNERS}) / ROW.server_file("linux")
    code = workbench()

    listed = code.listed("MCP: List Servers", "tickets")
    code.start("seen")
    until(seen.exists, lambda: "the server is started")
    code.start("tickets")
    until(lambda: "/tickets" in http.asked, lambda: "the server is asked")

    assert {row.split(",")[0] for row in listed} >= {"mine", "seen", "tickets"}
    arguments, variables = seen_by(seen)
    assert arguments == [*MEANT, f"--key={SECRET}"]
    assert (variables["LEVEL"], variables["TOKEN"]) == ("debug", SECRET)
    assert http.asked["/tickets"]["x-team"] == "a $ b"
    assert http.asked["/tickets"]["authorization"] == f"Bearer {SECRET}"
    assert "// by hand" in file.read_text()
    assert SECRET not in file.read_text()
    assert world.molthub("drift").status == 0


def test_vscode_finds_skills_where_it_is_said_and_nowhere_else(
    world: World, workbench: Callable[[], Workbench]
) -> None:
    digest = world.site.skill("pg", "1.0.0", skill_files("The bot's own."))
    home = bring_in_sync(world, "vscode", {"skill/pg": digest, "mcp/a": {"command": "true"}}, {})
    for folder, name in NAMES.items():
        put(home, folder, name)
    rival = SKILL_FOLDERS["vscode"].beside[0]
    put(home, rival, "pg")

    said = "\n".join(workbench().listed("Chat: Configure Skills", "pg, The bot's own."))

    folders = SKILL_FOLDERS["vscode"]
    assert {*re.findall(r"\bin-\d+\b", said)} == {NAMES[folder] for folder in (folders.own, *folders.others)}
    assert f"pg, It came from {NAMES[rival]}." in said
