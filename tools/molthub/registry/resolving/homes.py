"""Bots that share a home, and so what is in it.

One folder holds one set of servers and variables, one manifest, and for each agent one set of skills; agents of several
programs may find theirs in the same folder. What bots share, they must agree on. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from molthub.errors import Problem
from molthub.model import Json
from molthub.references.agent_programs import share_skills
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
    homes: dict[tuple[str, str], list[Resolution]] = {}
    for resolution in resolutions:
        if resolution.resolved and not resolution.bot.template:
            homes.setdefault((resolution.bot.fleet, resolution.bot.home), []).append(resolution)
    for (fleet, home), bots in homes.items():
        for number, other in enumerate(bots):
            for one in bots[:number]:
                finding = _finding(f"{fleet}/{home}", one, other)
                if finding is not None:
                    yield finding, (one.bot.path, other.bot.path)
                    break


def _finding(home: str, one: Resolution, other: Resolution) -> Problem | None:
    pair = f"{one.bot.path} and {other.bot.path} share the home {home}"
    if _agent(one) == _agent(other):
        message = f"{pair} and are the same agent of {one.bot.platform}"
        return placed("MH212", message, "give one of them another agent or another home", other.bot.file)
    differing = _differing(one.desired, other.desired, skills=share_skills(one.bot.platform, other.bot.platform))
    if not differing:
        return None
    message = f"{pair}, but they differ in {', '.join(differing)}"
    return placed("MH212", message, "make them agree, or give one of them another home", other.bot.file)


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
