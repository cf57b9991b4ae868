"""The YAML between the `---` lines at the head of SKILL.md: where it begins and ends, and what it says.

Nothing here judges; :mod:`molthub.registry.reading.skill_spec` holds the rules and
:mod:`molthub.registry.authoring.mend` the repairs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molthub.model import Json

FENCE = re.compile(r"---[ \t]*\Z")
"""A line that opens or closes the frontmatter, its line break apart."""

_WORDS = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class Split:
    """SKILL.md's text in its parts: ``head`` + YAML + ``tail`` + body is the whole text again.

    ``head`` is the opening fence with its line break, ``tail`` the closing one; the YAML begins on line 2.
    """

    head: str
    yaml: str
    tail: str
    body: str

    @property
    def body_line(self) -> int:
        """The line on which the body begins, counted from 1."""
        return (self.head + self.yaml + self.tail).count("\n") + 1


def split(text: str) -> Split | None:
    """Return the parts of SKILL.md, or None where no frontmatter opens on the first line or none closes.

    A `---` counts only when it is a line of its own, so that a value may hold one.
    """
    lines = text.splitlines(keepends=True) if "\r" not in text else _lines(text)
    if not lines or not FENCE.match(lines[0].rstrip("\r\n")):
        return None
    for number, line in enumerate(lines[1:], 1):
        if FENCE.match(line.rstrip("\r\n")):
            return Split(lines[0], "".join(lines[1:number]), line, "".join(lines[number + 1 :]))
    return None


def _lines(text: str) -> list[str]:
    """Split at line feeds alone, as YAML and Markdown do; the carriage return before one stays with it."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def mcp_servers(frontmatter: Mapping[str, Json]) -> tuple[str, ...] | None:
    """Return the MCP servers that a frontmatter names, at its top or in `metadata`; None where it says nothing."""
    return _named(frontmatter, "mcp-servers")


def environment(frontmatter: Mapping[str, Json]) -> tuple[str, ...] | None:
    """Return the environment variables that a frontmatter names, at its top or in `metadata`; None: nothing said."""
    return _named(frontmatter, "env")


def _named(frontmatter: Mapping[str, Json], key: str) -> tuple[str, ...] | None:
    metadata = frontmatter.get("metadata")
    value: Any = frontmatter.get(key)
    if value is None and isinstance(metadata, Mapping):
        value = metadata.get(key)
    return None if value is None else names_in(value)


def names_in(value: Json) -> tuple[str, ...]:
    """Return the names in a list of names, a list of maps with a name, a map by name, or words between commas."""
    if isinstance(value, str):
        return tuple(word for word in _WORDS.split(value) if word)
    if isinstance(value, Mapping):
        return tuple(str(key) for key in value)
    if isinstance(value, list):
        named = [item.get("name") if isinstance(item, Mapping) else item for item in value]
        return tuple(str(name) for name in named if isinstance(name, str | int | float))
    return ()
