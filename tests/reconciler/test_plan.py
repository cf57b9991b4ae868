"""Cases of the comparison that the laws do not name: wiring, shadows, several places, mates, extras."""

from __future__ import annotations

from molthub_reconciler.plan import Change, Place, Plan, Signs, Wanted, Written, plan, with_stale

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


def test_a_key_that_went_is_not_edited_by_another_that_took_its_place() -> None:
    place = Place("s/git")
    found = plan({"skill/b": Wanted({place: "b"})}, {place: "b"}, {"skill/a": Written({place: "a"})})
    assert (found.changes, found.forget, found.record) == ((), ("skill/a",), ("skill/b",))
    other = Place("s/other")
    left = plan(
        {"skill/b": Wanted({place: "b"})}, {place: "b", other: "a"}, {"skill/a": Written({place: "a", other: "a"})}
    )
    assert (only(left).key, only(left).action, only(left).remove) == ("skill/a", "delete", (other,))


def test_what_is_gone_between_two_steps_of_a_killed_writing_was_taken_away_by_nobody() -> None:
    place = Place("s/git")
    change = only(plan({"skill/git": Wanted({place: "2"})}, {}, {"skill/git": Written({place: "1"}, {place: "2"})}))
    assert (change.action, change.cause, change.drift) == ("create", "declared", None)
    settled = only(plan({"skill/git": Wanted({place: "2"})}, {}, {"skill/git": Written({place: "1"})}))
    assert (settled.cause, settled.drift) == ("both", "missing")


def test_what_was_left_is_known_also_where_it_is_gone_by_now() -> None:
    old, new = Place("old"), Place("new")
    assert Written({old: "1"}).seen({}) == {old: "1"}
    assert Written({old: "1"}, {new: "2"}).seen({new: "2", old: "edited"}) == {new: "2"}


def test_the_skill_of_another_bot_of_the_home_is_no_extra() -> None:
    place = Place("s/theirs")
    found = plan(
        {}, {}, {}, skills={"skill/theirs": place}, mates=lambda where: frozenset({"1"} if where == place else ())
    )
    assert found.changes == ()


def test_nothing_is_done_or_forgotten_of_what_stands_in_a_file_that_cannot_be_read() -> None:
    signs = Signs(unreadable=frozenset({"mcp.json5"}))
    gone = plan({}, {}, {"mcp/a": Written(WHOLE)}, signs=signs)
    assert (only(gone).action, only(gone).drift, only(gone).at) == ("keep", "unreadable", ENTRY)
    assert gone.forget == ()
    moved = plan({"mcp/a": Wanted({MANIFEST: "m"})}, {MANIFEST: "m"}, {"mcp/a": Written(WHOLE)}, signs=signs)
    assert only(moved).drift == "unreadable"


def test_whether_the_owner_overrides_a_key_cannot_be_known_of_a_file_that_cannot_be_read() -> None:
    shadowed = Wanted({ENTRY: "e"}, shadows={SHADOW: "e"})
    found = plan({"mcp/a": shadowed}, {ENTRY: "e"}, {}, signs=Signs(unreadable=frozenset({"own.json"})))
    assert (only(found).drift, only(found).at, found.record) == ("unreadable", SHADOW, ())


def test_a_key_is_stale_where_all_of_it_is_of_an_earlier_version() -> None:
    earlier = {"mcp/a": {ENTRY: frozenset({"e1"}), MANIFEST: frozenset({"m1"})}}

    def drift(entry: str, manifest: str) -> str | None:
        observed = {**WHOLE, ENTRY: entry, MANIFEST: manifest}
        return only(with_stale(plan({"mcp/a": SERVER}, observed, {"mcp/a": Written(WHOLE)}), observed, earlier)).drift

    assert drift("e1", "m1") == "stale"
    assert drift("e1", "edited") == "modified"
    assert drift("edited", "m1") == "modified"


def test_nothing_is_taken_away_where_a_key_that_is_left_alone_stands() -> None:
    receipt = {"mcp/a": Written(WHOLE)}
    assert only(plan({}, WHOLE, receipt, reserved=frozenset({LINE}))).remove == (ENTRY, MANIFEST)
    found = plan({}, {LINE: "l"}, receipt, reserved=frozenset({LINE}))
    assert (found.changes, found.forget) == ((), ("mcp/a",))


def test_a_bot_that_has_a_skill_that_was_withdrawn_and_may_keep_it_is_in_sync() -> None:
    place = Place("s/git")
    signs = Signs(revoked=frozenset({"skill/git"}))
    found = plan({"skill/git": Wanted({place: "1"})}, {place: "1"}, {"skill/git": Written({place: "1"})}, signs=signs)
    assert (only(found).action, only(found).drift, found.in_sync) == ("keep", "revoked", True)
    gone = plan({}, {place: "1"}, {"skill/git": Written({place: "1"})}, signs=signs)
    assert (only(gone).action, only(gone).drift, gone.in_sync) == ("delete", "revoked", False)
