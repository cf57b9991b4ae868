"""Cases of the comparison that the laws do not name: wiring, shadows, several places, mates, extras."""

from __future__ import annotations

from molthub_reconciler.plan import Change, Place, Plan, Wanted, Written, plan

ENTRY, MANIFEST, LINE = (
    Place("mcp.json5", ("servers", "a")),
    Place("m.json", ("mcp", "a")),
    Place("own.json", ("i",), "x"),
)
SHADOW = Place("own.json", ("servers", "a"))
SERVER = Wanted({ENTRY: "e", MANIFEST: "m"}, wiring={LINE: "l"}, shadows={SHADOW: "e"})
WHOLE = {ENTRY: "e", MANIFEST: "m", LINE: "l"}


def only(found: Plan) -> Change:
    (change,) = found.changes
    return change


def test_a_line_that_others_need_too_does_not_make_a_key_present() -> None:
    change = only(plan({"mcp/a": SERVER}, {LINE: "l"}, {}))
    assert (change.action, change.cause, change.write) == ("create", "declared", (ENTRY, MANIFEST))


def test_a_line_that_is_gone_is_drift_of_its_keys() -> None:
    change = only(plan({"mcp/a": SERVER}, {ENTRY: "e", MANIFEST: "m"}, {"mcp/a": Written(WHOLE)}))
    assert (change.action, change.drift, change.at, change.write) == ("update", "modified", LINE, (LINE,))


def test_only_the_place_that_differs_is_written() -> None:
    change = only(plan({"mcp/a": SERVER}, {**WHOLE, MANIFEST: "edited"}, {"mcp/a": Written(WHOLE)}))
    assert (change.cause, change.at, change.write) == ("drifted", MANIFEST, (MANIFEST,))


def test_what_overrides_a_key_is_a_conflict_unless_it_is_the_same() -> None:
    change = only(plan({"mcp/a": SERVER}, {**WHOLE, SHADOW: "mine"}, {"mcp/a": Written(WHOLE)}))
    assert (change.action, change.cause, change.at) == ("keep", "conflict", SHADOW)
    assert plan({"mcp/a": SERVER}, {**WHOLE, SHADOW: "e"}, {"mcp/a": Written(WHOLE)}).changes == ()


def test_the_line_stays_as_long_as_another_key_needs_it() -> None:
    other = Wanted({Place("mcp.json5", ("servers", "b")): "b"}, wiring={LINE: "l"})
    observed = {**WHOLE, Place("mcp.json5", ("servers", "b")): "b"}
    receipt = {"mcp/a": Written(WHOLE), "mcp/b": Written(other.all)}
    assert only(plan({"mcp/b": other}, observed, receipt)).remove == (ENTRY, MANIFEST)
    assert plan({}, WHOLE, {"mcp/a": Written(WHOLE)}).changes[0].remove == (ENTRY, MANIFEST, LINE)


def test_the_line_stays_for_a_key_that_is_kept() -> None:
    kept = Place("mcp.json5", ("servers", "b"))
    receipt = {"mcp/a": Written(WHOLE), "mcp/b": Written({kept: "b", LINE: "l"})}
    found = {change.key: change for change in plan({}, {**WHOLE, kept: "edited"}, receipt).changes}
    assert (found["mcp/b"].action, found["mcp/b"].at) == ("keep", kept)
    assert found["mcp/a"].remove == (ENTRY, MANIFEST)


def test_a_key_that_moves_leaves_its_old_place_unless_it_was_edited() -> None:
    old, new = Place("old"), Place("new")
    wanted = {"skill/a": Wanted({new: "1"})}
    moved = only(plan(wanted, {old: "1"}, {"skill/a": Written({old: "1"})}))
    assert (moved.action, moved.cause, moved.write, moved.remove) == ("update", "declared", (new,), (old,))
    edited = only(plan(wanted, {old: "edited"}, {"skill/a": Written({old: "1"})}))
    assert (edited.cause, edited.write, edited.remove) == ("both", (new,), ())


def test_a_key_never_moves_onto_something_of_the_owners() -> None:
    old, new = Place("old"), Place("new")
    change = only(plan({"skill/a": Wanted({new: "1"})}, {old: "1", new: "mine"}, {"skill/a": Written({old: "1"})}))
    assert (change.action, change.cause, change.at) == ("keep", "conflict", new)


def test_skills_of_nobody_are_extra() -> None:
    mine, ours, old = Place("s/mine"), Place("s/ours"), Place("s/old")
    found = plan(
        {"skill/ours": Wanted({ours: "1"})},
        {ours: "1", old: "2"},
        {"skill/old": Written({old: "1"})},
        skills={"skill/mine": mine, "skill/ours": ours, "skill/old": old},
    )
    assert {change.key: change.drift for change in found.changes} == {"skill/mine": "extra", "skill/old": "modified"}
    assert found.in_sync is False
    assert plan({}, {}, {}, skills={"skill/mine": mine}).in_sync is True


def test_what_a_mate_wrote_is_no_strangers_and_not_ours_to_remove() -> None:
    place = Place("m.json", ("env", "A"))

    def mates(where: Place) -> frozenset[str]:
        return frozenset({"theirs"}) if where == place else frozenset()

    new = only(plan({"env/A": Wanted({place: "ours"})}, {place: "theirs"}, {}, mates=mates))
    assert (new.action, new.cause) == ("update", "declared")
    fight = only(
        plan({"env/A": Wanted({place: "ours"})}, {place: "theirs"}, {"env/A": Written({place: "ours"})}, mates=mates)
    )
    assert (fight.action, fight.cause) == ("keep", "conflict")
    gone = plan({}, {place: "theirs"}, {"env/A": Written({place: "theirs"})}, mates=mates)
    assert (gone.changes, gone.forget) == ((), ("env/A",))


def test_what_is_equal_already_is_recorded_and_what_is_gone_forgotten() -> None:
    place = Place("m.json", ("env", "A"))
    assert plan({"env/A": Wanted({place: "1"})}, {place: "1"}, {}).record == ("env/A",)
    assert plan({}, {}, {"env/A": Written({place: "1"})}).forget == ("env/A",)
