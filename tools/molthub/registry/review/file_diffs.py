"""A file's change as lines that people read: a unified diff, or why there is none. Pure."""

from __future__ import annotations

from collections.abc import Collection
from difflib import unified_diff

from molthub.registry.review.new_versions import FileChange

MAX_BYTES = 200_000
MAX_LINES = 2000
"""Beyond these a file is compared by size alone: comparing long files line by line takes quadratic time."""

HIDDEN = "(this line is left out: it looks like a credential)"


def file_diff(change: FileChange, *, secret_lines: Collection[int] = ()) -> list[str]:
    """Return the lines of a unified diff with three lines of context, or one line that says why there is none.

    ``secret_lines`` are lines of the file after the change whose text is not repeated.
    """
    old, new = _lines(change.before), _lines(change.after, secret_lines)
    if old is None or new is None:
        return [f"{_size(change.before)} -> {_size(change.after)}, not shown as text"]
    if old == new:
        return ["only line ends or the right to run it differ"]
    return list(unified_diff(old, new, lineterm="", n=3))[2:]


def _lines(content: bytes | None, hidden: Collection[int] = ()) -> list[str] | None:
    """Return a text's lines; None for what is no text, or too long."""
    if content is None:
        return []
    if len(content) > MAX_BYTES or b"\0" in content:
        return None
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        return None
    if len(lines) > MAX_LINES:
        return None
    return [HIDDEN if number in hidden else line.rstrip("\r") for number, line in enumerate(lines, start=1)]


def _size(content: bytes | None) -> str:
    return "nothing" if content is None else f"{len(content)} bytes"
