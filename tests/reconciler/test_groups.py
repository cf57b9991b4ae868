"""Bots are written in groups: what is wrong with one is its own, and two that share a home are never in one group."""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from molthub.client.cache import Store
from molthub.documents import digest_of
from molthub.errors import Problem
from molthub.model import DesiredState, Json, SyncPolicy
from molthub_reconciler.plan import Place
from molthub_reconciler.reconcile import Rules, run_pass
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.syncing import sync_files, sync_folders
from molthub_reconciler.targets.base import Home, Step
from molthub_reconciler.targets.inside import STAGING
from molthub_reconciler.targets.work import Work
from molthub_reconciler.under_way import GROUP
from tests.fakes import FakeTarget, Killed
from tests.reconciler.site import contents

FILE = ".agents/molthub.json"
LEVEL, MODE = Place(FILE, ("env", "LEVEL")), Place("other.json", ("env", "MODE"))


@dataclass
class Watched(FakeTarget):
    """A target that knows which homes it was given together. Of ``broken`` bots the whole home fails."""

    groups: list[list[str]] = field(default_factory=list)
    broken: frozenset[str] = frozenset()

    def apply(self, work: Sequence[tuple[Home, Sequence[Step]]]) -> Sequence[Mapping[str, Problem]]:
        """Write, and take note of who was written together."""
        self.groups.append([home.bot for home, _steps in work])
        done = super().apply([(home, [] if home.bot in self.broken else steps) for home, steps in work])
        return [
            {step.key: Problem("MH702", "broken") for step in steps} if home.bot in self.broken else failed
            for (home, steps), failed in zip(work, done, strict=True)
        ]


def subject(name: str, home: str, desired: dict[str, Json]) -> Subject:
    bot = DesiredState("prod", name, "agents-dir", home, "main", {}, SyncPolicy("correct", prune=True),
                       digest=digest_of(desired), desired=desired)  # fmt: skip
    return Subject(f"prod/{name}", bot, digest_of({"of": name, **desired}).removeprefix("sha256:"))


def reconcile(folder: Path, target: FakeTarget, subjects: Sequence[Subject]) -> dict[str, BotReport]:
    state, supply = TargetState(folder / "state", "memory"), Supply(Store(folder / "store"), None)
    report = run_pass("reconcile", subjects, target, state, supply, rules=Rules(act=True, allow_mass_removal=True))
    return {told.bot: told for told in report.bots}


def fleet(level: str | None, count: int = GROUP + 5) -> list[Subject]:
    desired: dict[str, Json] = {} if level is None else {"env/LEVEL": level}
    return [subject(f"b{number:03d}", f"b{number:03d}", desired) for number in range(count)]


def test_many_bots_are_written_together_and_each_is_told(tmp_path: Path) -> None:
    target = Watched()

    told = reconcile(tmp_path, target, fleet("info"))

    assert [len(group) for group in target.groups] == [GROUP, 5]
    assert {one.state for one in told.values()} == {"in-sync"}
    assert {len(one.changes) for one in told.values()} == {1}
    target.groups.clear()
    assert {one.state for one in reconcile(tmp_path, target, fleet("info")).values()} == {"in-sync"}
    assert target.groups == []

    told = reconcile(tmp_path, target, fleet(None))

    assert [len(group) for group in target.groups] == [GROUP, 5]
    assert {one.state for one in told.values()} == {"in-sync"}
    assert not any(target.homes.values())


def test_a_bot_that_cannot_be_written_is_the_only_one_that_failed(tmp_path: Path) -> None:
    target = Watched(broken=frozenset({"prod/b003"}))

    told = reconcile(tmp_path, target, fleet("info", 6))

    assert [bot for bot, one in told.items() if one.state != "in-sync"] == ["prod/b003"]
    assert [problem.message for problem in told["prod/b003"].problems] == ["broken"]
    target.broken = frozenset()
    assert reconcile(tmp_path, target, fleet("info", 6))["prod/b003"].state == "in-sync"


def test_a_bot_whose_receipt_cannot_be_announced_is_the_only_one_that_failed(tmp_path: Path) -> None:
    state = TargetState(tmp_path / "state", "memory")
    (state.folder / "bots/prod/b003").parent.mkdir(parents=True)
    (state.folder / "bots/prod/b003").write_text("in the way")

    told = reconcile(tmp_path, Watched(), fleet("info", 6))

    assert [bot for bot, one in told.items() if one.state != "in-sync"] == ["prod/b003"]


def test_bots_that_share_a_home_are_written_one_after_another(tmp_path: Path) -> None:
    """The second sees what the first one left."""
    target = Watched()
    subjects = [
        subject("ada", "shared", {"env/LEVEL": "info"}),
        subject("bob", "alone", {"env/LEVEL": "info"}),
        subject("eve", "shared", {"env/LEVEL": "info", "env/MODE": "fast"}),
    ]

    told = reconcile(tmp_path, target, subjects)

    assert {one.state for one in told.values()} == {"in-sync"}
    assert target.groups == [["prod/ada", "prod/bob"], ["prod/eve"]]
    # The value stands there by now; what is new is the line that says which bots live here.
    found = {change["key"]: (change["action"], "parts" in change) for change in told["prod/eve"].changes}
    assert found == {"env/LEVEL": ("update", True), "env/MODE": ("create", False)}


@pytest.mark.parametrize("writes", range(1, 12, 2))
def test_a_pass_that_ends_within_a_group_leaves_no_conflict(tmp_path: Path, writes: int) -> None:
    target = Watched()
    reconcile(tmp_path, target, fleet("info", 6))
    target.dies_after = target.writes + writes
    with contextlib.suppress(Killed):
        reconcile(tmp_path, target, fleet("debug", 12))
    target.dies_after = None

    told = reconcile(tmp_path, target, fleet("warn", 12))

    assert {one.state for one in told.values()} == {"in-sync"}
    assert {change["cause"] for one in told.values() for change in one.changes} <= {"declared", "both"}


def test_a_file_that_the_disk_did_not_take_stays_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "prod/ada"
    home.mkdir(parents=True)
    (home / "other.json").write_text('{"env": {"MODE": "slow"}}')
    steps = [Step("env/LEVEL", {LEVEL: "debug"}), Step("env/MODE", {MODE: "fast"})]
    work = Work(str(tmp_path), Home("prod/ada", "prod/ada"), steps, Store(tmp_path / "store"))
    work.begin()
    assert contents(home).keys() == {"other.json", f"{STAGING}/1", f"{STAGING}/2"}

    work.end({path: OSError(errno.EIO, "input/output error") for path in work.staged_files[1:]})
    work.clear()

    assert {key: problem.message for key, problem in work.failed.items()} == {"env/MODE": "input/output error"}
    assert contents(home).keys() == {"other.json", FILE}
    assert json.loads((home / "other.json").read_text()) == {"env": {"MODE": "slow"}}


def test_what_cannot_be_synced_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    there, missing = str(tmp_path / "there"), str(tmp_path / "missing")
    assert sync_files([there, missing]).keys() == {missing}
    assert sync_folders([str(tmp_path), missing]).keys() == {missing}
