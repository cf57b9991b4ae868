"""Edits of real people's files: each case is a file, what is done to it, and the file afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from molthub.errors import PlatformFileError
from molthub.platforms.base import FileFormat
from molthub.platforms.config_file import ConfigFile, same

SERVER = {"command": "npx", "args": ["-y", "x"]}

OWNER = """\
// Ada's gateway
{
  // how it runs
  gateway: { mode: 'local', port: 18789 }, // keep
  mcp: {
    servers: { mine: { command: 'x' } } // mine
  },

  agents: {
    defaults: { model: "big" /* for now */ },
  },
}
// the end
"""


def edited(text: str, *edits: Callable[[ConfigFile], object], file_format: FileFormat = "json5") -> str:
    file = ConfigFile.parse(text.encode(), file_format, "settings")
    for edit in edits:
        edit(file)
    return file.to_bytes().decode()


def test_the_lines_that_openclaw_needs_in_an_owners_file() -> None:
    assert edited(
        OWNER,
        lambda file: file.add_item(("mcp", "$include"), "./molthub/mcp.json5"),
        lambda file: file.add_item(("skills", "$include"), "./molthub/skills.json5"),
    ) == OWNER.replace(
        "{ mine: { command: 'x' } } // mine\n",
        "{ mine: { command: 'x' } }, // mine\n    $include: [\"./molthub/mcp.json5\"]\n",
    ).replace("  },\n}\n", '  },\n  skills: {\n    $include: ["./molthub/skills.json5"]\n  },\n}\n')


def test_a_new_file() -> None:
    file = ConfigFile.empty("json5")
    file.set(("servers", "github"), {**SERVER, "env": {}})
    assert file.to_bytes() == (
        b'{\n  "servers": {\n    "github": {\n      "command": "npx",\n      "args": ["-y", "x"],\n      "env": {}\n'
        b"    }\n  }\n}\n"
    )


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_a_blank_file_counts_as_new(content: bytes) -> None:
    file = ConfigFile.parse(content, "json", "settings")
    assert file.value == {}
    file.set(("a",), 1)
    assert file.to_bytes() == b'{\n  "a": 1\n}\n'


INSERTED: list[tuple[str, str, str]] = [
    ("tabs and CRLF", '{\r\n\t"a": 1\r\n}', '{\r\n\t"a": 1,\r\n\t"new": {\r\n\t\t"k": "v"\r\n\t}\r\n}'),
    ("one line", '{"a": 1}\n', '{"a": 1, "new": {"k": "v"}}\n'),
    ("one line, trailing comma", "{a: 1,}", '{a: 1, new: {k: "v"},}'),
    ("no final newline", '{\n    "a": 1\n}', '{\n    "a": 1,\n    "new": {\n        "k": "v"\n    }\n}'),
    ("mark", "\ufeff{\n 'a': 1,\n}\n", '\ufeff{\n \'a\': 1,\n "new": {\n  "k": "v"\n },\n}\n'),
    ("only a comment", "{\n  // none yet\n}", '{\n  // none yet\n  "new": {\n    "k": "v"\n  }\n}'),
    ("a comment on the line", "{ /* none */ }", '{ /* none */ "new": {"k": "v"} }'),
    (
        "a comment after the last",
        "{\n  a: 1 // one, {two}\n}",
        '{\n  a: 1, // one, {two}\n  new: {\n    k: "v"\n  }\n}',
    ),
    ("a brace on the last line", "{\n  a: 1 }", '{\n  a: 1,\n  new: {\n    k: "v"\n  } }'),
    ("old line ends", "{\r  a: 1 // c\r}", '{\r  a: 1, // c\r  new: {\r    k: "v"\r  }\r}'),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in INSERTED], ids=[case[0] for case in INSERTED])
def test_a_new_member_is_written_like_its_neighbours_and_leaves_no_trace(before: str, after: str) -> None:
    assert edited(before, lambda file: file.set(("new",), {"k": "v"})) == after
    assert edited(after, lambda file: file.remove(("new",))) == before


REMOVED: list[tuple[str, str, str]] = [
    ("the first", '{\n  "x": 1,\n  "a": 2\n}', '{\n  "a": 2\n}'),
    ("the last", '{\n  "a": 2,\n  "x": 1\n}', '{\n  "a": 2\n}'),
    ("the only one", '{\n  "x": 1\n}\n', "{}\n"),
    ("in a line", "{ x: 1, a: 2 }", "{ a: 2 }"),
    ("last in a line", "{ a: 2, x: 1 }", "{ a: 2 }"),
    ("comments beside it", "{\n  // about x\n  x: 1, // note\n  a: 2,\n}", "{\n  // about x\n   // note\n  a: 2,\n}"),
    ("a comment before its comma", "{ x: 1 /* c */, a: 2 }", "{ /* c */ a: 2 }"),
    ("duplicates", '{"x": 1, "a": 2, "x": 3}', '{"a": 2}'),
    ("a comma at the start of the line", "{\n    a: 2\n  , x: 1\n}", "{\n    a: 2\n  \n}"),
    ("a line comment before the brace", "{\n  a: 1, // c\n  x: 2 }", "{\n  a: 1 // c\n   }"),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in REMOVED], ids=[case[0] for case in REMOVED])
def test_a_member_goes_and_comments_stay(before: str, after: str) -> None:
    file = ConfigFile.parse(before.encode(), "json5", "settings")
    assert file.remove(("x",))
    assert file.to_bytes().decode() == after
    assert not file.remove(("x",))
    assert file.get(("a",)) == ConfigFile.parse(before.encode(), "json5", "settings").get(("a",))


def test_a_value_is_replaced_where_it_stands() -> None:
    assert edited('{"a": 1, "b": [1,  2]}', lambda file: file.set(("a",), "x")) == '{"a": "x", "b": [1,  2]}'
    assert edited("{\n  a: 'x', // c\n}", lambda file: file.set(("a",), {"k": [{}]})) == (
        "{\n  a: {\n    k: [{}]\n  }, // c\n}"
    )


def test_of_duplicates_the_one_that_counts_is_set() -> None:
    assert edited('{"a": 1, "a": 2}', lambda file: file.set(("a",), 3)) == '{"a": 1, "a": 3}'


def test_an_object_is_brought_to_a_value_member_by_member() -> None:
    before = "{\n  s: {\n    command: 'old', // why\n    gone: 1,\n    env: { /* mine */ A: '1' },\n  },\n}"
    after = edited(before, lambda file: file.set(("s",), {"command": "new", "env": {"A": "1", "B": "2"}}))
    assert after == '{\n  s: {\n    command: "new", // why\n    env: { /* mine */ A: \'1\', B: "2" },\n  },\n}'


def test_what_holds_already_is_not_touched() -> None:
    before = "{ a: { 'n': 0x10, list: [1,\n 2.0] } }"
    assert edited(before, lambda file: file.set(("a",), {"list": [1.0, 2], "n": 16})) == before


def test_one_and_true_differ() -> None:
    assert not same(1, True)
    assert not same({"a": [0]}, {"a": [False]})
    assert edited('{"a": 1}', lambda file: file.set(("a",), True)) == '{"a": true}'


LISTS: list[tuple[str, str, str]] = [
    ("a missing list", "{}", '{\n  "l": ["new"]\n}'),
    ("a list in a line", '{"l": ["a"]}', '{"l": ["a", "new"]}'),
    ("a list in lines", "{\n  l: [\n    'a', // c\n  ],\n}", "{\n  l: [\n    'a', // c\n    \"new\",\n  ],\n}"),
    ("an empty list", '{"l": [], "a": 1}', '{"l": ["new"], "a": 1}'),
    ("a text", '{"l": "a"}', '{"l": ["a", "new"]}'),
    ("the item itself", "{l: 'new'}", "{l: 'new'}"),
    ("a list that has it", "{l: ['new', 'a']}", "{l: ['new', 'a']}"),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in LISTS], ids=[case[0] for case in LISTS])
def test_an_item_joins_the_owners(before: str, after: str) -> None:
    assert edited(before, lambda file: file.add_item(("l",), "new")).rstrip("\n") == after


@pytest.mark.parametrize("standing", ["null", "1", "[]", '"x"'])
def test_something_else_on_the_way_is_left_alone(standing: str) -> None:
    before = f'{{"a": {standing}}}'
    file = ConfigFile.parse(before.encode(), "json", ".claude.json")
    with pytest.raises(PlatformFileError) as caught:
        file.set(("a", "b"), 1)
    [problem] = caught.value.problems
    assert (problem.id, problem.at, problem.place) == ("MH705", "/a", ".claude.json:1:2")
    assert file.to_bytes().decode() == before


def test_no_list_is_made_of_an_object() -> None:
    file = ConfigFile.parse(b'{"l": {}}', "json", "settings")
    with pytest.raises(PlatformFileError, match="/l is no list"):
        file.add_item(("l",), "x")


def test_empty_parents_go_only_when_told_and_never_with_a_comment() -> None:
    before = '{\n  "a": {\n    "b": {\n      "c": 1\n    }\n  },\n  "z": 1\n}'
    assert json.loads(edited(before, lambda file: file.remove(("a", "b", "c")))) == {"a": {"b": {}}, "z": 1}
    assert edited(before, lambda file: file.remove(("a", "b", "c"), prune_empty=True)) == '{\n  "z": 1\n}'
    noted = "{ a: { /* mine */ b: { c: 1 } } }"
    assert edited(noted, lambda file: file.remove(("a", "b", "c"), prune_empty=True)) == "{ a: { /* mine */ } }"


UNREADABLE: list[tuple[bytes, FileFormat, int, int]] = [
    (b'{\n "a": 1\n "b"', "json", 3, 2),
    (b'{\r\n  "a": // no\r\n}', "json", 2, 8),
    (b"{\n  a: 1 b: 2\n}", "json5", 2, 8),
    (b'\xef\xbb\xbf{"a": }', "json", 1, 7),
    (b'{\n  "\xff": 1}', "json", 2, 4),
    ('{"a": 1}'.encode("utf-16"), "json5", 1, 1),
    (b'["a list"]', "json", 1, 1),
    (b"{a: {", "json5", 1, 6),
    (b"{" * 10 + b"\0", "json5", 1, 11),
]


@pytest.mark.parametrize(("content", "file_format", "line", "column"), UNREADABLE)
def test_a_file_that_does_not_parse_says_where(content: bytes, file_format: FileFormat, line: int, column: int) -> None:
    with pytest.raises(PlatformFileError) as caught:
        ConfigFile.parse(content, file_format, ".openclaw/openclaw.json")
    [problem] = caught.value.problems
    assert (problem.id, problem.file, problem.line, problem.column) == (
        *("MH701", ".openclaw/openclaw.json"),
        *(line, column),
    )
    assert problem.remedy


@pytest.mark.parametrize("text", ['{"a": 1, // no\n "b": 2}', '{"a": 1,}', "/* no */ {}"])
def test_a_comment_in_a_file_of_a_program_that_reads_none_is_called_one(text: str) -> None:
    with pytest.raises(PlatformFileError, match="a comment, or a comma too many"):
        ConfigFile.parse(text.encode(), "json", "cline_mcp_settings.json")
    assert ConfigFile.parse(text.encode(), "jsonc", "settings.json").value is not None


def test_half_a_surrogate_pair_is_kept_as_an_escape() -> None:
    assert edited('{"a": "\\ud800"}', lambda file: file.set(("b",), "\ud800")) == '{"a": "\\ud800", "b": "\\ud800"}'


@pytest.mark.parametrize("comment", ["", "// JSON5\n"])
def test_a_big_state_file_keeps_every_other_byte(comment: str) -> None:
    projects: dict[str, Any] = {
        f"/home/ada/{number}": {"history": [{"display": "x" * 40}] * 3} for number in range(300)
    }
    before = comment + json.dumps({"projects": projects, "mcpServers": {}, "tips": 1}, indent=2)
    after = edited(before, lambda file: file.set(("mcpServers", "github"), SERVER))
    head, _, tail = before.partition('"mcpServers": {}')
    assert after.startswith(head)
    assert after.endswith(tail)
    assert edited(after, lambda file: file.remove(("mcpServers", "github"))) == before
