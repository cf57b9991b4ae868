"""Values of secrets that programs spoil: a pitfall strikes exactly those, where its program would meet them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.platforms import pitfalls, platform, platforms
from tests.platforms.readers import VARIABLES

IN_ENV = {"command": "x", "env": {"T": "${secrets.t}"}}
IN_ARGS = {"command": "x", "args": ["${secrets.t}"]}
IN_HEADERS = {"url": "https://a/", "headers": {"T": "Bearer ${secrets.t}"}}

STRUCK: list[tuple[str, Any, str, bool]] = [
    ("gemini-cli", IN_ENV, "a$B", True),
    ("gemini-cli", IN_ENV, "5$ a", False),
    ("gemini-cli", IN_HEADERS, "${B}", True),
    ("gemini-cli", IN_ARGS, "a$B", False),
    ("opencode", IN_ENV, 'a"b', True),
    ("opencode", IN_HEADERS, "a\nb", True),
    ("opencode", IN_HEADERS, "{file:/etc/passwd}", True),
    ("opencode", IN_HEADERS, "plain-4711", False),
    ("roo", IN_ARGS, "a\\b", True),
    ("goose", IN_HEADERS, "4711", True),
    ("goose", IN_HEADERS, "true", True),
    ("goose", IN_HEADERS, "4711x", False),
    ("goose", IN_ENV, "4711", False),
    ("claude-code", IN_ENV, 'a$B"', False),
]


def does_strike(pitfall: pitfalls.Pitfall, server: Any, secret: str, value: str) -> bool:
    return pitfall.concerns(server, secret) and pitfall.spoils(value)


@pytest.mark.parametrize(("name", "server", "value", "strikes"), STRUCK)
def test_a_pitfall_strikes_the_values_that_its_program_spoils(
    name: str, server: Any, value: str, strikes: bool
) -> None:
    found = [pitfall for pitfall in platform(name).pitfalls if does_strike(pitfall, server, "t", value)]
    assert bool(found) == strikes
    assert not [pitfall for pitfall in platform(name).pitfalls if does_strike(pitfall, server, "other", value)]
    assert all(pitfall.happens and pitfall.remedy for pitfall in found)


def test_only_programs_that_spoil_values_have_pitfalls() -> None:
    assert {name for name in platforms() if platform(name).pitfalls} == {"gemini-cli", "goose", "opencode", "roo"}


@given(st.lists(st.sampled_from(["$", "\\", "{", "}", "A", "x", " "]), max_size=6).map("".join))
def test_what_is_expanded_twice_is_struck_or_stays_as_it_is(value: str) -> None:
    read = VARIABLES["gemini-cli"](value)
    assert read == value or does_strike(pitfalls.EXPANDED_TWICE, IN_ENV, "t", value)


@given(st.text('"\\\na{}', max_size=6))
def test_what_breaks_a_file_of_json_is_struck(value: str) -> None:
    try:
        is_whole = json.loads(f'"{value}"') == value
    except ValueError:
        is_whole = False
    assert is_whole != does_strike(pitfalls.BREAKS_THE_FILE, IN_ENV, "t", value)


@given(
    st.one_of(st.text("0129.-e", max_size=4), st.text("true", max_size=4), st.sampled_from(["[1]", '{"a": 1}', '"x"']))
)
def test_what_is_json_is_struck(value: str) -> None:
    try:
        json.loads(value)
    except ValueError:
        return
    assert does_strike(pitfalls.TAKEN_FOR_JSON, IN_HEADERS, "t", value)
