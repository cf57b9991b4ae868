"""What the receipts of all bots say together: who shares a home, and how much a fleet owns."""

from __future__ import annotations

from collections.abc import Mapping

from molthub_reconciler.plan import Mates, Place, no_mates
from molthub_reconciler.records.receipt import Receipt
from molthub_reconciler.records.state import TargetState

GUARDED_KEYS = 10
"""A pass may take away fewer keys of a fleet than this without being suspected of a mistake."""


class Neighbours:
    """The receipts of a target, read when they are first needed and kept up to date as they are written."""

    def __init__(self, state: TargetState) -> None:
        self._state = state
        self._by_home: dict[str, dict[str, Receipt]] | None = None

    def update(self, receipt: Receipt) -> None:
        """Take note of a receipt that was written."""
        if self._by_home is not None:
            self._by_home.setdefault(receipt.home, {})[receipt.bot] = receipt

    def mates(self, bot: str, home: str) -> Mates:
        """Return what other bots that live in ``home`` left at a place."""
        others = [receipt for receipt in self._receipts().get(home, {}).values() if receipt.bot != bot]
        if not others:
            return no_mates
        left: dict[Place, set[str]] = {}
        for receipt in others:
            for written in receipt.keys.values():
                for place, fingerprint in (*written.places.items(), *(written.writing or {}).items()):
                    left.setdefault(place, set()).add(fingerprint)
        return lambda place: frozenset(left.get(place, ()))

    def owned(self, fleet: str) -> int:
        """Return how many keys the receipts of a fleet hold."""
        homes = self._receipts().values()
        return sum(len(receipt.keys) for home in homes for bot, receipt in home.items() if bot.startswith(f"{fleet}/"))

    def _receipts(self) -> Mapping[str, Mapping[str, Receipt]]:
        if self._by_home is None:
            self._by_home = {}
            for bot in self._state.bots():
                self.update(self._state.receipt(bot)[0])
        return self._by_home


def is_mass_removal(deletes: int, owned: int) -> bool:
    """Whether a pass would take so much of a fleet away that a mistake is likely: more than half, and many keys."""
    return deletes >= GUARDED_KEYS and 2 * deletes > owned
