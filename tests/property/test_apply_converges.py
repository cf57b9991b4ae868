"""Whatever happened before, one pass ends in sync but for what is the owner's, and another one writes nothing."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.client.cache import Store
from molthub.documents import digest_of
from molthub.model import DesiredState, Json, SyncPolicy
from molthub_reconciler.plan import Place
from molthub_reconciler.reconcile import Rules, run_pass
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply.supply import Supply
from tests.fakes import FakeTarget, Killed

DIGESTS = [f"sha256:{letter * 64}" for letter in "abc"]
PLACES = {
    "skill/git": Place(".agents/skills/git"),
    "skill/docker": Place(".agents/skills/docker"),
    "env/LEVEL": Place(".agents/molthub.json", ("env", "LEVEL")),
    "mcp/github": Place(".agents/molthub.json", ("mcp", "github")),
}
VALUES: dict[str, st.SearchStrategy[Json]] = {
    "skill/git": st.sampled_from(DIGESTS),
    "skill/docker": st.sampled_from(DIGESTS),
    "env/LEVEL": st.sampled_from(["info", "debug", "${secrets.level}"]),
    "mcp/github": st.sampled_from([{"command": "npx"}, {"command": "npx", "env": {"LEVEL": "debug"}}]),
}


@dataclass(frozen=True)
class Declare:
    """Git changes: the bot should have this."""

    desired: dict[str, Json]


@dataclass(frozen=True)
class Edit:
    """The owner changes what stands at one key's place; None takes it away."""

    key: str
    value: Json


@dataclass(frozen=True)
class LoseReceipt:
    """The state folder is gone."""


@dataclass(frozen=True)
class Pass:
    """A reconcile, which may be killed after some writes."""

    dies_after: int | None = None


def edits_of(key: str) -> st.SearchStrategy[Edit]:
    return st.builds(Edit, st.just(key), st.none() | VALUES[key])


desireds = st.fixed_dictionaries({}, optional=VALUES)
events = st.lists(
    st.builds(Declare, desireds)
    | st.sampled_from(sorted(VALUES)).flatmap(edits_of)
    | st.just(LoseReceipt())
    | st.builds(Pass, st.none() | st.integers(0, 4)),
    max_size=12,
)


@dataclass
class Life:
    """One bot, and what happens to it. ``touched`` are the keys that the owner ever edited."""

    root: Path
    target: FakeTarget = field(default_factory=FakeTarget)
    desired: dict[str, Json] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    has_lost_receipt: bool = False

    def happen(self, event: Declare | Edit | LoseReceipt | Pass) -> None:
        if isinstance(event, Declare):
            self.desired = event.desired
        elif isinstance(event, LoseReceipt):
            TargetState(self.root, "memory").forget("prod/ada")
            self.has_lost_receipt = True
        elif isinstance(event, Edit):
            self.touched.add(event.key)
            if event.value is None:
                self.stands.pop(PLACES[event.key], None)
            else:
                self.stands[PLACES[event.key]] = event.value
        else:
            self.target.dies_after = None if event.dies_after is None else self.target.writes + event.dies_after
            with contextlib.suppress(Killed):
                self.reconcile()
            self.target.dies_after = None

    @property
    def stands(self) -> dict[Place, Json]:
        return self.target.home("prod/ada")

    def reconcile(self) -> BotReport:
        state = TargetState(self.root, "memory")
        bot = DesiredState("prod", "ada", "agents-dir", "ada", "main", {}, SyncPolicy("correct", prune=True),
                           digest=digest_of(self.desired), desired=self.desired)  # fmt: skip
        report = run_pass("reconcile", [Subject("prod/ada", bot, "0" * 64)], self.target, state,
                          Supply(Store(self.root / "store"), None), rules=Rules(act=True))  # fmt: skip
        return report.bots[0]


def receipt_of(life: Life) -> object:
    return TargetState(life.root, "memory").receipt("prod/ada")


@settings(max_examples=50, deadline=None)
@given(events, desireds)
def test_a_pass_ends_in_sync_but_for_what_is_the_owners(
    happened: list[Declare | Edit | LoseReceipt | Pass], last: dict[str, Json]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        for event in happened:
            life.happen(event)
        life.desired = last

        report = life.reconcile()

        left_alone = {change["key"] for change in report.changes if change["result"] == "kept"}
        for key, value in last.items():
            assert key in left_alone or life.stands[PLACES[key]] == value
        own = {change["key"] for change in report.changes if change.get("drift") == "extra"}
        assert report.state == ("conflict" if left_alone - own else "in-sync")
        if not life.has_lost_receipt:
            assert left_alone <= life.touched

        writes, receipt = life.target.writes, receipt_of(life)
        again = life.reconcile()
        assert (life.target.writes, receipt_of(life)) == (writes, receipt)
        assert again.state == report.state
        assert (again.observed == again.desired) == (again.state == "in-sync")
