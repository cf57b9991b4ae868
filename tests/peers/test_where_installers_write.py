"""Rows of the table beside other people's installers, unmodified: the same files, the same keys, the same words.

``add-mcp`` and ``install-mcp`` write servers for many agent programs, ``skills`` knows their skill folders. Where a row
differs on purpose, the difference is listed here with its reason.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile
from molthub.platforms.rows import BY_NAME, ROWS
from molthub.platforms.table import SYSTEMS
from tests.peers.agent_homes import environment, write_home
from tests.peers.npm_programs import npm_file, npm_program

HERE = Path(__file__).parent
INSTALLERS = HERE / "mcp-installers"

ADD_MCP = {
    "claude-code": "claude-code",
    "gemini-cli": "gemini-cli",
    "opencode": "opencode",
    "copilot-cli": "github-copilot-cli",
    "vscode": "vscode",
    "cursor": "cursor",
    "windsurf": "windsurf",
    "cline": "cline-cli",
    "kiro": "kiro-cli",
    "zed": "zed",
    "claude-desktop": "claude-desktop",
    "goose": "goose",
    "codex": "codex",
}
"""The rows that add-mcp knows, and its names for them. Roo is known to install-mcp; Amp judges its row itself."""

SKILLS = {
    "claude-code": "Claude Code",
    "gemini-cli": "Gemini CLI",
    "opencode": "OpenCode",
    "copilot-cli": "GitHub Copilot",
    "vscode": "GitHub Copilot",
    "cursor": "Cursor",
    "windsurf": "Windsurf",
    "cline": "Cline",
    "roo": "Roo Code",
    "kiro": "Kiro CLI",
    "zed": "Zed",
    "amp": "Amp",
    "qwen-code": "Qwen Code",
}
"""The rows that npm's skills knows, by its names for them. Claude Desktop takes skills by upload alone."""

OTHER_SKILLS = {"goose": "Goose's documentation: ~/.agents/skills, besides the folder that npm's skills knows"}
"""Rows whose skills stand elsewhere, on purpose."""

OWNERS = "whether a server is on and which tools it may use is the owner's to say"
THEIRS_ALONE: dict[str, tuple[dict[str, Any], str]] = {
    "opencode": ({"enabled": True}, OWNERS),
    "copilot-cli": ({"tools": ["*"]}, OWNERS),
    "cline": ({"disabled": False}, OWNERS),
    "codex": ({"type": "http"}, "Codex knows servers by their other fields, and writes none of this"),
}
"""What add-mcp writes into an entry, and a row does not."""

OURS_ALONE: dict[str, tuple[dict[str, Any], str]] = {
    "claude-code": ({"type": "stdio"}, "as `claude mcp add` writes it"),
    "vscode": ({"type": "stdio"}, "a required field by VS Code's documentation"),
}
"""What a row writes into the entry of a server that is started, and add-mcp does not."""

OTHER_FILES = {
    ("zed", "darwin"): ("Library/Application Support/Zed/settings.json", "Zed's documentation: ~/.config on macOS too"),
}
"""Files of add-mcp that a row does not share."""

SERVERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"command": "node", "args": ["server.js", "a b"], "env": {"LEVEL": "1"}},) * 2,
    ({"command": "node", "args": []},) * 2,
    ({"url": "https://a.example/mcp", "headers": {"X-Level": "1"}},
     {"type": "http", "url": "https://a.example/mcp", "headers": {"X-Level": "1"}}),
    ({"url": "https://a.example/sse", "transport": "sse"}, {"type": "sse", "url": "https://a.example/sse"}),
]  # fmt: skip
"""Servers as a bot declares them, and as add-mcp is told of them."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], tuple[str, list[Any]]]:
    """Let add-mcp write every server that each program takes; return file and entries, by program and system."""
    library = npm_file("add-mcp/dist/lib.js", INSTALLERS)
    found = {}
    for system in SYSTEMS:
        home = tmp_path_factory.mktemp(system)
        told = [(name, f"s{number}", server) for name in ADD_MCP for number, (_, server) in enumerate(taken(name))]
        done = subprocess.run(["node", HERE / "add_servers.mjs", system, library], cwd=home, env=environment(home),
                              input=json.dumps([[ADD_MCP[name], *rest] for name, *rest in told]),
                              capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
        outcomes = json.loads(done.stdout)
        assert all(outcome["success"] for outcome in outcomes), outcomes
        for name in ADD_MCP:
            (file,) = {Path(out["path"]) for out, (row, *_) in zip(outcomes, told, strict=True) if row == name}
            config = ConfigFile.parse(file.read_bytes(), BY_NAME[name].file_format, file.name)
            entries = [config.get((*BY_NAME[name].servers, f"s{number}")) for number in range(len(taken(name)))]
            assert all(there for there, _ in entries), file.read_text()
            found[name, system] = file.relative_to(home).as_posix(), [entry for _, entry in entries]
    return found


def taken(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    row = BY_NAME[name]
    return SERVERS[: 4 if row.sse else 3 if row.http else 2]


@pytest.mark.parametrize("name", ADD_MCP)
def test_add_mcp_writes_the_same_entries(installed: Any, name: str) -> None:
    allowed, reason = THEIRS_ALONE.get(name, ({}, "none"))
    added, why = OURS_ALONE.get(name, ({}, "none"))
    assert reason
    assert why
    for number, ((server, _), entry) in enumerate(zip(taken(name), installed[name, "linux"][1], strict=True)):
        ours = platform(name, "linux").entries("main", f"mcp/s{number}", server)[0].value
        expected = {field: value for field, value in entry.items() if (field, value) not in allowed.items()}
        assert ours == {**expected, **(added if "command" in server else {})}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", ADD_MCP)
def test_add_mcp_writes_into_the_same_file_on_every_system(installed: Any, name: str, system: str) -> None:
    ours = platform(name, system).entries("main", "mcp/s", SERVERS[0][0])[0].file
    theirs, reason = OTHER_FILES.get((name, system), (ours, "the same"))
    assert (installed[name, system][0], bool(reason)) == (theirs, True)


def test_install_mcp_writes_the_same_for_roo(tmp_path: Path) -> None:
    program = npm_program("install-mcp", INSTALLERS)
    command = [str(program), "node server.js a", "--client", "roo-cline", "--name", "s", "--yes", "--oauth", "no"]
    subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=True, timeout=60,
                   stdin=subprocess.DEVNULL)  # fmt: skip
    entry = platform("roo", "linux").entries("main", "mcp/s", {"command": "node", "args": ["server.js", "a"]})[0]
    config = ConfigFile.parse((tmp_path / entry.file).read_bytes(), "jsonc", entry.file)
    assert config.get(entry.pointer) == (True, entry.value)


def test_npms_skills_finds_skills_where_the_rows_put_them(tmp_path: Path) -> None:
    for name in SKILLS:
        write_home(tmp_path, name, {f"skill/of-{name}": "sha256:0", "mcp/s": {"command": "true"}})
    command = [str(npm_program("skills")), "list", "--global", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=True,
                          timeout=60, stdin=subprocess.DEVNULL)  # fmt: skip
    found = {skill["name"]: skill for skill in json.loads(done.stdout)}
    for name, title in SKILLS.items():
        assert Path(found[f"of-{name}"]["path"]) == tmp_path / BY_NAME[name].skills / f"of-{name}"
        assert title in found[f"of-{name}"]["agents"]


PACKAGES = {
    "Claude Code": "@anthropic-ai/claude-code",
    "Gemini CLI": "@google/gemini-cli",
    "OpenCode": "opencode-linux-x64",
    "Copilot CLI": "@github/copilot",
    "Codex CLI": "@openai/codex",
    "Amp": "@sourcegraph/amp",
    "Cline": "@cline/cli-linux-x64",
    "Cursor's library": "@cursor/sdk",
    "Qwen Code": "@qwen-code/qwen-code",
    "VS Code as code-server": "code-server",
    **{name: name for name in ("add-mcp", "install-mcp", "skills")},
}
"""Where the judges that rows name come from."""


def test_rows_name_the_versions_that_judge_them() -> None:
    pinned = [json.loads(file.read_text())["dependencies"] for file in HERE.glob("*/package.json")]
    versions = {package: version for dependencies in pinned for package, version in dependencies.items()}
    named = [judge.rpartition(" ")[::2] for row in ROWS for judge in row.judges.split(", ")]
    assert len(named) > len(ROWS)
    for title, version in named:
        if title in PACKAGES:
            assert versions[PACKAGES[title]].startswith(version), title


def test_every_row_is_compared_with_something() -> None:
    for row in ROWS:
        assert (row.name in ADD_MCP) >= ("add-mcp" in row.judges)
        assert (row.name in SKILLS | OTHER_SKILLS) >= ("skills" in row.judges)
