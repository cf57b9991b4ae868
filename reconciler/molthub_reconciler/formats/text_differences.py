"""How the text of one file differs: side by side, and as unified difference. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import Literal

from molthub_reconciler.formats.masked import masked

CONTEXT = 3
MAX_LINES = 4000
MAX_LINE = 2000

Kind = Literal["same", "changed", "removed", "added", "gap"]


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One file, ``path`` from the bot's home. ``has`` is its text, ``should`` what it should be; None: no such file.

    Texts are masked already. ``note`` is said instead of what cannot be shown.
    """

    path: str
    has: str | None = None
    should: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line on either side, with its number; what is not there has none."""

    kind: Kind
    has_number: int | None = None
    has: str = ""
    should_number: int | None = None
    should: str = ""


def file_difference(path: str, has: bytes | None, should: bytes | None) -> FileDifference:
    """Compare two contents of one file."""
    try:
        texts = [None if content is None else content.decode() for content in (has, should)]
    except UnicodeDecodeError:
        return FileDifference(path, note="not text")
    if any(text is not None and ("\0" in text or text.count("\n") > MAX_LINES) for text in texts):
        return FileDifference(path, note="too long to be shown, or not text")
    shown = [None if text is None else _visible(masked(text)) for text in texts]
    same = "what differs looks like a secret, and is not shown" if shown[0] == shown[1] else ""
    return FileDifference(path, shown[0], shown[1], same)


def _visible(text: str) -> str:
    """Return text in which every character that nobody sees, or that turns others around, is spelled out."""
    return "".join(
        char if char.isprintable() or char in "\t\n" else f"\\u{ord(char):04x}" for char in text.replace("\r\n", "\n")
    )


def side_by_side(difference: FileDifference) -> Iterator[Row]:
    """Yield the rows that differ, and a few around them."""
    has, should = _lines(difference.has), _lines(difference.should)
    end = 0
    for group in SequenceMatcher(None, has, should, autojunk=False).get_grouped_opcodes(CONTEXT):
        if group[0][1] > end:
            yield Row("gap")
        for tag, one, other, left, right in group:
            if tag == "equal":
                for number in range(other - one):
                    yield Row("same", one + number + 1, has[one + number], left + number + 1, should[left + number])
            else:
                yield from _changed(has, should, (one, other), (left, right))
        end = group[-1][2]
    if 0 < end < len(has):
        yield Row("gap")


def _changed(has: list[str], should: list[str], one: tuple[int, int], other: tuple[int, int]) -> Iterator[Row]:
    length = max(one[1] - one[0], other[1] - other[0])
    for number in range(length):
        left, right = one[0] + number, other[0] + number
        if left < one[1] and right < other[1]:
            yield Row("changed", left + 1, has[left], right + 1, should[right])
        elif left < one[1]:
            yield Row("removed", left + 1, has[left])
        else:
            yield Row("added", should_number=right + 1, should=should[right])


def unified(difference: FileDifference) -> str:
    """Return a unified difference from what is there to what should be."""
    has, should = _lines(difference.has), _lines(difference.should)
    before = "/dev/null" if difference.has is None else f"bot/{difference.path}"
    after = "/dev/null" if difference.should is None else f"git/{difference.path}"
    return "\n".join(unified_diff(has, should, before, after, lineterm="", n=CONTEXT))


def _lines(text: str | None) -> list[str]:
    return [line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}…" for line in (text or "").splitlines()]
