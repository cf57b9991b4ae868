"""Builders of what secrets are about: a bot's manifest, files that its user alone reads, programs that answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from molthub.model import Json

SERVER = {"command": "server", "args": ["--stdio"], "env": {"TOKEN": "${secrets.github_token}", "LEVEL": "debug"}}


def manifest(home: Path, **parts: Json) -> Path:
    """Write a bot's manifest: ``mcp``, ``env``, ``config`` and ``bots`` as given."""
    place = home / ".agents" / "molthub.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"format": "molthub.manifest/1", **parts}))
    return place


def private(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    """Write a file of the user's own."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def settings(home: Path, text: str) -> Path:
    """Write ``secrets.yaml`` where it is looked for."""
    return private(home / ".config" / "molthub" / "secrets.yaml", text)


def secret(home: Path, name: str, value: str) -> Path:
    """Keep a secret in the user's directory."""
    return private(home / ".config" / "molthub" / "secrets" / name, value)


def program(path: Path, code: str) -> Path:
    """Write a program in Python that anybody may run."""
    return private(path, f"#!{sys.executable}\n{code}\n", 0o755)


def answering(path: Path, values: Mapping[str, str], *, noted: Path | None = None) -> Path:
    """Write a plugin that knows ``values``, and keeps what it was asked and with which environment in ``noted``."""
    note = f"json.dump([asked, dict(os.environ), sys.argv[1:]], open({str(noted)!r}, 'w'))" if noted else "pass"
    return program(
        path,
        "import json, os, sys\n"
        f"known = {dict(values)!r}\n"
        "asked = json.load(sys.stdin)\n"
        f"{note}\n"
        "values = {i: known[i] for i in asked['ids'] if i in known}\n"
        "errors = {i: {'code': 'NOT_FOUND'} for i in asked['ids'] if i not in known}\n"
        "json.dump({'protocolVersion': 1, 'values': values, 'errors': errors}, sys.stdout)",
    )
