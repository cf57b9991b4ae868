"""OpenClaw: files of our own beside the owner's ``openclaw.json``, joined by ``$include`` lists.

Skills go to the agent's workspace. Servers, environment and skills' configuration stand in
``.openclaw/molthub/{mcp,env,skills}.json5``; one item of an ``$include`` list for each is all that is added to the
owner's file, where the program accepts no key that it does not know. It watches included files and refuses to start
when one is missing. ``env.vars`` takes no references: a variable that holds a secret stays in the manifest, and reaches
the servers through their own ``env``, as ``${NAME}``. Formats as of version 2026.9.6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from molthub.errors import PlatformValueError
from molthub.model import Json, bare_name
from molthub.platforms.base import (
    Entry,
    FileFormat,
    Pointer,
    Reload,
    Source,
    Wiring,
    check_value,
    manifest_entry,
    manifest_wiring,
    skill_path,
)
from molthub.platforms.pitfalls import Pitfall
from molthub.platforms.read_back import declared_server, declared_value, typed_form
from molthub.references.agent_programs import BUNDLED_SKILLS
from molthub.references.interpolation import Interpolation
from molthub.references.secrets import is_sensitive
from molthub.references.skill_folders import SKILL_FOLDERS, SkillFolders, in_workspace

OWNERS_FILE = ".openclaw/openclaw.json"
DEFAULT_AGENT = "main"
_SECTIONS = {"mcp": "mcp", "env": "env", "config": "skills"}

_INCLUDE = frozenset({"$include"})  # as a key of any object it would make the program read another file
_EXPANDED = Interpolation(
    re.compile(r"\$(?P<text>\$\{[A-Z_][A-Z0-9_]*\})|\$\{(?P<name>[A-Z_][A-Z0-9_]*)\}"),
    escape=lambda text: re.sub(r"\$(?=\{[A-Z_][A-Z0-9_]*\})", "$$", text),
    refused_keys=_INCLUDE,
)
# What looks like a reference is ignored in `env.vars`, and there is no escape.
_LITERAL = Interpolation(re.compile(r"\$\{(?P<name>[A-Z_][A-Z0-9_]*)\}"), refused_keys=_INCLUDE)


class OpenClaw:
    """The platform ``openclaw``. One home may hold several agents, which share all but their skills."""

    name = "openclaw"
    reload = Reload("hot", "hot")
    bundled_skills = BUNDLED_SKILLS["openclaw"]
    pitfalls: tuple[Pitfall, ...] = ()

    def skills_root(self, agent: str) -> str:
        """Return ``.openclaw/workspace/skills``; ``.openclaw/workspace-<agent>/skills`` for a further agent.

        These are the program's own defaults. An owner who moves a workspace, or makes ``main`` one of several agents
        with ``agents.ownership: explicit``, names this folder as its ``workspace``.
        """
        workspace = "workspace" if agent in ("", DEFAULT_AGENT) else f"workspace-{agent}"
        return f".openclaw/{workspace}/skills"

    def searched(self, agent: str) -> SkillFolders:
        """Return the folders of :meth:`skills_root`, of the workspace around it, and of the home."""
        return in_workspace(SKILL_FOLDERS[self.name], self.skills_root(agent))

    def skill_folder(self, agent: str, name: str) -> str:
        """Return the skill's folder in the agent's workspace."""
        return skill_path(self.skills_root(agent), name)

    def entries(self, agent: str, key: str, value: Json) -> tuple[Entry, ...]:  # noqa: ARG002 (agents share these)
        """Return the key's places: the included file where it can hold the key, and the manifest."""
        check_value(key, value)
        kind, _, name = key.partition("/")
        manifest = manifest_entry(key, value)
        if kind == "env" and is_sensitive(value):
            return (manifest,)
        interpolation = _LITERAL if kind == "env" else _EXPANDED
        written = interpolation.written(key, value)
        return (Entry(_included(kind), _pointer(kind, name), _server(written) if kind == "mcp" else written), manifest)

    def shadows(self, agent: str, key: str, value: Json) -> tuple[tuple[str, Pointer], ...]:  # noqa: ARG002 (shared)
        """Return the same place in the owner's file: what stands beside an ``$include`` overrides what it brings.

        Lists are joined and objects merged there, so that a value of the owner changes ours even in part. A secret's
        variable is the owner's to set.
        """
        kind, _, name = key.partition("/")
        if kind == "env" and is_sensitive(value):
            return ()
        places = [(OWNERS_FILE, (_SECTIONS[kind], *_pointer(kind, name)))]
        if kind == "env":  # variables may also stand in `env` itself
            places.append((OWNERS_FILE, ("env", name)))
        return tuple(places)

    def wiring(self, agent: str, desired: Mapping[str, Json]) -> tuple[Wiring, ...]:
        """Return an ``$include`` item for each of our files that holds an entry, and the manifest's format line."""
        held = self._files(agent, desired)
        lines = (
            Wiring(OWNERS_FILE, (section, "$include"), f"./molthub/{section}.json5", kind, listed=True, reads=file)
            for kind, section in _SECTIONS.items()
            if (file := _included(kind)) in held
        )
        return (*lines, *manifest_wiring(desired))

    def _files(self, agent: str, desired: Mapping[str, Json]) -> set[str]:
        found: set[str] = set()
        for key, value in desired.items():
            if not key.startswith("skill/"):
                with suppress(PlatformValueError):  # it has no entry then
                    found.update(entry.file for entry in self.entries(agent, key, value))
        return found

    def file_format(self, file: str) -> FileFormat:
        """Return ``json5`` for all but the manifest."""
        return "json5" if file.startswith(".openclaw/") else "json"

    def owners_fields(self, file: str, pointer: Pointer) -> frozenset[str]:  # noqa: ARG002 (our files are ours alone)
        """Return none: what the owner sets, he sets in his own file, which overrides ours."""
        return frozenset()

    def sources(self, agent: str) -> tuple[Source, ...]:  # noqa: ARG002 (agents share these)
        """Return the sections of the owner's file."""
        return (
            Source("mcp", OWNERS_FILE, ("mcp", "servers")),
            Source("env", OWNERS_FILE, ("env", "vars")),
            Source("config", OWNERS_FILE, ("skills", "entries"), "config"),
        )

    def read_back(self, agent: str, key: str, value: Json) -> Json:  # noqa: ARG002 (agents share these)
        """Return what to declare for a value of the owner's file."""
        kind = key.partition("/")[0]
        if kind != "mcp":
            return declared_value(key, value, _LITERAL if kind == "env" else _EXPANDED)
        # without a transport the program speaks sse
        is_sse = isinstance(value, dict) and value.get("transport", "sse") == "sse"
        forms = ((None, _STARTED), ("sse", _SSE) if is_sse else ("http", _HTTP))
        return declared_server(key, value, forms, lambda _field: _EXPANDED)


_STARTED, _HTTP, _SSE = typed_form(), typed_form(transport="streamable-http"), typed_form(transport="sse")


def _included(kind: str) -> str:
    return f".openclaw/molthub/{_SECTIONS[kind]}.json5"


def _pointer(kind: str, name: str) -> Pointer:
    if kind == "mcp":
        return ("servers", name)
    if kind == "env":
        return ("vars", name)
    return ("entries", bare_name(name), "config")


def _server(written: Json) -> Json:
    if "url" not in written:
        return written
    # without a transport the program speaks sse
    transport = "sse" if written.get("transport") == "sse" else "streamable-http"
    return {**written, "transport": transport}
