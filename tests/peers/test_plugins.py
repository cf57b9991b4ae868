"""Agents' own programs, unmodified, take packs and skills from an index on a host that knows nothing but files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from molthub.cli.main import molthub_group
from molthub.console import run as molthub
from tests.builders import Tree, commit, pack, registry, skill, skill_version
from tests.peers.agent_homes import SECRET, environment
from tests.peers.npm_programs import npm_file, npm_program
from tests.peers.plain_host import PlainHost, plain_host

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent
SERVERS = [
    {"name": "github", "command": "npx -y @acme/server", "env": {"TOKEN": "${secrets.github_token}", "LEVEL": "debug"}},
    {"name": "tickets", "url": "https://tickets.example.com/mcp"},
]
OFFLINE = {
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "COPILOT_AUTO_UPDATE": "false",
    "ANTHROPIC_API_KEY": "none",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "npm_config_fetch_retries": "0",
}


def dev_pack(*numbers: str) -> list[Tree]:
    """Return the skill ``git`` in these versions, and a pack with one version for each."""
    versions = {number: skill_version("git", number, {"scripts/a.sh": f"echo {number}\n"}) for number in numbers}
    specs = [{"skills": [{"name": "git", "version": number}, "docker"], "mcps": SERVERS} for number in numbers]
    return [skill("git", versions=versions), skill("docker"), pack("dev", *specs)]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[PlainHost]:
    with plain_host(tmp_path / "site") as host:
        host.publish(*dev_pack("1.0.0"))
        yield host


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "bot").mkdir()
    return tmp_path / "bot"


def run(home: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=home, env=environment(home, **OFFLINE), timeout=180,
                          capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # fmt: skip


def done(home: Path, *command: str | Path) -> str:
    ended = run(home, *command)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


# --- Claude Code -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def claude() -> list[str]:
    """Return the launcher that its package has for installations without scripts."""
    program = npm_program("claude", HERE / "claude-code")
    return ["node", str(program.parent.parent / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs")]


def installed(home: Path, claude: list[str]) -> dict[str, Any]:
    (plugin,) = json.loads(done(home, *claude, "plugin", "list", "--json"))
    found: dict[str, Any] = plugin
    return found


def test_claude_code_finds_nothing_wrong_with_the_marketplace(host: PlainHost, home: Path, claude: list[str]) -> None:
    said = done(home, *claude, "plugin", "validate", host.folder)
    assert "Validation passed" in said
    assert "warning" not in said.lower()


def test_claude_code_installs_a_pack_and_its_next_version(host: PlainHost, home: Path, claude: list[str]) -> None:
    done(home, *claude, "plugin", "marketplace", "add", f"{host.url}/.claude-plugin/marketplace.json")
    done(home, *claude, "plugin", "install", "dev@acme")
    plugin = installed(home, claude)
    assert (plugin["version"], plugin["enabled"]) == ("1.0.0", True)
    assert plugin["mcpServers"]["github"]["env"] == {"TOKEN": "${GITHUB_TOKEN}", "LEVEL": "debug"}
    assert plugin["mcpServers"]["tickets"]["url"] == "https://tickets.example.com/mcp"
    folder = Path(plugin["installPath"])
    assert sorted(path.name for path in (folder / "skills").iterdir()) == ["docker", "git"]
    assert "Validation passed" in done(home, *claude, "plugin", "validate", folder)
    host.publish(*dev_pack("1.0.0", "1.1.0"))
    done(home, *claude, "plugin", "marketplace", "update", "acme")
    done(home, *claude, "plugin", "update", "dev@acme")
    plugin = installed(home, claude)
    assert plugin["version"] == "2.0.0"
    assert (Path(plugin["installPath"]) / "skills/git/scripts/a.sh").read_text() == "echo 1.1.0\n"
    assert not [file for file in home.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]


def test_claude_code_refuses_a_plugin_that_somebody_changed(host: PlainHost, home: Path, claude: list[str]) -> None:
    packed = host.folder / "npm" / "acme.dev" / "1.0.0.tgz"
    content = packed.read_bytes()
    packed.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    done(home, *claude, "plugin", "marketplace", "add", f"{host.url}/.claude-plugin/marketplace.json")
    assert run(home, *claude, "plugin", "install", "dev@acme").returncode != 0
    assert json.loads(done(home, *claude, "plugin", "list", "--json")) == []


def test_claude_code_loads_an_exported_plugin(home: Path, tmp_path: Path, claude: list[str]) -> None:
    commit(registry(*dev_pack("1.0.0")), tmp_path / "registry")
    options = ["--registry", str(tmp_path / "registry"), "--format", "claude-plugin"]
    assert molthub(molthub_group, ["skill-packs", "export", "dev", str(home / "plugin"), *options]) == 0
    assert "Validation passed" in done(home, *claude, "plugin", "validate", home / "plugin")


# --- Copilot CLI ---------------------------------------------------------------------------------------------------


def test_copilot_loads_an_exported_pack_as_an_agent_plugin(home: Path, tmp_path: Path) -> None:
    commit(registry(*dev_pack("1.0.0")), tmp_path / "registry")
    options = ["--registry", str(tmp_path / "registry")]
    assert molthub(molthub_group, ["skill-packs", "export", "dev", str(home / "plugin"), *options]) == 0
    copilot = npm_program("copilot", HERE / "copilot")
    assert "Installed 2 skills" in done(home, copilot, "plugin", "install", "./plugin")
    skills = json.loads(done(home, copilot, "skill", "list", "--json"))
    assert sorted(one["name"] for one in skills if one["source"] == "plugin") == ["docker", "git"]
    servers = json.loads(done(home, copilot, "mcp", "list", "--json"))["mcpServers"]
    assert (servers["github"]["command"], servers["github"]["args"]) == ("npx", ["-y", "@acme/server"])
    assert servers["github"]["sourcePlugin"] == "dev"
    assert servers["tickets"]["url"] == "https://tickets.example.com/mcp"


# --- opencode ------------------------------------------------------------------------------------------------------


def test_opencode_reads_the_skills_of_a_pack_and_then_their_newer_versions(host: PlainHost, home: Path) -> None:
    urls = [f"{host.url}/p/dev/.well-known/agent-skills/"]
    (home / "opencode.json").write_text(json.dumps({"skills": {"urls": urls}}))
    program = npm_file("opencode-linux-x64/bin/opencode", HERE / "opencode")
    skills = {one["name"]: one for one in json.loads(done(home, program, "debug", "skill"))}
    assert {"docker", "git"} < skills.keys()
    folder = Path(skills["git"]["location"]).parent
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert {"SKILL.md", "scripts/a.sh", "skill.yaml"} <= files
    host.publish(*dev_pack("1.0.0", "1.1.0"))
    done(home, program, "debug", "skill")
    assert (folder / "scripts/a.sh").read_text() == "echo 1.1.0\n"
