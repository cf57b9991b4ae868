"""When a fleet may change: windows that open by a cron schedule, in a time zone, for a length of time.

Closed while any ``deny`` window is active. With ``allow`` windows, open only while one of them is active; without,
whenever nothing denies. Schedules have the five fields of crontab(5); where clocks are put forward or back, they behave
as Debian's cron does (a time that is skipped counts at the next hour, one that comes twice counts once).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from molthub.model import Window

_UNITS = {"m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])\Z")
_LONGEST_LOOK = timedelta(days=5 * 366)
_MOST_STEPS = 2000
_LONGEST_FOLD = timedelta(hours=3)
"""Longer than any clock is put back by."""


class WindowError(ValueError):
    """A window that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether changes may be made at a time. ``next`` is when they may be made next; None: not within five years.

    ``closed_by`` is the ``deny`` window that is active, if one is.
    """

    is_open: bool
    next: datetime | None = None
    closed_by: Window | None = None


def opening(windows: Sequence[Window], now: datetime) -> Opening:
    """Return whether ``windows`` are open at ``now`` (with a time zone). Raises :class:`WindowError`."""
    return _opening(tuple(windows), now.astimezone(UTC).replace(second=0, microsecond=0))


@lru_cache(maxsize=256)
def _opening(windows: tuple[Window, ...], now: datetime) -> Opening:
    closed_by, later = _later(windows, now)
    if later == now:
        return Opening(is_open=True)
    end, steps = now + _LONGEST_LOOK, 0
    while later is not None and later < end and steps < _MOST_STEPS:
        steps += 1
        _, following = _later(windows, later)
        if following == later:
            return Opening(is_open=False, next=later, closed_by=closed_by)
        later = following
    return Opening(is_open=False, closed_by=closed_by)


def _later(windows: Sequence[Window], at: datetime) -> tuple[Window | None, datetime | None]:
    """Return ``at`` itself when it is open then, else a later time before which it is not; and what denies it."""
    for window in windows:
        until = _active_until(window, at) if window.kind == "deny" else None
        if until is not None:
            return window, until
    allows = [window for window in windows if window.kind == "allow"]
    if not allows or any(_active_until(window, at) is not None for window in allows):
        return None, at
    return None, min(filter(None, (_next_start(window, at) for window in allows)), default=None)


def _active_until(window: Window, at: datetime) -> datetime | None:
    """Return when the window ends that is active at ``at``; None when none is."""
    # Seen from within an hour that comes twice, a start in its first half would be missed: the search begins after it.
    soon = at + timedelta(minutes=1)
    begin = soon + _LONGEST_FOLD if soon.astimezone(_zone(window.time_zone)).fold else soon
    start = next((found for found in _starts(window, begin, backwards=True) if found <= at), None)
    end = start + length(window.duration) if start is not None else None
    return end if end is not None and end > at else None


def _next_start(window: Window, at: datetime) -> datetime | None:
    return next(_starts(window, at, backwards=False), None)


def _starts(window: Window, at: datetime, *, backwards: bool) -> Iterator[datetime]:
    """Yield the starts after ``at``, or those before it, last first, in UTC; none that are decades away."""
    from cronsim import CronSim, CronSimError

    try:
        found = CronSim(window.schedule, at.astimezone(_zone(window.time_zone)), reverse=backwards)
    except CronSimError as error:
        raise WindowError(f"{window.schedule!r} is no cron schedule: {error}") from None
    for start in found:
        yield start.astimezone(UTC)


def length(duration: str) -> timedelta:
    """Return what ``30m``, ``8h`` or ``2d`` means. Raises :class:`WindowError`."""
    match = _DURATION.match(duration)
    if match is None:
        raise WindowError(f"{duration!r} is no duration: a number and m, h or d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WindowError(f"there is no time zone {name!r}") from None
