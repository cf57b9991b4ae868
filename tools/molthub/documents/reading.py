"""Readers of single values, for what came from somebody else's server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from sys import intern
from typing import Any, TypeVar

from molthub.documents.names import DIGEST, HEX, MAX_SKILL_NAME, SKILL_NAME
from molthub.documents.printable import printable
from molthub.errors import FormatError, NewerFormatError
from molthub.model import Json

Value = TypeVar("Value")


def load_document(content: bytes, kind: str, where: str) -> dict[str, Any]:
    """Parse a published document and check that it is ``molthub.<kind>/1``.

    Raises :class:`FormatError`: no JSON, or another kind; :class:`NewerFormatError`: a newer major.
    """
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise FormatError("the answer is not JSON", place=where, remedy=NO_INDEX) from None
    found = document.get("format") if isinstance(document, dict) else None
    name, _, major = str(found).partition("/")
    if not isinstance(document, dict) or name != f"molthub.{kind}" or not major.isdecimal():
        raise FormatError(f"expected a molthub.{kind} document, found {found!r}", place=where, remedy=NO_INDEX)
    if int(major) > 1:
        message = f"the document has format {found}, this molthub reads up to /1"
        raise NewerFormatError(message, place=where, remedy="install a newer molthub")
    shown: dict[str, Any] = printable(document, content) if kind in _SHOWN else document
    return shown


_SHOWN = frozenset({"registry", "shard", "search"})
"""The kinds whose texts are shown to people. A bot's values are what they are, to the byte."""

NO_INDEX = "check the address: a molthub index answers with JSON documents that name their format"


def reading(read: Callable[[dict[str, Any]], Value], document: dict[str, Any], where: str) -> Value:
    """Run a reader and turn every missing or ill-typed value into one :class:`FormatError`."""
    try:
        return read(document)
    except FormatError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FormatError(f"a value is missing or of the wrong type ({error})", place=where, remedy=NO_INDEX) from None


def checked(pattern: re.Pattern[str], value: Any, what: str) -> str:
    """Return text that matches; raises ValueError."""
    if not isinstance(value, str) or not pattern.match(value):
        raise ValueError(f"{value!r} is not {what}")
    return value


def as_hex(value: Any) -> str:
    """Return a hex name; raises ValueError or TypeError.

    Equal names are one object: documents, assignments and reports of thousands of bots are held at once.
    """
    return intern(checked(HEX, value, "a SHA-256 in hexadecimal"))


def as_digest(value: Any) -> str:
    """Return a digest; raises ValueError or TypeError. Equal ones are one object, as of :func:`as_hex`."""
    return intern(checked(DIGEST, value, "a digest"))


def as_size(value: Any) -> int:
    """Return a number of bytes; raises ValueError or TypeError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a size")
    return value


def as_skill_name(value: Any) -> str:
    """Return a skill name, with or without scope; raises ValueError or TypeError."""
    name = checked(SKILL_NAME, value, "a skill name")
    if len(name.rpartition("/")[2]) > MAX_SKILL_NAME:
        raise ValueError(f"{value!r} is longer than a skill name may be")
    return name


def as_text(value: Any) -> str:
    """Return text; raises ValueError or TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def as_texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts; None is an empty one; raises ValueError or TypeError."""
    return tuple(as_text(item) for item in value or ())


def as_text_map(value: Any) -> dict[str, str]:
    """Return a map of texts; None is an empty one; raises ValueError or TypeError."""
    return {as_text(key): as_text(item) for key, item in (value or {}).items()}


def without_none(pairs: Mapping[str, Json]) -> dict[str, Json]:
    """Leave out what is None."""
    return {key: value for key, value in pairs.items() if value is not None}


def without_empty(pairs: Mapping[str, Json]) -> dict[str, Json]:
    """Leave out what is None or empty."""
    return {key: value for key, value in pairs.items() if value not in (None, "", (), [], {})}


def as_hex_map(value: Any) -> dict[str, str]:
    """Return a map of hex names; None is an empty one; raises ValueError or TypeError."""
    return {as_text(key): as_hex(item) for key, item in (value or {}).items()}


def as_digest_or_none(value: Any) -> str | None:
    """Return a digest or None; raises ValueError or TypeError."""
    return None if value is None else as_digest(value)
