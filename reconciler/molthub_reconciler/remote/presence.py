"""When each agent was last heard of. Kept in memory where a controller listens, and on disk for everybody else.

Thousands of agents ask every minute, so a file for each would be written all day long: there is one, ``seen.json``,
written by :meth:`Presence.flush` where something changed. Ages are measured by a clock that nobody sets, so that a
machine whose time is put right takes no agent for lost.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from molthub.model import Json

_MISSED = 3
_GRACE = 5.0
_LEAST_PAUSE = 0.5
_GONE = 8.0
"""Seconds after which an agent whose connection ended is off: one that starts again is back earlier."""


@dataclass(frozen=True, slots=True)
class Seen:
    """When an agent was last heard of (seconds since 1970), how often it asks, and its version of molthub.

    ``agent`` is its own random name, ``machine`` where it says that it runs. ``left``: its connection ended.
    """

    at: float
    interval: float
    version: str = ""
    agent: str = ""
    machine: str = ""
    left: bool = False

    def is_offline(self, now: float) -> bool:
        """Whether the agent missed three of its looks, or went away and did not come back."""
        return self.is_lost(now - self.at)

    def is_lost(self, age: float) -> bool:
        """Whether an agent that was last heard of ``age`` seconds ago is offline."""
        return age > (_GONE if self.left else _MISSED * self.interval + _GRACE)


class Presence:
    """The agents that were heard of. ``clock`` is the time of the day, ``steady`` one that never jumps."""

    def __init__(
        self,
        place: Path,
        write: Callable[[Path, bytes], None],
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._write = write
        self._clock = clock
        self._steady = steady
        self._heard: dict[str, tuple[float, Seen]] = {}
        self._is_live = False
        self._is_new = False
        self._next_flush = 0.0
        self._read: tuple[object, dict[str, Seen]] = (None, {})

    def heard(self, bot: str, interval: float, version: str = "", agent: str = "", machine: str = "") -> None:
        """Take note that an agent was heard of now."""
        self._begin()
        self._heard[bot] = (self._steady(), Seen(0.0, interval, version, agent, machine))
        self._is_new = True

    def left(self, bot: str, agent: str) -> None:
        """Take note that an agent's connection ended."""
        at, seen = self._heard.get(bot, (0.0, Seen(0.0, 0.0)))
        if bot in self._heard and seen.agent == agent:
            self._heard[bot] = (self._steady(), replace(seen, left=True)) if not seen.left else (at, seen)
            self._is_new = True

    def seen(self, bot: str) -> Seen | None:
        """Return when an agent was last heard of; None: never."""
        if not self._is_live:
            return self._on_disk().get(bot)
        found = self._heard.get(bot)
        return None if found is None else replace(found[1], at=self._clock() - (self._steady() - found[0]))

    def lost(self, bots: Iterable[str], now: float) -> dict[str, object]:
        """Return those of ``bots`` that are offline, each with what is the same as long as nothing more is heard."""
        if not self._is_live:
            kept = self._on_disk()
            return {bot: kept.get(bot) for bot in bots if bot not in kept or kept[bot].is_offline(now)}
        steady, heard = self._steady(), self._heard
        found = ((bot, heard.get(bot)) for bot in bots)
        return {bot: known for bot, known in found if known is None or known[1].is_lost(steady - known[0])}

    def keep_only(self, bots: Collection[str]) -> None:
        """Forget whoever has no token any more."""
        gone = self._heard.keys() - set(bots)
        for bot in gone:
            del self._heard[bot]
        self._is_new |= bool(gone)

    def flush(self, *, at_once: bool = True) -> None:
        """Write down what is new; unless ``at_once``, never for more than a hundredth of the time.

        Raises :class:`OSError`.
        """
        begin = self._steady()
        if not self._is_new or (begin < self._next_flush and not at_once):
            return
        self._is_new = False
        bots: dict[str, Json] = {}
        for bot in sorted(self._heard):
            seen = self.seen(bot)
            assert seen is not None  # noqa: S101 (it is among those that were heard)
            bots[bot] = {"at": round(seen.at, 3), "interval": seen.interval, "version": seen.version,
                         "agent": seen.agent, "machine": seen.machine, "left": seen.left}  # fmt: skip
        self._write(self._place, json.dumps({"format": "molthub.seen/1", "bots": bots}).encode())
        self._next_flush = begin + max(_LEAST_PAUSE, 100 * (self._steady() - begin))

    def _begin(self) -> None:
        """Go on from what was written down before."""
        if self._is_live:
            return
        now, steady = self._clock(), self._steady()
        self._heard = {bot: (steady - max(0.0, now - seen.at), seen) for bot, seen in self._on_disk().items()}
        self._is_live = True

    def _on_disk(self) -> dict[str, Seen]:
        try:
            status = self._place.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if self._read[0] != stamp:
                said = json.loads(self._place.read_bytes())["bots"]
                self._read = (stamp, {str(bot): _seen(one) for bot, one in said.items()})
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return self._read[1]
        return self._read[1]


def _seen(said: Any) -> Seen:
    return Seen(float(said["at"]), float(said["interval"]), str(said["version"]), str(said["agent"]),
                str(said["machine"]), bool(said["left"]))  # fmt: skip
