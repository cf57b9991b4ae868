"""Parts of values that are the bot's own stand as they are in what should stand there; all else stands as declared."""

from __future__ import annotations

import pytest

from molthub.documents import file_entry
from molthub.model import Json
from molthub_reconciler.difference import NOTHING
from molthub_reconciler.policy.ignored import with_files_of, with_parts_of

CASES: dict[str, tuple[Json, Json, set[tuple[str, ...]], Json]] = {
    "nothing ignored": ({"a": 1}, {"a": 2, "b": 3}, set(), {"a": 1}),
    "another value": ({"a": 1, "b": 1}, {"a": 2, "b": 2}, {("a",)}, {"a": 2, "b": 1}),
    "a whole map": ({"e": {"X": 1}}, {"e": {"X": 2, "Y": 3}}, {("e",)}, {"e": {"X": 2, "Y": 3}}),
    "one more": ({"e": {"X": 1}}, {"e": {"X": 2, "Y": 3}}, {("e", "Y")}, {"e": {"X": 1, "Y": 3}}),
    "one more where there is no map": ({"a": 1}, {"a": 1, "e": {"X": 2}}, {("e", "X")}, {"a": 1, "e": {"X": 2}}),
    "one less": ({"e": {"X": 1, "Y": 1}}, {"e": {"Y": 1}}, {("e", "X")}, {"e": {"Y": 1}}),
    "none left and no map": ({"a": 1, "e": {"X": 1}}, {"a": 1}, {("e", "X")}, {"a": 1}),
    "some left and no map": ({"e": {"X": 1, "Y": 1}}, {}, {("e", "X")}, {"e": {"Y": 1}}),
    "a map that is not ours": ({"a": 1}, {"a": 1, "e": {"X": 2}}, {("e", "Y")}, {"a": 1}),
    "an empty map": ({"e": {}}, {}, {("e", "Y")}, {"e": {}}),
    "an item": (["a", "b"], ["x", "y"], {("1",)}, ["a", "y"]),
    "an item's part": ([{"a": 1, "b": 1}], [{"a": 2, "b": 2}], {("0", "b")}, [{"a": 1, "b": 2}]),
    "a list of another length": (["a", "b"], ["x"], {("0",)}, ["a", "b"]),
    "another kind": ({"e": {"X": 1}}, {"e": "text"}, {("e", "X")}, {"e": {"X": 1}}),
    "the value itself": ("a", "b", {()}, "a"),
    "nothing there": ({"e": {"X": 1}}, NOTHING, {("e", "X")}, {}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_parts(case: tuple[Json, Json, set[tuple[str, ...]], Json]) -> None:
    rendered, observed, ignored, should = case
    assert with_parts_of(rendered, observed, lambda path: path in ignored) == should


def test_files() -> None:
    desired = [file_entry("SKILL.md", b"1", executable=False), file_entry("notes/a.md", b"1", executable=False)]
    observed = [file_entry("SKILL.md", b"2", executable=False), file_entry("notes/b.md", b"2", executable=False)]
    found = with_files_of(desired, observed, lambda path: path.startswith("notes/"))
    assert found == (desired[0], observed[1])
