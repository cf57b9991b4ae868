"""Reading TOML as text: what it means, and where each table and each pair stands.

The standard library reads (TOML 1.0.0, toml.io) and decides what is valid. :func:`layout` then finds the spans of
headers, keys and values in a text that was read without error, which is all that an edit needs to know.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from molthub.model import Json
from molthub.platforms.document import TextError

Path = tuple[str, ...]

_STRING = r"""\"{3}(?:[^\\]|\\[\s\S])*?\"{3,5}(?!\")|'{3}[\s\S]*?'{3,5}(?!')|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'"""
_TOKEN = re.compile(rf"(?P<string>{_STRING})|(?P<comment>#[^\n]*)|(?P<mark>[\[\]{{}},\n])|[^\"'#\[\]{{}},\n]+")
_SPACE = re.compile(r"[ \t]*")
_SILENT = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = re.compile(r"""[ \t]*(?:([A-Za-z0-9_-]+)|("(?:[^"\\\n]|\\.)*"|'[^'\n]*'))[ \t]*(\.?)""")
_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)\Z")


@dataclass(frozen=True, slots=True)
class Pair:
    """``key = value`` as offsets into the text: of a line, or of an inline table.

    ``path`` are all keys from the root, ``keys`` how many of them are written here.
    """

    path: Path
    keys: int
    start: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """A table's header and the pairs below it; the root's pairs have a section whose ``start`` equals its ``end``.

    ``end`` is past the header's brackets. ``listed``: the header is of an array of tables (``[[x]]``).
    """

    path: Path
    start: int
    end: int
    listed: bool
    pairs: tuple[Pair, ...]

    @property
    def last(self) -> int:
        """Where the section's last pair ends, or its header when there is none."""
        return self.pairs[-1].end if self.pairs else self.end


def read_toml(text: str) -> Json:
    """Return the value of a TOML text; dates and times become text. Raises :class:`TextError`."""
    try:
        return _plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _text_error(text, str(error)) from None
    except RecursionError:
        raise TextError("nested too deeply", 0) from None
    except ValueError as error:  # a number of thousands of digits
        raise TextError(str(error), 0) from None


def layout(text: str) -> tuple[Section, ...]:
    """Return the sections of a text that was read without error, the root's first."""
    sections: list[Section] = []
    path: Path = ()
    start = end = 0
    listed = False
    pairs: list[Pair] = []
    offset = _skip(_SILENT, text, 0)
    while offset < len(text):
        if text[offset] == "[":
            sections.append(Section(path, start, end, listed, tuple(pairs)))
            listed = text[offset + 1] == "["
            keys, after = _keys(text, offset + 1 + listed)
            path, start, end, pairs = keys, offset, after + 1 + listed, []
            offset = _skip(_SILENT, text, end)
        else:
            pairs.append(_pair(text, offset, path))
            offset = _skip(_SILENT, text, pairs[-1].end)
    return (*sections, Section(path, start, end, listed, tuple(pairs)))


def inline_pairs(text: str, pair: Pair) -> tuple[Pair, ...]:
    """Return the pairs of the inline table that is ``pair``'s value."""
    return tuple(_inline(text, pair))


def items(text: str, pair: Pair) -> tuple[tuple[int, int], ...]:
    """Return the spans of the items of the array that is ``pair``'s value."""
    found: list[tuple[int, int]] = []
    offset = _skip(_SILENT, text, pair.value + 1)
    while text[offset] != "]":
        end = _value_end(text, offset)
        found.append((offset, end))
        offset = _skip(_SILENT, text, end)
        if text[offset] == ",":
            offset = _skip(_SILENT, text, offset + 1)
    return tuple(found)


def _inline(text: str, pair: Pair) -> Iterator[Pair]:
    offset = _skip(_SILENT, text, pair.value + 1)
    while text[offset] != "}":
        inner = _pair(text, offset, pair.path)
        yield inner
        offset = _skip(_SILENT, text, inner.end)
        if text[offset] == ",":
            offset = _skip(_SILENT, text, offset + 1)


def _pair(text: str, start: int, around: Path) -> Pair:
    keys, equals = _keys(text, start)
    value = _skip(_SPACE, text, equals + 1)
    return Pair((*around, *keys), len(keys), start, value, _value_end(text, value))


def _keys(text: str, offset: int) -> tuple[Path, int]:
    """Return the keys at ``offset`` and where what follows them begins."""
    keys: list[str] = []
    while True:
        match = _KEY_PART.match(text, offset)
        if match is None:
            raise LookupError(offset)
        keys.append(match[1] or tomllib.loads(f"k={match[2]}")["k"])
        offset = match.end()
        if not match[3]:
            return tuple(keys), offset


def _value_end(text: str, start: int) -> int:
    """Return where the value ends that begins at ``start``: before a comma, a bracket, a comment or a line's end."""
    depth = 0
    end = start
    for token in _TOKEN.finditer(text, start):
        written = token[0]
        if depth == 0 and (token["comment"] or written in (",", "]", "}", "\n")):
            break
        if written in ("[", "{"):
            depth += 1
        elif written in ("]", "}"):
            depth -= 1
        end = token.end()
    return start + len(text[start:end].rstrip(" \t\r"))


def _skip(pattern: re.Pattern[str], text: str, offset: int) -> int:
    match = pattern.match(text, offset)
    return match.end() if match else offset


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime | date | time) else value


def _text_error(text: str, message: str) -> TextError:
    """Return the error with its offset. The reader counts a line's end as one character, and says places in words."""
    place = _PLACE.search(message)
    said = message[: place.start()] if place else message
    if place is None or place["line"] is None:
        return TextError(said, len(text))
    start = 0
    for _ in range(int(place["line"]) - 1):
        start = text.find("\n", start) + 1
    return TextError(said, min(start + int(place["column"]) - 1, len(text)))
