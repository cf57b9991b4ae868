"""Random YAML documents as people might write them: block and flow style, every kind of scalar, comments anywhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from molthub.yaml_scalars import scalar

KEYS = ["a", "b", "servers", "an odd key", "it's", 'q"t', "ключ", "1", "yes", "x: y", "- z", "#c", ""]

texts = st.one_of(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"), max_size=8
    ),
    st.sampled_from(
        ["# no comment", "[a]", "a 'b' \"c\"", "\\", "{", "},", "a: 1", "true", "null", "~", "12", "no", "- x"]
    ),
    st.sampled_from(
        ["one\ntwo\n", "x", "two words", "-y", "@x/y", "${A}", "\U0001f600", "0x1f", "1_000", "2020-01-01"]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.just(1.5), texts)
leaves = st.one_of(scalars, st.lists(scalars, max_size=3))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=8,
)
maps = st.dictionaries(st.sampled_from(KEYS), values, max_size=5)


@dataclass(frozen=True)
class YamlCase:
    """A text, its value, and for each own-line comment the pointers of the block members around it."""

    text: str
    value: dict[str, Any]
    comments: dict[str, tuple[str, ...]]


class _Writer:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.step = draw(st.sampled_from(["  ", "    "]))
        self.lines: list[str] = []
        self.comments: dict[str, tuple[str, ...]] = {}

    def between(self, indent: str, around: tuple[str, ...]) -> None:
        for _ in range(self.draw(st.integers(0, 1))):
            if self.draw(st.booleans()):
                comment = f"# no. {len(self.comments)} a: {{"
                self.comments[comment] = around
                self.lines.append(self.draw(st.sampled_from(["", indent])) + comment)
            else:
                self.lines.append("")

    def map(self, path: tuple[str, ...], value: dict[str, Any], indent: str) -> None:
        for number, (name, item) in enumerate(value.items()):
            self.between(indent, path if number or not path else (*path, "first"))
            self.member((*path, name), item, indent)

    def member(self, path: tuple[str, ...], item: Any, indent: str) -> None:
        head = f"{indent}{self.scalar(path[-1])}:"
        if isinstance(item, dict) and item and self.draw(st.booleans()):
            self.lines.append(head + self.tail())
            self.map(path, item, indent + self.step)
        elif isinstance(item, list) and item and self.draw(st.booleans()):
            self.lines.append(head + self.tail())
            inner = indent + self.draw(st.sampled_from(["", "  "]))
            self.lines += [f"{inner}- {self.flow(entry)}{self.tail()}" for entry in item]
        elif isinstance(item, str) and item == "one\ntwo\n" and self.draw(st.booleans()):
            self.lines += [f"{head} |", f"{indent}  one", f"{indent}  two"]
        elif item is None and self.draw(st.booleans()):
            self.lines.append(head + self.tail())
        else:
            self.lines.append(f"{head} {self.flow(item)}{self.tail()}")

    def tail(self) -> str:
        return self.draw(st.sampled_from(["", "", "", " # tail: x", "  "]))

    def flow(self, value: Any) -> str:
        gap = self.draw(st.sampled_from(["", " "]))
        if isinstance(value, dict):
            inner = ", ".join(f"{self.scalar(key)}: {self.flow(item)}" for key, item in value.items())
            return "{" + gap + inner + (gap if inner else "") + "}" if inner else "{}"
        if isinstance(value, list):
            return "[" + gap + ", ".join(map(self.flow, value)) + gap + "]"
        return self.scalar(value)

    def scalar(self, value: Any) -> str:
        if isinstance(value, str):
            way = self.draw(st.sampled_from(["plain", "single", "double"]))
            if way == "single" and value.isprintable():
                return "'" + value.replace("'", "''") + "'"
            if way == "double":
                return json.dumps(value, ensure_ascii=False)
        return scalar(value, in_flow=True)


@st.composite
def yaml_texts(draw: st.DrawFn) -> YamlCase:
    """Return a YAML text and its value."""
    value = draw(maps)
    writer = _Writer(draw)
    writer.map((), value, "")
    head = draw(st.sampled_from(["", "", "---\n", "# top\n", "# top\n---\n"]))
    text = head + ("\n".join(writer.lines) if "".join(writer.lines).strip() else "# nothing yet")
    text += draw(st.sampled_from(["\n", "\n", "", "\n\n", "\n# end\n"]))
    if text.rstrip().endswith("two") and not text.endswith("\n"):
        text += "\n"  # the end of a block scalar's last line is its content
    text = text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n"])))
    return YamlCase(draw(st.sampled_from(["", "\ufeff"])) + text, value, writer.comments)
