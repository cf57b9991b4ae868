"""What there is to say of each platform, for people: files, words, what it can hold, who judged it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from molthub.model import Json
from molthub.platforms import platform, platforms
from molthub.platforms.base import MANIFEST_FILE
from molthub.platforms.rows import BY_NAME
from molthub.platforms.table import Row
from molthub.references.skill_folders import SKILL_FOLDERS

_STARTED = ("command", "args", "env")


@dataclass(frozen=True, slots=True)
class About:
    """One platform. Files and folders are below the home; ``at`` are the keys that lead to the servers.

    ``finds`` are the further folders that are searched for skills, each with ``before``, ``after`` or ``beside`` as
    :class:`~molthub.references.skill_folders.SkillFolders` has it. ``secret`` is how a secret's variable is referred to
    (empty: not at all), ``named_in`` the fields that name it instead, ``started_by_exec`` the fields in which one makes
    the server be started by ``molthub exec``, ``withheld`` the variables for which any field does.
    """

    name: str
    title: str
    skills: str
    finds: Mapping[str, str]
    file: str
    at: tuple[str, ...]
    transports: tuple[str, ...]
    secret: str
    named_in: tuple[str, ...]
    started_by_exec: tuple[str, ...]
    withheld: tuple[str, ...]
    owners_fields: tuple[str, ...]
    reserved_servers: tuple[str, ...]
    bundled_skills: tuple[str, ...]
    pitfalls: tuple[str, ...]
    skills_taken: str
    servers_taken: str
    hint: str
    judged_by: str

    def to_json(self) -> dict[str, Json]:
        """Return the same as JSON, with the words of documents."""
        return {_camel(name): value for name, value in asdict(self).items()}


def about(name: str, system: str = sys.platform) -> About:
    """Return what there is to say of one platform on ``system``.

    Raises :class:`molthub.errors.MolthubError` for a name that is none.
    """
    adapter, row = platform(name, system), BY_NAME.get(name)
    folders = SKILL_FOLDERS[name]
    return About(
        name=name,
        skills=folders.own,
        finds={folder: way for way in ("before", "after", "beside") for folder in getattr(folders, way)},
        owners_fields=row.owners_fields if row else (),
        reserved_servers=row.reserved if row else (),
        bundled_skills=tuple(sorted(adapter.bundled_skills)),
        pitfalls=tuple(pitfall.happens for pitfall in adapter.pitfalls),
        skills_taken=adapter.reload.skills,
        servers_taken=adapter.reload.servers,
        hint=adapter.reload.hint,
        named_in=row.named_in if row else (),
        started_by_exec=_started_by_exec(row) if row else (),
        withheld=tuple(sorted(row.references.withheld)) if row else (),
        **(_of_row(row, system) if row else _WITHOUT_A_ROW[name]),
    )


def every_platform(system: str = sys.platform) -> tuple[About, ...]:
    """Return what there is to say of all, by name."""
    return tuple(about(name, system) for name in platforms())


_WITHOUT_A_ROW: Mapping[str, dict[str, Json]] = {
    "agents-dir": {
        "title": "any that reads .agents",
        "file": MANIFEST_FILE,
        "at": ("mcp",),
        "transports": ("stdio", "http", "sse"),
        "secret": "${secrets.NAME}",
        "judged_by": "",
    },
    "openclaw": {
        "title": "OpenClaw",
        "file": ".openclaw/molthub/mcp.json5",
        "at": ("servers",),
        "transports": ("stdio", "http", "sse"),
        "secret": "${NAME}",
        "judged_by": "OpenClaw 2026.9.6",
    },
}


def _of_row(row: Row, system: str) -> dict[str, Json]:
    usual = row.references.usual
    spoken = {"stdio": row.started, "http": row.http, "sse": row.sse}
    return {
        "title": row.title,
        "file": row.server_file(system),
        "at": row.servers,
        "transports": tuple(name for name, form in spoken.items() if form is not None),
        "secret": usual.reference % "NAME" if usual else "",
        "judged_by": row.judges,
    }


def _started_by_exec(row: Row) -> tuple[str, ...]:
    if row.references.usual is None:
        return _STARTED
    return tuple(name for name in _STARTED if name in row.references.wrapped)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
