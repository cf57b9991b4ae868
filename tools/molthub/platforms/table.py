"""The agent programs that differ in paths and words only: one row each.

A row says which file holds the program's MCP servers and at which key, how an entry is spelled, how it refers to
environment variables, and which fields of an entry belong to the owner. Folders of skills are known to author time too
(:mod:`molthub.references.skill_folders`); the rows are in :mod:`molthub.platforms.rows`.
:class:`molthub.platforms.table_program.TableProgram` makes the adapter of it. Paths are below the user's HOME, as the
program takes them when no variable (``XDG_CONFIG_HOME``, ``COPILOT_HOME`` ...) points elsewhere. Each row is compared
with what the program itself, or another tool that configures it, reads and writes (``judges``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.model import Json
from molthub.platforms import expansion
from molthub.platforms.base import FileFormat, Pointer, Reload
from molthub.platforms.expansion import References
from molthub.platforms.pitfalls import Pitfall
from molthub.references.skill_folders import SKILL_FOLDERS

SYSTEMS = ("linux", "darwin", "win32")
"""The systems whose paths differ, as :data:`sys.platform` names them."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a program spells one kind of server.

    ``fixed`` are fields with always the same value, ``names`` the program's words for declared fields where they
    differ. With ``joined``, command and arguments are one list.
    """

    fixed: Mapping[str, Json] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One agent program.

    ``file`` holds the servers as the object at ``servers``; where it differs between systems, ``file`` is a map.
    ``http`` and ``sse`` are None where the program cannot be told of such a server. ``env`` is where plain variables
    of the program itself stand, if it has such a place. ``owners_fields`` are the fields of an entry that its owner
    sets. ``named_in`` are fields that name variables, in a program that has such fields. ``unread_skills``: the
    program does not read ``skills``; they wait there for whoever loads them up. ``pitfalls`` are values of secrets that
    would not arrive. ``older`` are fields that the program reads besides, each with the words that mean the same now.
    """

    name: str
    title: str
    file: str | Mapping[str, str]
    servers: Pointer
    judges: str
    reload: Reload
    file_format: FileFormat = "jsonc"
    started: Form = Form()
    http: Form | None = None
    sse: Form | None = None
    references: References = expansion.NONE
    owners_fields: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    env: tuple[str, Pointer] | None = None
    named_in: tuple[str, ...] = ()
    unread_skills: bool = False
    pitfalls: tuple[Pitfall, ...] = ()
    older: tuple[tuple[str, str], ...] = ()

    @property
    def skills(self) -> str:
        """The folder of the home where the bot's skills are written."""
        return SKILL_FOLDERS[self.name].own

    def server_file(self, system: str) -> str:
        """Return the file of the servers on ``system``, which is one of :data:`SYSTEMS` or else like Linux."""
        return self.file if isinstance(self.file, str) else self.file.get(system, self.file["linux"])
