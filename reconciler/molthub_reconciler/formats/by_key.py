"""What many bots have in common: each difference once, with how many of them have it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from molthub_reconciler.formats.told import sort_of
from molthub_reconciler.report import Report

HEADERS = ("key", "drift", "bots", "which", "origin")
_NAMED = 3


class Shared(NamedTuple):
    """A ``key`` that differs in one ``sort`` of way on ``bots``; ``origins`` are the lines of git that declare it."""

    key: str
    sort: str
    bots: tuple[str, ...]
    origins: tuple[str, ...]

    @property
    def which(self) -> str:
        """The bots, or the first of many."""
        more = f" and {len(self.bots) - _NAMED} more" if len(self.bots) > _NAMED else ""
        return f"{', '.join(self.bots[:_NAMED])}{more}"

    @property
    def origin(self) -> str:
        """The line that declares it, or the first of several."""
        more = f" and {len(self.origins) - 1} more" if len(self.origins) > 1 else ""
        return f"{self.origins[0]}{more}" if self.origins else ""


def by_key(report: Report) -> list[Shared]:
    """Return what differs, what most bots have first."""
    bots: dict[tuple[str, str], list[str]] = {}
    origins: dict[tuple[str, str], dict[str, None]] = {}
    for bot in report.bots:
        for change in bot.changes:
            found = str(change["key"]), sort_of(change)
            bots.setdefault(found, []).append(bot.bot)
            origin = change.get("origin")
            origins.setdefault(found, {}).update({str(origin): None} if origin else {})
    shared = (Shared(*found, tuple(having), tuple(origins[found])) for found, having in bots.items())
    return sorted(shared, key=lambda one: (-len(one.bots), one.key, one.sort))


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield a row for each, as :data:`HEADERS` names them."""
    for one in by_key(report):
        yield one.key, one.sort, str(len(one.bots)), one.which, one.origin
