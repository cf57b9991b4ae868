"""A running agent never sees a server without the skills that came with it, however early a pass ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from molthub.client.cache import Store
from molthub.documents import digest_of
from molthub.model import DesiredState, Json, SyncPolicy
from molthub_reconciler.plan import Place
from molthub_reconciler.reconcile import Rules, run_pass
from molthub_reconciler.state import TargetState
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply import Supply
from tests.fakes import FakeTarget, Killed

SKILL = Place(".agents/skills/git")
SERVER = Place(".agents/molthub.json", ("mcp", "github"))
BOTH: dict[str, Json] = {"skill/git": "sha256:" + "a" * 64, "mcp/github": {"command": "npx"}}


def reconcile(root: Path, target: FakeTarget, desired: dict[str, Json]) -> None:
    state = TargetState(root, "memory")
    bot = DesiredState("prod", "ada", "agents-dir", "ada", "main", {}, SyncPolicy("correct", prune=True),
                       digest=digest_of(desired), desired=desired)  # fmt: skip
    subject = Subject("prod/ada", bot, "0" * 64)
    supply = Supply(Store(root / "store"), None)
    run_pass("reconcile", [subject], target, state, supply, rules=Rules(act=True))


@pytest.mark.parametrize("writes", range(4))
def test_skills_come_before_servers_and_go_after_them(tmp_path: Path, writes: int) -> None:
    target = FakeTarget(dies_after=writes)
    stands = target.home("prod/ada")
    try:
        reconcile(tmp_path, target, BOTH)
    except Killed:
        assert SERVER not in stands or SKILL in stands
    target.dies_after = None
    reconcile(tmp_path, target, BOTH)

    target.dies_after = target.writes + writes
    try:
        reconcile(tmp_path, target, {})
    except Killed:
        assert SERVER not in stands or SKILL in stands
    target.dies_after = None
    reconcile(tmp_path, target, {})
    assert SKILL not in stands
