"""OpenClaw: files of our own beside the owner's ``openclaw.json``, joined by ``$include`` lists.

Skills go to the agent's workspace. Servers, environment and skills' configuration stand in
``.openclaw/molthub/{mcp,env,skills}.json5``; the three ``$include`` lines are all that is added to the owner's file.
"""

from __future__ import annotations

from collections.abc import Iterable

from molthub.model import Json, bare_name
from molthub.platforms.base import (
    Entry,
    FileFormat,
    Pointer,
    Wiring,
    kinds_of,
    manifest_entry,
    manifest_wiring,
    skill_path,
)
from molthub.platforms.secrets import reference, render

OWNERS_FILE = ".openclaw/openclaw.json"
DEFAULT_AGENT = "main"
_SECTION = {"mcp": "mcp", "env": "env", "config": "skills"}


class OpenClaw:
    """The platform ``openclaw``. One home may hold several agents, which share all but their skills."""

    name = "openclaw"
    bundled_skills: frozenset[str] = frozenset()

    def skills_root(self, agent: str) -> str:
        """Return ``.openclaw/workspace/skills``; ``.openclaw/workspace-<agent>/skills`` for a further agent."""
        workspace = "workspace" if agent in ("", DEFAULT_AGENT) else f"workspace-{agent}"
        return f".openclaw/{workspace}/skills"

    def skill_folder(self, agent: str, name: str) -> str:
        """Return the skill's folder in the agent's workspace."""
        return skill_path(self.skills_root(agent), name)

    def entries(self, agent: str, key: str, value: Json) -> tuple[Entry, ...]:  # noqa: ARG002 (agents share these)
        """Return the key's place in the included file, and in the manifest."""
        kind, _, name = key.partition("/")
        rendered = render(value, lambda secret: f"${{{reference(secret)}}}", str)
        place = Entry(_included(kind), _pointer(kind, name), _server(rendered) if kind == "mcp" else rendered)
        return (place, manifest_entry(key, value))

    def shadows(self, agent: str, key: str) -> tuple[tuple[str, Pointer], ...]:  # noqa: ARG002 (agents share these)
        """Return the same place in the owner's file: what stands beside an ``$include`` overrides what it brings."""
        kind, _, name = key.partition("/")
        return ((OWNERS_FILE, (_SECTION[kind], *_pointer(kind, name))),)

    def wiring(self, agent: str, keys: Iterable[str]) -> tuple[Wiring, ...]:  # noqa: ARG002 (agents share these)
        """Return one ``$include`` item for each kind of key there is, and the manifest's format line."""
        keys = tuple(keys)
        lines = (
            Wiring(
                OWNERS_FILE,
                (_SECTION[kind], "$include"),
                f"./molthub/{_SECTION[kind]}.json5",
                kind=kind,
                listed=True,
                reads=_included(kind),
            )
            for kind in kinds_of(keys)
        )
        return (*lines, *manifest_wiring(keys))

    def file_format(self, file: str) -> FileFormat:
        """Return ``json5`` for all but the manifest."""
        return "json5" if file.startswith(".openclaw/") else "json"


def _included(kind: str) -> str:
    return f".openclaw/molthub/{_SECTION[kind]}.json5"


def _pointer(kind: str, name: str) -> Pointer:
    if kind == "mcp":
        return ("servers", name)
    if kind == "env":
        return ("vars", name)
    return ("entries", bare_name(name), "config")


def _server(rendered: Json) -> Json:
    if "url" not in rendered:
        return rendered
    transport = "sse" if rendered.get("transport") == "sse" else "streamable-http"
    return {**rendered, "transport": transport}
