"""Laws of editing a YAML file that somebody else edits too, on random documents."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from molthub.platforms.config_file import ConfigFile, same
from tests.platforms.yaml_documents import KEYS, YamlCase, maps, values, yaml_texts

pointers = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3)


def opened(text: str) -> ConfigFile:
    return ConfigFile.parse(text.encode(), "yaml", "config.yaml")


def with_value(document: Any, pointer: Sequence[str], value: Any) -> Any:
    """Set a member of plain values; None where something else than a map, or nothing, is in the way."""
    edited = copy.deepcopy(document)
    inner = edited
    for key in pointer[:-1]:
        inner[key] = {} if inner.get(key) is None else inner[key]
        inner = inner[key]
        if not isinstance(inner, dict):
            return None
    inner[pointer[-1]] = value
    return edited


def at(document: Any, pointer: Sequence[str]) -> Any:
    for key in pointer:
        if not isinstance(document, dict) or key not in document:
            return None
        document = document[key]
    return document


def has_null_on_the_way(document: Any, pointer: Sequence[str]) -> bool:
    """Whether ``key:`` with nothing behind it or a written null leads to the pointer."""
    parents = [pointer[:depth] for depth in range(1, len(pointer))]
    return any(at(document, parent) is None and is_member(document, parent) for parent in parents)


def is_member(document: Any, pointer: Sequence[str]) -> bool:
    around = at(document, pointer[:-1])
    return isinstance(around, dict) and pointer[-1] in around


@given(yaml_texts())
def test_a_text_means_what_it_says(case: YamlCase) -> None:
    assert same(opened(case.text).value, case.value)


@given(yaml_texts(), pointers, values)
def test_setting_a_member_changes_what_the_file_says_and_nothing_beside_it(
    case: YamlCase, pointer: list[str], value: Any
) -> None:
    wanted = with_value(case.value, pointer, value)
    if wanted is None or has_null_on_the_way(case.value, pointer):
        return
    file = opened(case.text)
    file.set(pointer, value)
    after = file.to_bytes().decode()
    assert same(opened(after).value, wanted)
    once = file.to_bytes()
    file.set(pointer, value)
    assert file.to_bytes() == once
    if not is_member(case.value, pointer):
        assert is_one_insertion(case.text, after)


def is_one_insertion(before: str, after: str) -> bool:
    """Whether text was put in at one place and none went but one pair of empty braces."""
    emptied = (before[: match.start()] + before[match.end() :] for match in re.finditer(r" \{\}", before))
    return any(_is_put_in(text, after) for text in (before, *emptied))


def _is_put_in(before: str, after: str) -> bool:
    head = next((k for k, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), len(before))
    return after.endswith(before[head:])


@given(yaml_texts(), pointers, values)
def test_a_member_that_was_added_leaves_no_trace_when_it_is_removed(
    case: YamlCase, pointer: list[str], value: Any
) -> None:
    if not isinstance(at(case.value, pointer[:-1]), dict) or is_member(case.value, pointer):
        return
    file = opened(case.text)
    file.set(pointer, value)
    assert file.remove(pointer)
    assert file.to_bytes().decode() == case.text


@given(yaml_texts(), values)
def test_maps_that_were_added_around_a_member_go_with_it(case: YamlCase, value: Any) -> None:
    file = opened(case.text)
    file.set(("new", "newer", "newest"), value)
    file.remove(("new", "newer", "newest"), prune_empty=True)
    assert file.to_bytes().decode() == case.text


@given(yaml_texts(), st.data())
def test_removing_a_member_takes_it_and_nothing_else(case: YamlCase, data: st.DataObject) -> None:
    pointer = data.draw(st.sampled_from([[], *_pointers(case.value)]))
    if not pointer:
        return
    file = opened(case.text)
    assert file.remove(pointer)
    after = file.to_bytes().decode()
    wanted = copy.deepcopy(case.value)
    del at(wanted, pointer[:-1])[pointer[-1]]
    assert same(opened(after).value, wanted)
    for comment, around in case.comments.items():
        assert list(around[: len(pointer)]) == pointer or comment in after, comment


def _pointers(value: Any) -> list[list[str]]:
    if not isinstance(value, dict):
        return []
    return [[key, *rest] for key, item in value.items() for rest in [[], *_pointers(item)]]


@given(maps)
def test_what_is_written_every_parser_reads_the_same(value: Any) -> None:
    from ruamel.yaml import YAML

    file = ConfigFile.empty("yaml")
    for key, item in value.items():
        file.set((key,), item)
    written = file.to_bytes()
    assert same(yaml.safe_load(written) or {}, value)
    assert same(YAML(typ="safe", pure=True).load(written) or {}, value)


@given(yaml_texts(), st.text(max_size=6))
def test_an_item_joins_a_list_once(case: YamlCase, item: str) -> None:
    owners = case.value.get("a")
    if not isinstance(owners, list):
        return
    file = opened(case.text)
    file.add_item(("a",), item)
    file.add_item(("a",), item)
    wanted = {**case.value, "a": owners if item in owners else [*owners, item]}
    assert same(opened(file.to_bytes().decode()).value, wanted)
    if item not in owners:
        assert is_one_insertion(case.text, file.to_bytes().decode())
