"""A bot's home as the adapters write it, and the environment to run an agent program in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile

SECRET = "canary-4711"  # noqa: S105 (made up)
SERVER = Path(__file__).parent / "seen_server.mjs"


def write_home(home: Path, name: str, desired: Mapping[str, Any], *, agent: str = "main") -> None:
    """Write what ``desired`` means on platform ``name`` into ``home``, around what stands there; each skill a stub."""
    adapter = platform(name)
    files: dict[str, ConfigFile] = {}

    def opened(file: str) -> ConfigFile:
        path = home / file
        content = path.read_bytes() if path.exists() else b""
        return files.setdefault(file, ConfigFile.parse(content, adapter.file_format(file), file))

    for key, value in desired.items():
        if key.startswith("skill/"):
            write_skill(home / adapter.skill_folder(agent, key.removeprefix("skill/")))
            continue
        for entry in adapter.entries(agent, key, value):
            opened(entry.file).set(entry.pointer, entry.value)
    for line in adapter.wiring(agent, desired):
        put = opened(line.file).add_item if line.listed else opened(line.file).set
        put(line.pointer, line.value)
    for file, config in files.items():
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_bytes(config.to_bytes())


def write_skill(folder: Path) -> None:
    """Write a skill that only has its frontmatter."""
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(f"---\nname: {folder.name}\ndescription: The bot's own {folder.name}.\n---\nHi.\n")


def seen_server(args: list[str], seen: Path) -> dict[str, Any]:
    """Return an MCP server that writes the arguments and the environment it is given to ``seen``."""
    environment = {"SEEN_FILE": str(seen), "TOKEN": "${secrets.github_token}", "LEVEL": "debug"}
    return {"command": "node", "args": [str(SERVER), *args], "env": environment}


def seen_by(server: Path) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the environment that the server was started with."""
    seen = json.loads(server.read_text())
    return seen["args"], seen["env"]


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Return what an agent program runs with: its home, the one secret, nothing of this process but PATH."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GITHUB_TOKEN": SECRET, **variables}
