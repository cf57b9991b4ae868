"""Which paths a registry may hold, and which git attributes would change the bytes of its files. Pure.

A version is the same bytes on every machine, so a tree holds only plain files under names that every system can hold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 1024
MAX_DEPTH = 32
MAX_FILE_BYTES = 50 * 1024 * 1024

_PLAIN_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{5,80}(?:\.[a-z0-9]{1,12})?\Z")
"""The common case: long enough to be no reserved device, nothing in it that a rule below could mind."""

_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?\Z", re.IGNORECASE)


def name_fault(name: str) -> str | None:
    """Return why a file or folder of this name cannot stand in a registry, or None.

    Bytes that are not UTF-8 arrive as surrogates (PEP 383). The names of devices and the characters that Windows keeps
    for itself follow "Naming Files, Paths, and Namespaces" of its documentation.
    """
    if _PLAIN_NAME.match(name):
        return None
    if not _is_utf8(name):
        return "is not UTF-8"
    return next((fault for fault, found in _FAULTS.items() if found(name)), None)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _has_control(name: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in name)


def _unknown_to_windows(name: str) -> bool:
    return bool(_NOT_ON_WINDOWS.search(name) or _DEVICE.match(name)) or name.endswith((" ", "."))


_FAULTS: dict[str, Callable[[str], bool]] = {
    "is no name": lambda name: name in ("", ".", ".."),
    "holds control characters": _has_control,
    "holds a slash or backslash": lambda name: "/" in name or "\\" in name,
    "cannot exist on Windows": _unknown_to_windows,
    "is git's own": lambda name: name.casefold() in (".git", "git~1"),
    "is longer than 255 bytes": lambda name: len(name.encode()) > MAX_NAME_BYTES,
}


def folded(name: str) -> str:
    """Return what a file system that ignores case and Unicode's spellings takes ``name`` for."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def clashes(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield the groups of siblings that some file systems would take for one."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(folded(name), []).append(name)
    return (tuple(group) for group in groups.values() if len(group) > 1)


def shown(path: str) -> str:
    """Return ``path`` as it can be printed: what is no UTF-8 or no printable character is escaped."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


# --- attributes ----------------------------------------------------------------------------------------------------


class ByteChange(NamedTuple):
    """A line of ``.gitattributes`` that makes a checkout differ from what was committed."""

    line: int
    pattern: str
    attribute: str
    about_text: bool
    """Whether ``-text`` for the same file would undo it."""


_TEXT = frozenset({"text", "eol", "crlf"})
_CHANGING = _TEXT | {"filter", "ident", "working-tree-encoding"}
_EVERYTHING = frozenset({"*", "**", "/**"})
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s]+')


def byte_changes(text: str) -> list[ByteChange]:
    """Return the lines that change bytes (gitattributes(5)).

    ``* -text`` and ``* binary`` undo what the lines before them say about line endings.
    """
    found: list[ByteChange] = []
    for number, line in enumerate(text.splitlines(), start=1):
        pattern, attributes = _rule(line)
        if is_text_off(pattern, attributes):
            found = [change for change in found if not change.about_text]
        for attribute in attributes:
            name = attribute.partition("=")[0]
            if name in _CHANGING:
                found.append(ByteChange(number, pattern, attribute, name in _TEXT))
    return found


def turns_text_off(text: str) -> bool:
    """Whether the file says ``* -text``: no line ending of any file below is touched, whatever outer files say."""
    return any(is_text_off(*_rule(line)) for line in text.splitlines())


def is_text_off(pattern: str, attributes: list[str]) -> bool:
    """Whether one rule switches the conversion of line endings off for every file."""
    return pattern in _EVERYTHING and any(word in ("-text", "-crlf", "binary") for word in attributes)


def _rule(line: str) -> tuple[str, list[str]]:
    words = _WORD.findall(line)
    if not words or words[0].startswith("#"):
        return "", []
    return words[0].strip('"'), words[1:]
