"""The page about agent programs: `platforms.md` with its tables, which come from the adapters' own table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib.resources import files

from docgen.markdown import bullets, code, page, table
from molthub.platforms import platform, platforms
from molthub.platforms.about import about
from molthub.platforms.rows import ROWS
from molthub.platforms.table import SYSTEMS, Row
from molthub.references.agent_programs import BUNDLED_SKILLS
from molthub.references.skill_folders import SKILL_FOLDERS, shared_folders

_TAKEN = {"hot": "at once", "session": "in the next session", "restart": "when it starts anew"}


def pages() -> dict[str, str]:
    """Return `PLATFORMS.md`."""
    text = files("docgen").joinpath("platforms.md").read_text(encoding="utf-8")
    filled = re.sub(r"^TABLE (\w+)$", lambda found: _TABLES[found[1]](), text, flags=re.MULTILINE)
    return {"PLATFORMS.md": page("Platforms", filled)}


def _places() -> str:
    others = {
        "agents-dir": "the manifest",
        "openclaw": "`.openclaw/molthub/mcp.json5` → `servers`, by an `$include` in `.openclaw/openclaw.json`",
    }
    found = [(about(name, "linux"), servers) for name, servers in others.items()]
    rows = [
        *((code(one.name), one.title, code(one.skills), servers, one.judged_by) for one, servers in found),
        *map(_place, ROWS),
    ]
    return table(("`platform`", "Program", "Skills", "MCP servers", "Judged by"), rows)


def _place(row: Row) -> tuple[str, ...]:
    skills = code(row.skills) + (" (for upload)" if row.unread_skills else "")
    servers = f"{code(row.server_file('linux'))} → {code('.'.join(row.servers))}"
    return code(row.name), row.title, skills, servers, row.judges


def _systems() -> str:
    rows = [
        (code(row.name), *(code(row.server_file(system)) for system in SYSTEMS))
        for row in ROWS
        if not isinstance(row.file, str)
    ]
    return table(("`platform`", "Linux", "macOS", "Windows"), rows)


def _secrets() -> str:
    rows = [("`openclaw`", "`${NAME}`", ""), *((code(row.name), _reference(row), _wrapped(row)) for row in ROWS)]
    return table(("`platform`", "A secret is", "Started by `molthub exec`, where one is in"), rows)


def _reference(row: Row) -> str:
    if row.named_in:
        return "named in " + _codes(row.named_in)
    return code(row.references.usual.reference % "NAME") if row.references.usual else "never in the file"


def _wrapped(row: Row) -> str:
    if row.references.usual is None:
        return "what cannot be named" if row.named_in else "any field; refused in the `url` or `headers` of a server"
    fields = _codes(name for name in ("command", "args", "env") if name in row.references.wrapped)
    withheld = _codes(sorted(row.references.withheld))
    return "; ".join(part for part in (fields, withheld and f"any field, as one of {withheld}") if part)


def _owners() -> str:
    rows = [(code(row.name), _codes(row.owners_fields)) for row in ROWS if row.owners_fields]
    return table(("`platform`", "Fields of a server"), rows)


def _own_names() -> str:
    servers = {row.name: row.reserved for row in ROWS}
    rows = [
        (code(name), _codes(servers.get(name, ())), _codes(sorted(BUNDLED_SKILLS.get(name, ()))))
        for name in platforms()
        if servers.get(name) or BUNDLED_SKILLS.get(name)
    ]
    return table(("`platform`", "Servers", "Skills"), rows)


def _reloads() -> str:
    found = [(name, platform(name, "linux").reload) for name in platforms() if name != "agents-dir"]
    rows = [(code(name), _TAKEN[taken.skills], _TAKEN[taken.servers], taken.hint) for name, taken in found]
    return table(("`platform`", "A skill", "A server", "Sooner by"), rows)


def _searched() -> str:
    rows = [
        (code(name), code(found.own), *map(_codes, (found.before, found.after, found.beside)))
        for name, found in SKILL_FOLDERS.items()
        if found.others
    ]
    heads = ("`platform`", "Its own", "Taken before its own", "Taken after its own", "Both offered, or either")
    return table(heads, rows)


def _pitfalls() -> str:
    rows = [
        (code(row.name), pitfall.happens[0].upper() + pitfall.happens[1:]) for row in ROWS for pitfall in row.pitfalls
    ]
    return table(("`platform`", "A secret's value that does not arrive"), rows)


def _shared() -> str:
    return bullets(_codes(programs) for programs in shared_folders())


def _codes(names: Iterable[str]) -> str:
    return ", ".join(map(code, names))


_TABLES: dict[str, Callable[[], str]] = {
    "places": _places,
    "systems": _systems,
    "secrets": _secrets,
    "owners": _owners,
    "own_names": _own_names,
    "reloads": _reloads,
    "shared": _shared,
    "searched": _searched,
    "pitfalls": _pitfalls,
}
