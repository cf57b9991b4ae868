"""Reading JSON and JSON5 as text: what it means, and where each member stands.

Strict JSON (RFC 8259) goes to the standard library. JSON5 (spec.json5.org, 1.0.0) and JSONC are tokenized by one
pattern, written again as strict JSON and then read the same way, so that one parser decides on structure.
:func:`block` gives the spans of one object's or array's members, which is all that an edit needs to know.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import NoReturn

from molthub.model import Json
from molthub.platforms.document import TextError

NEWLINES = "\n\r\u2028\u2029"
_SPACE = rf"[ \t\v\f\xa0\ufeff\u1680\u2000-\u200a\u202f\u205f\u3000{NEWLINES}]"
_LINE_COMMENT = rf"//[^{NEWLINES}]*+"
_BLOCK_COMMENT = r"/\*[\s\S]*?\*/"
_IDENTIFIER = r"(?:[^\W\d]|\$|\\u[0-9A-Fa-f]{4})(?:[\w$\u200c\u200d]|\\u[0-9A-Fa-f]{4})*+"
_DECIMAL = r"(?:(?:0|[1-9][0-9]*+)(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
TOKEN = re.compile(
    rf"""
      (?P<space> {_SPACE}++ )
    | (?P<line> {_LINE_COMMENT} )
    | (?P<comment> {_BLOCK_COMMENT} )
    | (?P<mark> [{{}}\[\]:,] )
    | (?P<string> "(?:[^"\\\n\r]++|\\(?:\r\n|[\s\S]))*+" | '(?:[^'\\\n\r]++|\\(?:\r\n|[\s\S]))*+' )
    | (?P<key> {_IDENTIFIER} (?= (?: {_SPACE} | {_LINE_COMMENT} | {_BLOCK_COMMENT} )*+ : ) )
    | (?P<number> [+-]?+ (?: 0[xX][0-9A-Fa-f]++ | {_DECIMAL} | Infinity | NaN ) (?![\w$.]) )
    | (?P<word> {_IDENTIFIER} )
    | (?P<bad> [\s\S] )
    """,
    re.VERBOSE,
)
_SILENT = re.compile(rf"(?:{_SPACE}++|{_LINE_COMMENT}|{_BLOCK_COMMENT})*+")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(\r\n|[\s\S]))")
_PLAIN_STRING = re.compile(r'"[^\\\x00-\x1f"]*"\Z')
_SHORT_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
_decoder = JSONDecoder()


class JsonTextError(TextError):
    """A text is no JSON, or no JSON5."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object, or item of an array (``key`` is None), as offsets into the text.

    ``start`` is where its key (or the item) begins, ``value`` where its value does, ``end`` is past the value and
    ``comma`` where the comma after it stands.
    """

    key: str | None
    start: int
    value: int
    end: int
    comma: int | None


@dataclass(frozen=True, slots=True)
class Block:
    """One object or array: ``start`` is its opening bracket, ``end`` is past the closing one."""

    start: int
    end: int
    members: tuple[Member, ...]

    def member(self, key: str) -> Member | None:
        """Return the member that counts for ``key``: of duplicates the last, as every reader of JSON has it."""
        return next((member for member in reversed(self.members) if member.key == key), None)


def read_json(text: str) -> Json:
    """Return the value of a strict JSON text. Raises :class:`JsonTextError`."""
    try:
        return json.loads(text)
    except JSONDecodeError as error:
        raise JsonTextError(error.msg, error.pos) from None
    except RecursionError:
        raise JsonTextError("nested too deeply", 0) from None
    except ValueError as error:  # a number of thousands of digits
        raise JsonTextError(str(error), 0) from None


def read_json5(text: str) -> Json:
    """Return the value of a JSON5 text. Raises :class:`JsonTextError`."""
    return _read(text, _WRITERS)


def read_jsonc(text: str) -> Json:
    """Return the value of a text that is JSON but for comments and trailing commas. Raises :class:`JsonTextError`."""
    return _read(text, _JSONC_WRITERS)


def _read(text: str, writers: _Writers) -> Json:
    strict, places = _as_json(text, writers)
    try:
        return read_json(strict)
    except JsonTextError as error:
        at = bisect_right(places, error.offset, key=lambda place: place[0]) - 1
        raise JsonTextError(error.message, places[at][1] if at >= 0 else 0) from None


def after_silent(text: str, offset: int) -> int:
    """Return the offset of the first character from ``offset`` on that is neither space nor comment."""
    return _silent_end(text, offset)


def block(text: str, start: int, *, strict: bool) -> Block:
    """Return the members of the object or array that begins at ``start`` of a text that was read without error.

    ``strict`` says that the text is strict JSON, whose values are skipped at the speed of the standard library.
    """
    members: list[Member] = []
    in_object = text[start] == "{"
    offset = _silent_end(text, start + 1)
    while text[offset] not in "}]":
        key, value = _key(text, offset) if in_object else (None, offset)
        end = _value_end(text, value, strict=strict)
        after = _silent_end(text, end)
        comma = after if text[after] == "," else None
        members.append(Member(key, offset, value, end, comma))
        offset = after if comma is None else _silent_end(text, comma + 1)
    return Block(start, offset + 1, tuple(members))


def _silent_end(text: str, offset: int) -> int:
    match = _SILENT.match(text, offset)
    return match.end() if match else offset


def _token(text: str, offset: int) -> re.Match[str]:
    match = TOKEN.match(text, offset)
    if match is None:
        raise JsonTextError("the text ends too early", offset)
    return match


def _key(text: str, offset: int) -> tuple[str, int]:
    """Return the key at ``offset`` and the offset of its value."""
    token = _token(text, offset)
    key = _string(token) if token.lastgroup == "string" else _unescaped(token[0])
    colon = _silent_end(text, token.end())
    return key, _silent_end(text, colon + 1)


def _value_end(text: str, offset: int, *, strict: bool) -> int:
    if text[offset] not in "{[":
        return _token(text, offset).end()
    if strict:
        return _decoder.raw_decode(text, offset)[1]
    depth = 0
    for token in TOKEN.finditer(text, offset):
        if token[0] in ("{", "["):
            depth += 1
        elif token[0] in ("}", "]"):
            depth -= 1
            if not depth:
                return token.end()
    raise JsonTextError("the text ends too early", len(text))


def _as_json(text: str, writers: _Writers) -> tuple[str, list[tuple[int, int]]]:
    """Return a text as strict JSON, each kind of token by its writer.

    With it come pairs of offsets (there, here) by which an error finds its place.
    """
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    length = 0
    trailing: int | None = None  # the part that is a comma, while it is the last token and stands after a value
    after_value = False
    for token in TOKEN.finditer(text):
        kind, written = token.lastgroup or "", token[0]
        if kind in ("space", "line", "comment"):
            continue
        if written in ("}", "]") and trailing is not None:
            parts[trailing] = " "
        trailing = len(parts) if written == "," and after_value else None
        after_value = written not in ("{", "[", ",", ":")
        part = written if kind == "mark" else writers[kind](token)
        places.append((length, token.start()))
        parts.append(part)
        length += len(part)
    places.append((length, len(text)))
    return "".join(parts), places


def _string(token: re.Match[str]) -> str:
    body = token[0][1:-1]
    return _unescaped(body, token.start() + 1) if "\\" in body else body


def _unescaped(body: str, offset: int = 0) -> str:
    def character(match: re.Match[str]) -> str:
        if match[1] or match[2]:
            return chr(int(match[1] or match[2], 16))
        char = match[3]
        if char in NEWLINES or char == "\r\n":
            return ""
        unfinished = char in "xu123456789" or (char == "0" and body[match.end() : match.end() + 1].isdecimal())
        if unfinished:
            raise JsonTextError("an escape that JSON5 does not have", offset + match.start())
        return _SHORT_ESCAPES.get(char, char)

    plain = _ESCAPE.sub(character, body)
    # two escapes may be the halves of one character
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _write_string(token: re.Match[str]) -> str:
    return token[0] if _PLAIN_STRING.match(token[0]) else json.dumps(_string(token))


def _write_key(token: re.Match[str]) -> str:
    return json.dumps(_unescaped(token[0], token.start()))


def _write_number(token: re.Match[str]) -> str:
    sign, digits = ("-", token[0][1:]) if token[0][0] == "-" else ("", token[0].removeprefix("+"))
    if digits[:2] in ("0x", "0X"):
        return sign + str(int(digits, 16))
    if digits == "NaN":
        return digits
    if digits == "Infinity":
        return sign + digits
    whole, exponent, power = digits.lower().partition("e")
    if whole.startswith("."):
        whole = "0" + whole
    return sign + whole.removesuffix(".") + exponent + power


def _write_word(token: re.Match[str]) -> str:
    if token[0] not in ("true", "false", "null"):
        raise JsonTextError("a bare word that is no value", token.start())  # not quoted: it may be a secret
    return token[0]


def _refuse(token: re.Match[str]) -> str:
    unfinished = {'"': "a string that does not end", "'": "a string that does not end", "/": "no value and no comment"}
    raise JsonTextError(unfinished.get(token[0], f"{token[0]!r} stands where it means nothing"), token.start())


def _as_it_is(token: re.Match[str]) -> str:
    """Let the reader of strict JSON judge a string or a number."""
    if token[0].lstrip("+-") in ("NaN", "Infinity"):  # which Python's takes
        _refuse_word(token)
    return token[0]


def _refuse_word(token: re.Match[str]) -> NoReturn:
    raise JsonTextError("a word that JSON does not have", token.start())


_Writers = Mapping[str, Callable[[re.Match[str]], str]]
_WRITERS: _Writers = {
    "string": _write_string,
    "key": _write_key,
    "number": _write_number,
    "word": _write_word,
    "bad": _refuse,
}
_JSONC_WRITERS: _Writers = {**_WRITERS, "string": _as_it_is, "number": _as_it_is, "key": _refuse_word}
