"""Reading archives that somebody else made: USTAR blocks in, plain files out, everything else refused. Pure.

The layout is that of IEEE 1003.1 (pax utility, "ustar Interchange Format"). Only what an index writes is accepted:
regular files with relative paths, no folders, links, devices or extended headers. Python's ``tarfile`` understands
a dozen dialects and guesses between them; here there is nothing to guess, so nothing to trick.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from molthub.errors import UnsafeArchiveError

MAX_FILES = 1000
MAX_UNPACKED = 50 * 1024 * 1024
BLOCK = 512
MAX_TAR = MAX_UNPACKED + MAX_FILES * 2 * BLOCK + 20 * BLOCK
"""The largest archive of so many files and bytes: a header and padding for each, and an end of up to twenty blocks."""

_ZEROS = bytes(BLOCK)
_OCTAL = re.compile(rb"[0-7]{1,11}\Z")
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a folder entry",
    b"6": "a named pipe",
    b"x": "an extended header",
    b"g": "an extended header",
    b"L": "a GNU long name",
    b"K": "a GNU long link",
    b"S": "a sparse file",
}
_SIMPLE = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\Z")


class Member(NamedTuple):
    """One file of an archive."""

    path: str
    executable: bool
    content: bytes


def members(tar: bytes, where: str) -> Iterator[Member]:
    """Yield the files of an unpacked archive.

    Raises :class:`UnsafeArchiveError` at the first thing that it should not hold.
    """
    seen = _Seen(where)
    offset = 0
    while True:
        header = tar[offset : offset + BLOCK]
        if header == _ZEROS:
            break
        member, offset = _member(tar, offset, header, where)
        seen.add(member)
        yield member
    if any(tar[offset:]) or len(tar) % BLOCK or len(tar) - offset < 2 * BLOCK:
        raise _unsafe("its end is not that of a tar archive", where)


def path_fault(path: str) -> str | None:
    """Return why a path of an archive must not be written below a folder, or None.

    A backslash and a colon have meanings on Windows (another folder, another drive or stream).
    """
    if _SIMPLE.match(path):
        return None
    if path.startswith("/"):
        return "is absolute"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "leaves its folder or names none"
    if "\\" in path or ":" in path:
        return "holds a backslash or a colon"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        return "holds a control character"
    return None


class _Seen:
    """The paths so far: no two may be one file, on systems that fold case and accents either."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.files: set[str] = set()
        self.folders: set[str] = set()
        self.unpacked = 0

    def add(self, member: Member) -> None:
        self.unpacked += len(member.content)
        if len(self.files) >= MAX_FILES or self.unpacked > MAX_UNPACKED:
            raise _unsafe(f"it holds more than {MAX_FILES} files or {MAX_UNPACKED} bytes", self.where)
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", member.path).casefold())
        parts = folded.split("/")
        parents = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if folded in self.files or folded in self.folders or parents & self.files:
            raise _unsafe(f"{member.path!r} stands in the place of another file", self.where)
        self.files.add(folded)
        self.folders |= parents


def _member(tar: bytes, offset: int, header: bytes, where: str) -> tuple[Member, int]:
    """Read the file at ``offset``; also return where the next header begins."""
    if len(header) != BLOCK or header[257:265] != b"ustar\x0000":
        raise _unsafe("it is not a USTAR archive, or it is cut off", where)
    # The checksum's own field counts as eight spaces.
    if sum(header) - sum(header[148:156]) + 8 * 32 != _number(header[148:156], where):
        raise _unsafe("a header's checksum is wrong", where)
    kind = header[156:157]
    if kind not in (b"0", b"\0"):
        raise _unsafe(f"{_name(header)!r} is {_KINDS.get(kind, 'of an unknown kind')}", where)
    path = _path(header, where)
    size = _number(header[124:136], where)
    begin = offset + BLOCK
    end = begin + size
    following = end + -size % BLOCK
    if following > len(tar) or any(tar[end:following]):
        raise _unsafe(f"{path!r} is cut off", where)
    return Member(path, bool(_number(header[100:108], where) & 0o111), tar[begin:end]), following


def _path(header: bytes, where: str) -> str:
    raw = _name(header)
    try:
        path = raw.decode()
    except UnicodeDecodeError:
        raise _unsafe(f"the path {raw!r} is not UTF-8", where) from None
    fault = path_fault(path)
    if fault is not None:
        raise _unsafe(f"the path {path!r} {fault}", where)
    return path


def _name(header: bytes) -> bytes:
    name, prefix = _text(header[:100]), _text(header[345:500])
    return prefix + b"/" + name if prefix else name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, where: str) -> int:
    digits = field.strip(b"\0 ")
    if not _OCTAL.match(digits):
        raise _unsafe("a number in a header is not octal", where)
    return int(digits, 8)


def _unsafe(message: str, where: str) -> UnsafeArchiveError:
    return UnsafeArchiveError(message, place=where, remedy="nothing of it was kept; tell whoever runs this index")
