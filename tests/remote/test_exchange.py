"""What controller and agent say to each other: only what either of them writes is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.documents import canonical_plain
from molthub.errors import FormatError, Problem
from molthub_reconciler.policy.pace import hurried
from molthub_reconciler.remote.exchange import (
    MAX_REPORT,
    Answer,
    Assignment,
    answer_from_bytes,
    answer_to_bytes,
    report_from_bytes,
    report_to_bytes,
)
from molthub_reconciler.remote.tokens import hashed, is_token, new_token
from molthub_reconciler.report import BotReport, Report
from tests.remote.reports import DIGEST, report, report_json

ADA = "prod/ada"
HEXES = st.text("0123456789abcdef", min_size=64, max_size=64)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(HEXES, HEXES, st.integers(0, 10**9), st.text("0123456789abcdef", max_size=40), HEXES | st.none())
def test_an_assignment_is_read_as_it_was_written(
    document: str, digest: str, generation: int, nudge: str, reported: str | None
) -> None:
    given = Assignment(ADA, document, f"sha256:{digest}", generation, "a" * 40)
    answer = Answer(given, nudge, reported)
    assert answer_from_bytes(answer_to_bytes(answer), "test") == answer


@given(st.sampled_from(["bots", "at", "generation", "document", "held", "format"]), JSON)
def test_a_report_with_anything_else_in_a_place_is_read_or_refused(key: str, value: Any) -> None:
    content = canonical_plain({**report_json(ADA), key: value})
    try:
        assert report_from_bytes(content, ADA, "test").bot.bot == ADA
    except FormatError:
        return


@given(st.sampled_from(["state", "platform", "desired", "observed", "problems", "changes", "pinned", "reload"]), JSON)
def test_a_bot_with_anything_else_in_a_place_is_read_or_refused(key: str, value: Any) -> None:
    try:
        found = report_from_bytes(report(ADA, **{key: value}), ADA, "test").bot
    except FormatError:
        return
    json.dumps(found.to_json())


@pytest.mark.parametrize(
    "told",
    [
        {"bot": "prod/bob"},
        {"state": "splendid"},
        {"platform": "x" * 300},
        {"platform": "two\nlines"},
        {"observed": "none"},
        {"problems": [{"id": "MH601"}]},
        {"problems": [{"id": "MH601", "message": 1}]},
        {"problems": [{"id": "MH601", "message": "m", "severity": "fatal"}]},
        {"changes": [{"key": "env/A"}]},
        {"changes": [{"key": "env/A", "action": "update", "cause": "drift", "before": 1}]},
        {"changes": [{"key": "env/A", "action": "update", "cause": "drift", "parts": [{"part": "x"}]}]},
        {"changes": [{"key": "env/A", "action": "update", "cause": "drift", "secrets": [1]}]},
        {"changes": {}},
        {"changes": [0] * 5001},
    ],
)
def test_what_no_agent_says_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        report_from_bytes(report(ADA, **told), ADA, "test")


def test_nothing_an_agent_says_moves_the_cursor_and_what_is_newer_is_still_told() -> None:
    problem = {"id": "MH999", "message": "a\u001b[2Jb", "severity": "warning", "line": 3}
    change = {"key": "env/A", "action": "update", "cause": "drift", "before": 1, "after": 2, "result": "applied"}
    found = report_from_bytes(report(ADA, problems=[problem], changes=[change]), ADA, "test").bot
    assert found.problems == (Problem("MH735", "a\ufffd[2Jb", severity="warning", line=3),)
    assert found.changes == (change,)


def test_a_report_that_is_too_large_says_so_in_place_of_what_differs() -> None:
    change = {"key": "env/A", "action": "update", "cause": "drift", "before": "x" * 600, "after": None}
    bot = BotReport(ADA, "drifted", "agents-dir", DIGEST, DIGEST, changes=(change,) * 4000)
    content = report_to_bytes(Report("reconcile", "2026-11-21T12:00:00Z", None, (bot,)), "a" * 64, 3)
    assert len(content) < MAX_REPORT
    told = report_from_bytes(content, ADA, "test")
    assert (told.generation, told.document, told.bot.state) == (3, "a" * 64, "drifted")
    assert [problem.id for problem in told.bot.problems] == ["MH735"]


@pytest.mark.parametrize(
    "said", [{"document": None}, {"generation": -1}, {"document": "../x"}, {"bot": None}, {"nudge": 1}]
)
def test_an_assignment_that_is_none_is_refused(said: dict[str, Any]) -> None:
    good = json.loads(answer_to_bytes(Answer(Assignment(ADA, "a" * 64, DIGEST, 1))))
    with pytest.raises(FormatError):
        answer_from_bytes(canonical_plain({**good, **said}), "test")


def test_what_a_newer_side_adds_is_skipped_and_what_an_older_one_lacks_is_not_missed() -> None:
    newer = {"added": {"later": [1]}}
    answer = Answer(Assignment(ADA, "a" * 64, DIGEST, 1), "now", "b" * 64)
    said = json.loads(answer_to_bytes(answer))
    assert answer_from_bytes(canonical_plain({**said, **newer}), "test") == answer
    assert answer_from_bytes(canonical_plain({key: said[key] for key in said if key != "asks"}), "test") == answer
    bot = BotReport(ADA, "in-sync", "agents-dir", DIGEST, DIGEST, problems=(Problem("MH734", "late"),))
    told = json.loads(report_to_bytes(Report("reconcile", "2026-11-21T12:00:00Z", None, (bot,)), "a" * 64, 3))
    (inner,) = told["bots"]
    inner["problems"] = [{**inner["problems"][0], "id": "MH999", **newer}]
    read = report_from_bytes(canonical_plain({**told, "bots": [{**inner, **newer}], **newer}), ADA, "test")
    assert ([problem.message for problem in read.bot.problems], read.bot.state) == (["late"], "in-sync")
    older = {key: told[key] for key in told if key not in ("held", "kept", "answers")}
    older["bots"] = [{key: inner[key] for key in inner if key not in ("pinned", "reload")}]
    assert report_from_bytes(canonical_plain(older), ADA, "test").bot.state == "in-sync"


def test_a_token_is_recognised_by_its_salted_hash_alone() -> None:
    token = new_token()
    kept = hashed(token, "2026-11-21T12:00:00Z")
    assert token not in repr(kept)
    assert hashed(token, "").hash != kept.hash
    now = "2026-11-21T13:00:00Z"
    assert is_token(token, [kept], now)
    assert not is_token(token + "x", [kept], now)
    assert not is_token("", [kept], now)
    assert not is_token(token, [], now)
    older = hashed(new_token(), "2026-11-01T12:00:00Z", expires=now)
    assert is_token(token, [older, kept], now)
    ended = hashed(token, "2026-11-01T12:00:00Z", expires=now)
    assert is_token(token, [ended], "2026-11-21T12:59:59Z")
    assert not is_token(token, [ended], now)


@given(st.integers(1, 10_000), st.floats(1, 3600), st.floats(0, 1, exclude_max=True))
def test_after_failures_agents_come_back_soon_and_never_later_than_they_ask(
    failures: int, interval: float, dice: float
) -> None:
    wait = hurried(failures, interval, lambda: dice)
    assert 0 < wait <= interval
    assert wait <= 2.0 ** min(failures - 1, 20)
