"""What a description is made of where a SKILL.md has none: its first paragraph, as plain text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.registry.reading.skill_spec import MAX_DESCRIPTION

_NO_TEXT = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|<!--.*?-->|^[ ]{0,3}[-*_]{3,}[ \t]*$", re.DOTALL | re.MULTILINE
)
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*`]+")
_NO_PARAGRAPH = re.compile(r"[#|>!<=]|[-*+] |\d+[.)] |[-*_]{3,}")


def first_paragraph(body: str) -> str:
    """Return the first paragraph of Markdown as one plain line of at most 1024 characters.

    Where a body holds only headings and lists, the first of those; empty where it holds no text.
    """
    shown = _NO_TEXT.sub("", body.replace("\r\n", "\n"))
    blocks = [block.strip() for block in re.split(r"\n[ \t]*\n|(?<=\n)(?=#)|(?<=#)\n", shown) if block.strip()]
    blocks = [block for block in _without_headings(blocks) if re.search(r"\w", block)]
    chosen = next((block for block in blocks if not _NO_PARAGRAPH.match(block)), blocks[0] if blocks else "")
    return shortened(re.sub(r"\A[#>|\-*+\s]+", "", _MARKUP.sub(lambda match: match[1] or "", chosen)))


def _without_headings(blocks: list[str]) -> Iterator[str]:
    """Split a heading from the text that follows it without a blank line."""
    for block in blocks:
        first, _, rest = block.partition("\n")
        if first.startswith("#") and rest.strip():
            yield first
            yield rest.strip()
        else:
            yield block


def shortened(text: str, limit: int = MAX_DESCRIPTION) -> str:
    """Return ``text`` on one line, cut after a word where it is longer than ``limit`` characters."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"
