"""Random TOML documents as people might write them: each table under a header, by dotted keys or inline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

KEYS = ["a", "b", "servers", "an odd key", "it's", 'q"t', "ключ", "1", "a.b", "x#y"]
LISTED = "listed tables"

scalars = st.one_of(
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["# no comment", "[a]", "a 'b' \"c\"", "\\", "{", "},", "\x7f", "\U0001f600", "a = 1", "x\ny", '"""']
    ),
)
leaves = st.one_of(scalars, st.lists(scalars, max_size=3))
values = st.recursive(
    leaves, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), max_leaves=8
)  # fmt: skip
tables = st.dictionaries(st.sampled_from(KEYS), values, max_size=5)


@dataclass(frozen=True)
class TomlCase:
    """A text, its value, and the section in which each own-line comment stands, unless it is before a header."""

    text: str
    value: dict[str, Any]
    comments: dict[str, tuple[str, ...] | None]


class _Writer:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.comments: dict[str, tuple[str, ...] | None] = {}
        self.waiting: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def line(self, written: str, section: tuple[str, ...] | None) -> None:
        for _ in range(self.draw(st.integers(0, 1))):
            if self.draw(st.booleans()):
                comment = f"# no. {len(self.comments)} [x] = {{"
                self.comments[comment] = section
                self.lines.append(self.draw(st.sampled_from(["", "  "])) + comment)
            else:
                self.lines.append("")
        self.lines.append(
            self.draw(st.sampled_from(["", "", "  "])) + written + self.draw(st.sampled_from(["", "", " # tail"]))
        )

    def table(self, path: tuple[str, ...], table: dict[str, Any]) -> None:
        """Write the pairs of a table whose header stands above, and remember those that get their own."""
        for name, item in table.items():
            way = self.draw(st.sampled_from(["header", "dotted", "inline"]))
            if not isinstance(item, dict) or way == "inline" or (way == "dotted" and not item):
                self.line(f"{self.key(name)} = {self.inline(item)}", path)
            elif way == "dotted":
                for inner, value in item.items():
                    self.line(f"{self.key(name)} . {self.key(inner)}={self.inline(value)}", path)
            else:
                self.waiting.append(((*path, name), item))

    def section(self, path: tuple[str, ...], table: dict[str, Any]) -> None:
        only_tables = bool(table) and all(isinstance(item, dict) for item in table.values())
        if only_tables and self.draw(st.booleans()):
            self.waiting += [((*path, name), item) for name, item in table.items()]
            return
        self.line(f"[{'.'.join(map(self.key, path))}]", None)
        self.table(path, table)

    def key(self, name: str) -> str:
        bare = name.isascii() and name.isalnum()
        return name if bare and self.draw(st.booleans()) else self.string(name)

    def inline(self, value: Any) -> str:
        gap = self.draw(st.sampled_from(["", " "]))
        if isinstance(value, dict):
            return (
                "{"
                + gap
                + ", ".join(f"{self.key(name)} = {self.inline(item)}" for name, item in value.items())
                + gap
                + "}"
            )
        if isinstance(value, list):
            between = self.draw(st.sampled_from([", ", ",\n  ", ", # [x\n"]))
            return "[" + gap + between.join(map(self.inline, value)) + gap + "]"
        return (
            self.string(value)
            if isinstance(value, str)
            else json.dumps(value)
            if not isinstance(value, float)
            else repr(value)
        )

    def string(self, text: str) -> str:
        if text.isprintable() and "'" not in text and self.draw(st.booleans()):
            return f"'{text}'"
        return (
            json.dumps(text).replace("\x7f", "\\u007f")
            if text.isascii()
            else json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
        )


@st.composite
def toml_texts(draw: st.DrawFn) -> TomlCase:
    """Return a TOML text and its value."""
    value: dict[str, Any] = draw(tables)
    writer = _Writer(draw)
    writer.table((), value)
    waiting, writer.waiting = writer.waiting, []
    while waiting:
        path, table = waiting.pop(draw(st.integers(0, len(waiting) - 1)))
        writer.section(path, table)
        waiting += writer.waiting
        writer.waiting = []
        if draw(st.integers(0, 9)) == 0:
            value[LISTED] = [*value.get(LISTED, []), {"name": "x"}]
            writer.line(f'[["{LISTED}"]]', None)
            writer.line('name = "x"', ())
    lines = writer.lines if any(writer.lines) else ["# nothing yet"]
    text = "\n".join(lines) + draw(st.sampled_from(["\n", "\n", "", "\n\n", "\n# end\n"]))
    return TomlCase(
        draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))),
        value,
        writer.comments,
    )
