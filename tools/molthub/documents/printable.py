"""Text from somebody else's server on its way to a terminal: nothing in it may move the cursor, colour or reorder.

Control characters (ECMA-48: escape sequences begin with one) and Unicode's explicit directions (UAX #9, 2.1 and 2.2)
are shown as U+FFFD. A line feed and a tab stay.
"""

from __future__ import annotations

import re
from typing import Any

_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SHOWN = {code: "\N{REPLACEMENT CHARACTER}" for code in _CONTROLS if chr(code) not in "\t\n"}
_RAW = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")


def printable(value: Any, content: bytes) -> Any:
    """Return a JSON value whose texts can be shown. ``content`` is what it was read from: usually it clears all."""
    if b"\\u" not in content and not (b"\x7f" in content if content.isascii() else _RAW.search(content)):
        return value
    return _walk(value)


def _walk(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isprintable() else value.translate(_SHOWN)
    if isinstance(value, list):
        return [_walk(item) for item in value]
    if isinstance(value, dict):
        return {key: _walk(item) for key, item in value.items()}
    return value
