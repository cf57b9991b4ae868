"""Bots of which nothing has moved since they were last judged: found by comparing digests, and looked at no more. Pure.

What a pass says of a bot follows from two things: what the bot is to have, which git and its rollout say by digest, and
what is known of what it has, which its target says. Where both are what they were, the last judgement still holds. For
a target that has observed digests at hand (agents that report, a cluster's status) that is one comparison of two
tables, in memory: no document is read, nothing is fetched, nothing is written.

It is kept in memory alone, by the one process that may write the target's state. Whoever doubts it forgets it, and the
next pass looks at everything, as the first one does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
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


class _Whole(NamedTuple):
    """Bots of which nothing had moved, all of them: what they were to have, what was known, what is told."""

    asked: Mapping[str, Assigned]
    known: tuple[Mapping[str, Hashable], ...]
    told: list[BotReport]


def _fleet_of(asked: Mapping[str, Assigned]) -> str:
    """Return the fleet whose bots these are: one of each is remembered, and not one of each pass."""
    return next(iter(asked), "").partition("/")[0]


@dataclass
class LastPass:
    """What was last told of each bot, and from what it followed; and what fleets asked for by then."""

    bases: dict[str, Basis] = field(default_factory=dict)
    reports: dict[str, BotReport] = field(default_factory=dict)
    _asked: dict[str, tuple[FleetState, Mapping[str, Assigned] | None, Mapping[str, Assigned]]] = field(
        default_factory=dict
    )
    _among: dict[str, tuple[Mapping[str, Assigned], frozenset[str], Mapping[str, Assigned]]] = field(
        default_factory=dict
    )
    _whole: dict[str, _Whole] = field(default_factory=dict)

    def asked(self, fleet: FleetState, assigned: Mapping[str, Assigned] | None) -> Mapping[str, Assigned]:
        """Return :func:`asked_of`; of the very same fleet and assignments, what was found before."""
        kept = self._asked.get(fleet.fleet)
        if kept is None or kept[0] is not fleet or kept[1] is not assigned:
            kept = self._asked[fleet.fleet] = (fleet, assigned, asked_of(fleet, assigned))
        return kept[2]

    def among(self, asked: Mapping[str, Assigned], bots: frozenset[str]) -> Mapping[str, Assigned]:
        """Return of a fleet's bots those among ``bots``; of the very same two, what was found before."""
        kept = self._among.get(_fleet_of(asked))
        if kept is None or kept[0] is not asked or kept[1] is not bots:
            found = asked if asked.keys() <= bots else {bot: one for bot, one in asked.items() if bot in bots}
            kept = self._among[_fleet_of(asked)] = (asked, bots, found)
        return kept[2]

    def still(self, now: Mapping[str, Basis]) -> list[BotReport]:
        """Return what was told of the bots of which nothing has moved."""
        return [self.reports[bot] for bot in unmoved(self.bases, now)]

    def still_all(self, asked: Mapping[str, Assigned], *known: Mapping[str, Hashable]) -> list[BotReport] | None:
        """Return what was told of a fleet's bots, if neither what is ``asked`` nor what is ``known`` is another.

        None: some moved, or it was not :meth:`all_still` before.
        """
        whole = self._whole.get(_fleet_of(asked))
        return whole.told if whole is not None and whole.asked is asked and whole.known == known else None

    def all_still(
        self, asked: Mapping[str, Assigned], known: tuple[Mapping[str, Hashable], ...], told: list[BotReport]
    ) -> None:
        """Remember that nothing has moved of any bot of ``asked``, which is one comparison next time."""
        if len(told) == len(asked):
            self._whole[_fleet_of(asked)] = _Whole(asked, known, told)

    def keep(self, report: BotReport, basis: Basis | None) -> None:
        """Remember what was told; without a ``basis`` the bot is looked at again."""
        self._whole.clear()
        if basis is None:
            self.bases.pop(report.bot, None)
            self.reports.pop(report.bot, None)
        else:
            self.bases[report.bot] = basis
            self.reports[report.bot] = report

    def forget(self) -> None:
        """Forget everything."""
        self._whole.clear()
        self._among.clear()
        self.bases.clear()
        self.reports.clear()
        self._asked.clear()
