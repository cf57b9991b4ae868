"""A bot brought in sync by the reconciler, in the home where an agent program is run, and what may be found there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.peers.agent_homes import SECRET, SERVER, environment, seen_by
from tests.peers.http_mcp_server import HttpServer
from tests.platforms.readers import ENVIRONMENT
from tests.reconciler.world import World

BOT = "prod/ada"
LITERAL = ["$HOME", "a $$ b", "{HOME}", "$$", "two words", "'\"#"]
MEANT = ["$HOME", "a $ b", "{HOME}", "$", "two words", "'\"#"]


def seen_file(world: World, name: str) -> Path:
    """Return where server ``name`` writes what it was started with: outside of the bot's home."""
    return world.folder / f"{name}.json"


def started_server(world: World, name: str, env: Mapping[str, str], args: list[str]) -> dict[str, Any]:
    """Return a server that writes its arguments and environment to :func:`seen_file`."""
    return {
        "command": "node",
        "args": [str(SERVER), *args],
        "env": {"SEEN_FILE": str(seen_file(world, name)), "LEVEL": "debug", **env},
    }


def desired_state(world: World, http: HttpServer) -> dict[str, Any]:
    """Return a bot's desired state of every kind: servers of both kinds, secrets, variables, a skill."""
    handed = {"GITHUB_TOKEN": "${secrets.github_token}"}
    renamed = {"TOKEN": "${secrets.github_token}"}
    return {
        "mcp/seen": started_server(world, "seen", handed, LITERAL),
        "mcp/renamed": started_server(world, "renamed", renamed, ["--key=${secrets.github_token}"]),
        "mcp/tickets": {
            "url": f"{http.url}/tickets",
            "headers": {"Authorization": "Bearer ${secrets.github_token}", "X-Team": "a $$ b"},
        },
        "mcp/keyed": {"url": f"{http.url}/keyed", "headers": {"X-Key": "${secrets.github_token}"}},
        "env/LOG_LEVEL": "5$$",
        "env/GITHUB_TOKEN": "${secrets.github_token}",
        "skill/pg": world.site.skill("pg", "1.0.0", skill_files("Asks a database.")),
    }


def check_servers_were_started(world: World, http: HttpServer) -> None:
    """Check that every server of :func:`desired_state` got what was declared for it."""
    arguments, variables = seen_by(seen_file(world, "seen"))
    assert (arguments, variables["GITHUB_TOKEN"], variables["LEVEL"]) == (MEANT, SECRET, "debug")
    arguments, variables = seen_by(seen_file(world, "renamed"))
    assert (arguments, variables["TOKEN"], variables["LEVEL"]) == ([f"--key={SECRET}"], SECRET, "debug")
    assert http.asked["/tickets"]["authorization"] == f"Bearer {SECRET}"
    assert http.asked["/tickets"]["x-team"] == "a $ b"
    assert http.asked["/keyed"]["x-key"] == SECRET


def skill_files(description: str) -> dict[str, str]:
    """Return the files of a skill ``pg``."""
    return {"SKILL.md": f"---\nname: pg\ndescription: {description}\n---\nHi.\n"}


def bring_in_sync(world: World, platform: str, desired: Mapping[str, Any], owner: Mapping[str, str]) -> Path:
    """Write the owner's files, publish ``desired``, reconcile, and return the home."""
    home = world.home(BOT)
    for file, text in owner.items():
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text(text)
    publish(world, platform, desired)
    return home


def publish(world: World, platform: str, desired: Mapping[str, Any]) -> None:
    """Publish what the bot should be, and bring it there."""
    world.site.bot(BOT, dict(desired), platform=platform)
    world.site.publish()
    outcome = world.molthub("reconcile")
    assert outcome.status == 0, outcome


def sample_texts(strategy: st.SearchStrategy[str], count: int = 300) -> list[str]:
    """Return random texts for a program to read."""
    found: list[str] = []

    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def gather(text: str) -> None:
        found.append(text)

    gather()
    return found


def read_by(script: str, texts: list[str], packages: Path, home: Path) -> list[str]:
    """Let a program's own Python code read texts: ``script`` takes a JSON list on stdin and prints one."""
    variables = environment(home, PYTHONPATH=str(packages), **ENVIRONMENT)
    done = subprocess.run([sys.executable, "-c", script], input=json.dumps(texts), cwd=home, env=variables,
                          capture_output=True, text=True, check=True, timeout=120)  # fmt: skip
    read: list[str] = json.loads(done.stdout)
    return read


def files_with_the_secret(folder: Path) -> list[str]:
    """Return every file below ``folder`` that holds the secret's value."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path.relative_to(folder)) for path in files if SECRET.encode() in path.read_bytes()]
