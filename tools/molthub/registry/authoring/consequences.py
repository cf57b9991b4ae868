"""What an edit does to bots, before it is written: which of them would no longer resolve. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from molthub.errors import Problem
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import Resolution, resolve_bots


def resolve_some(catalog: Catalog, paths: Collection[str]) -> Mapping[str, Resolution]:
    """Resolve the bots named, ``<fleet>/<bot>``, and those they share a home with; the others cost nothing."""
    homes = {(bot.fleet, bot.home) for path in paths if (bot := catalog.bots.get(path)) is not None}
    bots = {path: bot for path, bot in catalog.bots.items() if (bot.fleet, bot.home) in homes}
    return resolve_bots(replace(catalog, bots=bots))


def newly_unresolved(before: Catalog, after: Catalog, paths: Collection[str]) -> dict[str, tuple[Problem, ...]]:
    """Return the bots among ``paths``, and those of the same homes, that resolve before an edit and not after it."""
    new = {path: found for path, found in resolve_some(after, paths).items() if not found.resolved}
    old = resolve_some(before, new.keys()) if new else {}
    return {
        path: tuple(problem for problem in found.problems if problem.severity == "error")
        for path, found in new.items()
        if path in old and old[path].resolved
    }
