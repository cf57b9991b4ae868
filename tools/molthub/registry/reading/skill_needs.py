"""What a SKILL.md's frontmatter says that the skill needs, in every form that is found in the wild.

``mcp-servers`` and ``env`` stand at the top or in ``metadata``; ``requires`` (``bins``, ``anyBins``, ``env``, ``mcp``,
``skills``) at the top, in ``metadata``, or where OpenClaw reads it, ``metadata.openclaw``, beside ``os``,
``primaryEnv``, ``install``, and ``requires.config``, which are settings of its own. That program reads the older names
of its key where the newest is missing, and so does this. Authors write some of these words otherwise, too: ``bin``,
``binaries``, ``commands``, ``envs``, and ``os`` or ``primaryEnv`` within ``requires``. What is no name is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from molthub.documents import ENV_KEY, MCP_NAME, SKILL_NAME
from molthub.model import EnvNeed, Json
from molthub.registry.reading import frontmatter

_PROGRAM_KEYS = ("openclaw", "clawdbot", "moltbot", "clawdis")  # the names that OpenClaw has had, newest first
_WORDS = {"bins": ("bins", "bin", "binaries", "commands"), "env": ("env", "envs")}
_MANAGERS = {
    "brew": ("formula", "brew install %s"),
    "node": ("package", "npm install -g %s"),
    "go": ("module", "go install %s"),
    "uv": ("package", "uv tool install %s"),
}
"""The kinds of ``install`` that name a package: the field that does, and the line that installs it."""
_PACKAGE = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9@._+/-]{0,127}\Z")
_SECRET_NAME = re.compile(r"(?:^|_)(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIALS?|PAT)(?:$|_)", re.IGNORECASE)
_BIN = re.compile(r"[A-Za-z0-9._+-]{1,128}\Z")
_SETTING = re.compile(r"[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64}){0,15}\Z")
_LONGEST = 128
_SYSTEM = re.compile(r"[a-z0-9-]{1,32}\Z")
_SYSTEMS = {"darwin": "macos", "osx": "macos", "mac": "macos", "win32": "windows", "win": "windows"}


@dataclass(frozen=True, slots=True)
class SaidNeeds:
    """What a frontmatter says; None where it is silent."""

    mcp_servers: tuple[str, ...] | None = None
    env: tuple[EnvNeed, ...] | None = None
    bins: tuple[str, ...] | None = None
    any_bins: tuple[tuple[str, ...], ...] | None = None
    systems: tuple[str, ...] | None = None
    skills: tuple[str, ...] | None = None
    settings: tuple[str, ...] | None = None
    installs: tuple[tuple[str, str], ...] = ()


def said_needs(head: Mapping[str, Json]) -> SaidNeeds:
    """Return what a frontmatter says that its skill needs."""
    any_of = [tuple(name for name in names if _BIN.match(name)) for names in _required(head, "anyBins")]
    named = frontmatter.mcp_servers(head)
    servers = [*(named or ()), *(name for names in _required(head, "mcp") for name in names)]
    bins = [name for names in _required(head, "bins") for name in names if _BIN.match(name)]
    return SaidNeeds(
        mcp_servers=_each_once(name for name in servers if MCP_NAME.match(name)),
        env=_env(head),
        bins=_each_once(iter(bins)),
        any_bins=tuple(dict.fromkeys(group for group in any_of if group)) or None,
        systems=_systems(head),
        skills=_each_once(
            name
            for names in _required(head, "skills")
            for name in names
            if SKILL_NAME.match(name) and len(name) <= _LONGEST
        ),
        settings=_each_once(
            path
            for needs in _program_places(head)
            for path in frontmatter.names_in(_of(needs, "config"))
            if _SETTING.match(path)
        ),
        installs=tuple(dict.fromkeys(_installs(head))),
    )


def _env(head: Mapping[str, Json]) -> tuple[EnvNeed, ...] | None:
    """Return the variables: those under ``requires`` and the primary one are required, the others are read."""
    said = (one for needs in _places(head) for one in (needs.get("primaryEnv"), _of(needs, "primaryEnv")))
    primary = {one for one in said if isinstance(one, str)}
    listed = [name for names in _required(head, "env") for name in names]
    required = dict.fromkeys([*listed, *sorted(primary)])
    every = dict.fromkeys([*required, *(frontmatter.environment(head) or ())])
    return (
        tuple(
            EnvNeed(name, name in primary or _SECRET_NAME.search(name) is not None, name in required)
            for name in every
            if ENV_KEY.match(name)
        )
        or None
    )


def _installs(head: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield programs with the line of a package manager that brings each, never a command of the author's own."""
    listed = [one for needs in _program_places(head) for one in _maps(needs.get("install"))]
    for one in listed:
        field, line = _MANAGERS.get(str(one.get("kind")), ("", ""))
        package = one.get(field)
        if isinstance(package, str) and _PACKAGE.match(package):
            yield from ((name, line % package) for name in frontmatter.names_in(one.get("bins")) if _BIN.match(name))


def _maps(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _systems(head: Mapping[str, Json]) -> tuple[str, ...] | None:
    """Return the systems by the names used here; ``os`` counts only where OpenClaw reads it."""
    said = [
        _SYSTEMS.get(name.lower(), name.lower())
        for needs in _program_places(head)
        for names in (needs.get("os"), _of(needs, "os"))
        for name in frontmatter.names_in(names)
    ]
    return _each_once(name for name in said if _SYSTEM.match(name))


def _required(head: Mapping[str, Json], key: str) -> Iterator[tuple[str, ...]]:
    for needs in _places(head):
        for word in _WORDS.get(key, (key,)):
            yield frontmatter.names_in(_of(needs, word))


def _of(needs: Mapping[str, Json], key: str) -> Json:
    requires = needs.get("requires")
    return requires.get(key) if isinstance(requires, Mapping) else None


def _places(head: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """Yield the maps in which needs are declared."""
    yield head
    metadata = head.get("metadata")
    if isinstance(metadata, Mapping):
        yield metadata
    yield from _program_places(head)


def _program_places(head: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    metadata = head.get("metadata")
    found = [metadata.get(key) for key in _PROGRAM_KEYS] if isinstance(metadata, Mapping) else []
    yield from [one for one in found if isinstance(one, Mapping)][:1]


def _each_once(names: Iterator[str]) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(names)) or None
