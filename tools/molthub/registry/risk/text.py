"""One file of a skill as the rules read it: what a person would see, its words, its lines, its headings. Pure.

Matching works on ``low``: the visible text in lower case, without invisible characters, look-alike letters read as the
Latin ones, and lines that a shell would join joined. It is as long as ``visible``, so one offset serves both.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from molthub.errors import Severity
from molthub.registry.risk.anchors import possible, words_of
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.visible import INVISIBLE_BYTES, beyond_ascii, joined, lowered, may_continue, seen
from molthub.registry.risk.words import words_in

Kind = Literal["prose", "code", "other"]

PROSE = frozenset({".md", ".mdx", ".markdown", ".txt", ".rst", ".adoc", ".org"})
CODE = words_in(
    """
    .applescript .bash .bat .c .cjs .cmd .command .cpp .cs .fish .go .java .js .jsx .kt .lua .mjs .php .pl .ps1
    .psm1 .py .pyw .r .rb .rs .scpt .sh .swift .ts .tsx .vbs .wsf .zsh .json .json5 .yaml .yml .toml .ini .cfg .conf
    .service .plist .reg .desktop .ipynb
    """
)
_HEADING = re.compile(r"^[ \t>]{0,8}(?:#{1,6}[ \t]+(.{1,200})|\*\*([^*\n]{3,90})\*\*:?[ \t]*)$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})[^\n]*$", re.MULTILINE)
_LONG_RUN = re.compile(r"\w{20,}")
NEAR = 800
"""So many characters before and behind a place are looked at, of lines that are longer than people write."""


def kind_of(path: str, content: bytes) -> Kind:
    """Return how a file is read: prose that an agent reads, code that a machine runs, or anything else."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in PROSE:
        return "prose"
    if suffix in CODE or content.startswith(b"#!"):
        return "code"
    name = PurePosixPath(path).name.lower()
    if not suffix:
        return "code" if name in ("makefile", "dockerfile", "justfile") or name.startswith(".") else "prose"
    return "code" if name.startswith("dockerfile") else "other"


class Text:
    """One text file: ``raw`` as written, ``visible`` and ``low`` as read, ``content`` the visible text in UTF-8.

    ``holds_invisible`` may be true of bytes that are no UTF-8, and is never false where a character hides.
    """

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.kind = kind_of(path, content)
        self.raw = content.decode("utf-8", "replace")
        foreign = beyond_ascii(content)
        self.holds_invisible = bool(foreign) and INVISIBLE_BYTES.search(foreign) is not None
        self.visible = seen(self.raw, foreign, self.holds_invisible) if foreign else self.raw
        self.content = content if self.visible is self.raw else self.visible.encode("utf-8", "replace")
        self._foreign = foreign if self.content is content else beyond_ascii(self.content)
        self._offsets: dict[tuple[str, ...], list[int]] = {}

    @cached_property
    def _foreign_low(self) -> bytes:
        return self._foreign.decode("utf-8", "replace").lower().encode() if self._foreign else b""

    @cached_property
    def words(self) -> frozenset[bytes]:
        """The runs of ASCII letters and digits in the visible text, in lower case."""
        return words_of(self.content)

    @cached_property
    def low(self) -> str:
        """The visible text in lower case, a shell's continued lines joined; offsets are those of ``visible``."""
        if may_continue(self.content):
            return lowered(joined(self.visible))
        if self._foreign == self._foreign_low:
            return self.content.lower().decode("utf-8", "replace")
        return lowered(self.visible)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.visible))]

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        """Where headings stand in ``low``, with what they say; none in fenced code."""
        return [
            (match.start(), match[1] or match[2])
            for match in _HEADING.finditer(self.low)
            if not self.fence_at(match.start())
        ]

    @cached_property
    def raw_lines(self) -> list[int]:
        """Where the lines of ``raw`` begin."""
        return [0, *(match.end() for match in re.finditer("\n", self.raw))]

    def raw_place(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset in ``raw``, from 1."""
        line = bisect_right(self.raw_lines, offset)
        return line, offset - self.raw_lines[line - 1] + 1

    @cached_property
    def fences(self) -> list[tuple[int, int]]:
        """Where fenced code begins and ends."""
        spans: list[tuple[int, int]] = []
        opened: tuple[int, str] | None = None
        for match in _FENCE.finditer(self.low):
            if opened is None:
                opened = (match.start(), match[1])
            elif match[1].startswith(opened[1]):
                spans.append((opened[0], match.end()))
                opened = None
        return [*spans, (opened[0], len(self.low))] if opened else spans

    def fence_at(self, offset: int) -> tuple[int, int] | None:
        """Return the fenced code that ``offset`` stands in, as (begin, end), or None."""
        at = bisect_right(self.fences, (offset, len(self.low) + 1)) - 1
        return self.fences[at] if at >= 0 and self.fences[at][1] >= offset else None

    def matches(
        self, pattern: re.Pattern[str], *anchors: str, back: int = 0, ahead: int = 0
    ) -> Iterator[re.Match[str]]:
        """Yield matches of ``pattern`` in ``low`` that begin at one of ``anchors``, or up to ``back`` before one.

        Looking for plain anchors first keeps the cost at one quick pass, whatever the pattern is. An anchor begins and
        ends where words do. ``ahead`` is how far behind the anchor's begin a match may end where ``back`` is given.
        """
        low, behind = self.low, -1
        if anchors not in self._offsets:
            self._offsets[anchors] = sorted(self._anchored(anchors))
        for offset in self._offsets[anchors]:
            if back:
                match = pattern.search(low, max(0, offset - back, behind), offset + ahead)
            else:
                match = pattern.match(low, offset) if offset >= behind else None
            if match:
                behind = match.end()
                yield match

    def _anchored(self, anchors: tuple[str, ...]) -> Iterator[int]:
        low, words, beyond = self.low, self.words, self._foreign_low
        for anchor, runs, foreign in possible(anchors, words):
            if not runs <= words or foreign not in beyond:
                continue
            offset = low.find(anchor)
            while offset >= 0:
                yield offset
                offset = low.find(anchor, offset + len(anchor))

    def has(self, *words: str) -> bool:
        """Whether the visible text holds one of ``words``, as whole runs of ASCII letters and digits."""
        return any(word.encode() in self.words for word in words)

    def has_of(self, words: frozenset[bytes]) -> bool:
        """Whether the visible text holds one of ``words``, as ``has`` says; for many words it is the quicker one."""
        return not words.isdisjoint(self.words)

    def line_number(self, offset: int) -> int:
        """Return the line of ``offset``, from 1."""
        return bisect_right(self._starts, offset)

    def line_begin(self, offset: int) -> int:
        """Return where the line of ``offset`` begins."""
        return self._starts[self.line_number(offset) - 1]

    def lines(self, offset: int, before: int = 0, end: int | None = None) -> str:
        """Return the line of ``offset`` in lower case, with ``before`` lines above it, up to the line of ``end``.

        Of lines that are longer than people write, what is near is returned, so that the cost stays linear.
        """
        number = self.line_number(offset)
        last = self.line_number(end) if end is not None else number
        stop = self._starts[last] if last < len(self._starts) else len(self.low)
        start = self._starts[max(0, number - 1 - before)]
        return self.low[max(start, offset - NEAR) : min(stop, (end or offset) + NEAR)]

    def heading(self, offset: int) -> str:
        """Return the headings that ``offset`` stands below, the nearest two, or nothing."""
        at = bisect_right(self.headings, (offset, "\U0010ffff"))
        return " / ".join(title for _, title in self.headings[max(0, at - 2) : at])

    def around(self, offset: int, before: int, after: int) -> str:
        """Return the lower-case text from ``before`` characters ahead of ``offset`` to ``after`` behind it."""
        return self.low[max(0, offset - before) : offset + after]

    def finding(
        self, problem_id: str, severity: Severity, offset: int, message: str, remedy: str = "", *, cited: bool = False
    ) -> Finding:
        """Return a finding at ``offset``; a cited one never blocks."""
        line, column = self.line_number(offset), offset - self.line_begin(offset) + 1
        level: Severity = "warning" if cited else severity
        return Finding(problem_id, level, self.path, message, remedy, line, column, cited)


def shown(text: str, limit: int = 80) -> str:
    """Return ``text`` in one line for a message; runs as long as a token are cut, so that no secret is repeated."""
    line = _LONG_RUN.sub(lambda match: match[0][:6] + "\u2026", " ".join(text[: 4 * limit].split()))
    return line if len(line) <= limit else line[: limit - 1] + "\u2026"
