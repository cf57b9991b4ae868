"""The laws of the comparison of desired, observed and receipt."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub_reconciler.plan import Change, Place, Plan, Wanted, Written, plan

PLACES = [Place("p", ("k",)), Place("q", ("k",)), Place("folder")]
KEYS = ["env/A", "env/B", "skill/c"]

standings = st.dictionaries(st.sampled_from(PLACES), st.sampled_from("abc"), max_size=3)
full_standings = st.dictionaries(st.sampled_from(PLACES), st.sampled_from("abc"), min_size=1, max_size=3)
wanteds = st.builds(Wanted, places=full_standings)
writtens = st.builds(Written, places=standings, writing=st.none() | full_standings)
desireds = st.dictionaries(st.sampled_from(KEYS), wanteds, max_size=1)


def agree(receipt: Mapping[str, Written]) -> bool:
    """Whether keys that take one place put the same there, as wiring does: others never come to a plan."""
    claims: dict[Place, set[frozenset[str | None]]] = {}
    for written in receipt.values():
        for place in written.all_places:
            claim = frozenset({written.places.get(place), (written.writing or {}).get(place)} - {None})
            claims.setdefault(place, set()).add(claim)
    return all(len(found) == 1 for found in claims.values())


receipts = st.dictionaries(st.sampled_from(KEYS), writtens, max_size=3).filter(agree)


def applied(observed: Mapping[Place, str], desired: Mapping[str, Wanted], changes: Plan) -> dict[Place, str]:
    """Return what stands after the plan was carried out."""
    after = dict(observed)
    for change in changes.changes:
        after |= {place: desired[change.key].all[place] for place in change.write}
        for place in change.remove:
            after.pop(place, None)
    return after


def remembered(desired: Mapping[str, Wanted], receipt: Mapping[str, Written], done: Plan) -> dict[str, Written]:
    """Return the receipt after the plan was carried out."""
    written = {change.key for change in done.changes if change.action in ("create", "update")} | set(done.record)
    gone = {change.key for change in done.changes if change.action == "delete"} | set(done.forget)
    kept = {key: left for key, left in receipt.items() if key not in gone}
    return kept | {key: Written(desired[key].all) for key in written}


@given(desireds, standings, receipts)
def test_what_is_as_desired_needs_no_change(
    desired: dict[str, Wanted], observed: dict[Place, str], receipt: dict[str, Written]
) -> None:
    there = {place: mark for wanted in desired.values() for place, mark in wanted.all.items()}
    only = {key: written for key, written in receipt.items() if key in desired}
    changes = plan(desired, {**observed, **there}, only).changes
    assert all(change.remove and not change.write for change in changes)  # only what moved elsewhere is left to clear


@given(desireds, standings, receipts)
def test_nothing_strange_is_ever_written_over(
    desired: dict[str, Wanted], observed: dict[Place, str], receipt: dict[str, Written]
) -> None:
    for change in plan(desired, observed, receipt).changes:
        ours = receipt[change.key].all_places if change.key in receipt else ()
        assert all(place not in observed or place in ours for place in change.write)


@given(desireds, standings, receipts)
def test_only_what_we_left_is_removed(
    desired: dict[str, Wanted], observed: dict[Place, str], receipt: dict[str, Written]
) -> None:
    for change in plan(desired, observed, receipt).changes:
        assert all(receipt[change.key].left(place, observed[place]) for place in change.remove)


@given(desireds, standings)
def test_a_lost_receipt_deletes_nothing(desired: dict[str, Wanted], observed: dict[Place, str]) -> None:
    found = plan(desired, observed, {})
    assert not [change for change in found.changes if change.action == "delete" or change.remove]


@given(desireds, standings, receipts)
def test_without_pruning_nothing_is_deleted(
    desired: dict[str, Wanted], observed: dict[Place, str], receipt: dict[str, Written]
) -> None:
    assert "delete" not in {change.action for change in plan(desired, observed, receipt, prune=False).changes}


@given(desireds, standings, receipts)
def test_carried_out_it_leaves_only_what_is_kept(
    desired: dict[str, Wanted], observed: dict[Place, str], receipt: dict[str, Written]
) -> None:
    first = plan(desired, observed, receipt)
    after = applied(observed, desired, first)
    receipt_after = remembered(desired, receipt, first)

    second = plan(desired, after, receipt_after)

    assert {change.action for change in second.changes} <= {"keep"}
    assert second.record == ()


@given(desireds, standings, receipts)
def test_stopped_anywhere_it_says_declared_and_goes_on(
    desired: dict[str, Wanted], observed: dict[Place, str], receipt: dict[str, Written]
) -> None:
    """A key whose writing was announced and cut off is nobody else's doing."""
    first = plan(desired, observed, receipt)
    for change in first.changes:
        if change.action not in ("create", "update") or change.cause != "declared" or change.remove:
            continue
        earlier = receipt[change.key].seen(observed) if change.key in receipt else {}
        announced = {**receipt, change.key: Written(earlier, desired[change.key].all)}
        for stop in range(len(change.write) + 1):
            half = {**observed, **{place: desired[change.key].all[place] for place in change.write[:stop]}}
            again = [found for found in plan(desired, half, announced).changes if found.key == change.key]
            assert [found.cause for found in again] in ([], ["declared"])


@given(desireds, standings, receipts)
def test_changes_are_in_the_order_of_keys(
    desired: dict[str, Wanted], observed: dict[Place, str], receipt: dict[str, Written]
) -> None:
    keys = [change.key for change in plan(desired, observed, receipt).changes]
    assert keys == sorted(keys)


PLACE = Place("file", ("key",))


def one(wanted: str | None, observed: str | None, written: str | None) -> Change | None:
    """Return the change of one key with one place; None where nothing is to be done."""
    found = plan(
        {"env/A": Wanted({PLACE: wanted})} if wanted else {},
        {PLACE: observed} if observed else {},
        {"env/A": Written({PLACE: written})} if written else {},
    )
    return found.changes[0] if found.changes else None


@pytest.mark.parametrize(("d", "o", "r"), list(product(["a", "b", None], repeat=3)))
def test_the_table_of_causes(d: str | None, o: str | None, r: str | None) -> None:
    change = one(d, o, r)
    got = (change.action, change.cause) if change else None
    if d == o or (d is None and r is None):
        assert got is None
    elif d is None:
        assert got == (("delete", "declared") if o == r else ("keep", "both"))
    elif r is None:
        assert got == (("create", "declared") if o is None else ("keep", "conflict"))
    elif o == r:
        assert got == ("update", "declared")
    else:
        action = "create" if o is None else "update"
        assert got == (action, "drifted" if r == d else "both")
