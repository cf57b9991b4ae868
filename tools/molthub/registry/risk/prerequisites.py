"""MH805: something that the reader must fetch and run first, from a place that nobody answers for. Pure.

The shape of real campaigns: the skill is plausible, and before it works a person or an agent has to download a "tool",
open an archive with a password (so that no scanner on the way opens it), or paste a command from a page. No single
sentence of that is an attack; a passage in which the signs come together is. Signs are weighed around each link that
leads to code of nobody known, around each password of an archive, and around each page to copy a command from.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from molthub.registry.risk.cited import refused_ahead, taught
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.hosts import URL, Address, judge
from molthub.registry.risk.text import Text, shown
from molthub.registry.risk.words import words_in

TRIGGERS = words_in(
    """
    password pass pwd passphrase zip rar 7z exe dmg pkg msi scr jar apk appimage iso command bat ps1 extract unzip
    archive download downloads installer prerequisite prerequisites required requires requirement requirements must
    first glot pastebin rentry terminal paste setup install installation
    """
)
_PASSWORDS = (
    "pass:",
    "pass ",
    "password",
    "passphrase",
    "passcode",
    "passwort",
    "pass`",
    "pass*",
    "pass=",
    "pass(",
    "pwd",
    "pw:",
    "pw ",
    "contrase",
    "mot de passe",
    "kennwort",
    "senha",
    "\u5bc6\u7801",
    "\u53e3\u4ee4",
    "\u043f\u0430\u0440\u043e\u043b",
    "unzip",
    "7z",
)
REMEDY = (
    "name the maker's own page or a package registry, with a pinned version; nothing that a skill needs comes in an"
    " archive with a password or from a page to copy commands from"
)
BLOCKS_AT = 5
_AROUND = 700
MOST = 3
_SHADY = {
    "a paste site": MOST,
    "a bare IP address": MOST,
    "a file host": 2,
    "a URL shortener": 2,
    "a tunnel or dynamic name": 1,
    "a request catcher": 1,
}

_RUNNABLE = re.compile(r"\.(?:exe|msi|dmg|pkg|scr|apk|jar|appimage|bat|cmd|ps1|vbs|command|app|msix|iso|hta|lnk)$")
_PACKED = re.compile(r"\.(?:zip|rar|7z|tgz|tar\.gz|tar\.xz|gz|cab)$")
_SOURCE = re.compile(r"/archive/|[-_.](?:src|source|sources|data|dataset|examples?|samples?|templates?|docs?|fonts?)\b")
_SCRIPT = re.compile(r"\.(?:sh|py|js|pl|rb)$")

_NECESSARY = re.compile(
    r"\b(?:pre-?requisites?|required?|requires|requirements?|mandatory|essential|necessary|must|critical|"
    r"important|need(?:s|ed)?|"
    r"depends? on|dependenc(?:y|ies)|before (?:you |using|use|start|proceed|continu|run|install|the )|first|"
    r"will not (?:work|function|run|start)|won'?t (?:work|function|run|start)|does not work|cannot (?:work|"
    r"function|run|be used|"
    r"operate)|not function|without (?:this|it|the)|will fail|otherwise)|\u5fc5\u987b|\u9700\u8981|\u524d\u63d0|"
    r"\u5148\u51b3|"
    r"\b(?:requis|requerid[oa]|necesari[oa]|erforderlich|voraussetzung\w*|obligatoire|pr[e\u00e9]requis|requisitos?)\b|"
    r"\u043d\u0435\u043e\u0431\u0445\u043e\u0434\u0438\u043c|\u0442\u0440\u0435\u0431\u0443\u0435\u0442\u0441\u044f"
)
_FETCHED = re.compile(
    r"\b(?:download\w*|fetch|grab|obtain|visit|navigate to|go to|head (?:over )?to|open (?:this|the) (?:link|"
    r"page|url)|get (?:it|the|our)|"
    r"get \[|descarg\w+|herunterladen|laden sie|t[e\u00e9]l[e\u00e9]charg\w+|baixe|baixar)|\u4e0b\u8f7d|\u8bbf\u95ee|"
    r"\u0441\u043a\u0430\u0447\u0430\w*|\U0001f517|\u2b07"
)
_RUN = re.compile(
    r"\b(?:run|runs|running|execute|executed|executing|launch\w*|double[- ]click|start (?:it|the|up)|"
    r"open (?:the )?\S{0,40}\.?(?:exe|app|"
    r"dmg|installer)|install (?:it|the|and)|extract\w*|unzip|unpack\w*|unarchive|keep (?:it|the \w+) running|"
    r"ejecut\w+|ausf[u\u00fc]hren|"
    r"ex[e\u00e9]cut\w+|execut\w+)\b|\u8fd0\u884c|\u6267\u884c|\u89e3\u538b|\u0437\u0430\u043f\u0443\u0441\u0442"
)
_COPIED = re.compile(
    r"\b(?:copy|paste|pegue|pega|copiez|collez|kopier\w*)\b[^\n]{0,160}\b(?:terminal|console|command prompt|"
    r"powershell|shell|commands?|cmd|"
    r"script|run (?:dialog|box))\b|\u590d\u5236[^\n]{0,60}(?:\u7ec8\u7aef|\u547d\u4ee4)"
)
_SECRET = re.compile(
    r"(?:(?<![a-z])(?:pass(?:word|phrase|code)?|pwd|pw|contrase\u00f1a|mot de passe|passwort|kennwort|"
    r"senha)(?![a-z])|\u5bc6\u7801|\u53e3\u4ee4|"
    r"\u043f\u0430\u0440\u043e\u043b\u044c)[\s>]{0,6}(?:[*_`\"'(]{0,4}[\s>]{0,6}(?:[:=\uff1a]|"
    r"\bis\b)[\s>]{0,6}[*_`\"'(]{0,5}|[\s>]?[`\"'(]{1,3})[\s>]{0,6}"
    r"(?P<word>[\w!@#$%-]{2,40})|unzip\s[^\n]{0,60}?-p\s*(?P<flag>[^\s-]{2,40})|"
    r"7z\w?\s+[xe]\s[^\n]{0,60}?-p(?P<seven>[^\s-]{2,40})"
)
_ARCHIVE = re.compile(
    r"(?<![\w-])(?:zip|rar|7z|7-?zip|winrar|archives?|extract\w*|unzip|unpack|decompress|\w{1,40}\.(?:zip|rar|"
    r"7z))\b|\u89e3\u538b|"
    r"\u538b\u7f29\u5305|\u0430\u0440\u0445\u0438\u0432"
)
_NO_PASSWORD = re.compile(
    r"^(?:manager|protect\w*|field|fields|hash\w*|reset|policy|policies|auth\w*|based|login|change\w*|and|or|"
    r"for|in|to|is|from|the|a|an|"
    r"if|when|with|less|word|required?|must|should|stored?|strength|length|input|prompt|encrypt\w*|secret|none|"
    r"null|true|false|"
    r"through|by|on|of|as|not|this|that|file|files|str|string|env|variable|parameter|argument|option|flag|"
    r"your\w*|removal|"
    r"crack\w*|spray\w*|attack\w*|via|using|here|are|your-?password|only|user|users|before|after|database|vault|"
    r"list|lists)$"
)
_VAGUE = re.compile(
    r"\[\s*(?:here|click here|this (?:page|link|site|url)|link|the link|download|page|download (?:here|link|now))\s*\]"
)
_HARMLESS = re.compile(
    r"\b(?:dataset|data set|fonts?|csv|corpus|weights|checkpoint|genome|sample data|template|icons?)\b"
)


class _Passage(NamedTuple):
    """The text around one anchor and what was found in it."""

    score: int
    signs: tuple[str, ...]


def look(text: Text) -> Iterator[Finding]:
    """Yield passages that tell the reader to fetch and run something of nobody known."""
    passwords = list(_passwords(text))
    taken: set[int] = set()
    for offset, weight, what in sorted(_anchors(text, passwords)):
        passage = _weighed(text, offset, weight, what, passwords)
        block = offset // 600
        if passage.score < BLOCKS_AT or block in taken:
            continue
        taken.add(block)
        cited = refused_ahead(text, offset) or (weight < MOST and taught(text, offset))
        message = f"the reader is told to fetch and run something of nobody known: {', '.join(passage.signs)}"
        yield text.finding("MH805", "error", offset, message, REMEDY, cited=cited)


def _anchors(text: Text, passwords: list[tuple[int, str]]) -> Iterator[tuple[int, int, str]]:
    """Yield (offset, weight, what) of links to code of nobody known and of passwords of archives."""
    least = 0 if passwords or not text.words.isdisjoint((b"paste", b"copy", b"pegue", b"kopieren")) else 1
    for match in text.matches(URL, "http://", "https://", "ftp://"):
        address = judge(match[0].rstrip(".,;:!?*_~}"))
        weight = _weight(address)
        if weight >= least:
            yield _mention(text, match), weight, f"a link to {address.what}"
    for offset, word in passwords:
        yield offset, 0, f"an archive's password ({shown(word, 20)})"


def _weight(address: Address) -> int:
    """Return how much a link alone counts: -1 for those that are never a sign."""
    if address.standing in ("known", "example", "variable"):
        return -1
    path = re.split(r"[?#]", address.url, maxsplit=1)[0]
    if address.standing == "shady":
        return _SHADY[address.what]
    if _RUNNABLE.search(path):
        return 2
    if address.what.endswith("anybody can publish"):
        return 1
    if _PACKED.search(path):
        return 0 if _SOURCE.search(path) else 2 if "/releases/" in path else 1
    return 1 if _SCRIPT.search(path) and "raw" in path else 0


def _mention(text: Text, match: re.Match[str]) -> int:
    """Return where a link is spoken of: for `[label]: URL` at the end of a page, the label's first use."""
    definition = re.search(
        r"^[ \t]{0,3}\[([^\]\n]{1,60})\]:[ \t]*<?$", text.low[max(0, match.start() - 70) : match.start()], re.MULTILINE
    )
    if definition:
        used = text.low.find(f"[{definition[1]}]")
        if 0 <= used < match.start() - len(definition[0]):
            return used
    return match.start()


def _passwords(text: Text) -> list[tuple[int, str]]:
    """Return (offset, password) of what is said to open an archive that is to be downloaded."""
    found = []
    for match in text.matches(_SECRET, *_PASSWORDS):
        word = match["word"] or match["flag"] or match["seven"]
        if _NO_PASSWORD.match(word) or text.low[match.end() : match.end() + 1] == "(":
            continue
        close = text.around(match.start(), 160, 200)
        if _ARCHIVE.search(close) and _FETCHED.search(text.around(match.start(), _AROUND, _AROUND)):
            found.append((match.start(), word))
    return found


def _weighed(text: Text, offset: int, weight: int, what: str, passwords: list[tuple[int, str]]) -> _Passage:
    close = text.around(offset, 260, 360)
    signs, score = [what], weight
    for holds, count, name in (
        (_NECESSARY.search(close), 1, "it is called necessary"),
        (_FETCHED.search(close), 1, "it is to be downloaded or visited"),
        (_RUN.search(close), 1, "it is to be run or unpacked"),
        (_COPIED.search(close), 2, "a command is to be copied from there"),
        (_VAGUE.search(text.around(offset, 40, 4)), 1, "the link does not say where it leads"),
        (_is_near(offset, passwords), 3, "an archive has a password"),
    ):
        if holds:
            signs.append(name)
            score += count
    if weight < MOST and _HARMLESS.search(close):
        score -= 1
    return _Passage(score, tuple(dict.fromkeys(signs)))


def _is_near(offset: int, passwords: list[tuple[int, str]]) -> bool:
    at = bisect_left(passwords, (offset - _AROUND, ""))
    return at < len(passwords) and passwords[at][0] <= offset + _AROUND
