"""Reading JSON5 (spec.json5.org 1.0.0) and strict JSON as text."""

from __future__ import annotations

from typing import Any

import pytest

from molthub.platforms.json_text import JsonTextError, block, read_json, read_json5, read_jsonc

MEANT: list[tuple[str, Any]] = [
    ("{}", {}),
    ("[1,2,]", [1, 2]),
    ("{a:1,}", {"a": 1}),
    ("{$a_1: 1, 'b c': 2, ключ: 3, \\u0061b: 4}", {"$a_1": 1, "b c": 2, "ключ": 3, "ab": 4}),
    ("{true: 1, null: 2, NaN: 3, Infinity: 4}", {"true": 1, "null": 2, "NaN": 3, "Infinity": 4}),
    ("{a /* : */ : /* } */ 1 // ]\n}", {"a": 1}),
    ("[.5, 5., +1, -0xFf, 1E3, -.5e-1, 0]", [0.5, 5, 1, -255, 1000.0, -0.05, 0]),
    ("[Infinity, -Infinity, +Infinity]", [float("inf"), float("-inf"), float("inf")]),
    ("['it\\'s', \"a\\\nb\", 'a\\\r\nb', '\\x41\\u0042\\0\\v\\z']", ["it's", "ab", "ab", "AB\0\vz"]),
    ("['\"', \"'\", '\t', \"\u2028\"]", ['"', "'", "\t", "\u2028"]),
    ('["\\ud83d\\ude00"]', ["\U0001f600"]),
    ("\ufeff\u00a0[\u20031\u2029]", [1]),
    ("{a: 1, a: 2}", {"a": 2}),
]


@pytest.mark.parametrize(("text", "value"), MEANT)
def test_what_json5_means(text: str, value: Any) -> None:
    assert read_json5(text) == value


def test_not_a_number() -> None:
    assert all(number != number for number in read_json5("[NaN, -NaN, +NaN]"))  # noqa: PLR0124


REFUSED: list[tuple[str, int]] = [
    ("", 0),
    ("// nothing else", 15),
    ("[,]", 1),
    ("[1,,]", 3),
    ("{,}", 1),
    ("{a}", 1),
    ("{a: b}", 4),
    ("{a: }", 4),
    ("{a b: 1}", 1),
    ("{1: 2}", 1),
    ("{a: 1 b: 2}", 6),
    ("{a: 01}", 4),
    ("{a: 1}}", 6),
    ("[1e]", 1),
    ("[- 1]", 1),
    ("'a\nb'", 0),
    ("['\\01']", 2),
    ("['\\1']", 2),
    ("['\\xg']", 2),
    ("{a: 'x}", 4),
    ("/* {}", 0),
    ("[1 / 2]", 3),
    ("[0x]", 1),
    ("[1", 2),
]


@pytest.mark.parametrize(("text", "offset"), REFUSED)
def test_what_json5_refuses_and_where(text: str, offset: int) -> None:
    with pytest.raises(JsonTextError) as caught:
        read_json5(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("{'a': 1}", 1), ("{a: 1}", 1), ('{"a": 0x10}', 6), ('{"a": .5}', 6), ('{"a": +1}', 6), ('["x\\\ny"]', 1),
        ("[NaN]", 1), ("[-Infinity]", 1), ("[,]", 1), ('["\\x41"]', 1), ("[tru]", 1), ("// nothing else", 15),
    ],
)  # fmt: skip
def test_jsonc_is_json_with_comments_and_trailing_commas_and_no_more(text: str, offset: int) -> None:
    with pytest.raises(JsonTextError) as caught:
        read_jsonc(text)
    assert caught.value.offset == offset


def test_what_jsonc_means() -> None:
    text = '/* c */ {"a": [1.5e3, "x\\u0041//", true,], // ,]\n "b": {"c": null,},}\n'
    assert read_jsonc(text) == {"a": [1500.0, "xA//", True], "b": {"c": None}}


@pytest.mark.parametrize("text", ["{a: 1}", "[1,]", "// c\n{}", "['a']", "[0x1]", "{}x", "1" * 5000, "[" * 100_000])
def test_strict_json_is_strict(text: str) -> None:
    with pytest.raises(JsonTextError):
        read_json(text)


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    with pytest.raises(JsonTextError, match="nested too deeply"):
        read_json5("{a:" * 100_000)


def test_a_message_never_quotes_a_word_of_the_text() -> None:
    with pytest.raises(JsonTextError) as caught:
        read_json5("{token: ghp_0123456789}")
    assert "ghp" not in caught.value.message


@pytest.mark.parametrize("strict", [True, False])
def test_members_are_found_with_their_places(strict: bool) -> None:
    text = ' {"a": {"x": [1, {"y": 2}]}, "b" : [3, 4] }'
    found = block(text, 1, strict=strict)
    assert [(member.key, text[member.value : member.end]) for member in found.members] == [
        ("a", '{"x": [1, {"y": 2}]}'),
        ("b", "[3, 4]"),
    ]
    assert [text[member.start] for member in found.members] == ['"', '"']
    assert (text[found.members[0].comma or 0], found.members[1].comma) == (",", None)
    assert text[found.start : found.end] == text[1:]


def test_of_duplicate_keys_the_last_counts() -> None:
    text = "{a: 1, b: 2, 'a': 3,}"
    member = block(text, 0, strict=False).member("a")
    assert member is not None
    assert text[member.value : member.end] == "3"
