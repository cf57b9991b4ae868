"""Laws of editing a file that somebody else edits too, on random documents."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from molthub.platforms.config_file import ConfigFile, same
from molthub.platforms.json_text import TOKEN, after_silent, block, read_json5
from tests.platforms.json5_documents import KEYS, json5_texts, json_texts, jsonc_texts, values

pointers = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3)
texts = st.one_of(
    st.tuples(st.just("json"), json_texts()),
    st.tuples(st.just("jsonc"), jsonc_texts()),
    st.tuples(st.just("json5"), json5_texts()),
)


def opened(file_format: Any, text: str) -> ConfigFile:
    return ConfigFile.parse(text.encode(), file_format, "settings")


def with_value(document: Any, pointer: Sequence[str], value: Any) -> Any:
    """Set a member of plain values; None where something else than an object is in the way."""
    edited = copy.deepcopy(document)
    inner = edited
    for key in pointer[:-1]:
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            return None
    inner[pointer[-1]] = value
    return edited


def comments(text: str) -> list[str]:
    return [token[0].rstrip() for token in TOKEN.finditer(text) if token.lastgroup in ("line", "comment")]


def is_within(part: str, whole: str) -> bool:
    """Whether ``whole`` is ``part`` with something put in, white space aside."""
    rest = iter("".join(whole.split()))
    return all(char in rest for char in "".join(part.split()))


@given(json5_texts())
def test_a_json5_text_means_what_it_says(case: tuple[str, Any]) -> None:
    text, value = case
    assert same(read_json5(text), value)


@given(texts, pointers, values)
def test_setting_a_member_changes_what_the_file_says_and_no_comment(
    case: tuple[str, tuple[str, Any]], pointer: list[str], value: Any
) -> None:
    file_format, (text, document) = case
    wanted = with_value(document, pointer, value)
    if wanted is None:
        return
    file = opened(file_format, text)
    found, _ = file.get(pointer)
    file.set(pointer, value)
    again = opened(file_format, file.to_bytes().decode())
    assert same(again.value, wanted)
    if not found:
        assert comments(again.to_bytes().decode()) == comments(text)
        assert is_within(text, again.to_bytes().decode())


@given(texts, pointers, values)
def test_setting_twice_is_setting_once(case: tuple[str, tuple[str, Any]], pointer: list[str], value: Any) -> None:
    file_format, (text, document) = case
    if with_value(document, pointer, value) is None:
        return
    file = opened(file_format, text)
    file.set(pointer, value)
    once = file.to_bytes()
    file.set(pointer, value)
    assert file.to_bytes() == once


@given(texts, pointers, values)
def test_a_member_that_was_added_leaves_no_trace_when_it_is_removed(
    case: tuple[str, tuple[str, Any]], pointer: list[str], value: Any
) -> None:
    file_format, (text, document) = case
    parent: Any = document
    for key in pointer[:-1]:
        parent = parent.get(key) if isinstance(parent, dict) else None
    if not isinstance(parent, dict) or pointer[-1] in parent:
        return
    file = opened(file_format, text)
    file.set(pointer, value)
    assert file.remove(pointer)
    # white space alone inside an empty object may go
    assert _without_blank_objects(file.to_bytes().decode()) == _without_blank_objects(text)


@given(texts, values)
def test_objects_that_were_added_around_a_member_go_with_it(case: tuple[str, tuple[str, Any]], value: Any) -> None:
    file_format, (text, _) = case
    file = opened(file_format, text)
    file.set(("new", "newer", "newest"), value)
    file.remove(("new", "newer", "newest"), prune_empty=True)
    assert _without_blank_objects(file.to_bytes().decode()) == _without_blank_objects(text)


@given(texts, st.data())
def test_removing_a_member_takes_it_and_nothing_else(case: tuple[str, tuple[str, Any]], data: st.DataObject) -> None:
    file_format, (text, document) = case
    if not document:
        return
    key = data.draw(st.sampled_from(sorted(document)))
    file = opened(file_format, text)
    file.remove((key,))
    again = opened(file_format, file.to_bytes().decode())
    assert same(again.value, {other: item for other, item in document.items() if other != key})
    member = block(text, after_silent(text, 0), strict=False).member(key)
    assert member is not None
    gone = Counter(comments(text[member.start : member.end]))
    assert Counter(comments(again.to_bytes().decode())) + gone == Counter(comments(text))


@given(texts, st.text(max_size=6))
def test_an_item_joins_a_list_once(case: tuple[str, tuple[str, Any]], item: str) -> None:
    file_format, (text, document) = case
    owners = document.get("a", [])
    if not isinstance(owners, list | str):
        return
    file = opened(file_format, text)
    file.add_item(("a",), item)
    file.add_item(("a",), item)
    before = [owners] if isinstance(owners, str) else owners
    wanted = {**document, "a": before if item in before else [*before, item]}
    if owners == item:
        wanted = document
    assert same(opened(file_format, file.to_bytes().decode()).value, wanted)
    if "a" not in document or isinstance(owners, list):
        assert comments(file.to_bytes().decode()) == comments(text)


def _without_blank_objects(text: str) -> str:
    return re.sub(r"\{\s+\}", "{}", text)
