"""What the receipts of all bots say together: who shares a home, and how much a fleet owns."""

from __future__ import annotations

from collections.abc import Mapping

from molthub_reconciler.plan import Mates, Place, no_mates
from molthub_reconciler.receipt import Receipt
from molthub_reconciler.state import TargetState

GUARDED_KEYS = 10
"""A pass may take away fewer keys of a fleet than this without being suspected of a mistake."""


class Neighbours:
    """The receipts of a target, read when they are first needed and kept up to date as they are written."""

    def __init__(self, state: TargetState) -> None:
        self._state = state
        self._read: dict[str, Receipt] | None = None

    def update(self, receipt: Receipt) -> None:
        """Take note of a receipt that was written."""
        if self._read is not None:
            self._read[receipt.bot] = receipt

    def mates(self, bot: str, home: str) -> Mates:
        """Return what other bots that live in ``home`` left at a place."""
        others = [receipt for receipt in self._receipts().values() if receipt.home == home and receipt.bot != bot]
        if not others:
            return no_mates
        left: dict[Place, set[str]] = {}
        for receipt in others:
            for written in receipt.keys.values():
                for standing in (written.places, written.writing or {}):
                    for place, fingerprint in standing.items():
                        left.setdefault(place, set()).add(fingerprint)
        return lambda place: frozenset(left.get(place, ()))

    def owned(self, fleet: str) -> int:
        """Return how many keys the receipts of a fleet hold."""
        return sum(len(receipt.keys) for bot, receipt in self._receipts().items() if bot.startswith(f"{fleet}/"))

    def _receipts(self) -> Mapping[str, Receipt]:
        if self._read is None:
            self._read = {bot: self._state.receipt(bot)[0] for bot in self._state.bots()}
        return self._read


def is_mass_removal(deletes: int, owned: int) -> bool:
    """Whether a pass would take so much of a fleet away that a mistake is likely: more than half, and many keys."""
    return deletes >= GUARDED_KEYS and 2 * deletes > owned
