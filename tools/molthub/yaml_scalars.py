"""One YAML scalar as people would write it: bare where every parser reads the same text, else in double quotes.

What is written here reads back as the same value with any YAML 1.1 or 1.2 parser: text that some parser would take for
a number, a boolean, a date or a null is quoted.
"""

from __future__ import annotations

import re

from molthub.model import Json

# Plain text that no parser takes for anything else: it begins with a letter, a digit, `/` or `$` and holds neither an
# indicator nor a character that ends a plain scalar in flow or block style (YAML 1.2, sections 5.3 and 7.3.3).
_PLAIN = re.compile(r"[A-Za-z0-9/$_.(][^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff#:]*\Z")
_PLAIN_IN_FLOW = re.compile(
    r"[A-Za-z0-9/_.(][^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff#:,?\[\]{}]*\Z"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_URL = re.compile(r"https?://[A-Za-z0-9./_~%?=&+-]+\Z")
_TYPED = re.compile(
    r"(?:~|null|true|false|yes|no|on|off|y|n|\.nan|[-+]?\.inf)\Z|[-+.]?[0-9][0-9_.,:eExXoa-fA-F+-]*\Z|0[box][0-9a-fA-F_]+\Z",
    re.IGNORECASE,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?\Z")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNPRINTABLE = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]')


def quoted(text: str) -> str:
    """Return ``text`` as a double-quoted scalar on one line."""
    return '"' + _UNPRINTABLE.sub(_escape, text) + '"'


def scalar(value: Json, *, in_flow: bool = False) -> str:
    """Return text, a number, a boolean or None as one scalar."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _stands_bare(value, in_flow=in_flow) else quoted(value)
    return _number(value)


def _stands_bare(text: str, *, in_flow: bool) -> bool:
    if not text or text != text.strip() or _DATE.match(text):
        return False
    if _VERSION.match(text):
        return True
    if _TYPED.match(text):
        return False
    if not in_flow and (_DIGEST.match(text) or _URL.match(text)):
        return True
    return (_PLAIN_IN_FLOW if in_flow else _PLAIN).match(text) is not None and text not in ("...", "---")


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    from molthub.documents import canonical

    return canonical(value).decode()


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    short = _ESCAPES.get(character)
    return short or f"\\u{ord(character):04x}"
