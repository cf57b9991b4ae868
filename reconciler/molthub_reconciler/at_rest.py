"""Bots of which nothing has moved since they were last judged: found by comparing digests, and looked at no more. Pure.

What a pass says of a bot follows from two things: what the bot is to have, which git and its rollout say by digest, and
what is known of what it has, which its target says. Where both are what they were, the last judgement still holds. For
a target that has observed digests at hand (agents that report, a cluster's status) that is one comparison of two
tables, in memory: no document is read, nothing is fetched, nothing is written.

It is kept in memory alone, by the one process that may write the target's state. Whoever doubts it forgets it, and the
next pass looks at everything, as the first one does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from molthub.model import FleetState
from molthub_reconciler.report import BotReport
from molthub_reconciler.rollout.records import Assigned, Document


class Basis(NamedTuple):
    """What a judgement of one bot follows from.

    ``asked`` is what it is to have. ``known`` is what its target knows of it; of that counts only whether it is equal.
    """

    asked: Assigned
    known: Hashable


def unmoved(before: Mapping[str, Basis], now: Mapping[str, Basis]) -> frozenset[str]:
    """Return the bots of ``now`` that ``before`` judged from the same."""
    return frozenset(bot for bot, basis in now.items() if before.get(bot) == basis)


def asked_of(fleet: FleetState, assigned: Mapping[str, Assigned] | None) -> dict[str, Assigned]:
    """Return what each bot of a fleet is to have, by ``<fleet>/<bot>``, as far as digests alone say it.

    ``assigned`` is what a rollout keeps bots at; None: there is no rollout. Left out are bots that do not resolve,
    templates, and those whose turn has not come.
    """
    path, refs = f"{fleet.fleet}/", fleet.bots.items()
    plain = [(name, ref) for name, ref in refs if ref.digest is not None and not ref.template]
    if assigned is not None:
        return {path + name: assigned[name] for name, _ in plain if name in assigned}
    return {path + name: Assigned(Document(ref.file, ref.digest), 0) for name, ref in plain if ref.digest is not None}


AtRest = Callable[[Mapping[str, Assigned]], Collection[str]]
"""Takes what bots are to have; returns those that need no look, because nothing has moved."""


def nobody(_asked: Mapping[str, Assigned]) -> Collection[str]:
    """Say that every bot needs a look."""
    return ()


@dataclass
class LastPass:
    """What was last told of each bot, and from what it followed; and what fleets asked for by then."""

    bases: dict[str, Basis] = field(default_factory=dict)
    reports: dict[str, BotReport] = field(default_factory=dict)
    _asked: dict[str, tuple[FleetState, Mapping[str, Assigned] | None, Mapping[str, Assigned]]] = field(
        default_factory=dict
    )

    def asked(self, fleet: FleetState, assigned: Mapping[str, Assigned] | None) -> Mapping[str, Assigned]:
        """Return :func:`asked_of`; of the very same fleet and assignments, what was found before."""
        kept = self._asked.get(fleet.fleet)
        if kept is None or kept[0] is not fleet or kept[1] is not assigned:
            kept = self._asked[fleet.fleet] = (fleet, assigned, asked_of(fleet, assigned))
        return kept[2]

    def still(self, now: Mapping[str, Basis]) -> list[BotReport]:
        """Return what was told of the bots of which nothing has moved."""
        return [self.reports[bot] for bot in unmoved(self.bases, now)]

    def keep(self, report: BotReport, basis: Basis | None) -> None:
        """Remember what was told; without a ``basis`` the bot is looked at again."""
        if basis is None:
            self.bases.pop(report.bot, None)
            self.reports.pop(report.bot, None)
        else:
            self.bases[report.bot] = basis
            self.reports[report.bot] = report

    def keep_only(self, bots: Iterable[str]) -> None:
        """Forget bots that are there no more."""
        for bot in self.bases.keys() - set(bots):
            del self.bases[bot], self.reports[bot]

    def forget(self) -> None:
        """Forget everything."""
        self.bases.clear()
        self.reports.clear()
        self._asked.clear()
