"""A TOML text as a document to be edited in place.

A table can be said in three ways, which may meet in one file: under headers (also far apart), by dotted keys, and
inline. What is added follows the way in which the table around it is said; what is removed goes wherever it stands.
A table that is there by its members alone goes with the last of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from molthub.model import Json
from molthub.platforms.document import InTheWayError, UnsafeEditError
from molthub.platforms.toml_style import dotted, inline, sections
from molthub.platforms.toml_text import Pair, Path, Section, inline_pairs, items, layout, read_toml

Span = tuple[int, int, str]
"""Where something is cut from and to, and what takes its place."""


class TomlDocument:
    """One text. It may be empty: a document without members."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def value(self) -> Json:
        """What the text says. Raises :class:`TextError`."""
        return read_toml(self._text)

    def added(self, pointer: Sequence[str], value: Json) -> str:
        """Return the text with one member more; see :class:`~molthub.platforms.document.Document`."""
        path = tuple(pointer)
        around = self._nearest(path)
        pair = self._inline_around(around)
        try:
            if pair is not None:
                return self._with_inline(pair, path, value)
            if around and not any(_is_below(section.path, around) for section in self._sections):
                return self._with_dotted(around, path, value)
            return self._with_lines(path, value)
        except ValueError as error:  # null, or half a surrogate pair
            raise UnsafeEditError(str(error)) from None

    def replaced(self, pointer: Sequence[str], value: Json) -> str:
        """Return the text with another value for a member."""
        path = tuple(pointer)
        pair = next((pair for pair in self._pairs_on_the_way(path) if pair.path == path), None)
        if pair is None:  # it is said by headers or dotted keys
            return TomlDocument(self.removed(pointer)).added(pointer, value)
        return self._text[: pair.value] + _written(value) + self._text[pair.end :]

    def appended(self, pointer: Sequence[str], item: Json) -> str:
        """Return the text with one item more at the end of a list."""
        path = tuple(pointer)
        pair = next((pair for pair in self._pairs_on_the_way(path) if pair.path == path), None)
        if pair is None:
            raise UnsafeEditError("it is an array of tables")
        spans = items(self._text, pair)
        if not spans:
            return self._put(pair.value + 1, _written(item))
        start, end = spans[-1]
        line = self._text.rfind("\n", 0, start) + 1
        indent = self._text[line:start]
        alone = line > pair.value and not indent.strip()
        return self._put(end, f",{self._newline}{indent}{_written(item)}" if alone else f", {_written(item)}")

    def removed(self, pointer: Sequence[str]) -> str:
        """Return the text without a member, wherever its parts stand."""
        text = self._text
        for start, end, instead in sorted(self._spans(tuple(pointer)), reverse=True):
            text = text[:start] + instead + text[end:]
        return text

    def place(self, pointer: Sequence[str]) -> int:
        """Return where the member's first header or key, or that of the nearest table around it, begins."""
        for depth in range(len(pointer), 0, -1):
            around = tuple(pointer[:depth])
            for section in self._sections:
                if section.path and _is_below(section.path, around):
                    return section.start
                for pair in section.pairs:
                    if _is_below(pair.path, around):
                        return pair.start
        return 0

    def is_blank(self, pointer: Sequence[str]) -> bool:
        """Whether the table at ``pointer`` is an empty header that no comment follows, or ``{}``."""
        path = tuple(pointer)
        if any(pair.path == path for pair in self._pairs_on_the_way(path)):
            return True
        section = next((section for section in self._sections if section.path == path), None)
        if section is None or any(_is_below(other.path, path) for other in self._sections if other is not section):
            return False
        following = min((other.start for other in self._sections if other.start > section.start), default=None)
        return "#" not in self._text[section.end : following]

    # --- finding ---------------------------------------------------------------------------------------------------

    @cached_property
    def _sections(self) -> tuple[Section, ...]:
        return layout(self._text)

    def _nearest(self, path: Path) -> Path:
        """Return the nearest table around a member that is missing."""
        inner = self.value
        for depth, name in enumerate(path):
            if not isinstance(inner, dict):
                raise InTheWayError(path[:depth], "an object")
            if name not in inner:
                return path[:depth]
            inner = inner[name]
        raise LookupError(path)

    def _pairs_on_the_way(self, path: Path) -> Iterator[Pair]:
        """Yield the pairs at and around ``path``, from the outside in, those of inline tables too."""
        level = [pair for section in self._sections if not section.listed for pair in section.pairs]
        while level:
            yield from (pair for pair in level if _is_below(pair.path, path))
            around = next((pair for pair in level if pair.path != path and self._holds(pair, path)), None)
            if around is None:
                return
            yield around
            level = list(inline_pairs(self._text, around))

    def _holds(self, pair: Pair, path: Path) -> bool:
        """Whether ``pair`` is an inline table around ``path``, or at it."""
        return _is_below(path, pair.path) and self._text[pair.value] == "{"

    def _inline_around(self, path: Path) -> Pair | None:
        """Return the innermost inline table that holds the table at ``path``, or is it."""
        tables = [pair for pair in self._pairs_on_the_way(path) if self._holds(pair, path)]
        return max(tables, key=lambda pair: len(pair.path), default=None)

    # --- adding ----------------------------------------------------------------------------------------------------

    def _with_inline(self, table: Pair, path: Path, value: Json) -> str:
        """Put a pair into an inline table, after the last."""
        inner = inline_pairs(self._text, table)
        written = f"{dotted(path[len(table.path) :])} = {_written(value)}"
        if inner:
            return self._put(inner[-1].end, f", {written}")
        return self._text[: table.value] + f"{{ {written} }}" + self._text[table.end :]

    def _with_dotted(self, around: Path, path: Path, value: Json) -> str:
        """Put a pair beside those that make up the table ``around`` by dotted keys."""
        pairs = [pair for section in self._sections for pair in section.pairs if _is_below(pair.path, around)]
        last = pairs[-1]
        written = dotted(path[len(last.path) - last.keys :])
        return self._after_line(last.end, f"{self._newline}{self._indent(last.start)}{written} = {_written(value)}")

    def _with_lines(self, path: Path, value: Json) -> str:
        """Put a table under a header of its own, and anything else below the nearest header there is.

        A header made for one pair would be left over when the pair goes, so its keys are dotted instead.
        """
        if isinstance(value, dict):
            return self._with_section(path, sections(path, value, self._newline))
        holders = [part for part in self._sections if _is_below(path[:-1], part.path)]
        section = max(holders, key=lambda part: len(part.path))
        written = f"{dotted(path[len(section.path) :])} = {_written(value)}"
        if section.pairs or section.path:
            indent = self._indent(section.pairs[-1].start) if section.pairs else ""
            return self._after_line(section.last, f"{self._newline}{indent}{written}")
        if len(self._sections) > 1:  # the root's pairs stand before all headers
            return f"{written}{self._newline}{self._text}"
        return self._at_end(written, between=1)

    def _with_section(self, path: Path, written: str) -> str:
        """Put a section behind the last one of its kin, or at the end."""
        for depth in range(len(path) - 1, 0, -1):
            kin = [section for section in self._sections if _is_below(section.path, path[:depth])]
            if kin:
                return self._after_line(kin[-1].last, f"{self._newline * 2}{written}")
        return self._at_end(written, between=2)

    def _at_end(self, written: str, *, between: int) -> str:
        if not self._text:
            return written + "\n"
        end = len(self._text)
        if self._text.endswith("\n"):
            end -= 2 if self._text.endswith("\r\n") else 1
        return self._put(end, self._newline * between + written)

    # --- removing --------------------------------------------------------------------------------------------------

    def _spans(self, path: Path) -> Iterator[Span]:
        """Yield what to cut so that nothing of ``path`` is left."""
        for section in self._sections:
            if _is_below(section.path, path):
                yield self._whole_lines(section.start, self._line_end(section.last), blank_before=True)
                continue
            for pair in section.pairs:
                if _is_below(pair.path, path):
                    yield self._line_of(pair)
                elif self._holds(pair, path):
                    yield from self._inline_spans(pair, path)

    def _inline_spans(self, table: Pair, path: Path) -> Iterator[Span]:
        pairs = inline_pairs(self._text, table)
        gone = [_is_below(pair.path, path) for pair in pairs]
        if pairs and all(gone):
            yield (table.value, table.end, "{}")
            return
        for number, pair in enumerate(pairs):
            if not gone[number]:
                if self._holds(pair, path):
                    yield from self._inline_spans(pair, path)
            elif not all(gone[number:]):
                yield (pair.start, pairs[number + 1].start, "")
            else:  # with the comma before it; of several at the end, each takes its own
                yield (pairs[number - 1].end, pair.end, "")

    def _line_of(self, pair: Pair) -> Span:
        """Return the cut of a pair's line; a comment behind it stays, on a line of its own."""
        end = self._line_end(pair.end)
        comment = self._text[pair.end : end].strip()
        return (pair.start, end, comment) if comment else self._whole_lines(pair.start, end, blank_before=False)

    def _whole_lines(self, start: int, end: int, *, blank_before: bool) -> Span:
        """Return the cut of whole lines: with the line end before them, and with one blank line that sets them off."""
        line = self._text.rfind("\n", 0, start) + 1
        if line == 0:
            after = self._text.find("\n", end)
            return (0, len(self._text) if after < 0 else after + 1, "")
        begin = _before_newline(self._text, line)
        if blank_before and self._text[:begin].endswith("\n"):
            begin = _before_newline(self._text, begin)
        return (begin, end, "")

    # --- text ------------------------------------------------------------------------------------------------------

    @property
    def _newline(self) -> str:
        first = self._text.find("\n")
        return "\r\n" if first > 0 and self._text[first - 1] == "\r" else "\n"

    def _put(self, offset: int, written: str) -> str:
        return self._text[:offset] + written + self._text[offset:]

    def _after_line(self, offset: int, written: str) -> str:
        return self._put(self._line_end(offset), written)

    def _line_end(self, offset: int) -> int:
        """Return where the line of ``offset`` ends, before its line end."""
        end = self._text.find("\n", offset)
        if end < 0:
            return len(self._text)
        return end - 1 if self._text[end - 1] == "\r" and end > offset else end

    def _indent(self, offset: int) -> str:
        return self._text[self._text.rfind("\n", 0, offset) + 1 : offset]


def _is_below(path: Path, around: Path) -> bool:
    """Whether ``path`` is ``around`` or leads further in."""
    return path[: len(around)] == around


def _before_newline(text: str, start: int) -> int:
    """Return the end of the line before the one that begins at ``start``."""
    return start - 2 if text[start - 2 : start] == "\r\n" else start - 1


def _written(value: Json) -> str:
    try:
        return inline(value)
    except ValueError as error:
        raise UnsafeEditError(str(error)) from None
