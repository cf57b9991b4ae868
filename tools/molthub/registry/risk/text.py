"""One file of a skill as the rules read it: what a person would see, its words, its lines, its headings. Pure.

Matching works on ``low``: the visible text in lower case, without invisible characters, look-alike letters read as the
Latin ones, and lines that a shell would join joined. It is as long as ``visible``, so one offset serves both.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import PurePosixPath
from typing import Literal

from molthub.errors import Severity
from molthub.registry.risk.finding import Finding
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
_WORD_BYTES = bytes(
    ord(letter.lower()) if letter.isascii() and letter.isalnum() else ord(" ") for letter in map(chr, range(256))
)
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
INVISIBLE_BYTES = re.compile(
    rb"[\xe2\xc2\xcd\xd8\xe1\xe3\xef\xf3](?:(?<=\xe2)(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xaf])|(?<=\xc2)\xad|"
    rb"(?<=\xcd)\x8f|"
    rb"(?<=\xd8)\x9c|(?<=\xe1)(?:\x85[\x9f\xa0]|\x9e[\xb4\xb5]|\xa0[\x8b-\x8f])|(?<=\xe3)\x85\xa4|(?<=\xef)(?:\xbb\xbf|"
    rb"\xbe\xa0|\xbf[\xb9-\xbb])|(?<=\xf3)\xa0[\x80-\xbf])"
)
"""Whether a file holds any of the characters of ``INVISIBLE``, told from its UTF-8 bytes."""
_FULL_WIDTH_BYTES = (b"\xef\xbc", b"\xef\xbd", b"\xf0\x9d")
_GREEK_OR_CYRILLIC_BYTES = re.compile(rb"[\xcd-\xd4]")
_ASCII = bytes(range(128))
_LOOK_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u04bb\u0501\u051b\u0410\u0412\u0415\u041a\u041c\u041d\u041e"
    "\u0420\u0421\u0422\u0425\u03bf\u03b1\u03c5\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7",
    "aeopcyxijhdwABEKMHOPCTXoauABEHIKMNOPTX",
)
_MIXED = re.compile(r"[\u0370-\u052f](?:(?<=[a-zA-Z].)|(?=[a-zA-Z]))")
_FULL_WIDTH = re.compile("[\uff01-\uff5e\U0001d400-\U0001d7ff]")
_CONTINUED = (re.compile(r"[`^](?<=[ \t].)\r?\n"), re.compile(r"\\\r?\n"))
_HEADING = re.compile(r"^[ \t>]{0,8}(?:#{1,6}[ \t]+(.{1,200})|\*\*([^*\n]{3,90})\*\*:?[ \t]*)$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})[^\n]*$", re.MULTILINE)
_SPEAKS_OF_ATTACKS = re.compile(
    r"attack|threat|malicious|malware|red flags?|anti-?patterns?|vulnerab|exploit|injection|suspicious|dangerous|"
    r"detect|forensic|exfiltrat|indicators?\b|blocklist|denylist|attempts?\b|what not to|bad practice|never do|"
    r"unsafe|insecure|adversar|jailbreak|red team|pentest|penetration|poison|scam|phishing|untrusted|refuse|blocked"
)
_REFUSES = re.compile(
    r"\b(?:never|don'?t|do not|must not|should not|shouldn't|avoid|refuse to|instead of|rather than)\s+(?:\w+\s+){0,2}?"
    r"(?:run|execut|us(?:e|ing)|pip(?:e|ing)|past(?:e|ing)|copy|install|download|trust|call|follow|writ|pass|disabl|turn|"
    r"send|includ|commit|hard-?cod|embed|allow|click|load|fetch|eval|access|read|upload|curl|wget)\w*|"
    r"\b(?:malicious|malware|attacks?|attackers?|attacker's|suspicious|dangerous|unsafe|insecure|vulnerable|exploits?|"
    r"denied|forbidden|injections?|untrusted|phishing|scam|red flags?|anti-?patterns?|evil|payloads?|detects?|detected|"
    r"flagged|rejects?|rejected|blocks|blocked|bad)\b|"
    r"\u274c|\U0001f6ab|\u26d4|\u2717|\U0001f6a9"
)
_PROGRAM_FENCE = re.compile(
    r"[ \t>]*(?:`{3,}|~{3,})[ \t]*(?:python[0-9]?|py|javascript|js|jsx|typescript|ts|tsx|ruby|rb|php|perl|go|golang|"
    r"java|kotlin|swift|rust|c|cpp|csharp|cs|lua)[ \t]*\n"
)
_TELLS_TO_RUN = re.compile(
    r"\b(?:run|execute|paste|copy|launch|start|save|install|eval|use)\b[^\n.]{0,40}\b(?:this|these|it|following|below|above|"
    r"script|code|snippet|commands?|block|file|first|python|node)\b|\b(?:pre-?requisites?|required|mandatory|set-?up)\b"
)
_BESIDE = 400
_LONG_RUN = re.compile(r"\w{20,}")
_NEAR = 800
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb\u300c\u300d"


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
        foreign = _foreign(content)
        self.holds_invisible = bool(foreign) and INVISIBLE_BYTES.search(foreign) is not None
        self.visible = _seen(self.raw, foreign, self.holds_invisible) if foreign else self.raw
        self.content = content if self.visible is self.raw else self.visible.encode("utf-8", "replace")
        self._foreign = foreign if self.content is content else _foreign(self.content)
        self._offsets: dict[tuple[str, ...], list[int]] = {}

    @cached_property
    def _foreign_low(self) -> bytes:
        return self._foreign.decode("utf-8", "replace").lower().encode() if self._foreign else b""

    @cached_property
    def words(self) -> frozenset[bytes]:
        """The runs of ASCII letters and digits in the visible text, in lower case."""
        return frozenset(self.content.translate(_WORD_BYTES).split())

    @cached_property
    def low(self) -> str:
        """The visible text in lower case, a shell's continued lines joined; offsets are those of ``visible``."""
        if any(_marks(self.content)):
            return _lowered(_joined(self.visible))
        if self._foreign == self._foreign_low:
            return self.content.lower().decode("utf-8", "replace")
        return _lowered(self.visible)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.visible))]

    @cached_property
    def _headings(self) -> list[tuple[int, str]]:
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
        ends where words do. ``ahead`` is how far
        behind the anchor's begin a match may end where ``back`` is given.
        """
        low, seen = self.low, -1
        if anchors not in self._offsets:
            self._offsets[anchors] = sorted(self._anchored(anchors))
        for offset in self._offsets[anchors]:
            if back:
                match = pattern.search(low, max(0, offset - back, seen), offset + ahead)
            else:
                match = pattern.match(low, offset) if offset >= seen else None
            if match:
                seen = match.end()
                yield match

    def _anchored(self, anchors: tuple[str, ...]) -> Iterator[int]:
        low, words, beyond = self.low, self.words, self._foreign_low
        for anchor, runs, foreign in _possible(anchors, words):
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

    def lines(self, offset: int, before: int = 0, end: int | None = None) -> str:
        """Return the line of ``offset`` in lower case, with ``before`` lines above it, up to the line of ``end``.

        Of lines that are longer than people write, what is near is returned, so that the cost stays linear.
        """
        number = self.line_number(offset)
        last = self.line_number(end) if end is not None else number
        stop = self._starts[last] if last < len(self._starts) else len(self.low)
        start = self._starts[max(0, number - 1 - before)]
        return self.low[max(start, offset - _NEAR) : min(stop, (end or offset) + _NEAR)]

    def heading(self, offset: int) -> str:
        """Return the headings that ``offset`` stands below, the nearest two, or nothing."""
        at = bisect_right(self._headings, (offset, "\U0010ffff"))
        return " / ".join(title for _, title in self._headings[max(0, at - 2) : at])

    def around(self, offset: int, before: int, after: int) -> str:
        """Return the lower-case text from ``before`` characters ahead of ``offset`` to ``after`` behind it."""
        return self.low[max(0, offset - before) : offset + after]

    def refused(self, offset: int, end: int | None = None) -> bool:
        """Whether the line itself, or the one above it, says not to do this or calls it an attack."""
        return _REFUSES.search(self.lines(offset, before=1, end=end)) is not None

    def refused_ahead(self, offset: int) -> bool:
        """Whether the line up to ``offset``, or a comment right above it, says not to do it or calls it an attack."""
        start = self._starts[self.line_number(offset) - 1]
        if _REFUSES.search(self.low[max(start, offset - _NEAR) : offset]):
            return True
        above = self.lines(offset, before=1)[: max(0, start - max(0, offset - _NEAR))].strip()
        return above.startswith(("#", "//", "--", "<!--")) and _REFUSES.search(above) is not None

    def quoted(self, offset: int, end: int) -> bool:
        """Whether the text from ``offset`` to ``end`` stands in quotation marks or between backticks on its line."""
        start = max(self._starts[self.line_number(offset) - 1], offset - _NEAR)
        before = self.low[start:offset]
        after = self.low[end : end + 160].split("\n", 1)[0]
        return any(mark in before for mark in _QUOTES) and any(mark in after for mark in _QUOTES)

    def taught(self, offset: int) -> bool:
        """Whether the headings above say that what follows are attacks."""
        return _SPEAKS_OF_ATTACKS.search(self.heading(offset)) is not None

    def taught_in_code(self, offset: int) -> bool:
        """Whether ``offset`` stands in program code that a reference page about attacks shows, and nobody is to run.

        The page is not SKILL.md, its title says what it is about, the fenced code is of a programming language and no
        shell's, and no words beside it tell the reader to run it.
        """
        fence = self.fence_at(offset) if self.kind == "prose" and self.path != "SKILL.md" else None
        title = self._headings[0][1] if fence and self._headings and self._headings[0][0] < offset else ""
        if fence is None or not _SPEAKS_OF_ATTACKS.search(title) or not _PROGRAM_FENCE.match(self.low, fence[0]):
            return False
        before = self.low[max(0, fence[0] - _BESIDE) : fence[0]].rpartition("```")[2]
        after = self.low[fence[1] : fence[1] + _BESIDE].partition("```")[0]
        return not (_TELLS_TO_RUN.search(before) or _TELLS_TO_RUN.search(after))

    def cites(self, offset: int, end: int | None = None) -> bool:
        """Whether the place speaks of attacks: by its line, by its heading, or by the lines that lead to its code."""
        if self.refused(offset, end) or self.taught(offset):
            return True
        fence = self.fence_at(offset)
        return fence is not None and _REFUSES.search(self.lines(max(0, fence[0] - 1), before=2)) is not None

    def finding(
        self, problem_id: str, severity: Severity, offset: int, message: str, remedy: str = "", *, cited: bool = False
    ) -> Finding:
        """Return a finding at ``offset``; a cited one never blocks."""
        line = self.line_number(offset)
        column = offset - self._starts[line - 1] + 1
        level: Severity = "warning" if cited else severity
        return Finding(problem_id, level, self.path, message, remedy, line, column, cited)


def _seen(raw: str, foreign: bytes, holds_invisible: bool) -> str:
    """Return ``raw`` as a person sees it: nothing invisible, full-width and look-alike letters as the plain ones.

    ``foreign`` are its bytes beyond ASCII: where they lack a character, it need not be looked for.
    """
    seen = INVISIBLE.sub("", raw) if holds_invisible else raw
    if any(lead in foreign for lead in _FULL_WIDTH_BYTES):
        seen = _FULL_WIDTH.sub(lambda match: unicodedata.normalize("NFKC", match[0]), seen)
    if _GREEK_OR_CYRILLIC_BYTES.search(foreign) and _MIXED.search(seen):
        seen = re.sub(r"[\w]+", lambda m: m[0].translate(_LOOK_ALIKE) if _MIXED.search(m[0]) else m[0], seen)
    return seen


def _marks(content: bytes) -> Iterator[bool]:
    """Yield whether each mark of a continued line may stand in ``content``; one rare byte is looked for first."""
    yield b"\\" in content and (b"\\\n" in content or b"\\\r" in content)
    yield b"`" in content and b" `\n" in content
    yield b"^" in content and b"^\n" in content


def _foreign(content: bytes) -> bytes:
    """Return the bytes beyond ASCII alone: what they lack need not be looked for in the whole."""
    return b"" if content.isascii() else content.translate(None, _ASCII)


def _joined(text: str) -> str:
    """Return ``text`` with spaces where a shell or a prompt goes on in the next line."""
    for pattern in _CONTINUED:
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    return text


def _lowered(text: str) -> str:
    """Return ``text`` in lower case and as long as it was: the one letter that would become two (U+0130) stays."""
    return "\u0130".join(part.lower() for part in text.split("\u0130"))


_Parts = tuple[str, frozenset[bytes], bytes]
"""An anchor with its runs of letters and digits, and its bytes beyond ASCII: a text that lacks one lacks the anchor."""


def _possible(anchors: tuple[str, ...], words: frozenset[bytes]) -> Iterator[_Parts]:
    """Yield those of ``anchors`` whose longest word is one of ``words``, or that hold no word."""
    by_word, all_words = _by_word(anchors)
    yield from by_word.get(b"", ())
    for word in all_words & words:  # of two sets, the smaller one is walked
        yield from by_word[word]


@cache
def _by_word(anchors: tuple[str, ...]) -> tuple[dict[bytes, list[_Parts]], frozenset[bytes]]:
    parts: dict[bytes, list[_Parts]] = {}
    for anchor in anchors:
        code = anchor.encode()
        runs = frozenset(code.translate(_WORD_BYTES).split())
        longest = max(sorted(runs), key=len, default=b"")
        parts.setdefault(longest, []).append((anchor, runs, _foreign(code)))
    return parts, frozenset(parts)


def shown(text: str, limit: int = 80) -> str:
    """Return ``text`` in one line for a message; runs as long as a token are cut, so that no secret is repeated."""
    line = _LONG_RUN.sub(lambda match: match[0][:6] + "\u2026", " ".join(text[: 4 * limit].split()))
    return line if len(line) <= limit else line[: limit - 1] + "\u2026"
