"""Edits of a file that an agent program, its owner and molthub all edit: JSON, JSON5, TOML or YAML.

The law: whatever is outside a touched member stays byte for byte, comments, order, indentation, line ends, byte order
mark and final newline included. A member that was added and is removed again leaves no trace; white space inside an
object that is empty in the end is all that may go. Texts are edited at the places that their format's reader finds,
never written anew from values. TOML and YAML can say one thing in many ways, so there every edit is read again before
it counts: where anything else would have changed, the file is left as it was and the member refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from molthub.errors import PlatformFileError, Problem
from molthub.model import Json
from molthub.platforms.base import FileFormat
from molthub.platforms.document import Document, InTheWayError, TextError, UnsafeEditError

_BOM = "\ufeff"
_CHECKED: frozenset[FileFormat] = frozenset({"toml", "yaml"})


class ConfigFile:
    """One file of an agent program, as text that is edited in place. It reads and writes no disk."""

    def __init__(self, text: str, file_format: FileFormat, where: str) -> None:
        """Take a text whose outermost value is an object; :meth:`parse` and :meth:`empty` see to that."""
        self._bom = _BOM if text.startswith(_BOM) else ""
        self._text = text.removeprefix(_BOM)
        self._format = file_format
        self._where = where
        self._document = _document(self._text, file_format)

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
        from molthub.platforms.json_document import EMPTY

        return cls("" if file_format in _CHECKED else EMPTY, file_format, where)

    @property
    def value(self) -> Json:
        """What the file says. Raises :class:`PlatformFileError` (MH701) when it does not parse."""
        try:
            return self._document.value
        except TextError as error:
            raise _unreadable(self._text, error.offset, error.message, self._where) from None

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
        Raises :class:`PlatformFileError` (MH705) where something else than an object stands on the way, or where the
        file's layout admits no such edit that touches nothing else. The file is then as it was.
        """
        before = self._text
        try:
            self._set(pointer, value)
        except (InTheWayError, UnsafeEditError) as error:
            self._become(before)
            self._refuse(error, pointer)

    def add_item(self, pointer: Sequence[str], item: Json) -> None:
        """Make the list at ``pointer`` hold ``item``: at its end, unless it is there. A missing list is made.

        A plain text that stands there becomes the list's first item. Raises :class:`PlatformFileError` (MH705) where
        something else does.
        """
        found, present = self.get(pointer)
        if not found:
            self.set(pointer, [item])
        elif isinstance(present, str):
            if present != item:
                self.set(pointer, [present, item])
        elif not isinstance(present, list):
            self._refuse(InTheWayError(pointer, "a list"), pointer)
        elif not any(same(other, item) for other in present):
            try:
                self._check(self._document.appended(pointer, item), _with(self.value, pointer, [*present, item]))
            except UnsafeEditError as error:
                self._refuse(error, pointer)

    def remove(self, pointer: Sequence[str], *, prune_empty: bool = False) -> bool:
        """Take the member at ``pointer`` away, duplicates of it too, and return whether there was one.

        With ``prune_empty``, the objects around it go as well that hold nothing any more, not even a comment. Raises
        :class:`PlatformFileError` (MH705) like :meth:`set`.
        """
        before = self._text
        try:
            removed = self._remove(pointer)
            parent = pointer[:-1]
            while removed and prune_empty and parent and self.get(parent)[0] and self._document.is_blank(parent):
                self._remove(parent)
                parent = parent[:-1]
        except UnsafeEditError as error:
            self._become(before)
            self._refuse(error, pointer)
        return removed

    def _set(self, pointer: Sequence[str], value: Json) -> None:
        found, present = self.get(pointer)
        if found and same(present, value):
            return
        if isinstance(present, dict) and isinstance(value, dict):
            for key, item in value.items():
                self._set((*pointer, key), item)
            for key in [key for key in present if key not in value]:
                self._remove((*pointer, key))
            found = self.get(pointer)[0]  # a TOML table may be there by its members alone
            if found:
                return
        edit = self._document.replaced if found else self._document.added
        self._check(edit(pointer, value), _with(self.value, pointer, value))

    def _remove(self, pointer: Sequence[str]) -> bool:
        removed = False
        while self.get(pointer)[0]:
            wanted = None if self._format not in _CHECKED else _without(self.value, pointer)
            self._check(self._document.removed(pointer), wanted, pointer[:-1])
            removed = True
        return removed

    def _check(self, text: str, wanted: Json, vanishing: Sequence[str] = ()) -> None:
        """Take an edited text if it says what is ``wanted``; objects on the way to ``vanishing`` may be missing."""
        if self._format in _CHECKED:
            try:
                value = _document(text, self._format).value
            except TextError:
                value = None
            if not same(value, wanted) and not same(_pruned(value, vanishing), _pruned(wanted, vanishing)):
                raise UnsafeEditError("the way in which it is written there leads to other parts of the file")
        self._become(text)

    def _become(self, text: str) -> None:
        self._text = text
        self._document = _document(text, self._format)

    def _refuse(self, error: InTheWayError | UnsafeEditError, pointer: Sequence[str]) -> NoReturn:
        from molthub.yaml_text import pointer_text

        if isinstance(error, InTheWayError):
            place, at = error.pointer, pointer_text(error.pointer)
            message = f"{at} is no {error.wanted.partition(' ')[2]}, but molthub has to write there"
            remedy = f"make it {error.wanted}, or move it elsewhere"
        else:
            place, at = tuple(pointer), pointer_text(tuple(pointer))
            message = f"{at} cannot be edited: {error}"
            remedy = "write it out in the plain way, without anchors, aliases and brackets around it"
        line, column = _line_and_column(self._text, self._document.place(place))
        problem = Problem("MH705", message, remedy, file=self._where or None, line=line, column=column, at=at)
        raise PlatformFileError(message, place=problem.place, remedy=remedy, problems=[problem]) from None


def _document(text: str, file_format: FileFormat) -> Document:
    if file_format == "toml":
        from molthub.platforms.toml_document import TomlDocument

        return TomlDocument(text)
    if file_format == "yaml":
        from molthub.platforms.yaml_document import YamlDocument

        return YamlDocument(text)
    from molthub.platforms.json_document import JsonDocument

    return JsonDocument(text, file_format)


def same(left: Json, right: Json) -> bool:
    """Whether two JSON values are equal: 1 and 1.0 are, 1 and true are not, members have no order."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    if left != left and right != right:  # noqa: PLR0124 (not-a-number)
        return True
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _with(value: Json, pointer: Sequence[str], item: Json) -> Json:
    if not pointer:
        return item
    held = value if isinstance(value, dict) else {}
    return {**held, pointer[0]: _with(held.get(pointer[0]), pointer[1:], item)}


def _without(value: Json, pointer: Sequence[str]) -> Json:
    key, *rest = pointer
    if rest:
        return {**value, key: _without(value[key], rest)}
    return {other: item for other, item in value.items() if other != key}


def _pruned(value: Json, pointer: Sequence[str]) -> Json:
    """Return a value without the empty objects at the end of ``pointer``."""
    if not pointer or not isinstance(value, dict) or pointer[0] not in value:
        return value
    inner = _pruned(value[pointer[0]], pointer[1:])
    return _without(value, pointer[:1]) if inner == {} else {**value, pointer[0]: inner}


def _unreadable(text: str, offset: int, message: str, where: str) -> PlatformFileError:
    line, column = _line_and_column(text, offset)
    remedy = "mend the file; it was left as it is"
    said = f"the file does not parse: {message[:1].lower()}{message[1:]}"
    problem = Problem("MH701", said, remedy, file=where or None, line=line, column=column)
    return PlatformFileError(said, place=problem.place, remedy=remedy, problems=[problem])


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
