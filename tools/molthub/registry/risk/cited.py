"""Whether a text does what it holds, or only speaks of it: refuses it, quotes it, teaches what attacks look like. Pure.

What is only spoken of never blocks (:attr:`molthub.registry.risk.finding.Finding.cited`).
"""

from __future__ import annotations

import re

from molthub.registry.risk.text import NEAR, Text

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
"""So many characters before and behind fenced code are its introduction and its comment."""

_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb\u300c\u300d"


def refused(text: Text, offset: int, end: int | None = None) -> bool:
    """Whether the line itself, or the one above it, says not to do this or calls it an attack."""
    return _REFUSES.search(text.lines(offset, before=1, end=end)) is not None


def refused_ahead(text: Text, offset: int) -> bool:
    """Whether the line up to ``offset``, or a comment right above it, says not to do it or calls it an attack."""
    start = text.line_begin(offset)
    if _REFUSES.search(text.low[max(start, offset - NEAR) : offset]):
        return True
    above = text.lines(offset, before=1)[: max(0, start - max(0, offset - NEAR))].strip()
    return above.startswith(("#", "//", "--", "<!--")) and _REFUSES.search(above) is not None


def quoted(text: Text, offset: int, end: int) -> bool:
    """Whether the text from ``offset`` to ``end`` stands in quotation marks or between backticks on its line."""
    start = max(text.line_begin(offset), offset - NEAR)
    before = text.low[start:offset]
    after = text.low[end : end + 160].split("\n", 1)[0]
    return any(mark in before for mark in _QUOTES) and any(mark in after for mark in _QUOTES)


def taught(text: Text, offset: int) -> bool:
    """Whether the headings above say that what follows are attacks."""
    return _SPEAKS_OF_ATTACKS.search(text.heading(offset)) is not None


def taught_in_code(text: Text, offset: int) -> bool:
    """Whether ``offset`` stands in program code that a reference page about attacks shows, and nobody is to run.

    The page is not SKILL.md, its title says what it is about, the fenced code is of a programming language and no
    shell's, and no words beside it tell the reader to run it.
    """
    fence = text.fence_at(offset) if text.kind == "prose" and text.path != "SKILL.md" else None
    title = text.headings[0][1] if fence and text.headings and text.headings[0][0] < offset else ""
    if fence is None or not _SPEAKS_OF_ATTACKS.search(title) or not _PROGRAM_FENCE.match(text.low, fence[0]):
        return False
    before = text.low[max(0, fence[0] - _BESIDE) : fence[0]].rpartition("```")[2]
    after = text.low[fence[1] : fence[1] + _BESIDE].partition("```")[0]
    return not (_TELLS_TO_RUN.search(before) or _TELLS_TO_RUN.search(after))


def cites(text: Text, offset: int, end: int | None = None) -> bool:
    """Whether the place speaks of attacks: by its line, by its heading, or by the lines that lead to its code."""
    if refused(text, offset, end) or taught(text, offset):
        return True
    fence = text.fence_at(offset)
    return fence is not None and _REFUSES.search(text.lines(max(0, fence[0] - 1), before=2)) is not None
