"""Text for pages and feeds: what is safe to show, and how sizes, days and addresses are written."""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import quote

_NOT_OBEYED = re.compile("[\\u202a-\\u202e\\u2066-\\u2069]")
_CONTROL = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]")
_CONTROL_BYTES = bytes(code for code in range(128) if _CONTROL.match(chr(code)))
_PLAIN_PATH = re.compile("[A-Za-z0-9/@._~-]*")
_SAFE_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])\Z")


def visible(text: str) -> str:
    """Return text in which characters that turn what follows around, or are none, are shown and not obeyed.

    In a page only what an author wrote can hold such characters; tags and attributes are as safe without them.
    """
    if not text.isascii():
        text = _NOT_OBEYED.sub(lambda match: f"\u27e8U+{ord(match[0]):04X}\u27e9", text)
    return _CONTROL.sub("\ufffd", text)


def encoded(text: str) -> bytes:
    """Return text as :func:`visible` shows it, in UTF-8."""
    content = text.encode("utf-8", "replace")
    # Nearly no page holds anything to be shown otherwise, and bytes are looked through in a tenth of the time.
    plain = text.isascii() and len(content.translate(None, _CONTROL_BYTES)) == len(content)
    return content if plain else visible(text).encode("utf-8", "replace")


def shown_size(size: int) -> str:
    """Return a number of bytes for people."""
    if size < 1000:  # noqa: PLR2004 (bytes of a kilobyte)
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"  # noqa: PLR2004 (likewise)


def url_path(path: str) -> str:
    """Return a path of the index as it stands in a URL; the ``@`` of a scope may stand there as it is."""
    return path if _PLAIN_PATH.fullmatch(path) else quote(path, safe="/@")


def tag_path(tag: str) -> str:
    """Return the folder of a tag's page. Tags that differ in case alone share one, as file systems may."""
    name = tag.lower()
    safe = _SAFE_SLUG.match(name) and not _RESERVED.match(name)
    return f"tags/{name}/" if safe else f"tags/x-{sha256(name.encode()).hexdigest()[:16]}/"


def anchor(text: str) -> str:
    """Return the part of a URL behind ``#`` that leads to an element of this ``id``."""
    return quote(text, safe="")


def day(time: str) -> str:
    """Return the day of a time."""
    return time[:10]
