"""Bots that share a home, and so what is in it.

One folder holds one set of servers and variables, one manifest, and for each agent one set of skills; agents of several
programs may find theirs in the same folder, or search the folders of others too. What bots share, they must agree on.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from molthub.errors import Problem
from molthub.model import Json, bare_name
from molthub.references.skill_folders import SKILL_FOLDERS, sees_skills, share_skills, takes_own
from molthub.registry.resolving.availability import placed
from molthub.registry.resolving.resolution import Resolution

DEFAULT_AGENT = "main"


def check_homes(resolutions: Iterable[Resolution]) -> tuple[Problem, ...]:
    """Return where bots that share a home disagree on what they share, or would be the same agent.

    Only resolved bots are compared; patterns (``template``) have no home.
    """
    return tuple(problem for problem, _ in disagreements(resolutions))


def disagreements(resolutions: Iterable[Resolution]) -> Iterator[tuple[Problem, tuple[str, ...]]]:
    """Yield every finding on a home with the paths of the two bots that it is about."""
    for (fleet, home), bots in _homes(resolutions).items():
        for number, other in enumerate(bots):
            for one in bots[:number]:
                finding = _finding(f"{fleet}/{home}", one, other)
                if finding is not None:
                    yield finding, (one.bot.path, other.bot.path)
                    break


def _homes(resolutions: Iterable[Resolution]) -> Mapping[tuple[str, str], list[Resolution]]:
    homes: dict[tuple[str, str], list[Resolution]] = {}
    for resolution in resolutions:
        if resolution.resolved and not resolution.bot.template:
            homes.setdefault((resolution.bot.fleet, resolution.bot.home), []).append(resolution)
    return homes


def _finding(home: str, one: Resolution, other: Resolution) -> Problem | None:
    pair = f"{one.bot.path} and {other.bot.path} share the home {home}"
    if _agent(one) == _agent(other):
        message = f"{pair} and are the same agent of {one.bot.platform}"
        return placed("MH212", message, "give one of them another agent or another home", other.bot.file)
    differing = _differing(one.desired, other.desired, skills=share_skills(one.bot.platform, other.bot.platform))
    if differing:
        message = f"{pair}, but they differ in {', '.join(differing)}"
        return placed("MH212", message, "make them agree, or give one of them another home", other.bot.file)
    for reader, found in ((one, other), (other, one)):
        names = _mixed_up(reader, found)
        if names:
            message = f"{pair}, where {reader.bot.platform} may take {names} of {found.bot.path} for its own"
            return placed("MH212", message, "give both the same version, or one another home", reader.bot.file)
    return None


def _mixed_up(reader: Resolution, found: Resolution) -> str:
    """Return the skills of which two versions are before the reader's program, which may take the wrong one."""
    if not sees_skills(reader.bot.platform, found.bot.platform) or takes_own(reader.bot.platform, found.bot.platform):
        return ""
    own, others = _skills(reader), _skills(found)
    return ", ".join(sorted(name for name in own.keys() & others.keys() if own[name] != others[name]))


def strange_skills(resolutions: Iterable[Resolution]) -> Iterator[Problem]:
    """Yield a warning for each bot whose program also finds the skills of another bot of its home."""
    for (fleet, home), bots in _homes(resolutions).items():
        for reader in bots:
            for found in bots:
                told = _told(reader, found) if reader is not found else ""
                if told:
                    message = f"{reader.bot.path} and {found.bot.path} share the home {fleet}/{home}, where {told}"
                    remedy = "nothing needs to be done if that is meant; else give one of them another home"
                    yield Problem("MH223", message, remedy, "warning", file=reader.bot.file)


def _told(reader: Resolution, found: Resolution) -> str:
    """Return what a bot finds of another bot's skills; nothing where its program does not search their folder."""
    platform, other = reader.bot.platform, found.bot.platform
    more = _skills(found).keys() - _skills(reader).keys() if sees_skills(platform, other) else frozenset()
    return f"{platform} finds {', '.join(sorted(more))} too, in {SKILL_FOLDERS[other].own}" if more else ""


def _skills(resolution: Resolution) -> Mapping[str, Json]:
    """Return a bot's skills by the name of their folder."""
    prefix = "skill/"
    return {
        bare_name(key.removeprefix(prefix)): value
        for key, value in resolution.desired.items()
        if key.startswith(prefix)
    }


def _differing(one: Mapping[str, Json], other: Mapping[str, Json], *, skills: bool) -> list[str]:
    """Return the keys that both bots would have in common and that differ.

    A server, a variable or a shared skill of one bot is there for the other as well. Settings of a skill are of no
    effect on who has none of it, but stand in one place for both.
    """
    shared = ("mcp/", "env/", "skill/") if skills else ("mcp/", "env/")
    keys = {key for key in (*one, *other) if key.startswith(shared)}
    keys |= {key for key in one if key.startswith("config/") and key in other}
    return sorted(key for key in keys if one.get(key) != other.get(key))


def _agent(resolution: Resolution) -> tuple[str, str]:
    return resolution.bot.platform, resolution.bot.agent or DEFAULT_AGENT
