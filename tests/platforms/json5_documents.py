"""Random JSON and JSON5 documents as people might write them, each with its value."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

KEYS = ["a", "b", "servers", "$include", "an odd key", "it's", "ключ", "1", ""]
COMMENTS = ["// note\n", "/* note */", "/* two\n lines */", "// {[,:\n", "/* } */"]
BLANKS = ["", "", " ", "\n", "\n  ", "\t", "\r\n", "\n\n    "]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["// no comment", "/* none */", "a 'b' \"c\"", "\\", "{", "},", "\u2028", "\U0001f600"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=5)


@st.composite
def json_texts(draw: st.DrawFn) -> tuple[str, Any]:
    """Return a strict JSON text with odd white space, and its value."""
    value = draw(objects)
    blank = st.lists(st.sampled_from(BLANKS), max_size=1).map("".join)
    return _written(draw, value, blank, json5=False), value


@st.composite
def jsonc_texts(draw: st.DrawFn) -> tuple[str, Any]:
    """Return a JSON text with comments and trailing commas, and its value."""
    value = draw(objects)
    blank = st.lists(st.sampled_from(BLANKS + COMMENTS), max_size=3).map("".join)
    return draw(blank) + _written(draw, value, blank, json5=False, commas=True) + draw(blank), value


@st.composite
def json5_texts(draw: st.DrawFn) -> tuple[str, Any]:
    """Return a JSON5 text with comments, both quotes, bare keys and trailing commas, and its value."""
    value = draw(objects)
    blank = st.lists(st.sampled_from(BLANKS + COMMENTS), max_size=3).map("".join)
    return draw(blank) + _written(draw, value, blank, json5=True) + draw(blank), value


def _written(draw: st.DrawFn, value: Any, blank: st.SearchStrategy[str], *, json5: bool, commas: bool = False) -> str:
    commas = commas or json5
    if isinstance(value, dict):
        members = [
            f"{_key(draw, key, json5=json5)}{draw(blank)}:{draw(blank)}"
            + _written(draw, item, blank, json5=json5, commas=commas)
            for key, item in value.items()
        ]
        return _bracketed(draw, "{}", members, blank, commas=commas)
    if isinstance(value, list):
        items = [_written(draw, item, blank, json5=json5, commas=commas) for item in value]
        return _bracketed(draw, "[]", items, blank, commas=commas)
    if isinstance(value, str):
        return _string(draw, value, json5=json5)
    return json.dumps(value)


def _bracketed(
    draw: st.DrawFn, brackets: str, members: list[str], blank: st.SearchStrategy[str], *, commas: bool
) -> str:
    text = brackets[0] + draw(blank)
    for number, member in enumerate(members, 1):
        last = number == len(members)
        comma = "," if not last or (commas and draw(st.booleans())) else ""
        text += member + draw(blank) + comma + draw(blank)
    return text + brackets[1]


def _key(draw: st.DrawFn, key: str, *, json5: bool) -> str:
    if json5 and key.isidentifier() and draw(st.booleans()):
        return key
    return _string(draw, key, json5=json5)


def _string(draw: st.DrawFn, text: str, *, json5: bool) -> str:
    if json5 and draw(st.booleans()):
        body = json.dumps(text)[1:-1].replace('\\"', '"').replace("'", "\\'")
        return f"'{body}'"
    return json.dumps(text, ensure_ascii=draw(st.booleans()))
