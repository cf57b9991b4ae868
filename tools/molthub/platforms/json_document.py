"""A JSON or JSON5 text as a document to be edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from molthub.model import Json
from molthub.platforms.base import FileFormat
from molthub.platforms.document import InTheWayError
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
    read_jsonc,
)

EMPTY = "{}\n"
"""The text of a file that does not exist yet."""


class JsonDocument:
    """One text whose outermost value is an object.

    What is no strict JSON is read as what ``file_format`` says; in JSON5, keys are written without quotes where the
    text does.
    """

    def __init__(self, text: str, file_format: FileFormat) -> None:
        self._text = text
        self._relaxed = {"json5": read_json5, "jsonc": read_jsonc}.get(file_format)
        self._bare_keys = file_format == "json5"

    @property
    def value(self) -> Json:
        """What the text says; of duplicate keys the last. Raises :class:`JsonTextError`."""
        return self._parsed[0]

    def added(self, pointer: Sequence[str], value: Json) -> str:
        """Return the text with one member more; see :class:`~molthub.platforms.document.Document`."""
        into, depth = self._root, 0
        while (member := into.member(pointer[depth])) is not None:
            depth += 1
            if self._text[member.value] != "{":
                raise InTheWayError(pointer[:depth], "an object")
            into = self._block(member.value)
        for key in reversed(pointer[depth + 1 :]):
            value = {key: value}
        lines = depth == 0 or not self._is_one_line
        return with_member(self._text, into, pointer[depth], value, self._style(into), lines=lines)

    def replaced(self, pointer: Sequence[str], value: Json) -> str:
        """Return the text with another value for a member."""
        around, member = self._member(pointer)
        return with_value(self._text, around, member, value, self._style(around))

    def appended(self, pointer: Sequence[str], item: Json) -> str:
        """Return the text with one item more at the end of a list."""
        items = self._block(self._member(pointer)[1].value)
        return with_member(self._text, items, None, item, self._style(items), lines=not self._is_one_line)

    def removed(self, pointer: Sequence[str]) -> str:
        """Return the text without a member; of duplicates the one that counts goes."""
        return without_member(self._text, *self._member(pointer))

    def place(self, pointer: Sequence[str]) -> int:
        """Return where the member, or the nearest one around it, begins."""
        around, start = self._root, self._root.start
        for key in pointer:
            member = around.member(key)
            if member is None:
                break
            start = member.start
            if self._text[member.value] != "{":
                break
            around = self._block(member.value)
        return start

    def is_blank(self, pointer: Sequence[str]) -> bool:
        """Whether the object at ``pointer`` holds nothing, not even a comment."""
        part = self._block(self._member(pointer)[1].value)
        return not self._text[part.start + 1 : part.end - 1].strip()

    @cached_property
    def _parsed(self) -> tuple[Json, bool]:
        """The value, and whether the text is strict JSON."""
        try:
            return read_json(self._text), True
        except JsonTextError as error:
            if self._relaxed is None:
                raise _told_apart(self._text, error) from None
        return self._relaxed(self._text), False

    @cached_property
    def _root(self) -> Block:
        return self._block(after_silent(self._text, 0))

    def _member(self, pointer: Sequence[str]) -> tuple[Block, Member]:
        """Return a member that is there, and the object around it."""
        around = self._root
        for depth, key in enumerate(pointer, 1):
            member = around.member(key)
            if member is None:
                break
            if depth == len(pointer):
                return around, member
            around = self._block(member.value)
        raise LookupError(pointer)

    def _block(self, start: int) -> Block:
        return block(self._text, start, strict=self._parsed[1])

    def _style(self, around: Block) -> Style:
        """Return the text's style, with keys quoted as the nearest one is."""
        first = next((part.members[0] for part in (around, self._root) if part.members), None)
        bare = self._bare_keys and first is not None and self._text[first.start] not in "\"'{["
        return Style.of(self._text, quoted=not bare)

    @property
    def _is_one_line(self) -> bool:
        root = self._root
        return bool(root.members) and not any(newline in self._text[root.start : root.end] for newline in NEWLINES)


def _told_apart(text: str, error: JsonTextError) -> JsonTextError:
    """Return why a text is no strict JSON, as people who are used to more lenient programs understand it."""
    try:
        read_jsonc(text)
    except JsonTextError:
        return error
    said = "here is a comment, or a comma too many, and the program that reads this file knows neither"
    return JsonTextError(said, error.offset)
