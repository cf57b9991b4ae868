"""Waiting grows with each failure in a row, and nobody asks at the same moment as the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from molthub_reconciler.policy.pace import LONGEST_WAIT, Backoff, hurried, jittered

ADA = frozenset({"prod/ada"})


@given(st.floats(1, 1e4), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_a_tenth(seconds: float, roll: float) -> None:
    assert 0.9 * seconds <= jittered(seconds, lambda: roll) <= 1.1 * seconds


@given(st.integers(1, 100), st.floats(1, 1e4), st.floats(0, 1, exclude_max=True))
def test_who_hurries_never_waits_longer_than_the_interval(failures: int, interval: float, roll: float) -> None:
    whole = min(interval, 2.0 ** (min(failures, 21) - 1))
    assert whole / 2 <= hurried(failures, interval, lambda: roll) <= whole


def test_each_failure_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    backoff = Backoff(dice=lambda: 0.5)
    waits = []
    for _ in range(30):
        backoff.failed("prod/ada", 100.0)
        waits.append((backoff.next_time() or 0) - 100.0)
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == LONGEST_WAIT


def test_a_bot_rests_until_it_is_due() -> None:
    backoff = Backoff(dice=lambda: 0.5)
    backoff.failed("prod/ada", 100.0)
    assert (backoff.resting(100.5), backoff.due(100.5)) == (ADA, frozenset())
    assert (backoff.resting(101.0), backoff.due(101.0)) == (frozenset(), ADA)


def test_success_forgets_and_news_forgives() -> None:
    backoff = Backoff(dice=lambda: 0.5)
    for bot in ("prod/ada", "prod/bob", "prod/gone"):
        backoff.failed(bot, 100.0)
    backoff.succeeded("prod/ada")
    backoff.keep_only(["prod/bob"])
    backoff.forgive()
    assert backoff.due(100.0) == {"prod/bob"}
    backoff.failed("prod/bob", 100.0)
    assert backoff.next_time() == 102.0
