"""A running agent never sees half a state: no server without the skills that came with it, no file or skill in part.

However early a pass ends, and however often somebody looks meanwhile.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from molthub.client.cache import Store
from molthub.documents import digest_of
from molthub.model import DesiredState, Json, SyncPolicy
from molthub_reconciler.plan import Place
from molthub_reconciler.reconcile import Rules, run_pass
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply.supply import Supply
from tests.fakes import FakeTarget, Killed
from tests.reconciler.world import World

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


PASSES = 16


def test_whoever_watches_a_home_never_sees_half_a_state(world: World) -> None:
    home = world.home("prod/ada")
    (home / ".claude/skills").mkdir(parents=True)
    (home / ".claude.json").write_text('{"theme": "dark"}')
    watching = subprocess.Popen(
        [sys.executable, "-m", "tests.reconciler.observer", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    with watching:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "watching\n"
        for number in range(1, PASSES + 1):
            files = dict.fromkeys(("SKILL.md", "a.md", "z.md"), f"{number} of them\n" * 2000)
            server = {"command": "npx", "args": [str(number)]}
            both: dict[str, Json] = {"skill/git": world.site.skill("git", f"{number}.0.0", files), "mcp/github": server}
            world.site.bot("prod/ada", both if number % 4 else {}, platform="claude-code")
            world.site.publish()
            assert world.molthub("reconcile", "--allow-mass-removal").status == 0
        said, _ = watching.communicate()
    seen = json.loads(said)
    assert seen["wrong"] == []
    assert seen["whole"] > PASSES
