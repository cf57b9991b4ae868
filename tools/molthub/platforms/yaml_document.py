"""A YAML text as a document to be edited in place, line by line.

In block style a member takes whole lines, so that adding and removing it moves no other byte. In flow style (brackets)
members are put in and taken out between commas. Whatever leads elsewhere (aliases, merged maps, tags and anchors of
what is touched, keys after ``?``) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from molthub.model import Json
from molthub.platforms.document import InTheWayError, UnsafeEditError
from molthub.platforms.yaml_style import inline, is_block, lines
from molthub.platforms.yaml_tree import Node, Tree, read_yaml

_NEWLINE = re.compile(r"\r\n|[\n\r]")
_LINE_END = re.compile(r"(?=[\r\n])|\Z")
_ITEM_START = re.compile(r"[ ]*-[ ]+\Z")


class YamlDocument:
    """One text. It may be empty: a document without members."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def value(self) -> Json:
        """What the text says. Raises :class:`TextError`."""
        return self._tree.value

    def added(self, pointer: Sequence[str], value: Json) -> str:
        """Return the text with one member more; see :class:`~molthub.platforms.document.Document`."""
        root = self._tree.root
        if root is None or root.is_nothing:
            return self._at_end(lines(_wrapped(pointer, value), "", "  "))
        way = self._way(pointer)
        holder = way[-1][1] if way else root
        if holder.target is not None:
            raise UnsafeEditError("an alias stands on the way")
        if holder.kind != "map" and not holder.is_nothing:
            raise InTheWayError(pointer[: len(way)], "an object")
        members = _wrapped(pointer[len(way) :], value)
        if holder.members and not holder.flow:
            indent = self._indent(holder.members[-1][0].start)
            return self._after_line(holder.end, lines(members, indent, self._step))
        if holder.flow and (holder.members or not way or self._is_in_flow(way)):
            return self._with_inline(holder, members)
        return self._opened(way[-1][0], holder, members)

    def replaced(self, pointer: Sequence[str], value: Json) -> str:
        """Return the text with another value for a member."""
        way = self._whole_way(pointer)
        key, old = way[-1]
        if self._is_in_flow(way) or not (is_block(value) or self._has_lines(old)):
            written = inline(value)
            return self._text[: old.start] + (" " if old.start == old.end else "") + written + self._text[old.end :]
        return self._with_other_lines(key, old, value)

    def appended(self, pointer: Sequence[str], item: Json) -> str:
        """Return the text with one item more at the end of a list."""
        node = self._whole_way(pointer)[-1][1]
        if node.target is not None:
            raise UnsafeEditError("an alias stands there")
        if not node.items:
            return self._put(self._text.index("[", node.start) + 1, inline(item))
        last = node.items[-1]
        if node.flow:
            return self._put(last.end, f", {inline(item)}")
        prefix = self._text[self._line_start(last.start) : last.start]
        if not _ITEM_START.fullmatch(prefix):
            raise UnsafeEditError("its items do not stand on lines of their own")
        return self._after_line(last.end, [prefix + inline(item)])

    def removed(self, pointer: Sequence[str]) -> str:
        """Return the text without a member."""
        way = self._whole_way(pointer)
        holder = way[-2][1] if len(way) > 1 else self._tree.root
        if holder is None:
            raise LookupError(pointer)
        if holder.flow:
            return self._without_inline(holder, way[-1])
        text = self._without_lines(way[-1])
        if len(holder.members) > 1 or len(way) == 1:
            return text
        self._plain_around(holder)
        colon = self._colon(way[-2][0])
        return f"{text[:colon]} {{}}{text[colon:]}"

    def place(self, pointer: Sequence[str]) -> int:
        """Return where the member's key, or that of the nearest one around it, begins."""
        way = self._way(pointer)
        return way[-1][0].start if way else 0

    def is_blank(self, pointer: Sequence[str]) -> bool:
        """Whether the object at ``pointer`` is written as ``{}``, or not at all."""
        node = self._whole_way(pointer)[-1][1]
        return not node.members and "#" not in self._text[node.start : node.end]

    # --- finding ---------------------------------------------------------------------------------------------------

    @cached_property
    def _tree(self) -> Tree:
        return read_yaml(self._text)

    def _way(self, pointer: Sequence[str]) -> list[tuple[Node, Node]]:
        """Return the members that lead to ``pointer``, as far as they are there."""
        way: list[tuple[Node, Node]] = []
        node = self._tree.root
        for key in pointer:
            member = node.member(key) if node is not None else None
            if member is None:
                break
            way.append(member)
            node = member[1]
        return way

    def _whole_way(self, pointer: Sequence[str]) -> list[tuple[Node, Node]]:
        way = self._way(pointer)
        if len(way) < len(pointer):
            raise UnsafeEditError("it comes from elsewhere, by an alias or a merge key")
        return way

    def _is_in_flow(self, way: Sequence[tuple[Node, Node]]) -> bool:
        """Whether the last member of ``way`` stands in brackets."""
        holder = way[-2][1] if len(way) > 1 else self._tree.root
        return holder is not None and holder.flow

    def _has_lines(self, node: Node) -> bool:
        """Whether a value is a block of lines below its key."""
        return node.kind in ("map", "list") and not node.flow

    def _plain_around(self, holder: Node) -> None:
        """Check that the only thing between a key and its map's members is white space and comments."""
        if holder.tag or (holder.members and holder.start != holder.members[0][0].start):
            raise UnsafeEditError("it has a tag or an anchor")
        if not holder.members and not holder.is_nothing and self._text[holder.start] != "{":
            raise UnsafeEditError("it has a tag or an anchor")

    def _colon(self, key: Node) -> int:
        """Return the offset past the colon of a key in block style."""
        colon = self._text.find(":", key.end)
        if colon < 0 or self._text[key.end : colon].strip():
            raise UnsafeEditError("its key does not stand on one line with its colon")
        return colon + 1

    # --- editing ---------------------------------------------------------------------------------------------------

    def _opened(self, key: Node, holder: Node, members: dict[str, Json]) -> str:
        """Return the text with members in lines below a key that had ``{}`` or nothing."""
        self._plain_around(holder)
        inner = lines(members, self._indent(key.start) + self._step, self._step)
        if "#" in self._text[holder.start : holder.end]:
            raise UnsafeEditError("a comment stands in its brackets")
        end = holder.end
        if holder.is_nothing:
            return self._after_line(self._colon(key), inner)
        spot = self._line_end(end)
        return self._text[: self._colon(key)] + self._text[end:spot] + self._lined(inner) + self._text[spot:]

    def _with_other_lines(self, key: Node, old: Node, value: Json) -> str:
        """Return the text with another value, where one of the two takes lines; the comment of the key's line stays."""
        colon, end = self._colon(key), self._line_end(old.end)
        rest = self._text[colon : self._line_end(colon)] if self._has_lines(old) else self._text[old.end : end]
        comment = rest.strip()
        if comment and not comment.startswith("#"):
            raise UnsafeEditError("it has a tag or an anchor")
        kept = f" {comment}" if comment else ""
        if not is_block(value):
            return f"{self._text[:colon]} {inline(value)}{kept}{self._text[end:]}"
        inner = lines(value, self._indent(key.start) + self._step, self._step)
        return self._text[:colon] + kept + self._lined(inner) + self._text[end:]

    def _with_inline(self, holder: Node, members: dict[str, Json]) -> str:
        written = inline(members)[1:-1]
        if holder.members:
            return self._put(holder.members[-1][1].end, f", {written}")
        return self._put(self._text.index("{", holder.start) + 1, written)

    def _without_inline(self, holder: Node, member: tuple[Node, Node]) -> str:
        place = next(number for number, other in enumerate(holder.members) if other is member)
        key, value = member
        start, end = key.start, value.end
        if place + 1 < len(holder.members):
            end = holder.members[place + 1][0].start
        elif place:
            start = holder.members[place - 1][1].end
        else:
            start, end = self._text.index("{", holder.start) + 1, holder.end - 1
        if "#" in self._text[start : key.start] + self._text[value.end : end]:
            raise UnsafeEditError("a comment stands in its brackets")
        return self._text[:start] + self._text[end:]

    def _without_lines(self, member: tuple[Node, Node]) -> str:
        """Return the text without a member's lines; a comment behind it stays, on a line of its own."""
        key, value = member
        start = self._line_start(key.start)
        if self._text[start : key.start].strip():
            raise UnsafeEditError("it does not begin on a line of its own")
        end = self._line_end(max(value.end, self._colon(key)))
        rest = self._text[max(value.end, self._colon(key)) : end].strip()
        if rest:
            return self._text[: key.start] + rest + self._text[end:]
        if start == 0:
            newline = _NEWLINE.match(self._text, end)
            return self._text[newline.end() if newline else end :]
        before = start - 2 if self._text[start - 2 : start] == "\r\n" else start - 1
        return self._text[:before] + self._text[end:]

    # --- text ------------------------------------------------------------------------------------------------------

    @property
    def _newline(self) -> str:
        found = _NEWLINE.search(self._text)
        return found[0] if found else "\n"

    @property
    def _step(self) -> str:
        """One step of indentation: that of the first map inside another."""
        root = self._tree.root
        for _, value in root.members if root and not root.flow else ():
            if value.kind == "map" and value.members and not value.flow:
                return self._text[self._line_start(value.members[0][0].start) : value.members[0][0].start]
        return "  "

    def _at_end(self, written: Sequence[str]) -> str:
        """Put lines where a document of nothing but comments ends."""
        if self._tree.closed:
            raise UnsafeEditError("the document is closed by a line of dots")
        if not self._text:
            return "\n".join(written) + "\n"
        newline = re.search(r"(?:\r\n|[\n\r])\Z", self._text)
        end = newline.start() if newline else len(self._text)
        return self._put(end, self._lined(written))

    def _put(self, offset: int, written: str) -> str:
        return self._text[:offset] + written + self._text[offset:]

    def _after_line(self, offset: int, written: Sequence[str]) -> str:
        return self._put(self._line_end(offset), self._lined(written))

    def _lined(self, written: Sequence[str]) -> str:
        return "".join(self._newline + line for line in written)

    def _line_start(self, offset: int) -> int:
        return max(self._text.rfind("\n", 0, offset), self._text.rfind("\r", 0, offset)) + 1

    def _line_end(self, offset: int) -> int:
        found = _LINE_END.search(self._text, offset)
        return found.start() if found else len(self._text)

    def _indent(self, offset: int) -> str:
        indent = self._text[self._line_start(offset) : offset]
        if indent.strip(" "):
            raise UnsafeEditError("it does not begin on a line of its own")
        return indent


def _wrapped(keys: Sequence[str], value: Json) -> dict[str, Json]:
    """Return the object with one member that leads to ``value``."""
    for key in reversed(keys):
        value = {key: value}
    return dict(value)
