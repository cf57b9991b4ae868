"""Claude Code: user skills, user-scope MCP servers, and the environment of its settings.

Skills go to ``.claude/skills/<skill>/``, servers to ``mcpServers`` of ``.claude.json`` (the program's own state file,
which it rewrites; servers of a project's ``.mcp.json`` would wait for somebody's approval), plain environment variables
to ``env`` of ``.claude/settings.json``. There values are literal, so a variable that holds a secret stays in the
manifest and reaches the servers through their own ``env``, as ``${NAME}``. Formats as of version 2.1.197.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from molthub.model import Json
from molthub.platforms.base import (
    Entry,
    FileFormat,
    Pointer,
    Wiring,
    check_value,
    manifest_entry,
    manifest_wiring,
    skill_path,
)
from molthub.references.claude_servers import server_entry
from molthub.references.interpolation import Interpolation
from molthub.references.secrets import is_sensitive, value_error

STATE_FILE = ".claude.json"
SETTINGS_FILE = ".claude/settings.json"
RESERVED_SERVERS = frozenset({"claude-in-chrome", "computer-use", "workspace"})
"""Servers that the program has itself: one of ours by that name would not be loaded."""

_LITERAL = Interpolation(re.compile(r"(?!)(?P<name>)"))


class ClaudeCode:
    """The platform ``claude-code``. A home has one agent."""

    name = "claude-code"
    bundled_skills: frozenset[str] = frozenset(
        {
            *("artifact-design", "batch", "claude-api", "claude-code-docs", "claude-in-chrome", "code-review"),
            *("cowork-plugin", "debug", "deep-research", "design", "design-sync", "fewer-permission-prompts"),
            *("keybindings-help", "loop", "memory-types", "run", "run-skill-generator", "schedule", "simplify"),
            *("update-config", "verify"),
        }
    )

    def skills_root(self, agent: str) -> str:  # noqa: ARG002 (one folder for every agent)
        """Return ``.claude/skills``."""
        return ".claude/skills"

    def skill_folder(self, agent: str, name: str) -> str:
        """Return ``.claude/skills/<skill>``."""
        return skill_path(self.skills_root(agent), name)

    def entries(self, agent: str, key: str, value: Json) -> tuple[Entry, ...]:  # noqa: ARG002 (a home has one agent)
        """Return the key's places: the program's file where it has one for the key, and the manifest."""
        check_value(key, value)
        kind, _, name = key.partition("/")
        manifest = manifest_entry(key, value)
        if kind == "mcp":
            if name in RESERVED_SERVERS:
                raise value_error(key, "Claude Code has a server of this name itself", "choose another name")
            return (Entry(STATE_FILE, ("mcpServers", name), server_entry(name, value)), manifest)
        if kind == "env" and not is_sensitive(value):
            return (Entry(SETTINGS_FILE, ("env", name), _LITERAL.written(key, value)), manifest)
        return (manifest,)

    def shadows(self, agent: str, key: str, value: Json) -> tuple[tuple[str, Pointer], ...]:  # noqa: ARG002
        """Return nothing: what overrides a user's own files are projects' files, which are not in the home."""
        return ()

    def wiring(self, agent: str, desired: Mapping[str, Json]) -> tuple[Wiring, ...]:  # noqa: ARG002 (a home has one agent)
        """Return the manifest's format line; the program finds its own files."""
        return manifest_wiring(desired)

    def file_format(self, file: str) -> FileFormat:  # noqa: ARG002 (all is JSON)
        """Return ``json``: the program reads no comments."""
        return "json"
