"""Read a bot's resolved manifest, ``.agents/molthub.json``: what it was given, with placeholders for secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from molthub.documents import DNS_LABEL
from molthub.errors import FormatError, NotFoundError
from molthub.model import Json
from molthub.platforms.base import MANIFEST_FILE, MANIFEST_FORMAT
from molthub.references.secrets import placeholders
from molthub.secrets.plain_file import read_plain

_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BotManifest:
    """What stands in the file at ``where``. ``bots`` (``<fleet>/<bot>``) are those whose home it is, where it says."""

    where: str
    servers: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Json] = field(default_factory=dict)
    bots: tuple[str, ...] = ()

    @property
    def keys(self) -> dict[str, Json]:
        """The same as the flat keys of a desired state: ``mcp/<name>``, ``env/<KEY>``, ``config/<skill>``."""
        parts = (("mcp", self.servers), ("env", self.env), ("config", self.config))
        return {f"{kind}/{name}": value for kind, part in parts for name, value in part.items()}

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of all secrets that it refers to."""
        return placeholders(self.keys)


def read_manifest(path: Path) -> BotManifest:
    """Read a manifest. Raises :class:`NotFoundError`, and :class:`FormatError` for what molthub would not write."""
    remedy = f"`molthub reconcile` writes {MANIFEST_FILE} into a bot's home; --home and --manifest say which"
    try:
        content = read_plain(path, _MAX_BYTES, follow=True)
    except OSError as error:
        raise NotFoundError(f"no manifest is to be read: {error.strerror}", place=str(path), remedy=remedy) from None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or value.get("format", MANIFEST_FORMAT) != MANIFEST_FORMAT:
        raise FormatError(f"this is no {MANIFEST_FORMAT}", place=str(path), remedy=remedy)
    servers, env = _part(value, "mcp"), _part(value, "env")
    odd = [f"the server {name}" for name, server in servers.items() if not _is_server(server)]
    odd += [f"the variable {name}" for name, text in env.items() if not isinstance(text, str)]
    if odd:
        raise FormatError(f"{odd[0]} is not written as molthub writes one", place=str(path), remedy=remedy)
    bots = tuple(sorted(name for name in _part(value, "bots") if _is_bot(name)))
    return BotManifest(str(path), servers, env, _part(value, "config"), bots)


def _part(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    part = value.get(key, {})
    return part if isinstance(part, dict) else {}


def _is_server(server: Any) -> bool:
    """Whether a server has the shape of a declared one."""
    if not isinstance(server, dict) or ("command" in server) == ("url" in server):
        return False
    texts = (server.get(field, "") for field in ("command", "url", "transport"))
    maps = [server.get(field, {}) for field in ("env", "headers")]
    args = server.get("args", [])
    if not isinstance(args, list) or not all(isinstance(one, dict) for one in maps):
        return False
    inner = (*args, *(text for one in maps for text in one.values()))
    return all(isinstance(text, str) for text in (*texts, *inner))


def _is_bot(name: str) -> bool:
    fleet, _, bot = name.partition("/")
    return DNS_LABEL.match(fleet) is not None and DNS_LABEL.match(bot) is not None
