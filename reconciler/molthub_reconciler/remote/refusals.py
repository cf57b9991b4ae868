"""Counting requests without a token that counts, by the address they come from, so that who guesses is slowed down.

A token that counts is never refused, whoever shares its address. Pure, but for what is said.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

IN_A_MINUTE = 30
"""So many refusals are answered as they are; more get nothing but a time to come back."""
_MINUTE = 60.0
_ADDRESSES = 10_000


@dataclass(slots=True)
class _Count:
    since: float
    refused: int = 0


@dataclass(slots=True)
class Refusals:
    """The refusals of the last minute. ``warn`` is told once a minute of an address that goes on and on."""

    warn: Callable[[str], None]
    _counts: OrderedDict[str, _Count] = field(default_factory=OrderedDict)

    def count(self, address: str, now: float, *, shown: bool) -> float:
        """Take note of a refusal; return for how many seconds the address gets no other answer (0: it does).

        ``shown``: there was a token, which did not count.
        """
        found = self._counts.pop(address, None)
        if found is None or now - found.since >= _MINUTE:
            found = _Count(now)
        self._counts[address] = found
        if len(self._counts) > _ADDRESSES:
            self._counts.popitem(last=False)
        found.refused += 1
        if found.refused == IN_A_MINUTE + 1:
            what = "with tokens that do not count" if shown else "without a token"
            self.warn(f"more than {IN_A_MINUTE} requests a minute {what} from {address or 'somewhere'}")
        return found.since + _MINUTE - now if found.refused > IN_A_MINUTE else 0.0
