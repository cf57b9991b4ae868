"""When windows are open, and when they open next: held against a look at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.model import Window
from molthub.windows import WindowError, length, opening

WORKDAYS = Window("allow", "0 9 * * 1-5", "8h", "Europe/Berlin")
HOLIDAYS = Window("deny", "0 0 24 12 *", "8d", "Europe/Berlin", "nobody is here")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "is_open", "following"),
    [
        ("2026-11-20T10:00:00+01:00", True, None),  # a Friday
        ("2026-11-20T08:59:00+01:00", False, "2026-11-20T09:00:00+01:00"),
        ("2026-11-20T17:00:00+01:00", False, "2026-11-23T09:00:00+01:00"),
        ("2026-12-24T10:00:00+01:00", False, "2027-01-01T09:00:00+01:00"),
        ("2026-03-29T23:00:00+02:00", False, "2026-03-30T09:00:00+02:00"),  # clocks were put forward that day
    ],
)
def test_allowed_on_workdays_but_holidays(now: str, is_open: bool, following: str | None) -> None:
    found = opening([WORKDAYS, HOLIDAYS], at(now))

    assert found.is_open is is_open
    assert found.next == (at(following) if following else None)


def test_without_allow_windows_all_that_is_not_denied_is_open() -> None:
    assert opening([HOLIDAYS], at("2026-11-20T03:00:00Z")).is_open
    found = opening([HOLIDAYS], at("2026-12-25T03:00:00Z"))
    assert (found.is_open, found.closed_by, found.next) == (False, HOLIDAYS, at("2027-01-01T00:00:00+01:00"))


def test_without_windows_it_is_always_open() -> None:
    assert opening([], at("2026-11-20T03:00:00Z")).is_open


@pytest.mark.parametrize(
    "windows",
    [
        [WORKDAYS, Window("deny", "0 0 * * *", "24h")],
        [Window("deny", "* * * * *", "2m")],
    ],
)
def test_windows_that_never_open(windows: list[Window]) -> None:
    found = opening(windows, at("2026-11-20T03:00:00Z"))

    assert (found.is_open, found.next) == (False, None)


@pytest.mark.parametrize(
    ("window", "said"),
    [
        (Window("allow", "0 9 * *", "8h"), "no cron schedule"),
        (Window("allow", "61 9 * * *", "8h"), "no cron schedule"),
        (Window("allow", "0 0 31 2 *", "1h"), "no cron schedule"),
        (Window("allow", "0 9 * * *", "8h", "Europe/Nowhere"), "no time zone"),
        (Window("allow", "0 9 * * *", "8h", "../../etc/passwd"), "no time zone"),
        (Window("deny", "0 9 * * *", "soon"), "no duration"),
    ],
)
def test_a_window_that_cannot_be_read_says_why(window: Window, said: str) -> None:
    with pytest.raises(WindowError, match=said):
        opening([window], at("2026-11-20T03:00:00Z"))


windows = st.builds(
    Window,
    st.sampled_from(["allow", "deny"]),
    st.sampled_from(["0 * * * *", "30 1 * * *", "0 2 * * 0", "15,45 */3 * * 1-5", "0 0 1 * *"]),
    st.sampled_from(["20m", "3h", "1d"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"]),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(windows, max_size=3), st.integers(0, 60 * 24 * 200))
def test_it_opens_when_a_look_at_every_minute_finds_it_open(given: list[Window], minute: int) -> None:
    now = at("2026-03-01T00:00:00Z") + timedelta(minutes=minute)

    found = opening(given, now)

    starts = [(window, list(starts_of(window, now))) for window in given]
    assert found.is_open == is_open_at(starts, now)
    later = (now + timedelta(minutes=number) for number in range(1, 60 * 12))
    expected = next((time for time in later if is_open_at(starts, time)), None)
    if not found.is_open and expected is not None:
        assert found.next == expected


def starts_of(window: Window, now: datetime) -> list[datetime]:
    """Return the starts from two days before to two after, by another way of asking."""
    from cronsim import CronSim

    found, end = [], now + timedelta(days=2)
    for start in CronSim(window.schedule, (now - timedelta(days=2)).astimezone(ZoneInfo(window.time_zone))):
        if start.astimezone(UTC) > end:
            break
        found.append(start.astimezone(UTC))
    return found


def is_open_at(starts: list[tuple[Window, list[datetime]]], time: datetime) -> bool:
    active = [window for window, times in starts
              if any(start <= time < start + length(window.duration) for start in times)]  # fmt: skip
    allows = [window for window, _ in starts if window.kind == "allow"]
    if any(window.kind == "deny" for window in active):
        return False
    return not allows or any(window.kind == "allow" for window in active)
