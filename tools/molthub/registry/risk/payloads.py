"""MH806: code that is run and that nobody can read: encoded, packed, spelled out in numbers. Pure."""

from __future__ import annotations

import binascii
import contextlib
import re
from base64 import b64decode
from bisect import bisect_left
from collections.abc import Iterator

from molthub.errors import Severity
from molthub.registry.risk.cited import cites, refused, taught_in_code
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.hosts import URL, address_in, judge
from molthub.registry.risk.text import Text, shown
from molthub.registry.risk.words import words_in

TRIGGERS = words_in(
    """
    base64 b64decode atob frombase64string frombase64 enc encodedcommand ec fromcharcode unhexlify fromhex
    decompress loads marshal codecs rot13 xxd decode exec eval function builtins buffer
    """
)
_DECODERS = (
    "base64",
    "openssl",
    "xxd",
    "b64decode",
    "frombase64string",
    "base32",
    "uudecode",
    "tr '",
    'tr "',
    "tr a-z",
    "rev |",
    "printf",
)
_UNPACKERS = (
    "b64decode",
    "b32decode",
    "b85decode",
    "a85decode",
    "atob",
    "fromhex",
    "unhexlify",
    "decompress",
    "marshal",
    "codecs",
    "fromcharcode",
    "buffer.from(",
    "frombase64string",
    "gzinflate",
    "rot13",
    "unescape(",
    "decodeuricomponent(",
    "a2b_",
)
REMEDY = "write the code in the open; what is read by nobody is run by nobody"

_DECODER = (
    r"(?:base64\s+(?:-\w*d\w*|--decode)|openssl\s+(?:enc\s+)?-?(?:base64|a)\s+-d|xxd\s+-r[^\n|]{0,20}|b64decode|"
    r"frombase64string|"
    r"base32\s+-d|uudecode|tr\s+[\"']?a-z[^\n|]{0,30}n-za-m|rev(?=\s*\|)|"
    r"printf\s+[\"'](?:\\+x[0-9a-f]{2}){8,}[^\n|]{0,2000})"
)
_TO_SHELL = re.compile(
    rf"{_DECODER}[^\n|]{{0,200}}(?:\|\s*(?!(?:sudo\s+)?(?:ba|z|da)?sh\b)[^\n|]{{1,80}}){{0,2}}\|\s*(?:sudo\s+)?"
    r"(?:/\S{0,30}/)?(?:(?:(?:ba|z|da|k)?sh|osascript|powershell|pwsh|iex)\b(?![.\w/-])|"
    r"(?:python[0-9.]*|perl|ruby|node|php)(?:\s+-)?(?=[\s\"'`)]*(?:\n|$|[|;&\"'`)])))"
)
_IN_SHELL = re.compile(
    rf"(?:eval|(?:ba|z|da)?sh\s+-c|source|python[0-9.]*\s+-c)\s*[\"']?\s*(?:\$\(|`|<\()[^\n]{{0,2000}}?{_DECODER}"
)
_UNPACK = (
    r"(?:base64\.)?(?:urlsafe_)?(?:b64|b32|b85|a85)decode|(?<![\w.])atob|bytes\.fromhex|bytearray\.fromhex|"
    r"(?:binascii\.)?(?:unhexlify|a2b_\w+)|"
    r"zlib\.decompress|gzip\.decompress|lzma\.decompress|bz2\.decompress|marshal\.loads|codecs\.decode|"
    r"string\.fromcharcode|"
    r"buffer\.from\([^\n]{0,4000}?[\"'](?:base64|hex)[\"']|frombase64string|gzinflate|str_rot13|unescape\(|"
    r"decodeuricomponent\("
)
_RUNS = (
    r"(?<![\w.])(?:exec|eval|__import__\([\"']builtins[\"']\)\.\w+|builtins\.\w+|(?:new\s+)?function|"
    r"settimeout|setinterval|execscript|assert|iex)"
)
_IN_CODE = re.compile(rf"{_RUNS}\s*\(\s*(?:[\w.]{{1,40}}\(\s*){{0,4}}(?:{_UNPACK})")
_HELD = re.compile(rf"(?<![\w.])(?P<name>[a-z_$][\w$]{{0,40}})\s*=\s*(?:[\w.]{{1,40}}\(\s*){{0,4}}(?:{_UNPACK})")
_RUN_OF = re.compile(
    rf"{_RUNS}\s*\(\s*(?:compile\s*\(\s*)?(?P<name>[a-z_$][\w$]{{0,40}})(?:\.(?:decode|tostring)\b|(?![\w.\[(]))"
)
_RUNNERS = (
    "exec",
    "eval",
    "builtins",
    "function",
    "settimeout",
    "setinterval",
    "execscript",
    "assert",
    "iex",
    "__import__(",
)
_NEXT_LINES = 3000
_ENCODED_COMMAND = re.compile(
    r"(?:powershell|pwsh)(?:\.exe)?\s[^\n]{0,200}?[-/](?:e|ec|en|enc\w{0,12})\s+[\"']?(?P<code>[a-z0-9+/=]{20,})|"
    r"(?:powershell|pwsh)(?:\.exe)?\s[^\n]{0,160}frombase64string"
)
_SPELLED = re.compile(
    r"(?:\bchr\(\d{1,3}\)\s*[+.,]\s*){8,}|(?:\\x[0-9a-f]{2}){40,}|(?:\\u00[0-9a-f]{2}){30,}|(?:\b\d{2,3},\s?){60,}"
)
_RUNS_SOMETHING = re.compile(rf"{_RUNS}\s*\(")
_RENAMED = re.compile(r"_0x[0-9a-f]{4,6}\b")
_LITERAL = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{32,}={0,2}")
_COMMAND = re.compile(
    r"(?:curl|wget)\s+(?:-\S+\s+){0,6}[\"']?(?:https?://|\d{1,3}\.\d{1,3}\.)|/bin/(?:ba|z)?sh\s+-c|\|\s*(?:ba|"
    r"z)?sh\b|/dev/tcp/|powershell|"
    r"invoke-(?:expression|webrequest)|downloadstring|\bexec\s*\(|\beval\s*\(|import\s+(?:os|socket|"
    r"subprocess)\b|child_process|"
    r"os\.system|nc\s+-\w*e|osascript",
    re.IGNORECASE,
)
_REACHES = re.compile(
    r"(?:curl|wget|iwr|irm|invoke-webrequest|ncat|nc)\b(?P<args>[^\n;|]{1,300})|/dev/tcp/(?P<host>[^/\s]{1,100})",
    re.IGNORECASE,
)
_COMMAND_BYTES = (b"curl", b"wget", b"sh", b"/dev/tcp/", b"powershell", b"invoke-", b"downloadstring", b"exec", b"eval")
_MORE_COMMAND_BYTES = (b"import", b"child_process", b"os.system", b"nc", b"osascript")
_TEXT_BYTES = bytes(code for code in range(128) if chr(code).isprintable() or chr(code) in "\n\r\t")
_MANY_RENAMED = 20
_LONG_LINE = 4000


def look(text: Text) -> Iterator[Finding]:
    """Yield encoded code that is run, or that decodes to commands."""
    for pattern, what, anchors, back in (
        (_TO_SHELL, "something encoded is decoded and run", _DECODERS, 0),
        (_IN_SHELL, "something encoded is decoded and run", _DECODERS, 300),
        (_IN_CODE, "something packed is unpacked and run", _UNPACKERS, 100),
    ):
        for match in text.matches(pattern, *anchors, back=back, ahead=200):
            yield _judged(text, match, f"{what}: {shown(match[0])}")
    yield from _held(text)
    for match in text.matches(_ENCODED_COMMAND, "powershell", "pwsh"):
        yield _judged(text, match, f"an encoded command: {shown(match[0])}")
    yield from _decoded(text)


def _held(text: Text) -> Iterator[Finding]:
    """Yield what is unpacked into a name, where that name is run within the next lines."""
    runs: dict[str, list[int]] = {}
    for match in text.matches(_RUN_OF, *_RUNNERS):
        runs.setdefault(match["name"], []).append(match.start())
    for match in text.matches(_HELD, *_UNPACKERS, back=100, ahead=60) if runs else ():
        places = runs.get(match["name"], [])
        at = bisect_left(places, match.end())
        if at < len(places) and places[at] <= match.end() + _NEXT_LINES:
            yield _judged(text, match, f"{match['name']} is unpacked here and run below: {shown(match[0])}")


def _judged(text: Text, match: re.Match[str], message: str) -> Finding:
    """In code it runs, whatever stands around it; in prose an example may stand, without a payload of its own.

    What a reference page about attacks shows as a program's code, and nobody is told to run, is weaker: it warns.
    """
    if text.kind == "code" and not refused(text, match.start()):
        return text.finding("MH806", "error", match.start(), message, REMEDY)
    if taught_in_code(text, match.start()):
        return text.finding("MH806", "warning", match.start(), message, REMEDY)
    carries = _LITERAL.search(text.visible, match.start() - min(400, match.start()), match.end() + 400)
    severity: Severity = "error" if carries or not _is_lone_decoder(match[0]) else "warning"
    return text.finding(
        "MH806", severity, match.start(), message, REMEDY, cited=cites(text, match.start(), match.end())
    )


def _is_lone_decoder(code: str) -> bool:
    """Whether only a name is decoded, as documentation shows: `eval(atob(x))`."""
    return "|" not in code


def _decoded(text: Text) -> Iterator[Finding]:
    """Yield literals that decode to commands, wherever they stand: nobody writes those by chance."""
    if not text.has(
        "base64",
        "b64decode",
        "atob",
        "frombase64string",
        "openssl",
        "enc",
        "encodedcommand",
        "xxd",
        "fromhex",
        "unhexlify",
    ):
        return
    for match in _LITERAL.finditer(text.visible):
        plain = _plain(match[0])
        if plain and _may_command(plain) and _COMMAND.search(plain):
            message = f"an encoded text holds a command: {shown(plain)}"
            shown_alone = taught_in_code(text, match.start()) and not _reaches_somebody(plain)
            severity: Severity = "warning" if shown_alone else "error"
            yield text.finding("MH806", severity, match.start(), message, REMEDY, cited=refused(text, match.start()))


def _plain(literal: str) -> str:
    """Return what a base64 or hexadecimal literal spells, or nothing where that is no text."""
    candidates = []
    if re.fullmatch(r"[0-9a-fA-F]+", literal) and len(literal) % 2 == 0:
        candidates.append(bytes.fromhex(literal))
    body = literal.rstrip("=").replace("-", "+").replace("_", "/")[:8000]
    with contextlib.suppress(binascii.Error, ValueError):
        candidates.append(b64decode(body + "=" * (-len(body) % 4)))
    for content in candidates:
        wide = content.decode("utf-16-le", "ignore") if content[1:2] == b"\0" else content.decode("latin-1")
        spelled = wide.encode("ascii", "ignore")
        printable = len(spelled) - len(spelled.translate(None, _TEXT_BYTES))
        if wide and printable >= 0.95 * len(wide):
            return wide
    return ""


def _reaches_somebody(plain: str) -> bool:
    """Whether a command names an address that somebody answers."""
    places = [judge(match[0]) for match in URL.finditer(plain)]
    places += [address_in(match["args"] or match["host"]) for match in _REACHES.finditer(plain)]
    return any(place.standing in ("stranger", "shady") for place in places)


def _may_command(plain: str) -> bool:
    """Whether any word of a command stands in ``plain``; letters beyond ASCII may fold to one, so they are let by."""
    low = plain.lower().encode("utf-8", "replace")
    return not plain.isascii() or any(word in low for word in (*_COMMAND_BYTES, *_MORE_COMMAND_BYTES))


def look_at_names(text: Text) -> Iterator[Finding]:
    """Yield code that is spelled in numbers or whose names were taken away."""
    runs = text.has("exec", "eval") and _RUNS_SOMETHING.search(text.low) is not None
    for match in _SPELLED.finditer(text.low) if runs else ():
        yield text.finding(
            "MH806", "warning", match.start(), "code spelled out in numbers, in a file that runs text", REMEDY
        )
        break
    renamed = _RENAMED.findall(text.low) if "_0x" in text.low else []
    if len(renamed) >= _MANY_RENAMED:
        offset = text.low.index(renamed[0])
        yield text.finding(
            "MH806", "error", offset, f"an obfuscator took the names away ({len(renamed)} names like _0x1a2b)", REMEDY
        )
