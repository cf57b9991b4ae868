"""Edits of a JSON or JSON5 file that somebody else edits too.

The law: whatever is outside a touched member stays byte for byte, comments, order, indentation, line ends, byte order
mark and final newline included. A member that was added and is removed again leaves no trace; white space inside an
object that is empty in the end is all that may go.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from molthub.errors import PlatformFileError, Problem
from molthub.model import Json
from molthub.platforms.base import FileFormat
from molthub.platforms.json_edit import with_member, with_value, without_member
from molthub.platforms.json_style import Style
from molthub.platforms.json_text import (
    NEWLINES,
    Block,
    JsonTextError,
    Member,
    after_silent,
    block,
    read_json,
    read_json5,
)

_BOM = "\ufeff"


class ConfigFile:
    """One file of an agent program, as text that is edited in place. It reads and writes no disk."""

    def __init__(self, text: str, file_format: FileFormat, where: str) -> None:
        """Take a text whose outermost value is an object; :meth:`parse` and :meth:`empty` see to that."""
        self._bom = _BOM if text.startswith(_BOM) else ""
        self._text = text.removeprefix(_BOM)
        self._format = file_format
        self._where = where

    @classmethod
    def parse(cls, content: bytes, file_format: FileFormat, where: str) -> ConfigFile:
        """Read a file. One of nothing but white space counts as an empty object: there is nothing to lose.

        Raises :class:`PlatformFileError` with a problem MH701 that says line and column.
        """
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            read = content[: error.start].decode()
            raise _unreadable(read, len(read), "the bytes here are not UTF-8", where) from None
        if not text.removeprefix(_BOM).strip():
            return cls.empty(file_format, where)
        file = cls(text, file_format, where)
        if not isinstance(file.value, dict):
            raise _unreadable(text, 0, "the outermost value is not an object", where)
        return file

    @classmethod
    def empty(cls, file_format: FileFormat, where: str = "") -> ConfigFile:
        """Return the file that does not exist yet."""
        return cls("{}\n", file_format, where)

    @property
    def value(self) -> Json:
        """What the file says. Raises :class:`PlatformFileError` (MH701) when it does not parse."""
        return self._parsed[0]

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        return (self._bom + self._text).encode()

    def get(self, pointer: Sequence[str]) -> tuple[bool, Json]:
        """Return whether there is a member at ``pointer`` (object keys from the outside in), and its value."""
        value = self.value
        for key in pointer:
            if not isinstance(value, dict) or key not in value:
                return False, None
            value = value[key]
        return True, value

    def set(self, pointer: Sequence[str], value: Json) -> None:
        """Make the member at ``pointer`` hold ``value``, with the objects that lead to it.

        A member that holds it already is not touched; where both are objects, only the members that differ are.
        Raises :class:`PlatformFileError` (MH705) where something else than an object stands on the way.
        """
        found, present = self.get(pointer)
        if not found:
            self._add(pointer, value)
        elif same(present, value):
            return
        elif isinstance(present, dict) and isinstance(value, dict):
            for key in [key for key in present if key not in value]:
                self.remove((*pointer, key))
            for key, item in value.items():
                self.set((*pointer, key), item)
        else:
            around, member = self._member(pointer)
            self._become(with_value(self._text, around, member, value, self._style(around)))

    def add_item(self, pointer: Sequence[str], item: Json) -> None:
        """Make the list at ``pointer`` hold ``item``: at its end, unless it is there. A missing list is made.

        A plain text that stands there becomes the list's first item. Raises :class:`PlatformFileError` (MH705) where
        something else does.
        """
        found, present = self.get(pointer)
        if not found:
            self._add(pointer, [item])
        elif isinstance(present, str):
            if present != item:
                self.set(pointer, [present, item])
        elif not isinstance(present, list):
            raise self._in_the_way(pointer, "a list")
        elif not any(same(other, item) for other in present):
            items = self._block(self._member(pointer)[1].value)
            lines = not self._is_one_line
            self._become(with_member(self._text, items, None, item, self._style(items), lines=lines))

    def remove(self, pointer: Sequence[str], *, prune_empty: bool = False) -> bool:
        """Take the member at ``pointer`` away, duplicates of it too, and return whether there was one.

        With ``prune_empty``, the objects around it go as well that hold nothing any more, not even a comment.
        """
        removed = False
        while self.get(pointer)[0]:
            around, member = self._member(pointer)
            self._become(without_member(self._text, around, member))
            removed = True
        parent = pointer[:-1]
        if removed and prune_empty and parent and self._is_blank(parent):
            self.remove(parent, prune_empty=True)
        return removed

    def _add(self, pointer: Sequence[str], value: Json) -> None:
        """Add a member that is missing, and what is missing of the objects around it."""
        into, depth = self._root, 0
        while (member := into.member(pointer[depth])) is not None:
            depth += 1
            if self._text[member.value] != "{":
                raise self._in_the_way(pointer[:depth], "an object")
            into = self._block(member.value)
        for key in reversed(pointer[depth + 1 :]):
            value = {key: value}
        lines = depth == 0 or not self._is_one_line
        self._become(with_member(self._text, into, pointer[depth], value, self._style(into), lines=lines))

    def _member(self, pointer: Sequence[str]) -> tuple[Block, Member]:
        """Return a member that was found by :meth:`get`, and the object around it."""
        around = self._root
        for depth, key in enumerate(pointer, 1):
            member = around.member(key)
            if member is None:
                break
            if depth == len(pointer):
                return around, member
            around = self._block(member.value)
        raise LookupError(pointer)

    def _become(self, text: str) -> None:
        self._text = text
        for cached in ("_parsed", "_root"):
            self.__dict__.pop(cached, None)

    @cached_property
    def _parsed(self) -> tuple[Json, bool]:
        """The value, and whether the text is strict JSON."""
        try:
            return read_json(self._text), True
        except JsonTextError as error:
            problem = error
        if self._format in ("json5", "jsonc"):
            try:
                return read_json5(self._text), False
            except JsonTextError as error:
                problem = error
        raise _unreadable(self._text, problem.offset, problem.message, self._where)

    @cached_property
    def _root(self) -> Block:
        return self._block(after_silent(self._text, 0))

    def _block(self, start: int) -> Block:
        return block(self._text, start, strict=self._parsed[1])

    def _style(self, around: Block) -> Style:
        """Return the file's style, with keys quoted as the nearest one is."""
        first = next((part.members[0] for part in (around, self._root) if part.members), None)
        bare = self._format == "json5" and first is not None and self._text[first.start] not in "\"'{["
        return Style.of(self._text, quoted=not bare)

    @property
    def _is_one_line(self) -> bool:
        root = self._root
        return bool(root.members) and not any(newline in self._text[root.start : root.end] for newline in NEWLINES)

    def _is_blank(self, pointer: Sequence[str]) -> bool:
        part = self._block(self._member(pointer)[1].value)
        return not self._text[part.start + 1 : part.end - 1].strip()

    def _in_the_way(self, pointer: Sequence[str], wanted: str) -> PlatformFileError:
        from molthub.yaml_text import pointer_text

        at = pointer_text(tuple(pointer))
        message = f"{at} is no {wanted.partition(' ')[2]}, but molthub has to write there"
        remedy = f"make it {wanted}, or move it elsewhere"
        problem = Problem("MH705", message, remedy, file=self._where or None, at=at)
        return PlatformFileError(message, place=self._where, remedy=remedy, problems=[problem])


def same(left: Json, right: Json) -> bool:
    """Whether two JSON values are equal: 1 and 1.0 are, 1 and true are not, members have no order."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _unreadable(text: str, offset: int, message: str, where: str) -> PlatformFileError:
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    remedy = "mend the file; it was left as it is"
    said = f"the file does not parse: {message[:1].lower()}{message[1:]}"
    problem = Problem("MH701", said, remedy, file=where or None, line=line, column=column)
    return PlatformFileError(said, place=problem.place, remedy=remedy, problems=[problem])
