"""Bots that share a home: one folder holds one set of servers and variables, and one agent's skills. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from molthub.errors import Problem
from molthub.registry.resolving.availability import placed
from molthub.registry.resolving.resolution import Resolution

DEFAULT_AGENT = "main"


def check_homes(resolutions: Iterable[Resolution]) -> tuple[Problem, ...]:
    """Return where bots that share a home disagree on servers or environment, or would be the same agent.

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
        for other in bots[1:]:
            finding = _finding(f"{fleet}/{home}", bots[0], other)
            if finding is not None:
                yield finding, (bots[0].bot.path, other.bot.path)


def _finding(home: str, one: Resolution, other: Resolution) -> Problem | None:
    pair = f"{one.bot.path} and {other.bot.path} share the home {home}"
    if _agent(one) == _agent(other):
        message = f"{pair} and are the same agent of {one.bot.platform}"
        return placed("MH212", message, "give one of them another agent or another home", other.bot.file)
    keys = sorted(key for key in {*one.desired, *other.desired} if key.startswith(("mcp/", "env/")))
    differing = [key for key in keys if one.desired.get(key) != other.desired.get(key)]
    if not differing:
        return None
    message = f"{pair}, but they differ in {', '.join(differing)}"
    return placed("MH212", message, "make them agree, or give one of them another home", other.bot.file)


def _agent(resolution: Resolution) -> tuple[str, str]:
    return resolution.bot.platform, resolution.bot.agent or DEFAULT_AGENT
