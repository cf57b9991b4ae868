"""Agent Plugins 1.0.0 (https://agent-plugins.org/specification): ``plugin.json``, ``mcp.json``, ``skills/``.

The format has no way to refer to a secret: nothing may be expanded in it but the plugin's own folders (section 9.2),
and it must hold none (7.2.1, 9.1). So what needs one is not in ``mcp.json``. The manifest says in this project's
namespace of ``extensions`` what each server needs besides, and which servers the format cannot hold, and why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from molthub.documents import readable
from molthub.index.plugins.plugin import Plugin, PluginFiles
from molthub.model import Json
from molthub.references.secrets import Secret, pieces

PLUGIN_SCHEMA = "https://agent-plugins.org/schemas/1.0.0/plugin.schema.json"
MCP_SCHEMA = "https://agent-plugins.org/schemas/1.0.0/mcp.schema.json"
NAMESPACE = "dev.molthub"
"""This project's namespace in ``extensions``: its domain, reversed (section 8)."""

_EXPANDED = ("${PLUGIN_ROOT}", "${PLUGIN_DATA}")
_RESERVED = frozenset({"PLUGIN_ROOT", "PLUGIN_DATA"})


@dataclass
class Portable:
    """A server in the format's words. ``needs`` is what it cannot say, as declared; ``reason`` why it is left out."""

    entry: dict[str, Json] = field(default_factory=dict)
    needs: dict[str, dict[str, str]] = field(default_factory=dict)
    reason: str = ""


def agent_plugin_files(plugin: Plugin) -> PluginFiles:
    """Return the whole plugin."""
    servers = {name: portable(server) for name, server in sorted(plugin.servers.items())}
    kept = {name: found.entry for name, found in servers.items() if not found.reason}
    files = plugin.skill_files()
    files["plugin.json"] = (as_text(_manifest(plugin, servers)), False)
    if kept:
        files["mcp.json"] = (as_text({"$schema": MCP_SCHEMA, "mcpServers": kept}), False)
    return files


def as_text(value: Json) -> bytes:
    """Return JSON for people to read, ending with a newline."""
    return readable(value)


def _manifest(plugin: Plugin, servers: dict[str, Portable]) -> Json:
    """Return ``plugin.json`` (section 5)."""
    manifest: dict[str, Json] = {
        "$schema": PLUGIN_SCHEMA,
        "name": re.sub(r"-+", "-", plugin.name),  # section 5.5: no two hyphens in a row
        "version": plugin.version,
        "description": plugin.description or plugin.title,
        "author": {"name": plugin.owner},
    }
    if plugin.homepage:
        manifest["homepage"] = plugin.homepage
    ours: dict[str, Json] = {"pack": plugin.name, "version": plugin.number, "digest": plugin.digest}
    ours |= {"needs": needs} if (needs := {name: found.needs for name, found in servers.items() if found.needs}) else {}
    ours |= {"leftOut": gone} if (gone := left_out(plugin, servers)) else {}
    return manifest | {"extensions": {NAMESPACE: ours}}


def left_out(plugin: Plugin, servers: dict[str, Portable]) -> dict[str, str]:
    """Return why a server or a skill of the pack is not in the plugin, by ``mcp/<name>`` or ``skill/<name>``."""
    gone = {f"mcp/{name}": found.reason for name, found in servers.items() if found.reason}
    return gone | {f"skill/{name}": "another skill of the pack has its folder's name" for name in plugin.clashing}


def portable(server: Json) -> Portable:
    """Return a declared server in the format's words (section 7.2.1)."""
    return _remote(server) if "url" in server else _started(server)


def _started(server: Json) -> Portable:
    found = Portable({"type": "stdio"})
    command = _plain(server["command"])
    if command is None or ("/" in command and not command.startswith("./")) or "\\" in command:
        return Portable(reason="its command is no plain program name")
    found.entry["command"] = command
    args = [_plain(text) for text in server.get("args", ())]
    if None in args:
        return Portable(reason="an argument holds a secret, or text that would be expanded")
    if args:
        found.entry["args"] = args
    env = server.get("env", {})
    if _RESERVED & env.keys():
        return Portable(reason="it sets a variable that the format reserves")
    _divide(env, "env", found)
    return found


def _remote(server: Json) -> Portable:
    url = server["url"]
    if _has_secret(url):
        return Portable(reason="its address holds a secret")
    url = _joined(url)
    parts = urlsplit(url)
    if parts.username or parts.fragment or not _is_safe(parts.scheme, parts.hostname or ""):
        return Portable(reason="its address is neither https nor this machine, or has a user or a fragment in it")
    found = Portable({"type": "sse" if server.get("transport") == "sse" else "streamable-http", "url": url})
    _divide(server.get("headers", {}), "headers", found)
    return found


def _is_safe(scheme: str, host: str) -> bool:
    if scheme == "https":
        return True
    try:
        return scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def _divide(values: dict[str, str], key: str, found: Portable) -> None:
    """Put what can be said under ``key`` of the entry, and the rest among what the server needs besides."""
    # Headers are never expanded (section 7.2.1), variables are (9.2).
    said = {name: _joined(text) if key == "headers" else _plain(text) for name, text in values.items()}
    said = {name: text for name, text in said.items() if text is not None and not _has_secret(values[name])}
    if said:
        found.entry[key] = said
    rest = {name: text for name, text in values.items() if name not in said}
    if rest:
        found.needs[key] = rest


def _plain(text: str) -> str | None:
    """Return what a declared text means; None where it holds a secret, or something that would be expanded."""
    meant = _joined(text)
    return None if _has_secret(text) or any(word in meant for word in _EXPANDED) else meant


def _has_secret(text: str) -> bool:
    return any(isinstance(piece, Secret) for piece in pieces(text))


def _joined(text: str) -> str:
    return "".join(piece for piece in pieces(text) if isinstance(piece, str))
