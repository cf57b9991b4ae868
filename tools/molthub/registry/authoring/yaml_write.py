"""Plain values out, YAML as people would write it: block style, two spaces, double quotes where quotes are needed.

What is written here reads back as the same value with :mod:`molthub.yaml_text` and with any YAML 1.1 or 1.2 parser:
text that some parser would take for a number, a boolean, a date or a null is quoted.
"""

from __future__ import annotations

import re
from typing import Any

from molthub.model import Json


class OneLine(dict[str, Any]):
    """A map that is written on one line: ``{version: 1.2.0, digest: "sha256:..."}``."""


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


def inline(value: Json) -> str:
    """Return any value on one line, collections in flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return scalar(value, in_flow=True)


def is_block(value: Json) -> bool:
    """Whether ``value`` takes lines of its own: a collection that holds something and is not a :class:`OneLine`."""
    return isinstance(value, dict | list | tuple) and bool(value) and not isinstance(value, OneLine)


def block(value: Json, indent: int = 0) -> list[str]:
    """Return a collection as lines in block style, each indented by ``indent`` spaces."""
    lines: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            lines += _entry(_key(key) + ":", item, indent, list_indent=2)
    else:
        for item in value:
            lines += _item(item, indent)
    return lines


def document(value: Json, *, schema: str | None = None) -> str:
    """Return a whole document. ``schema`` is the URL that editors find its JSON Schema at."""
    head = [f"# yaml-language-server: $schema={schema}"] if schema else []
    return "\n".join([*head, *block(value)]) + "\n"


def _key(key: str) -> str:
    """Return a key; numbers stand bare there, as in ``1: ...``: a key is text whatever it looks like."""
    return key if key.isascii() and key.isdecimal() else scalar(key, in_flow=True)


def _entry(head: str, item: Json, indent: int, *, list_indent: int) -> list[str]:
    pad = " " * indent
    if not is_block(item):
        text = inline(item) if isinstance(item, dict | list | tuple) else scalar(item)
        return [f"{pad}{head} {text}"]
    inner = indent + 2 if isinstance(item, dict) else indent + list_indent
    return [pad + head, *block(item, inner)]


def _item(item: Json, indent: int) -> list[str]:
    if not is_block(item):
        return _entry("-", item, indent, list_indent=2)
    first, *rest = block(item, indent + 2)
    return [" " * indent + "- " + first[indent + 2 :], *rest]


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
