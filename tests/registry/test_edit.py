"""Editing YAML in place: the laws, over made-up documents with comments anywhere, and how an edit reads."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.errors import RegistryError
from molthub.registry import edit
from molthub.registry.authoring import yaml_write
from molthub.yaml_text import Pointer, parse
from tests.property.commented import commented

_AWKWARD = [
    "a", "x y", "1.20", "no", "a: b", "#c", "${secrets.x}", "@a/b", "2024-01-01", "é", "two\nlines", "", " pad",
    "- x", "[", "\x7f", "😀", "\ufeff", "it's", '"q"', "null", "0x1f", "1_000", "12:30", "=", "<<", "~", "%a", "a #b",
    "a:", "...", "---", "sha256:" + "0" * 64, "https://example.com/",
]  # fmt: skip
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 99),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.sampled_from(_AWKWARD),
    st.text(st.characters(codec="utf-8"), max_size=6),
)
_keys = st.sampled_from(["a", "b", "name", "1.2.0", "3", "no", "x y", "k:", "#k", "@s/x"])
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(_keys, inner, max_size=3),
        st.dictionaries(_keys, inner, max_size=3).map(yaml_write.OneLine),
    ),
    max_leaves=8,
)
_documents = st.dictionaries(_keys, _values, min_size=1, max_size=4)


def _pointers(value: Any, at: Pointer = ()) -> list[Pointer]:
    """Every place of a value, and one place in each collection where nothing is yet."""
    if isinstance(value, dict):
        below = [pointer for key, item in value.items() for pointer in ((*at, key), *_pointers(item, (*at, key)))]
        return [*below, (*at, "new")]
    if isinstance(value, list):
        below = [pointer for n, item in enumerate(value) for pointer in ((*at, n), *_pointers(item, (*at, n)))]
        return [*below, (*at, len(value))]
    return []


def _holder(value: Any, pointer: Pointer) -> Any:
    for part in pointer[:-1]:
        value = value[part]
    return value


@given(_documents)
@settings(max_examples=300, deadline=None)
def test_what_is_written_reads_back_with_two_parsers(value: dict[str, Any]) -> None:
    text = yaml_write.document(value)
    assert parse(text, "f").value == value
    assert _numbers_as_text(yaml.safe_load(text)) == value


def _numbers_as_text(value: Any) -> Any:
    """YAML 1.1 reads a bare number as a number where it is a key; manifests never do."""
    if isinstance(value, dict):
        return {str(key): _numbers_as_text(item) for key, item in value.items()}
    return [_numbers_as_text(item) for item in value] if isinstance(value, list) else value


@given(_documents, st.integers(), _values, st.booleans())
@settings(max_examples=600, deadline=None)
def test_an_edit_changes_one_value_and_loses_no_comment(
    value: dict[str, Any], seed: int, new: Any, removes: bool
) -> None:
    chance = random.Random(seed)  # noqa: S311 (nothing secret)
    text = commented(yaml_write.document(value), chance)
    before = parse(text, "f").value
    pointer = chance.choice(_pointers(before))
    expected = copy.deepcopy(before)
    holder = _holder(expected, pointer)
    exists = pointer[-1] in holder if isinstance(holder, dict) else int(pointer[-1]) < len(holder)
    if removes and exists:
        del holder[pointer[-1]]
        after = edit.remove(text, pointer)
    else:
        if isinstance(holder, list) and not exists:
            holder.append(new)
        else:
            holder[pointer[-1]] = new
        after = edit.set_value(text, pointer, new)
    assert parse(after, "f").value == expected
    assert sorted(edit.comments(text)) == sorted(edit.comments(after))


PROJECT = """\
# who owns it
owners:   [acme]   # us
versions:
   1.0.0:
      published: "2026-01-01T00:00:00Z"   # the first
      digest: abc
   # more will come
# the end
"""


def test_a_new_entry_leaves_every_other_line_as_it_was() -> None:
    edited = edit.set_value(PROJECT, ("versions", "1.1.0"), {"published": "2026-02-01T00:00:00Z", "digest": "def"})
    lines = edited.splitlines()
    added = ["   1.1.0:", '     published: "2026-02-01T00:00:00Z"', "     digest: def"]
    assert lines[7:10] == added
    assert [line for line in lines if line not in added] == PROJECT.splitlines()


def test_maps_on_the_way_are_made() -> None:
    assert edit.set_value("a: 1\n", ("b", "c", 0), "x") == "a: 1\nb:\n  c:\n    - x\n"


def test_an_empty_document_gets_its_first_key() -> None:
    assert edit.set_value("# nothing yet\n", ("a",), 1) == "# nothing yet\na: 1\n"


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    assert edit.set_value("\ufeffa: 1\r\nb: 2\r\n", ("a",), 3) == "\ufeffa: 3\r\nb: 2\r\n"


def test_quoting_makes_a_number_the_text_that_was_typed() -> None:
    assert edit.quote("version: 1.20  # why\n", ("version",)) == 'version: "1.20"  # why\n'
    assert edit.quote("version: 1.2.0\n", ("version",)) == "version: 1.2.0\n"


def test_an_anchor_that_others_use_is_left_to_a_person() -> None:
    with pytest.raises(RegistryError, match="cannot be edited in place") as caught:
        edit.set_value("a: &x {k: 1}\nb: *x\n", ("b", "k"), 2, file="f.yaml")
    assert "f.yaml:1" in str(caught.value)
    assert "by hand" in caught.value.remedy


def test_a_key_inside_plain_text_is_refused() -> None:
    with pytest.raises(RegistryError, match="no map"):
        edit.set_value("a: text\n", ("a", "b"), 1)


def test_what_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(KeyError):
        edit.remove("a: 1\n", ("b",))


def test_a_one_line_map_is_written_on_one_line() -> None:
    lock = {"git": yaml_write.OneLine(version="1.2.0", digest="sha256:" + "0" * 64)}
    edited = edit.set_value("spec:\n  resolved: {}\n", ("spec", "resolved"), lock)
    assert edited == f'spec:\n  resolved:\n    git: {{version: 1.2.0, digest: "sha256:{"0" * 64}"}}\n'


def test_the_root_can_be_replaced() -> None:
    assert edit.set_value("{}\n", (), {"a": [1]}) == "a:\n  - 1\n"
    assert edit.set_value("a: 1 # c\n", (), []).splitlines() == ["[] # c"]
