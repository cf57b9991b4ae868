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


SPANS = {
    "a night is one window": (
        ["allow 0 22 * * * for 4h in Europe/Berlin"], "2026-11-20T20:00+01:00", "2026-11-21T06:00+01:00",
        ["22:00+01:00 open", "02:00+01:00 closed"]),
    "a start that is skipped counts at the next hour": (
        ["allow 30 2 * * * for 1h in Europe/Berlin"], "2026-03-29T00:00+01:00", "2026-03-29T06:00+02:00",
        ["03:00+02:00 open", "04:00+02:00 closed"]),
    "a start that comes twice counts once, and for all of its time": (
        ["allow 30 2 * * * for 1h in Europe/Berlin"], "2026-10-25T00:00+02:00", "2026-10-25T06:00+01:00",
        ["02:30+02:00 open", "02:30+01:00 closed"]),
    "what denies is not over when clocks are put back": (
        ["deny 30 2 * * * for 2h in Europe/Berlin"], "2026-10-25T00:00+02:00", "2026-10-25T06:00+01:00",
        ["02:30+02:00 closed", "03:30+01:00 open"]),
    "eight hours are eight hours, though clocks are put forward": (
        ["allow 0 22 * * * for 8h in Europe/Berlin"], "2026-03-28T20:00+01:00", "2026-03-29T09:00+02:00",
        ["22:00+01:00 open", "07:00+02:00 closed"]),
    "and though they are put back": (
        ["allow 0 22 * * * for 8h in Europe/Berlin"], "2026-10-24T20:00+02:00", "2026-10-25T09:00+01:00",
        ["22:00+02:00 open", "05:00+01:00 closed"]),
    "half an hour back": (
        ["allow 45 1 * * * for 1h in Australia/Lord_Howe"], "2026-04-04T12:00+00:00", "2026-04-04T18:00+00:00",
        ["14:45+00:00 open", "15:45+00:00 closed"]),
    "a zone of quarters of an hour": (
        ["allow 0 9 * * * for 1h in Asia/Kathmandu"], "2026-03-28T00:00+00:00", "2026-03-28T09:00+00:00",
        ["03:15+00:00 open", "04:15+00:00 closed"]),
    "deny wins": (
        ["allow 0 9 * * * for 8h in UTC", "deny 0 12 * * * for 1h in UTC"],
        "2026-03-28T08:00+00:00", "2026-03-28T18:00+00:00",
        ["09:00+00:00 open", "12:00+00:00 closed", "13:00+00:00 open", "17:00+00:00 closed"]),
    "one day into the next year": (
        ["deny 0 23 31 12 * for 3h in Europe/Berlin"], "2026-12-31T20:00+01:00", "2027-01-01T04:00+01:00",
        ["23:00+01:00 closed", "02:00+01:00 open"]),
    "two zones": (
        ["allow 0 9 * * * for 1h in Europe/Berlin", "allow 0 9 * * * for 1h in America/New_York"],
        "2026-11-20T00:00+00:00", "2026-11-20T20:00+00:00",
        ["08:00+00:00 open", "09:00+00:00 closed", "14:00+00:00 open", "15:00+00:00 closed"]),
}  # fmt: skip


@pytest.mark.parametrize("case", SPANS.values(), ids=SPANS)
def test_when_it_opens_and_closes(case: tuple[list[str], str, str, list[str]]) -> None:
    """Look at every fifth minute: what changes, and when, as a clock there shows it."""
    said, begin, end, expected = case
    given = [_window(text) for text in said]
    seen: list[str] = []
    now, was = at(begin), opening(given, at(begin)).is_open
    zones = [datetime.fromisoformat(f"2026-01-01T{text.split()[0]}").tzinfo for text in expected]
    while now < at(end):
        found = opening(given, now).is_open
        if found != was:
            shown = now.astimezone(zones[min(len(seen), len(zones) - 1)]).isoformat()[11:]
            seen.append(f"{shown.replace(':00+', '+', 1)} {'open' if found else 'closed'}")
        now, was = now + timedelta(minutes=5), found
    assert seen == expected


def _window(text: str) -> Window:
    schedule, _, rest = text.partition(" for ")
    kind, _, schedule = schedule.partition(" ")
    duration, _, zone = rest.partition(" in ")
    return Window(kind, schedule, duration, zone)  # type: ignore[arg-type] # a kind


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
