"""MH802 and MH803: what an agent reads and a person does not see. Pure.

Sources: Unicode Technical Standard 55 (source code handling), Boucher and Anderson, "Trojan Source" (2021); Unicode tag
characters spell ASCII that no font shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.errors import Severity
from molthub.registry.risk.cited import taught
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.text import Text, shown
from molthub.registry.risk.visible import INVISIBLE

_RUN = re.compile(f"{INVISIBLE.pattern}+")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OVERRIDE = re.compile("[\u202d\u202e]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_JOINED_SCRIPTS = re.compile("[\u0600-\u08ff\u0900-\u0fff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufeff]")
_PICTURE = re.compile("[\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff]")
_SELECTORS = re.compile("[\U000e0100-\U000e01ef]")
_TAG_BASE = 0xE0000
_REGION = 6  # letters of a region after a black flag, as in the flag of Scotland
_MANY = 8

_TAG = re.compile(r"<(?P<tag>[a-z][a-z0-9]{0,20})\b(?P<attributes>[^<>]{0,2000})>")
_UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0\d*)?\s*(?:[;\"']|$)|"
    r"font-size\s*:\s*[01](?:\.\d+)?(?:px|pt|em|rem|%)?\s*(?:[;\"']|$)|(?<![-a-z])color\s*:\s*(?:white|#fff(?:fff)?\b|transparent|"
    r"rgba\([^)]{0,30},\s*0\))|(?:left|top|text-indent)\s*:\s*-\d{3,}|height\s*:\s*[01](?:px)?\s*(?:[;\"']|$)|"
    r"\shidden(?=[\s=/]|$)|aria-hidden\s*=\s*[\"']true"
)
_INSIDE = 6000
_ALTERNATIVE = re.compile(
    r"!\[(?P<inside>[^\[\]]{40,2000})\]\(|alt\s*=\s*[\"'](?P<alt>[^\"']{40,2000})[\"']|\[(?://|comment)\]:\s*(?:#|"
    r"<>)\s*\(?(?P<note>.{20,2000})"
)

_TO_AN_AGENT = re.compile(
    r"\b(?:ai|agents?|assistants?|llm|model|claude|gpt|copilot|bot|system prompt|you (?:must|should|are|will|"
    r"shall)|your (?:task|instructions?|"
    r"real|true|actual)|(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|rule|prompt|guideline)|"
    r"before (?:answering|responding|"
    r"doing|you)|do not (?:tell|mention|inform|reveal|show)|don't (?:tell|mention|inform|reveal|show)|"
    r"without (?:telling|asking|informing))\b",
    re.DOTALL,
)
_TO_ACT = re.compile(
    r"(?:\b(?:run|execute|eval|curl|wget|fetch|send|post|upload|download|exfiltrate|email|transmit|read|cat|"
    r"open|install|delete|"
    r"write|append|collect|include|add|insert|forward|export|print|output|reveal|approve|ignore|disregard|override)\b)"
)
_DANGER = re.compile(
    r"(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|rule|prompt|guideline|safety)|"
    r"(?:not|n't|never|without)\b.{0,20}\b(?:tell|mention|inform|reveal|show|notify|alert|ask|"
    r"warn)\w*\b.{0,20}\b(?:user|human|owner|operator|anyone|confirm|permission|approval)|"
    r"silently|secretly|covertly|~/\.ssh|id_rsa|\.aws/|/etc/shadow|login data|"
    r"(?:send|post|upload|exfiltrate|transmit|forward|leak|email|copy)\b.{0,120}(?:https?://|\.env\b|credential|"
    r"password|secret|api[ _-]?keys?|tokens?\b|"
    r"private key|wallet|system prompt|conversation|history|cookies)|"
    r"(?:curl|wget|iwr)\b.{0,200}(?:\||-d\b|--data|\$\()|base64\b.{0,60}\||(?:run|execute|"
    r"eval)\b.{0,60}\b(?:curl|wget|bash command|shell command|https?://)",
    re.DOTALL,
)
_COMMAND = re.compile(r"(?:curl|wget)\b.{0,200}\|\s*(?:ba|z)?sh|base64\b.{0,60}\|", re.DOTALL)
_AGAINST = re.compile(
    r"(?:ignore|disregard|forget)\b.{0,40}\b(?:previous|prior|above|system|other)\b.{0,20}\b(?:instruction|rule|prompt|guideline)|"
    r"(?:not|n't|never|without)\b.{0,12}\b(?:tell|inform|mention|reveal)\w*\b.{0,20}\buser",
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
    if tags and not (start > 0 and raw[start - 1] == "\U0001f3f4" and len(tags[0]) <= _REGION):
        spelled = "".join(chr(ord(c) - _TAG_BASE) for c in "".join(_TAGS.findall(held)))
        yield "tags", "error", f"tag characters, which no font shows, spell {shown(spelled, 60)!r}"
    elif _SELECTORS.search(held) and len(held) >= _MANY // 2:
        yield "selectors", "error", f"{len(held)} variation selectors in a row can carry a hidden text"
    if _BIDI.search(held):
        line = _line(raw, start)
        foreign = _RIGHT_TO_LEFT.search(_BIDI.sub("", line)) is not None
        if _OVERRIDE.search(held) and not foreign:
            yield "bidi", "error", "a direction override makes this line read otherwise than it is"
        elif not foreign:
            yield "bidi", "warning", "a direction mark stands in text of one direction"
    rest = _BIDI.sub("", held)
    hidden = [c for c in rest if ord(c) < _TAG_BASE and not _joins(raw, start, c)]
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
    return character == "\u00ad" or (
        character in "\u115f\u1160\u3164\uffa0" and re.search("[\u1100-\u11ff\uac00-\ud7a3]", near) is not None
    )


def _line(raw: str, at: int) -> str:
    end = raw.find("\n", at)
    return raw[raw.rfind("\n", 0, at) + 1 : end if end >= 0 else len(raw)][:2000]


def _at(text: Text, severity: Severity, offset: int, message: str) -> Finding:
    line, column = text.raw_place(offset)
    return Finding("MH802", severity, text.path, message, REMEDY_SEEN, line, column)


def look_at_hidden_text(text: Text) -> Iterator[Finding]:
    """Yield instructions to an agent in text that a rendered page does not show."""
    for offset, inside, where in _unseen(text):
        if not text.fence_at(offset):
            yield from _judged(text, offset, inside, where)
    for offset, inside in _between(text.low, "<details>", "</details>"):
        yield from _folded(text, offset, inside)


def _unseen(text: Text) -> Iterator[tuple[int, str, str]]:
    """Yield (offset, text, what hides it)."""
    for offset, inside in _between(text.low, "<!--", "-->"):
        yield offset, inside, "a comment"
    if text.has("style", "hidden"):
        for match in _TAG.finditer(text.low):
            if _UNSEEN_STYLE.search(match["attributes"]):
                close = text.low.find(f"</{match['tag']}", match.end(), match.end() + _INSIDE)
                inside = text.low[match.end() : close if close >= 0 else match.end() + _INSIDE // 4]
                yield match.start(), inside, "text that its style hides"
    for match in text.matches(_ALTERNATIVE, "![", "alt=", "alt =", "[//]:", "[comment]:"):
        yield match.start(), match["inside"] or match["alt"] or match["note"], "text that no page shows"


def _between(low: str, opening: str, closing: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, text) of what stands between two marks; an opening that is never closed holds all the rest."""
    begin = low.find(opening)
    while begin >= 0:
        end = low.find(closing, begin)
        end = end if end >= 0 else len(low)
        yield begin, low[begin + len(opening) : end]
        begin = low.find(opening, end)


def _folded(text: Text, offset: int, inside: str) -> Iterator[Finding]:
    """Folded text is one click away: only what turns an agent against its people counts, and it warns."""
    against = _AGAINST.search(inside)
    if against and not text.fence_at(offset + against.start()):
        message = f"folded text instructs an agent: {shown(inside[against.start() :])}"
        yield text.finding("MH803", "warning", offset, message, REMEDY_HIDDEN, cited=taught(text, offset))


def _judged(text: Text, offset: int, inside: str, where: str) -> Iterator[Finding]:
    danger = _DANGER.search(inside)
    if danger is None or not _TO_ACT.search(inside):
        return
    told = shown(inside[max(0, danger.start() - 40) :])
    if _TO_AN_AGENT.search(inside):
        message = f"{where} instructs an agent: {told}"
        yield text.finding("MH803", "error", offset, message, REMEDY_HIDDEN, cited=taught(text, offset))
    elif _COMMAND.search(inside):
        yield text.finding("MH803", "error", offset, f"{where} holds a command: {told}", REMEDY_HIDDEN)
