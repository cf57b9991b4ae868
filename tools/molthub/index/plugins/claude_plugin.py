"""A Claude Code plugin: ``.claude-plugin/plugin.json``, ``.mcp.json``, ``skills/``. As of version 2.1.197.

A secret stays a reference: ``${GITHUB_TOKEN}``, which the program takes from the environment that it runs in.
"""

from __future__ import annotations

from molthub.errors import PlatformValueError
from molthub.index.plugins.agent_plugin import as_text
from molthub.index.plugins.plugin import Plugin, PluginFiles
from molthub.model import Json
from molthub.references.claude_servers import server_entry


def claude_plugin_files(plugin: Plugin) -> PluginFiles:
    """Return the whole plugin."""
    servers, _refused = claude_servers(plugin)
    files = plugin.skill_files()
    files[".claude-plugin/plugin.json"] = (as_text(_manifest(plugin)), False)
    if servers:
        files[".mcp.json"] = (as_text({"mcpServers": servers}), False)
    return files


def claude_servers(plugin: Plugin) -> tuple[dict[str, Json], dict[str, str]]:
    """Return ``mcpServers``, and by ``mcp/<name>`` why a server cannot be among them."""
    servers: dict[str, Json] = {}
    refused: dict[str, str] = {}
    for name, server in sorted(plugin.servers.items()):
        try:
            servers[name] = server_entry(name, server)
        except PlatformValueError as error:
            refused[f"mcp/{name}"] = error.message
    return servers, refused


def _manifest(plugin: Plugin) -> Json:
    manifest = {
        "name": plugin.name,
        "version": plugin.version,
        "description": plugin.description or plugin.title,
        "author": {"name": plugin.owner},
    }
    return manifest | ({"homepage": plugin.homepage} if plugin.homepage else {})
