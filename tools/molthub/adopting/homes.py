"""Which programs, and which agents of them, a home has; and which of those may be bots together. Reads only."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from molthub.adopting.adopted import Adopted
from molthub.adopting.home import Left
from molthub.adopting.roles import canonical
from molthub.adopting.skills import skill_folders
from molthub.errors import MolthubError, RegistryError
from molthub.model import Json
from molthub.platforms import platform, platforms
from molthub.platforms.base import Platform
from molthub.platforms.config_file import ConfigFile
from molthub.platforms.openclaw import DEFAULT_AGENT, OWNERS_FILE
from molthub.registry.authoring.mend import slug

_ANY_PROGRAM = "agents-dir"


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent of a program: ``name`` is empty for the main one. ``left`` says why its skills are not looked at."""

    name: str = ""
    left: tuple[Left, ...] = ()


def programs_of(home: Path) -> tuple[str, ...]:
    """Return the programs that have something in a home: a file of theirs, or skills in a folder of theirs alone.

    Skills in a folder that many programs read count for a program that reads nothing else where no other is there.
    """
    known = {name: platform(name) for name in platforms()}
    roots = Counter(program.skills_root(DEFAULT_AGENT) for program in known.values())
    found = tuple(name for name, program in known.items() if name != _ANY_PROGRAM and _is_there(home, program, roots))
    if found or not skill_folders(home / known[_ANY_PROGRAM].skills_root(DEFAULT_AGENT)):
        return found
    return (_ANY_PROGRAM,)


def _is_there(home: Path, program: Platform, roots: Mapping[str, int]) -> bool:
    root = program.skills_root(DEFAULT_AGENT)
    files = any((home / source.file).is_file() for source in program.sources(DEFAULT_AGENT))
    return files or (roots[root] == 1 and bool(skill_folders(home / root)))


def agents_of(home: Path, program: Platform) -> tuple[Agent, ...]:
    """Return the agents of a program that a home has, the main one first.

    OpenClaw lists further ones under ``agents.entries`` (``agents.list`` in older files), each with a workspace. Raises
    :class:`molthub.errors.PlatformFileError` for a file that does not parse.
    """
    if program.name != "openclaw" or not (home / OWNERS_FILE).is_file():
        return (Agent(),)
    config = ConfigFile.parse((home / OWNERS_FILE).read_bytes(), "json5", str(home / OWNERS_FILE))
    said = config.get(("agents",))[1]
    section: Mapping[str, Json] = said if isinstance(said, dict) else {}
    entries = dict(_entries(section))
    chosen = next((name for name, entry in entries.items() if entry.get("default") is True), DEFAULT_AGENT)
    defaults = section.get("defaults")
    usual = defaults.get("workspace") if isinstance(defaults, dict) else None
    main = entries.pop(chosen, {})
    found = [_agent(home, program, "", main.get("workspace", usual))]
    return (*found, *(_agent(home, program, name, entry.get("workspace")) for name, entry in entries.items()))


def _entries(section: Mapping[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    entries, listed = section.get("entries"), section.get("list")
    if isinstance(entries, dict):
        yield from ((name, entry) for name, entry in entries.items() if isinstance(entry, dict))
    elif isinstance(listed, list):
        yield from ((str(entry["id"]), entry) for entry in listed if isinstance(entry, dict) and entry.get("id"))


def _agent(home: Path, program: Platform, name: str, workspace: Json) -> Agent:
    expected = str(PurePosixPath(program.skills_root(name or DEFAULT_AGENT)).parent)
    if not isinstance(workspace, str) or _below(home, workspace) == expected:
        return Agent(name)
    whose = f"the agent {name}" if name else "the main agent"
    reason = f"{whose} works in {workspace}, and skills are brought to {expected}"
    return Agent(name, (Left("skill/*", reason, f"make ~/{expected} its workspace, or keep its skills by hand"),))


def _below(home: Path, workspace: str) -> str:
    """Return a workspace as a path below the home: ``~`` is the home; what lies elsewhere stays as it is."""
    path = workspace.replace("~", str(home), 1) if workspace.startswith("~") else workspace
    full = os.path.normpath(home / path)
    return os.path.relpath(full, home).replace(os.sep, "/") if Path(full).is_relative_to(home) else workspace


def bot_names(home: str, programs: Sequence[str], program: str, agent: str) -> str:
    """Return what a bot is called: as its home, with the program where there are several, and the agent if named."""
    parts = [home, *([program] if len(programs) > 1 else []), *([slug(agent)] if agent else [])]
    return "-".join(parts)[:63].strip("-")


def agreeing(bots: Sequence[Adopted]) -> tuple[list[Adopted], dict[str, MolthubError]]:
    """Return the bots that may be declared together, and why not the others.

    One home has one set of servers and variables for all of its bots; where programs differ in it, the one with the
    most is taken.
    """
    kept: list[Adopted] = []
    refused: dict[str, MolthubError] = {}
    firsts: dict[str, Adopted] = {}
    for bot in sorted(bots, key=lambda one: (one.home, -len(one.parts), one.name)):
        first = firsts.setdefault(bot.home, bot)
        differing = _differing(first, bot)
        if not differing:
            kept.append(bot)
            continue
        message = f"{bot.path} shares its home with {first.path}, but they differ in {', '.join(differing)}"
        remedy = f"make the servers of {bot.platform} and {first.platform} agree, or adopt one of them with --platform"
        refused[bot.path] = RegistryError(message, place=bot.home, remedy=remedy)
    order = {bot.path: number for number, bot in enumerate(bots)}
    return sorted(kept, key=lambda bot: order[bot.path]), refused


def _differing(one: Adopted, other: Adopted) -> list[str]:
    shared = ("mcp/", "env/")
    mine, theirs = one.parts, other.parts
    keys = {key for key in (*mine, *theirs) if key.startswith(shared)}
    return sorted(key for key in keys if canonical(mine.get(key)) != canonical(theirs.get(key)))


def without_twins(bots: Sequence[Adopted]) -> tuple[list[Adopted], dict[str, MolthubError]]:
    """Return the bots of different names, and why not those that have another's."""
    seen: dict[str, Adopted] = {}
    refused: dict[str, MolthubError] = {}
    for bot in bots:
        if bot.path in seen:
            remedy = "adopt them one by one, with --name"
            refused[bot.path] = RegistryError(f"two homes would be the bot {bot.path}", remedy=remedy)
        seen.setdefault(bot.path, bot)
    return [bot for bot in seen.values() if bot.path not in refused], refused


def for_agent(bot: Adopted, agent: Agent, left: Sequence[Left] = ()) -> Adopted:
    """Return a bot as that of an agent, with what is said of it, and of its home (``left``)."""
    return replace(bot, agent=agent.name, left=(*left, *agent.left), skills_are_elsewhere=bool(agent.left))
