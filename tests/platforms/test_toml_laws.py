"""Laws of editing a TOML file that somebody else edits too, on random documents."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from functools import reduce
from operator import getitem
from typing import Any

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from molthub.platforms.config_file import ConfigFile, same
from tests.platforms.toml_documents import KEYS, LISTED, TomlCase, toml_texts, values

pointers = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3)


def opened(text: str) -> ConfigFile:
    return ConfigFile.parse(text.encode(), "toml", "config.toml")


def with_value(document: Any, pointer: Sequence[str], value: Any) -> Any:
    """Set a member of plain values; None where something else than a table is in the way."""
    edited = copy.deepcopy(document)
    inner = edited
    for key in pointer[:-1]:
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            return None
    inner[pointer[-1]] = value
    return edited


def pruned(document: Any, pointer: Sequence[str]) -> Any:
    """Return a value without empty tables on the way to ``pointer``."""
    if not pointer or not isinstance(document, dict) or pointer[0] not in document:
        return document
    inner = pruned(document[pointer[0]], pointer[1:])
    rest = {key: item for key, item in document.items() if key != pointer[0]}
    return rest if inner == {} else {**rest, pointer[0]: inner}


def found(document: Any, pointer: Sequence[str]) -> bool:
    for key in pointer:
        if not isinstance(document, dict) or key not in document:
            return False
        document = document[key]
    return True


@given(toml_texts())
def test_a_text_means_what_it_says(case: TomlCase) -> None:
    assert same(opened(case.text).value, case.value)


@given(toml_texts(), pointers, values)
def test_setting_a_member_changes_what_the_file_says_and_nothing_beside_it(
    case: TomlCase, pointer: list[str], value: Any
) -> None:
    wanted = with_value(case.value, pointer, value)
    if wanted is None:
        return
    file = opened(case.text)
    file.set(pointer, value)
    after = file.to_bytes().decode()
    assert same(opened(after).value, wanted)
    assert same(tomlkit.parse(after.removeprefix("\ufeff")).unwrap(), wanted)
    once = file.to_bytes()
    file.set(pointer, value)
    assert file.to_bytes() == once
    if not found(case.value, pointer):
        assert is_one_insertion(case.text, after)


def is_one_insertion(before: str, after: str) -> bool:
    """Whether text was put in at one place and none went but white space in empty braces."""
    head = next((k for k, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), len(before))
    tail = before[head:]
    return after.endswith(tail) or (before[head - 1] == "{" and after.endswith(tail.lstrip(" ")))


@given(toml_texts(), pointers, values)
def test_a_member_that_was_added_leaves_no_trace_when_it_is_removed(
    case: TomlCase, pointer: list[str], value: Any
) -> None:
    if found(case.value, pointer) or with_value(case.value, pointer, value) is None:
        return
    file = opened(case.text)
    file.set(pointer, value)
    assert file.remove(pointer)
    assert unspaced(file.to_bytes().decode()) == unspaced(case.text)


def unspaced(text: str) -> str:
    """Take out what may change in an inline table that is empty in the end."""
    return re.sub(r"\{ *\}", "{}", text)


@given(toml_texts(), st.data())
def test_removing_a_member_takes_it_and_nothing_else(case: TomlCase, data: st.DataObject) -> None:
    pointer = data.draw(st.sampled_from([[], *_pointers(case.value)]))
    if not pointer:
        return
    file = opened(case.text)
    assert file.remove(pointer)
    after = file.to_bytes().decode()
    wanted = copy.deepcopy(case.value)
    del reduce(getitem, pointer[:-1], wanted)[pointer[-1]]
    assert same(pruned(opened(after).value, pointer[:-1]), pruned(wanted, pointer[:-1]))
    for comment, section in case.comments.items():
        is_inside = section is not None and list(section[: len(pointer)]) == pointer
        assert is_inside or comment in after, comment


def _pointers(value: Any) -> list[list[str]]:
    if not isinstance(value, dict):
        return []
    return [[key, *rest] for key, item in value.items() if key != LISTED for rest in [[], *_pointers(item)]]
