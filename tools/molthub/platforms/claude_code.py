"""Claude Code: user skills, user-scope MCP servers, and the environment of its settings.

Skills go to ``.claude/skills/<skill>/``, servers to ``mcpServers`` of ``.claude.json`` (the program's own state file,
which it rewrites), plain environment variables to ``env`` of ``.claude/settings.json``.
"""

from __future__ import annotations

from collections.abc import Iterable

from molthub.model import Json
from molthub.platforms.base import (
    Entry,
    FileFormat,
    Pointer,
    Wiring,
    manifest_entry,
    manifest_wiring,
    skill_path,
)
from molthub.platforms.secrets import is_sensitive, reference, render


class ClaudeCode:
    """The platform ``claude-code``. A home has one agent."""

    name = "claude-code"
    bundled_skills: frozenset[str] = frozenset({"code-review", "debug", "loop", "run", "verify"})

    def skills_root(self, agent: str) -> str:  # noqa: ARG002 (one folder for every agent)
        """Return ``.claude/skills``."""
        return ".claude/skills"

    def skill_folder(self, agent: str, name: str) -> str:
        """Return ``.claude/skills/<skill>``."""
        return skill_path(self.skills_root(agent), name)

    def entries(self, agent: str, key: str, value: Json) -> tuple[Entry, ...]:  # noqa: ARG002 (a home has one agent)
        """Return the key's places: the program's file where it has one for the key, and the manifest."""
        kind, _, name = key.partition("/")
        manifest = manifest_entry(key, value)
        if kind == "mcp":
            return (Entry(".claude.json", ("mcpServers", name), _server(value)), manifest)
        if kind == "env" and not is_sensitive(value):
            return (Entry(".claude/settings.json", ("env", name), render(value, reference, str)), manifest)
        return (manifest,)

    def shadows(self, agent: str, key: str) -> tuple[tuple[str, Pointer], ...]:  # noqa: ARG002 (a home has one agent)
        """Return nothing: these files are the lowest that the program reads."""
        return ()

    def wiring(self, agent: str, keys: Iterable[str]) -> tuple[Wiring, ...]:  # noqa: ARG002 (a home has one agent)
        """Return the manifest's format line; the program finds its own files."""
        return manifest_wiring(keys)

    def file_format(self, file: str) -> FileFormat:  # noqa: ARG002 (all is JSON)
        """Return ``json``."""
        return "json"


def _server(value: Json) -> Json:
    rendered = render(value, lambda secret: f"${{{reference(secret)}}}", str)
    if "url" in value:
        return {"type": value.get("transport", "http"), **{k: v for k, v in rendered.items() if k != "transport"}}
    return {"type": "stdio", **rendered}
