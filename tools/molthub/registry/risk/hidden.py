"""MH802 and MH803: what an agent reads and a person does not see. Pure.

Sources: Unicode Technical Standard 55 (source code handling), Boucher and Anderson, "Trojan Source" (2021); Unicode tag
characters spell ASCII that no font shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.errors import Severity
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.text import INVISIBLE, Text, shown

_RUN = re.compile(f"{INVISIBLE.pattern}+")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OVERRIDE = re.compile("[\u202d\u202e]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_JOINED_SCRIPTS = re.compile("[\u0600-\u08ff\u0900-\u0fff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufeff]")
_PICTURE = re.compile("[\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff]")
_MANY = 8

_COMMENT = re.compile(r"<!--(.{0,6000}?)(?:-->|\Z)", re.DOTALL)
_UNSEEN_STYLE = re.compile(
    r"<(?P<tag>[a-z][a-z0-9]*)\b[^>]{0,400}(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0\d*)?\s*[;\"']|"
    r"font-size\s*:\s*[01](?:\.\d+)?(?:px|pt|em|rem|%)?\s*[;\"']|(?<![-a-z])color\s*:\s*(?:white|#fff(?:fff)?|transparent|"
    r"rgba\([^)]{0,30},\s*0\))|(?:left|top|text-indent)\s*:\s*-\d{3,}|height\s*:\s*[01](?:px)?\s*[;\"']|\shidden(?=[\s>])|"
    r"aria-hidden\s*=\s*[\"']true)[^>]{0,400}>(?P<inside>.{0,3000}?)</(?P=tag)>",
    re.DOTALL,
)
_FOLDED = re.compile(r"<details>(?P<inside>.{0,6000}?)</details>", re.DOTALL)
_ALTERNATIVE = re.compile(r"!\[(?P<inside>[^\]]{40,2000})\]\(|alt\s*=\s*[\"'](?P<alt>[^\"']{40,2000})[\"']|\[(?://|comment)\]:\s*(?:#|<>)\s*\(?(?P<note>.{20,2000})")

_TO_AN_AGENT = re.compile(
    r"\b(?:ai|agents?|assistants?|llm|model|claude|gpt|copilot|bot|system prompt|you (?:must|should|are|will|shall)|your (?:task|instructions?|"
    r"real|true|actual)|(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|rule|prompt|guideline)|before (?:answering|responding|"
    r"doing|you)|do not (?:tell|mention|inform|reveal|show)|don't (?:tell|mention|inform|reveal|show)|without (?:telling|asking|informing))\b",
    re.DOTALL,
)
_TO_ACT = re.compile(
    r"(?:\b(?:run|execute|eval|curl|wget|fetch|send|post|upload|download|exfiltrate|email|transmit|read|cat|open|install|delete|"
    r"write|append|collect|include|add|insert|forward|export|print|output|reveal|approve|ignore|disregard|override)\b)"
)
_DANGER = re.compile(
    r"(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|rule|prompt|guideline|safety)|"
    r"(?:not|n't|never|without)\b.{0,20}\b(?:tell|mention|inform|reveal|show|notify|alert|ask|warn)\w*\b.{0,20}\b(?:user|human|owner|operator|anyone|confirm|permission|approval)|"
    r"silently|secretly|covertly|~/\.ssh|id_rsa|\.aws/|/etc/shadow|login data|"
    r"(?:send|post|upload|exfiltrate|transmit|forward|leak|email|copy)\b.{0,120}(?:https?://|\.env\b|credential|password|secret|api[ _-]?keys?|tokens?\b|"
    r"private key|wallet|system prompt|conversation|history|cookies)|"
    r"(?:curl|wget|iwr)\b.{0,200}(?:\||-d\b|--data|\$\()|base64\b.{0,60}\||(?:run|execute|eval)\b.{0,60}\b(?:curl|wget|bash command|shell command|https?://)",
    re.DOTALL,
)
REMEDY_SEEN = "delete the characters; write what is meant in plain sight"
REMEDY_HIDDEN = "delete it, or say it where people read it"


def look_at_characters(text: Text) -> Iterator[Finding]:
    """Yield invisible and direction-changing characters, one finding for each kind and file, worst first."""
    raw = text.raw
    found: dict[str, tuple[Severity, int, str]] = {}
    for run in _RUN.finditer(raw):
        for name, severity, message in _kinds(raw, run):
            known = found.get(name)
            if known is None or (known[0] == "warning" and severity == "error"):
                found[name] = (severity, run.start(), message)
    for severity, offset, message in found.values():
        yield _at(text, severity, offset, message)


def _kinds(raw: str, run: re.Match[str]) -> Iterator[tuple[str, Severity, str]]:
    """Yield (kind, severity, message) of one run of invisible characters."""
    start, held = run.start(), run[0]
    tags = _TAGS.search(held)
    if tags and not (start > 0 and raw[start - 1] == "\U0001f3f4"):  # a black flag spells a region in tags
        spelled = "".join(chr(ord(c) - 0xE0000) for c in held if 0xE0020 <= ord(c) <= 0xE007E)
        yield "tags", "error", f"tag characters, which no font shows, spell {shown(spelled, 60)!r}"
    elif any(0xE0100 <= ord(c) <= 0xE01EF for c in held) and len(held) >= _MANY // 2:
        yield "selectors", "error", f"{len(held)} variation selectors in a row can carry a hidden text"
    if _BIDI.search(held):
        line = _line(raw, start)
        foreign = _RIGHT_TO_LEFT.search(_BIDI.sub("", line)) is not None
        if _OVERRIDE.search(held) and not foreign:
            yield "bidi", "error", "a direction override makes this line read otherwise than it is"
        elif not foreign:
            yield "bidi", "warning", "a direction mark stands in text of one direction"
    rest = _BIDI.sub("", held)
    hidden = [c for c in rest if ord(c) < 0xE0000 and not _joins(raw, start, c)]
    if len(hidden) >= _MANY:
        yield "many", "error", f"{len(hidden)} invisible characters in a row can carry a hidden text"
    elif hidden and not (start == 0 and held == "\ufeff"):
        yield "few", "warning", f"invisible character U+{ord(hidden[0]):04X}"


def _joins(raw: str, at: int, character: str) -> bool:
    """Whether an invisible character has its use here: between emoji, in scripts that join, as a soft hyphen."""
    near = raw[max(0, at - 2) : at + 3]
    if character in "\u200c\u200d\u034f\u17b4\u17b5\u180b\u180c\u180d\u180e":
        return _PICTURE.search(near) is not None or _JOINED_SCRIPTS.search(near) is not None
    if character in "\u200e\u200f\u061c":
        return _RIGHT_TO_LEFT.search(_line(raw, at).replace(character, "")) is not None
    return character == "\u00ad" or (character in "\u115f\u1160\u3164\uffa0" and re.search("[\u1100-\u11ff\uac00-\ud7a3]", near) is not None)


def _line(raw: str, at: int) -> str:
    end = raw.find("\n", at)
    return raw[raw.rfind("\n", 0, at) + 1 : end if end >= 0 else len(raw)][:2000]


def _at(text: Text, severity: Severity, offset: int, message: str) -> Finding:
    line = text.raw.count("\n", 0, offset) + 1
    column = offset - (text.raw.rfind("\n", 0, offset) + 1) + 1
    return Finding("MH802", severity, text.path, message, REMEDY_SEEN, line, column)


def look_at_hidden_text(text: Text) -> Iterator[Finding]:
    """Yield instructions to an agent in text that a rendered page does not show."""
    if "<!--" in text.low:
        for match in _COMMENT.finditer(text.low):
            if not text.fence_at(match.start()) and "molthub-allow" not in match[1]:
                yield from _judged(text, match.start(), match[1], "a comment")
    if text.has("style", "hidden"):
        for match in _UNSEEN_STYLE.finditer(text.low):
            if not text.fence_at(match.start()):
                yield from _judged(text, match.start(), match["inside"], "text that its style hides")
    if text.has("details"):
        for match in _FOLDED.finditer(text.low):
            yield from _judged(text, match.start(), match["inside"], "folded text", folded=True)
    for match in text.matches(_ALTERNATIVE, "![", "alt=", "alt =", "[//]:", "[comment]:"):
        inside = match["inside"] or match["alt"] or match["note"]
        if not text.fence_at(match.start()):
            yield from _judged(text, match.start(), inside, "text that no page shows")


def _judged(text: Text, offset: int, inside: str, where: str, *, folded: bool = False) -> Iterator[Finding]:
    speaks, acts = _TO_AN_AGENT.search(inside), _TO_ACT.search(inside)
    danger = _DANGER.search(inside)
    if folded:
        if re.search(r"(?:ignore|disregard|forget)\b.{0,40}\b(?:instruction|rule|prompt|guideline)", inside, re.DOTALL) or (
            speaks and re.search(r"(?:tell|mention|inform|reveal)\w*\b.{0,20}\buser", inside)
        ):
            yield text.finding("MH803", "warning", offset, f"{where} instructs an agent: {shown(inside)}", REMEDY_HIDDEN)
        return
    if speaks and acts and danger:
        message = f"{where} instructs an agent: {shown(inside)}"
        yield text.finding("MH803", "error", offset, message, REMEDY_HIDDEN, cited=text.taught(offset))
    elif acts and danger and re.search(r"(?:curl|wget)\b.{0,200}\|\s*(?:ba|z)?sh|base64\b.{0,60}\|", inside, re.DOTALL):
        yield text.finding("MH803", "error", offset, f"{where} holds a command: {shown(inside)}", REMEDY_HIDDEN)
