"""Most manifests are maps and lists of plain text: those are read by a faster parser, all others by the strict one.

Both are libyaml underneath, so that text is the same text. What they read differently is handed over: numbers and null
(of which the strict reader keeps what was written), tags, anchors, merge keys, directives, and whatever is so large
or so deep that a limit may apply. A manifest that either refuses is the strict reader's too, whose words people know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

MAX_BYTES = 32 * 1024
"""Fewer nodes than the strict reader's limit fit into so many bytes."""

_MAX_DEPTH = 8
_MARKED = re.compile(rb"(?:\A|[\s\[{,:?-])(?:!|[&*]\S)|<<|(?:\A|\n)%")
"""Where a tag, an anchor, an alias, a merge key or a directive may begin; text may hold these characters too."""

_SIGNS = (b"!", b"&", b"*", b"%", b"<<")

_ODD = re.compile("[\x85\u2028\u2029\ufeff]")
"""Line breaks of YAML 1.1 alone, and byte order marks, which the parsers need not take alike."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_BEGINS_NUMBER = frozenset("0123456789+-.")


def read_plain(content: bytes) -> Any:
    """Return what a manifest says, as :func:`molthub.yaml_text.parse` reads it, or None: ask the strict reader."""
    if len(content) > MAX_BYTES:
        return None
    if any(sign in content for sign in _SIGNS) and _MARKED.search(content):
        return None
    try:
        text = content.decode()
        if not content.isascii() and _ODD.search(text):
            return None
        value = _loads()(text)
    except (UnicodeDecodeError, ValueError):  # not YAML, a key twice, a key that is no scalar
        return None
    return value if _is_plain(value, 0) else None


@cache
def _loads() -> Callable[[str], Any]:
    from ryaml import loads  # type: ignore[attr-defined] # it has types, but no __all__

    return loads


def _is_plain(value: Any, depth: int) -> bool:
    """Whether a value holds nothing but text that cannot be meant as a number, true and false, lists and maps."""
    kind = type(value)
    if kind is str:
        return value[:1] not in _BEGINS_NUMBER or _NUMBER.match(value) is None
    if depth > _MAX_DEPTH:
        return False
    if kind is dict:
        for key in value:
            if type(key) is not str:
                return False
        value = value.values()
    elif kind is not list:
        return kind is bool
    for item in value:  # noqa: SIM110 (a generator would cost more than the work)
        if not _is_plain(item, depth + 1):
            return False
    return True
