"""When to do something: polling with jitter, and waiting longer after each failure. Pure; times are seconds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

JITTER = 0.1
FIRST_WAIT = 1.0
LONGEST_WAIT = 15 * 60.0

Dice = Callable[[], float]
"""Returns a number from 0 (included) to 1 (excluded)."""


def jittered(seconds: float, dice: Dice = random.random) -> float:
    """Return ``seconds`` give or take 10%, so that many programs do not ask one server at the same moment."""
    return seconds * (1 - JITTER + 2 * JITTER * dice())


def hurried(failures: int, interval: float, dice: Dice = random.random) -> float:
    """Return how long to wait after ``failures`` in a row: 1, 2, 4 ... seconds, never longer than ``interval``.

    Each program waits between half of that and all of it, so that they do not all come back to a server at once.
    """
    return min(interval, FIRST_WAIT * float(2 ** min(failures - 1, 20))) * (0.5 + 0.5 * dice())


@dataclass(slots=True)
class Backoff:
    """How long each bot that failed is left alone: 1, 2, 4 ... seconds, up to 15 minutes, give or take 10%."""

    dice: Dice = random.random
    _failures: dict[str, int] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

    def failed(self, bot: str, now: float) -> None:
        """Take note of one more failure in a row."""
        count = self._failures[bot] = self._failures.get(bot, 0) + 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(count - 1, 20))
        self._until[bot] = now + jittered(wait, self.dice)

    def succeeded(self, bot: str) -> None:
        """Forget a bot's failures."""
        self._failures.pop(bot, None)
        self._until.pop(bot, None)

    def resting(self, now: float) -> frozenset[str]:
        """Return the bots that are to be left alone for now."""
        return frozenset(bot for bot, until in self._until.items() if until > now)

    def due(self, now: float) -> frozenset[str]:
        """Return the bots that failed and are to be tried again."""
        return frozenset(bot for bot, until in self._until.items() if until <= now)

    def next_time(self) -> float | None:
        """Return when the next bot is to be tried again."""
        return min(self._until.values(), default=None)

    def forgive(self) -> None:
        """Let every bot be tried at once, as something has changed; another failure counts on."""
        self._until = dict.fromkeys(self._until, 0.0)

    def keep_only(self, bots: Iterable[str]) -> None:
        """Forget bots that are there no more."""
        for bot in self._failures.keys() - set(bots):
            self.succeeded(bot)
