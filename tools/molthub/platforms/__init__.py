"""One adapter per agent program: desired state and that program's files. Most are rows of a table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from molthub.errors import MolthubError
from molthub.platforms.base import Platform

if TYPE_CHECKING:
    from molthub.platforms.table_program import TableProgram


def platforms() -> tuple[str, ...]:
    """Return the names of the platforms that bots may run on."""
    from molthub.platforms.rows import BY_NAME

    return tuple(sorted(("agents-dir", "openclaw", *BY_NAME)))


def platform(name: str, system: str = sys.platform) -> Platform:
    """Return the adapter of one platform, for homes that live on ``system`` (as :data:`sys.platform` names it).

    Raises :class:`MolthubError` for a name that is none.
    """
    if name == "agents-dir":
        from molthub.platforms.agents_dir import AgentsDir

        return AgentsDir()
    if name == "openclaw":
        from molthub.platforms.openclaw import OpenClaw

        return OpenClaw()
    from molthub.platforms.rows import BY_NAME

    if name in BY_NAME:
        return _program(name)(BY_NAME[name], system)
    known = ", ".join(platforms())
    raise MolthubError(f"there is no platform {name!r}", remedy=f"this molthub knows {known}; a newer one may know it")


def _program(name: str) -> type[TableProgram]:
    """Return the class of a row's adapter: its own, where a server's entry is no matter of words alone."""
    if name == "codex":
        from molthub.platforms.codex import Codex

        return Codex
    if name == "goose":
        from molthub.platforms.goose import Goose

        return Goose
    from molthub.platforms.table_program import TableProgram

    return TableProgram
