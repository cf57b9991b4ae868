"""Text of strangers in Markdown that GitHub renders: shown as it is, and never taken for anything else. Pure.

Whatever is not a letter, digit or blank becomes a character reference, which CommonMark (section 2.5) never reads as
structure, inside ``<code>``, where GitHub makes no mentions, references or links of text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_MAX_CODE = 200
_MAX_LINE = 300
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})


def code(text: object, limit: int = _MAX_CODE) -> str:
    """Return text of a stranger as inline code, on one line, cut to ``limit`` characters."""
    return f"<code>{_references(_cut(visible(str(text)), limit))}</code>"


def _references(text: str) -> str:
    return "".join(char if char.isalnum() or char == " " else f"&#{ord(char)};" for char in text)


def visible(text: str) -> str:
    """Return text with characters that nobody sees, or that change the direction of others, written as escapes."""
    return "".join(f"\\u{{{ord(char):x}}}" if _is_invisible(char) else char for char in text)


def _is_invisible(char: str) -> bool:
    return char != "\t" and unicodedata.category(char) in _INVISIBLE


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def diff_block(lines: Iterable[str]) -> str:
    """Return lines as a fenced block in which a diff is coloured; its fence is longer than any in the text."""
    shown = [_cut(visible(line), _MAX_LINE) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}diff", *shown, fence])
