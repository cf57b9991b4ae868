"""Edits of people's TOML files: each case is a file, what is done to it, and the file afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from molthub.errors import PlatformFileError
from molthub.platforms.config_file import ConfigFile

SERVER = {"command": "npx", "args": ["-y", "x"], "env": {"A": "1"}}

OWNER = """\
# Ada's
model = "gpt"   # keep

[mcp_servers.mine]
command = "mine"

# about projects
[projects."/home/ada"]
trust_level = "trusted"
"""
OURS = """
[mcp_servers.ours]
command = "npx"
args = ["-y", "x"]

[mcp_servers.ours.env]
A = "1"
"""


def edited(text: str, *edits: Callable[[ConfigFile], object]) -> str:
    file = ConfigFile.parse(text.encode(), "toml", "config.toml")
    for edit in edits:
        edit(file)
    return file.to_bytes().decode()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_server_joins_its_kin_and_leaves_no_trace(newline: str) -> None:
    before = OWNER.replace("\n", newline)
    after = edited(before, lambda file: file.set(("mcp_servers", "ours"), SERVER))
    kin = '[mcp_servers.mine]\ncommand = "mine"\n'
    assert after == OWNER.replace(kin, kin + OURS).replace("\n", newline)
    assert edited(after, lambda file: file.remove(("mcp_servers", "ours"))) == before


def test_a_new_file() -> None:
    file = ConfigFile.empty("toml")
    file.set(("mcp_servers", "ours"), SERVER)
    assert file.to_bytes().decode() == OURS.lstrip("\n")
    file.remove(("mcp_servers", "ours"))
    assert file.to_bytes() == b""


ADDED: list[tuple[str, str, str]] = [
    ("to a table of its own", "[s]\na = 1 # c\n\n[t]\n", '[s]\na = 1 # c\nnew = "x"\n\n[t]\n'),
    ("to a table that only its tables make", "[s.a]\nb = 1\n", 's.new = "x"\n[s.a]\nb = 1\n'),
    ("to dotted keys", "s.a = 1 # c\nt = 2\n", 's.a = 1 # c\ns.new = "x"\nt = 2\n'),
    ("to an inline table", "s = {a = 1} # c\n", 's = {a = 1, new = "x"} # c\n'),
    ("to an empty inline table", "s = {}\n", 's = { new = "x" }\n'),
    ("to a table inside an inline one", "r = {s = {a = 1}}\ns = {}", 'r = {s = {a = 1}}\ns = { new = "x" }'),
    ("to nothing", "a = 1", 'a = 1\ns.new = "x"'),
    ("below an indented table", "[s]\n  a = 1\n", '[s]\n  a = 1\n  new = "x"\n'),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in ADDED], ids=[case[0] for case in ADDED])
def test_a_member_is_added_in_the_way_its_table_is_said(before: str, after: str) -> None:
    assert edited(before, lambda file: file.set(("s", "new"), "x")) == after


def test_members_of_the_root_stand_before_all_headers() -> None:
    assert edited("# a\n[t]\n", lambda file: file.set(("k",), True)) == "k = true\n# a\n[t]\n"
    assert edited("a = 1\n\n[t]\n", lambda file: file.set(("k",), 1.5)) == "a = 1\nk = 1.5\n\n[t]\n"
    assert edited("# a\n", lambda file: file.set(("k",), '\x7f"')) == '# a\nk = "\\u007f\\""\n'


REMOVED: list[tuple[str, str, str]] = [
    ("a table and its tables, far apart", "[s.x]\na = 1\n\n[t]\n\n[s.x.y]\nb = 1\n# t\n", "\n[t]\n# t\n"),
    ("a line with a comment", "[s]\nx = 1 # why\nz = 2\n", "[s]\n# why\nz = 2\n"),
    ("a line that is set off by a blank one", "[s]\ny = 1\n\nx = 2\nz = 3\n", "[s]\ny = 1\n\nz = 3\n"),
    ("dotted keys", "s.x.a = 1\ns.b = 2\ns.x.c = 3\n", "s.b = 2\n"),
    ("in an inline table", "s = {a = 1, x = {b = 1}, c = 2}", "s = {a = 1, c = 2}"),
    ("last in an inline table", "s = {a = 1, x.b = 1, x.c = 2 }", "s = {a = 1 }"),
    ("all in an inline table", "s = { x = 1 }", "s = {}"),
    ("a text of many lines", 's.x = """a\n[b]\n""""\ns.y = \'\'\'\n#\'\'\'\n', "s.y = '''\n#'''\n"),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in REMOVED], ids=[case[0] for case in REMOVED])
def test_a_member_goes_wherever_its_parts_stand(before: str, after: str) -> None:
    assert edited(before, lambda file: file.remove(("s", "x"))) == after


def test_a_value_is_replaced_where_it_stands() -> None:
    assert edited("a = 1 # c\n", lambda file: file.set(("a",), ["x", {"k": "v"}])) == 'a = ["x", { k = "v" }] # c\n'
    assert edited("[a]\nb = 1\n[c]\n", lambda file: file.set(("a",), "x")) == 'a = "x"\n[c]\n'
    assert edited("a = 1\n", lambda file: file.set(("a",), {"b": {"c": 1}})) == "a = { b = { c = 1 } }\n"


def test_a_table_is_brought_to_a_value_member_by_member() -> None:
    before = '[s]\ncommand = "old" # why\ngone = 1\n\n[s.env]\n# mine\nA = "1"\n'
    after = edited(before, lambda file: file.set(("s",), {"command": "new", "env": {"A": "1", "B": "2"}}))
    assert after == '[s]\ncommand = "new" # why\n\n[s.env]\n# mine\nA = "1"\nB = "2"\n'


def test_a_table_that_is_to_be_empty_stays() -> None:
    assert edited("[s.x]\na = 1\n", lambda file: file.set(("s",), {})) == "[s]\n"


def test_dates_are_text() -> None:
    file = ConfigFile.parse(b"a = 1979-05-27 07:32:00 # c\nb = [07:32:00]\n", "toml", "config.toml")
    assert file.value == {"a": "1979-05-27T07:32:00", "b": ["07:32:00"]}
    file.set(("a",), 1)
    assert file.to_bytes() == b"a = 1 # c\nb = [07:32:00]\n"


LISTS: list[tuple[str, str]] = [
    ("", 'l = ["new"]\n'),
    ("l = []", 'l = ["new"]'),
    ("l = ['a'] # c", "l = ['a', \"new\"] # c"),
    ("l = [\n  'a', # c\n]", "l = [\n  'a',\n  \"new\", # c\n]"),
    ("l = 'a'", 'l = ["a", "new"]'),
    ("l = ['new']", "l = ['new']"),
]


@pytest.mark.parametrize(("before", "after"), LISTS)
def test_an_item_joins_the_owners(before: str, after: str) -> None:
    assert edited(before, lambda file: file.add_item(("l",), "new")) == after


@pytest.mark.parametrize(
    ("before", "edit"),
    [
        ("a = 1\n", lambda file: file.set(("a", "b"), 1)),
        ("[[a]]\nb = 1\n", lambda file: file.set(("a", "b"), 1)),
        ("[[a]]\nb = 1\n", lambda file: file.add_item(("a",), "x")),
        ("a = 1\n", lambda file: file.set(("b",), None)),
        ("a = 1\n", lambda file: file.set(("a",), {"b": None})),
        ("a = 1\n", lambda file: file.add_item(("a",), "x")),
    ],
)
def test_what_cannot_be_edited_is_left_alone(before: str, edit: Callable[[ConfigFile], object]) -> None:
    file = ConfigFile.parse(before.encode(), "toml", "config.toml")
    with pytest.raises(PlatformFileError) as caught:
        edit(file)
    assert [(problem.id, problem.line, problem.column) for problem in caught.value.problems] == [("MH705", 1, 1)]
    assert file.to_bytes().decode() == before


def test_a_refused_edit_says_where_the_nearest_table_is() -> None:
    file = ConfigFile.parse(b"a = 1\n\n[s]\n  b = 2\n  t = { c = 1 }\n", "toml", "config.toml")
    for pointer, place in ((("s", "b", "x"), (4, 3)), (("s", "new"), (3, 1)), (("s", "t", "c", "d"), (5, 3))):
        with pytest.raises(PlatformFileError) as caught:
            file.set(pointer, None)
        [problem] = caught.value.problems
        assert (problem.line, problem.column) == place


def test_empty_tables_go_only_when_told_and_never_with_a_comment() -> None:
    assert edited("[a]\nb = 1\n\n[c]\n", lambda file: file.remove(("a", "b"))) == "[a]\n\n[c]\n"
    assert edited("[a]\nb = 1\n\n[c]\n", lambda file: file.remove(("a", "b"), prune_empty=True)) == "\n[c]\n"
    noted = "[a]\n# mine\nb = 1\n\n[c]\n"
    assert edited(noted, lambda file: file.remove(("a", "b"), prune_empty=True)) == "[a]\n# mine\n\n[c]\n"
    assert edited("a = {b = 1}\nc = 1\n", lambda file: file.remove(("a", "b"), prune_empty=True)) == "c = 1\n"


UNREADABLE: list[tuple[bytes, int, int]] = [
    (b"a = 1\nb = \n", 2, 5),
    (b"a = 1\r\na = 2\r\n", 2, 6),
    (b"[a]\n[a]\n", 2, 3),
    (b'\xef\xbb\xbfa = "x\n', 1, 7),
    (b"a = [1,\n", 2, 1),
    (b"a = " + b"[" * 5000, 1, 1),
    (b"a = " + b"1" * 5000, 1, 1),
    (b"\xff", 1, 1),
]


@pytest.mark.parametrize(("content", "line", "column"), UNREADABLE)
def test_a_file_that_does_not_parse_says_where(content: bytes, line: int, column: int) -> None:
    with pytest.raises(PlatformFileError) as caught:
        ConfigFile.parse(content, "toml", ".codex/config.toml")
    [problem] = caught.value.problems
    assert (problem.id, problem.file, problem.line, problem.column) == ("MH701", ".codex/config.toml", line, column)
