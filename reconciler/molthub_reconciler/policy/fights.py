"""Corrections that somebody keeps undoing: noticed, told, and made more and more seldom. Pure.

Whoever undoes what a pass corrects may be a person, another program, or a second reconcile. Correcting at once each
time would keep both busy for ever and help nobody. So a key that was corrected more than :data:`MOST` times within
:data:`WITHIN` rests, twice as long after each further correction, until nobody touches it any more.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from molthub.errors import Problem

FILE = "fights.json"
_FORMAT = "molthub.fights/1"
MOST = 5
WITHIN = 600.0
FIRST_REST = 60.0
LONGEST_REST = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Fight:
    """Corrections of one key: the ``times`` (seconds since 1970) of those that count, and how many in all, in ``file``.

    ``rests`` is how often it was given a rest; 0: it is no fight yet. It is left alone ``until`` then.
    """

    file: str
    times: tuple[float, ...] = ()
    count: int = 0
    since: float = 0.0
    rests: int = 0
    until: float = 0.0

    def corrected(self, now: float) -> Fight:
        """Return it after one more correction."""
        times = (*(time for time in self.times if now - WITHIN < time <= now), now)
        found = replace(self, times=times, count=self.count + 1, since=self.since or now)
        if not self.rests and len(times) <= MOST:
            return found
        rest = min(LONGEST_REST, FIRST_REST * 2 ** min(self.rests, 20))
        return replace(found, times=times[-MOST:], rests=self.rests + 1, until=now + rest)

    def is_over(self, now: float) -> bool:
        """Whether it was quiet for long enough, at a time when the key is as it should be."""
        last = max(self.times, default=0.0)
        return now > max(self.until, last) + WITHIN or now < last  # a clock that was put back ends every fight


@dataclass(frozen=True, slots=True)
class Fights:
    """The corrections of one bot, by key."""

    keys: Mapping[str, Fight] = field(default_factory=dict)

    def is_resting(self, key: str, now: float) -> bool:
        """Whether a key is to be left alone for now."""
        fight = self.keys.get(key)
        return fight is not None and max(fight.times, default=0.0) <= now < fight.until

    def after(self, corrected: Mapping[str, str], drifted: Collection[str], now: float) -> Fights:
        """Return them after a pass that corrected keys (with their files), ``drifted`` being all that differed."""
        left = {key: fight for key, fight in self.keys.items() if key in drifted or not fight.is_over(now)}
        done = {key: left.get(key, Fight(file)).corrected(now) for key, file in corrected.items()}
        return Fights({**left, **done})

    def problems(self, keys: Iterable[str], now: float) -> tuple[Problem, ...]:
        """Return what is to be said of the fights there are, of those keys that are still undone or just were."""
        named = set(keys)
        return tuple(
            _problem(key, fight, now) for key, fight in sorted(self.keys.items()) if fight.rests and key in named
        )


def _problem(key: str, fight: Fight, now: float) -> Problem:
    rest = f"; it is left alone until {_time(fight.until)}" if fight.until > now else ""
    times = f"{fight.count} times since {_time(fight.since)}, last at {_time(fight.times[-1])}"
    message = f"{key} was corrected {times}, and is undone each time{rest}"
    remedy = "find out who else writes there; or change it in git, or ignore it there (`sync.ignore`)"
    return Problem("MH716", message, remedy, "warning", file=fight.file)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fights_to_bytes(fights: Fights) -> bytes:
    """Return the document ``molthub.fights/1``; nothing where there are none."""
    keys = {
        key: [fight.file, list(fight.times), fight.count, fight.since, fight.rests, fight.until]
        for key, fight in fights.keys.items()
    }
    return json.dumps({"format": _FORMAT, "keys": keys}, sort_keys=True).encode() if keys else b""


def fights_from_bytes(content: bytes) -> Fights:
    """Read ``molthub.fights/1``; what cannot be read is as if nobody had fought."""
    if not content:
        return Fights()
    try:
        found = json.loads(content)["keys"]
        return Fights({key: Fight(file, tuple(map(float, times)), int(count), float(since), int(rests), float(until))
                       for key, (file, times, count, since, rests, until) in found.items()})  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError):
        return Fights()
