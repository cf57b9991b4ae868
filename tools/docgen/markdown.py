"""The few pieces of Markdown that the pages are made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by `python -m docgen`. Change what it describes, then run it again. -->"


def page(title: str, *blocks: str) -> str:
    """Return a page: its title and its blocks, with one empty line between them."""
    return "\n\n".join([GENERATED, f"# {title}", *(block.strip("\n") for block in blocks if block.strip())]) + "\n"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; `|` and line ends inside cells are escaped."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def fence(text: str, language: str = "") -> str:
    """Return a code block that `text` cannot end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    marks = "`" * (longest + 1)
    return f"{marks}{language}\n{text.rstrip()}\n{marks}"


def code(text: str) -> str:
    """Return `text` as inline code."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def bullets(lines: Iterable[str]) -> str:
    """Return a list."""
    return "\n".join(f"- {line}" for line in lines)


def anchor(heading: str) -> str:
    """Return the fragment by which GitHub links to a heading."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
