"""Passes over bots on other machines: what they are given, and what the words of their agents count for."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from molthub.client.index import Index
from molthub.documents import canonical_plain
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.remote.exchange import Assignment
from molthub_reconciler.remote.presence import Seen
from molthub_reconciler.report import BotReport
from molthub_reconciler.rollout.records import Assigned, Document
from molthub_reconciler.rollout.told import told_of
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace
from tests.reconciler.world import World, state_of
from tests.remote.fleet import Fleet
from tests.remote.reports import report_json

ADA = "prod/ada"


@pytest.fixture
def fleet(world: World) -> Fleet:
    """Return a fleet whose one bot was given a document, and whose agent came."""
    world.site.bot(ADA, {"env/A": "1"})
    world.site.publish()
    found = Fleet(world)
    found.token(ADA)
    world.molthub("reconcile")
    presence = found.store.presence
    presence.heard(ADA, 60.0, "molthub/test")
    presence.flush()
    return found


def given(fleet: Fleet) -> Assignment:
    found = fleet.store.assignment(ADA)
    assert found is not None
    return found


def tell(fleet: Fleet, assignment: Assignment, **told: Any) -> None:
    """Let its agent ask for the document that it was given, if that is this one, and tell of it."""
    store = fleet.store
    store.fetch = Index.open(str(fleet.world.site.folder)).bot_content
    store.document(ADA, str(assignment.document))
    said = report_json(ADA, desired=assignment.digest, observed=assignment.digest, **told)
    said |= {"document": assignment.document, "generation": assignment.generation}
    fleet.store.told(ADA, canonical_plain(said))


def test_a_report_on_what_it_was_given_counts_and_any_other_does_not(fleet: Fleet) -> None:
    first = given(fleet)
    assert state_of(fleet.world.report("reconcile", status=4), ADA) == "pending"
    tell(fleet, first)
    assert state_of(fleet.world.report("reconcile", status=0), ADA) == "in-sync"
    for wrong in (replace(first, generation=7), replace(first, document="f" * 64)):
        tell(fleet, wrong)
        assert state_of(fleet.world.report("reconcile", status=4), ADA) == "pending"
    fleet.world.site.bot(ADA, {"env/A": "2"})
    fleet.world.site.publish()
    tell(fleet, first)
    assert state_of(fleet.world.report("reconcile", status=4), ADA) == "pending"
    assert given(fleet).document != first.document
    tell(fleet, given(fleet), state="failed", problems=[{"id": "MH704", "message": "no room"}])
    assert state_of(fleet.world.report("reconcile", status=1), ADA) == "failed"


def test_without_the_index_a_bot_keeps_its_assignment(fleet: Fleet) -> None:
    first = given(fleet)
    tell(fleet, first)
    fleet.world.molthub("reconcile")
    fleet.world.site.bot(ADA, {"env/A": "2"})
    fleet.world.site.publish()
    fleet.world.molthub("reconcile")
    second = given(fleet)
    assert second.document != first.document  # and its agent has not told of that yet
    place = Workplace(str(fleet.world.site.folder), fleet.world.target, fleet.world.state, Choice())
    report = place.offline(Rules(act=True))
    assert [bot.state for bot in report.bots] == ["pending"]
    assert given(fleet) == second
    assert not fleet.world.home(ADA).exists()


def test_looking_assigns_nothing(world: World) -> None:
    world.site.bot(ADA, {"env/A": "1"})
    world.site.publish()
    fleet = Fleet(world)
    fleet.token(ADA)
    assert world.molthub("plan").status == 3
    assert fleet.store.assignment(ADA) is None
    assert fleet.state.bots() == ()


def test_a_bot_can_be_rolled_back_where_it_lives(fleet: Fleet) -> None:
    first = given(fleet)
    tell(fleet, first)
    fleet.world.molthub("reconcile")
    fleet.world.site.bot(ADA, {"env/A": "2"})
    fleet.world.site.publish()
    fleet.world.site.revision = "2" * 40
    fleet.world.site.publish()
    fleet.world.molthub("reconcile")
    tell(fleet, given(fleet))
    fleet.world.molthub("reconcile")
    outcome = fleet.world.molthub("rollback", ADA, "--to", str(first.digest)[:20])
    assert given(fleet).document == first.document, outcome
    assert not fleet.world.home(ADA).exists()


@pytest.mark.parametrize(("age", "is_offline"), [(0, False), (180, False), (186, True)])
def test_three_missed_looks_are_offline(age: float, is_offline: bool) -> None:
    now = time.time()
    assert Seen(now - age, 60.0).is_offline(now) is is_offline


def test_a_report_of_an_older_generation_says_so_to_a_rollout() -> None:
    assigned = Assigned(Document("a" * 64, "sha256:" + "1" * 64), 4)
    here = BotReport(ADA, "in-sync", observed=assigned.document.digest)
    assert told_of(here, assigned).generation == 4
    assert told_of(replace(here, generation=3), assigned).generation == 3
    assert told_of(replace(here, state="offline", generation=-1), assigned).health == "apart"
