"""Somebody who keeps undoing what is corrected is told of, and corrected more and more seldom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.client.cache import Store
from molthub.documents import digest_of
from molthub.model import DesiredState, Json, SyncPolicy
from molthub_reconciler.policy.fights import (
    LONGEST_REST,
    MOST,
    WITHIN,
    Fight,
    Fights,
    fights_from_bytes,
    fights_to_bytes,
)
from molthub_reconciler.reconcile import Rules, run_pass
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.targets.directory import DirectoryTarget

KEY = "env/LEVEL"


class Room:
    """One bot, whose clock can be put forward."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "bots").mkdir()
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.desired: dict[str, Json] = {KEY: "debug", "env/OTHER": "x"}
        self.file = root / "bots/prod/ada/.agents/molthub.json"

    def reconcile(self) -> BotReport:
        state, store = TargetState(self.root / "state", "bots"), Store(self.root / "store")
        bot = DesiredState("prod", "ada", "agents-dir", "ada", "main", {}, SyncPolicy("correct", prune=True),
                           digest=digest_of(self.desired), desired=dict(self.desired))  # fmt: skip
        rules = Rules(act=True, clock=lambda: self.now, full=True)
        target = DirectoryTarget(self.root / "bots", store, state)
        subject = Subject("prod/ada", bot, "0" * 64)
        report = run_pass("reconcile", [subject], target, state, Supply(store, None), rules=rules)
        return report.bots[0]

    def undo(self, value: str = "trace") -> None:
        now = str(self.desired[KEY])
        self.file.write_text(self.file.read_text().replace(f'"LEVEL": "{now}"', f'"LEVEL": "{value}"'))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def is_corrected(self) -> bool:
        return f'"LEVEL": "{self.desired[KEY]}"' in self.file.read_text()


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path)
    room.reconcile()
    return room


def fight(room: Room, times: int) -> BotReport:
    for _ in range(times):
        room.wait(30)
        room.undo()
        report = room.reconcile()
    return report


def test_a_few_corrections_are_no_fight(room: Room) -> None:
    report = fight(room, MOST)

    assert (report.state, report.problems) == ("in-sync", ())


def test_a_fight_is_named_with_key_file_count_and_times(room: Room) -> None:
    report = fight(room, MOST + 1)

    (problem,) = report.problems
    assert (problem.id, problem.file) == ("MH716", ".agents/molthub.json")
    assert f"{KEY} was corrected {MOST + 1} times since 2026-11-21T12:00:30Z" in problem.message
    assert "left alone until 2026-11-21T12:04:00Z" in problem.message


def test_what_is_undone_again_rests_longer_each_time(room: Room) -> None:
    fight(room, MOST + 1)
    for rest in (60, 120, 240):
        room.wait(1)
        room.undo()
        report = room.reconcile()
        assert (room.is_corrected, report.state) == (False, "drifted")
        assert report.changes[0]["held"] == "fight"
        room.wait(rest - 2)
        room.reconcile()
        assert not room.is_corrected
        room.wait(2)
        assert room.reconcile().state == "in-sync"
        assert room.is_corrected


def test_other_keys_are_corrected_all_the_same(room: Room) -> None:
    fight(room, MOST + 1)
    room.wait(1)
    room.file.write_text(room.file.read_text().replace('"OTHER": "x"', '"OTHER": "y"'))
    room.undo()

    room.reconcile()

    assert '"OTHER": "x"' in room.file.read_text()
    assert not room.is_corrected


def test_what_git_asks_for_anew_does_not_wait(room: Room) -> None:
    fight(room, MOST + 1)
    room.wait(1)
    room.undo()
    room.desired[KEY] = "info"

    room.file.write_text(room.file.read_text())
    room.reconcile()

    assert '"LEVEL": "info"' in room.file.read_text()


def test_it_is_over_when_nobody_touches_it_any_more(room: Room) -> None:
    fight(room, MOST + 1)
    room.wait(120)
    assert [problem.id for problem in room.reconcile().problems] == []
    room.wait(WITHIN)
    room.reconcile()
    assert (
        not (room.root / "state")
        .joinpath(
            *next((room.root / "state").rglob("receipt.json")).parent.relative_to(room.root / "state").parts,
            "fights.json",
        )
        .exists()
    )

    report = fight(room, 1)

    assert (report.state, report.problems) == ("in-sync", ())


def test_a_clock_that_was_put_back_leaves_nothing_alone_for_long(room: Room) -> None:
    fight(room, MOST + 1)
    room.wait(-7 * 86400)
    room.undo()

    room.reconcile()

    assert room.is_corrected


def test_no_rest_is_longer_than_six_hours() -> None:
    now = 1_700_000_000.0
    for rests in (8, 9, 30):
        assert Fight("f", (now - 1,), 9, now - 9, rests, now).corrected(now).until == now + min(
            60 * 2**rests, LONGEST_REST
        )


def test_it_is_not_over_before_the_rest_is_nor_while_it_differs() -> None:
    now = 1_700_000_000.0
    resting = Fights({KEY: Fight("f", (now,), 9, now, 8, now + LONGEST_REST)})
    assert resting.after({}, set(), now + LONGEST_REST).keys == resting.keys
    assert resting.after({}, {KEY}, now + LONGEST_REST + WITHIN + 1).keys == resting.keys
    assert resting.after({}, set(), now + LONGEST_REST + WITHIN + 1).keys == {}
    assert resting.after({}, set(), now - 1).keys == {}  # the clock was put back
    assert not resting.is_resting(KEY, now - 1)


def test_corrections_of_long_ago_do_not_count() -> None:
    now = 1_700_000_000.0
    long_ago = Fight("f", tuple(now - WITHIN - number for number in range(MOST)), MOST, now - 2 * WITHIN)
    assert long_ago.corrected(now).rests == 0
    lately = Fight("f", tuple(now - number for number in range(MOST, 0, -1)), MOST, now - WITHIN)
    assert lately.corrected(now).rests == 1


@given(st.lists(st.floats(0, 5000), min_size=1, max_size=60))
def test_it_is_never_busy(gaps: list[float]) -> None:
    now, done, fights = 1_700_000_000.0, [], Fights()
    for gap in gaps:
        now += gap
        if not fights.is_resting(KEY, now):
            fights = fights.after({KEY: "f"}, {KEY}, now)
            done.append(now)
    for number, start in enumerate(done):
        within = [time for time in done[number:] if time - start < WITHIN]
        assert len(within) <= MOST + 5  # and then 60, 120, 240 ... seconds apart
    assert all(one.until - one.times[-1] <= LONGEST_REST for one in fights.keys.values())


def test_fights_are_kept_and_what_cannot_be_read_is_none() -> None:
    fights = Fights({KEY: Fight("f", (1.0, 2.0), 2, 1.0, 1, 62.0)})

    assert fights_from_bytes(fights_to_bytes(fights)) == fights
    assert fights_to_bytes(Fights()) == b""
    for content in (b"", b"{", b"[]", b'{"keys": {"a": 1}}', b'{"keys": 1}'):
        assert fights_from_bytes(content) == Fights()
