"""One edit of one object or array in a JSON or JSON5 text: a member put in, replaced or taken out.

Each function takes a text and returns the edited one. What is inserted at the end of a block by :func:`with_member`,
:func:`without_member` takes out again to the same bytes.
"""

from __future__ import annotations

from molthub.model import Json
from molthub.platforms.json_style import Style
from molthub.platforms.json_text import NEWLINES, TOKEN, Block, Member


def with_value(text: str, around: Block, member: Member, value: Json, style: Style) -> str:
    """Return ``text`` with another value for ``member`` of the block ``around``."""
    written = style.value(value, _line_indent(text, member.start) if _has_lines(text, around) else None)
    return text[: member.value] + written + text[member.end :]


def with_member(text: str, into: Block, key: str | None, value: Json, style: Style, *, lines: bool) -> str:
    """Return ``text`` with one member (an item, where ``key`` is None) more at the end of the block ``into``.

    ``lines`` says whether an empty block opens up into lines.
    """
    if into.members:
        return _with_next(text, into, key, value, style)
    return _with_first(text, into, key, value, style, lines=lines)


def without_member(text: str, around: Block, member: Member) -> str:
    """Return ``text`` without one member of the block ``around``; comments beside it stay."""
    place = around.members.index(member)
    before = around.members[place - 1].comma if place else None
    tail = member.comma if member.comma is not None and not _has_comment(text, member.end, member.comma) else None
    end = member.end if tail is None else tail + 1
    kept = text[end:]
    if member.comma is not None and tail is None:
        kept = text[end : member.comma] + text[member.comma + 1 :]
    start = _cut_start(text, member.start, end, around)
    if start == member.start == around.start + 1:
        kept = kept.lstrip(" \t")
    head = text[:start]
    if member.comma is None and before is not None:  # what is last now was not: the comma before was a separator
        head = text[:before] + text[before + 1 : start]
    if len(around.members) == 1 and not (head[around.start + 1 :] + kept[: around.end - 1 - end]).strip():
        return text[: around.start + 1] + text[around.end - 1 :]
    return head + kept


def _with_next(text: str, into: Block, key: str | None, value: Json, style: Style) -> str:
    last = into.members[-1]
    after = last.end if last.comma is None else last.comma + 1
    separator, ending = (",", "") if last.comma is None else ("", ",")
    if not _stands_alone(text, last.start):
        written = style.member(key, value, _line_indent(text, last.start) if _has_lines(text, into) else None)
        return f"{text[:after]}{separator} {written}{ending}{text[after:]}"
    indent = _line_indent(text, last.start)
    spot = _end_of_line_comments(text, after)
    written = style.newline + indent + style.member(key, value, indent) + ending
    return text[:after] + separator + text[after:spot] + written + text[spot:]


def _with_first(text: str, into: Block, key: str | None, value: Json, style: Style, *, lines: bool) -> str:
    inner = text[into.start + 1 : into.end - 1]
    base = _line_indent(text, into.start)
    if not inner.strip():
        if not lines:
            return text[: into.start + 1] + style.member(key, value, None) + text[into.end - 1 :]
        indent = base + style.step
        written = style.newline + indent + style.member(key, value, indent) + style.newline + base
        return text[: into.start + 1] + written + text[into.end - 1 :]
    comments = [t for t in TOKEN.finditer(text, into.start + 1, into.end - 1) if t.lastgroup != "space"]
    spot = comments[-1].end() if comments else into.start + 1
    if not any(newline in inner for newline in NEWLINES):
        return f"{text[:spot]} {style.member(key, value, None)}{text[spot:]}"
    indent = base + style.step
    return text[:spot] + style.newline + indent + style.member(key, value, indent) + text[spot:]


def _cut_start(text: str, start: int, end: int, around: Block) -> int:
    """Return where a cut that ends at ``end`` begins, so that the member's own white space goes with it."""
    before = len(text[:start].rstrip())
    if not _stands_alone(text, start):
        return before
    rest = _rest_of_line(text, end)
    if not rest.strip():
        return _before_newline(text, _line_start(text, start))
    closes = end + len(rest) - len(rest.lstrip()) == around.end - 1
    return before if closes and not _ends_in_line_comment(text, around.start, before) else start


def _ends_in_line_comment(text: str, start: int, end: int) -> bool:
    kinds = [token.lastgroup for token in TOKEN.finditer(text, start, end)]
    return kinds[-1:] == ["line"]


def _end_of_line_comments(text: str, offset: int) -> int:
    """Return where the comments end that begin on the line of ``offset``, after it."""
    for token in TOKEN.finditer(text, offset):
        if token.lastgroup in ("line", "comment"):
            offset = token.end()
        elif token.lastgroup != "space" or any(newline in token[0] for newline in NEWLINES):
            break
    return offset


def _has_comment(text: str, start: int, end: int) -> bool:
    return bool(text[start:end].strip())


def _has_lines(text: str, part: Block) -> bool:
    return any(newline in text[part.start : part.end] for newline in NEWLINES)


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind(newline, 0, offset) for newline in NEWLINES) + 1


def _before_newline(text: str, start: int) -> int:
    """Return the end of the line before the one that begins at ``start``."""
    return start - 2 if text[start - 2 : start] == "\r\n" else start - 1


def _rest_of_line(text: str, offset: int) -> str:
    ends = [end for newline in NEWLINES if (end := text.find(newline, offset)) >= 0]
    return text[offset : min(ends, default=len(text))]


def _line_indent(text: str, offset: int) -> str:
    line = text[_line_start(text, offset) : offset]
    return line[: len(line) - len(line.lstrip())]


def _stands_alone(text: str, offset: int) -> bool:
    """Whether ``offset`` is the first thing on a line that is not the text's first."""
    start = _line_start(text, offset)
    return start > 0 and not text[start:offset].strip()
