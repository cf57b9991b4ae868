"""Edits of people's YAML files: each case is a file, what is done to it, and the file afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from molthub.errors import PlatformFileError
from molthub.platforms.config_file import ConfigFile

SERVER = {"command": "npx", "args": ["-y", "x"], "env": {"A": "1"}}

OWNER = """\
# Ada's
model: gpt   # keep

mcp_servers: # by hand
  mine:
    command: mine  # mine

  # one day:
  #   later: x

# display
display:
- wide
"""
OURS = """\
  ours:
    command: npx
    args: ["-y", x]
    env:
      A: "1"
"""


def edited(text: str, *edits: Callable[[ConfigFile], object]) -> str:
    file = ConfigFile.parse(text.encode(), "yaml", "config.yaml")
    for edit in edits:
        edit(file)
    return file.to_bytes().decode()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_server_joins_its_kin_and_leaves_no_trace(newline: str) -> None:
    before = OWNER.replace("\n", newline)
    after = edited(before, lambda file: file.set(("mcp_servers", "ours"), SERVER))
    kin = "    command: mine  # mine\n"
    assert after == OWNER.replace(kin, kin + OURS).replace("\n", newline)
    assert edited(after, lambda file: file.remove(("mcp_servers", "ours"))) == before


def test_a_new_file() -> None:
    file = ConfigFile.empty("yaml")
    file.set(("mcp_servers", "ours"), SERVER)
    assert file.to_bytes().decode() == "mcp_servers:\n" + OURS
    file.remove(("mcp_servers", "ours"))
    assert file.to_bytes() == b"mcp_servers: {}\n"


ADDED: list[tuple[str, str, str]] = [
    ("beside others", "s:\n    a: 1 # c\nt: 2\n", "s:\n    a: 1 # c\n    new: x\nt: 2\n"),
    ("to nothing", "s:\n  # later\nt: 2\n", "s:\n  new: x\n  # later\nt: 2\n"),
    ("to empty brackets", "s: {} # c\nt: 2\n", "s: # c\n  new: x\nt: 2\n"),
    ("in brackets", "s: {a: 1}\n", "s: {a: 1, new: x}\n"),
    ("in brackets, comma at the end", "s: {a: 1,}\n", "s: {a: 1, new: x,}\n"),
    ("in brackets of brackets", "r: {s: {}}\ns: {a: {},\n b: 1}\n", "r: {s: {}}\ns: {a: {},\n b: 1, new: x}\n"),
    ("after a text of lines", "s:\n  a: |\n    x\n\n# c\n", "s:\n  a: |\n    x\n  new: x\n\n# c\n"),
    (
        "after a text that keeps its blank lines",
        "s:\n  a: |+\n    x\n\nt: 1\n",
        "s:\n  a: |+\n    x\n\n  new: x\nt: 1\n",
    ),
    ("to a document of comments", "# c\n", "# c\ns:\n  new: x\n"),
    ("to a marked document", "---\n", "---\ns:\n  new: x\n"),
    ("to a document in brackets", "{}\n", "{s: {new: x}}\n"),
    ("without a final line end", "t: 1", "t: 1\ns:\n  new: x"),
    ("after a list that is not indented", "s:\n  a:\n  - 1\n  - 2 # c\n", "s:\n  a:\n  - 1\n  - 2 # c\n  new: x\n"),
    ("beside what is merged in", "b: &b {c: 1}\ns:\n  <<: *b\n", "b: &b {c: 1}\ns:\n  <<: *b\n  new: x\n"),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in ADDED], ids=[case[0] for case in ADDED])
def test_a_member_is_added_in_the_way_its_map_is_written(before: str, after: str) -> None:
    assert edited(before, lambda file: file.set(("s", "new"), "x")) == after


REMOVED: list[tuple[str, str, str]] = [
    (
        "a block",
        "s:\n  # about x\n  x:\n    # in\n    a: 1\n  # after\n  b: 2\n",
        "s:\n  # about x\n  # after\n  b: 2\n",
    ),
    ("the only one", "s: # c\n  x: 1\n", "s: {} # c\n"),
    ("a line with a comment", "s:\n  x: 1 # why\n  b: 2\n", "s:\n  # why\n  b: 2\n"),
    ("nothing", "s:\n  x:\n  b: 2\n", "s:\n  b: 2\n"),
    ("a text of lines", "s:\n  x: >-\n    a\n    b\n\n  b: 2\n", "s:\n\n  b: 2\n"),
    ("in brackets", "s: {x: 1, b: 2}\n", "s: {b: 2}\n"),
    ("last in brackets", "s: {b: 2, x: '#'}\n", "s: {b: 2}\n"),
    ("the only one in brackets", "s: { x: 1, }\n", "s: {}\n"),
    ("an alias", "b: &b 1\ns:\n  x: *b\n  c: 1\n", "b: &b 1\ns:\n  c: 1\n"),
    ("a quoted key of the first line", '"s": {x: 1}\nb: 2', '"s": {}\nb: 2'),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in REMOVED], ids=[case[0] for case in REMOVED])
def test_a_member_goes_and_what_is_beside_it_stays(before: str, after: str) -> None:
    assert edited(before, lambda file: file.remove(("s", "x"))) == after


def test_the_first_line_goes_whole() -> None:
    assert edited("x: 1\nb: 2\n", lambda file: file.remove(("x",))) == "b: 2\n"
    assert edited("x: 1\n", lambda file: file.remove(("x",))) == ""


REPLACED: list[tuple[str, object, str]] = [
    ("x: old # c\nb: 1\n", "new", "x: new # c\nb: 1\n"),
    ("x: # c\nb: 1\n", "new", "x: new # c\nb: 1\n"),
    ("x: |\n  a\n\nb: 1\n", "new", "x: new\n\nb: 1\n"),
    ("x: old # c\nb: 1\n", {"k": "v"}, "x: # c\n  k: v\nb: 1\n"),
    ("x: # c\n  k: v\n  # in\n  l: w\n# after\n", "new", "x: new # c\n# after\n"),
    ("x:\n- 1\n- 2\nb: 1\n", {"k": {"l": []}}, "x:\n  k:\n    l: []\nb: 1\n"),
    ("x:\n- 1\n- 2\nb: 1\n", [2], "x: [2]\nb: 1\n"),
    ("{x: old, b: 1}\n", {"k": "v"}, "{x: {k: v}, b: 1}\n"),
    ("x: *a\n", None, ""),
]


@pytest.mark.parametrize(("before", "value", "after"), REPLACED[:-1])
def test_a_value_is_replaced_where_it_stands(before: str, value: object, after: str) -> None:
    assert edited(before, lambda file: file.set(("x",), value)) == after


def test_a_map_is_brought_to_a_value_member_by_member() -> None:
    before = "s:\n  command: old # why\n  gone: 1\n  env: # mine\n    A: '1'\n"
    after = edited(before, lambda file: file.set(("s",), {"command": "new", "env": {"A": "1", "B": "2"}}))
    assert after == "s:\n  command: new # why\n  env: # mine\n    A: '1'\n    B: \"2\"\n"


LISTS: list[tuple[str, str]] = [
    ("", "l: [new]\n"),
    ("l: []\n", "l: [new]\n"),
    ("l: [a] # c\n", "l: [a, new] # c\n"),
    ("l:\n  - a # c\n# d\n", "l:\n  - a # c\n  - new\n# d\n"),
    ("l: a\n", "l: [a, new]\n"),
    ("l: [new]\n", "l: [new]\n"),
]


@pytest.mark.parametrize(("before", "after"), LISTS)
def test_an_item_joins_the_owners(before: str, after: str) -> None:
    assert edited(before, lambda file: file.add_item(("l",), "new")) == after


REFUSED: list[tuple[str, str, Callable[[ConfigFile], object]]] = [
    ("a text on the way", "a: 1\n", lambda file: file.set(("a", "b"), 1)),
    ("a list on the way", "a: [1]\n", lambda file: file.set(("a", "b"), 1)),
    ("no list", "a: {}\n", lambda file: file.add_item(("a",), 1)),
    ("an alias on the way", "b: &b {c: 1}\na: *b\n", lambda file: file.set(("a", "d"), 1)),
    ("an alias to a list", "b: &b [1]\na: *b\n", lambda file: file.add_item(("a",), 2)),
    ("what an alias stands for", "a: &a {c: 1}\nb: *a\n", lambda file: file.set(("a", "d"), 1)),
    ("an anchor that is used", "a: &a 1\nb: *a\n", lambda file: file.remove(("a",))),
    ("what is merged in", "b: &b {c: 1}\na:\n  <<: *b\n", lambda file: file.remove(("a", "c"))),
    ("what is merged in, set", "b: &b {c: 1}\na:\n  <<: *b\n", lambda file: file.set(("a", "c"), 2)),
    ("the last of a tagged map", "a: !x\n  b: 1\n", lambda file: file.remove(("a", "b"))),
    ("a tagged map in lines", "a: !x\n  b: 1\n", lambda file: file.set(("a",), 1)),
    ("an empty tagged map", "a: !x {}\n", lambda file: file.set(("a", "b"), 1)),
    ("a comment in brackets", "a: {b: 1, # c\n d: 2}\n", lambda file: file.remove(("a", "b"))),
    ("a comment in empty brackets", "a: { # c\n }\n", lambda file: file.set(("a", "b"), 1)),
    ("a key after a question mark", "? a\n: 1\nb: 2\n", lambda file: file.remove(("a",))),
    ("a closed document", "# c\n---\n...\n", lambda file: file.set(("a",), 1)),
    ("an item below its dash", "a:\n-\n  x\n", lambda file: file.add_item(("a",), "y")),
]


@pytest.mark.parametrize(("before", "edit"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_leads_elsewhere_is_refused_and_left_alone(before: str, edit: Callable[[ConfigFile], object]) -> None:
    file = ConfigFile.parse(before.encode(), "yaml", "config.yaml")
    with pytest.raises(PlatformFileError) as caught:
        edit(file)
    [problem] = caught.value.problems
    assert (problem.id, problem.file) == ("MH705", "config.yaml")
    assert problem.remedy
    assert (problem.line or 0) >= 1
    assert file.to_bytes().decode() == before


def test_a_refused_edit_says_where_the_nearest_map_is() -> None:
    file = ConfigFile.parse(b"base: &b {c: 1}\nservers:\n  ours: *b\n", "yaml", "config.yaml")
    with pytest.raises(PlatformFileError) as caught:
        file.set(("servers", "ours", "d"), 1)
    assert caught.value.place == "config.yaml:3:3"


def test_empty_maps_go_only_when_told() -> None:
    assert edited("a:\n  b: 1\nc: 1\n", lambda file: file.remove(("a", "b"), prune_empty=True)) == "c: 1\n"


def test_what_other_places_lead_to_counts() -> None:
    text = "base: &b {c: 1, d: 2}\nm: &m {d: 3}\na:\n  <<: [*m, *b]\n  e: !!str 1\n  f: !!int '7'\n  g: !env X\nh: *b\n"
    file = ConfigFile.parse(text.encode(), "yaml", "config.yaml")
    assert file.get(("a",)) == (True, {"c": 1, "d": 3, "e": "1", "f": 7, "g": "!env X"})
    assert file.get(("h", "d")) == (True, 2)


UNREADABLE: list[tuple[bytes, int, int]] = [
    (b"a: 1\nb: [1,\n", 3, 1),
    (b"a: 1\na: 2\n", 2, 1),
    (b"a: 1\r\n b: 2\r\n", 2, 3),
    (b"a: 1\n---\nb: 2\n", 2, 1),
    (b"a: *nobody\n", 1, 4),
    (b"a: \x07\n", 1, 4),
    (b"- a\n", 1, 1),
    (b"text\n", 1, 1),
    (b"a: " + b"[" * 200, 1, 103),
    (
        b"a: &a [x, x]\n"
        + b"".join(
            b"%c: &%c [*%c, *%c, *%c, *%c, *%c]\n" % (n + 1, n + 1, n, n, n, n, n) for n in range(ord("a"), ord("l"))
        ),
        1,
        11,
    ),
    (b"\xff", 1, 1),
]


@pytest.mark.parametrize(("content", "line", "column"), UNREADABLE)
def test_a_file_that_does_not_parse_says_where(content: bytes, line: int, column: int) -> None:
    with pytest.raises(PlatformFileError) as caught:
        ConfigFile.parse(content, "yaml", ".hermes/config.yaml")
    [problem] = caught.value.problems
    assert (problem.id, problem.file, problem.line, problem.column) == ("MH701", ".hermes/config.yaml", line, column)
