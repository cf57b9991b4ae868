"""Read a file that holds secrets: only where nobody else could have read or written it.

The rule is ssh's: a file of the user's own (or root's) that neither its group nor others may read, and no folder on the
way to it in which everybody may put another in its place. Where the system itself put the file for one service or pod
alone, it decides who reads it.
"""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from molthub.secrets.provider import MAX_VALUE_BYTES, NOT_FOUND, Failure

_READABLE_BY_OTHERS = 0o077
_WRITABLE_BY_OTHERS = 0o022
_ROOT = 0


class PrivateFileError(Exception):
    """A file is not read; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def read_private(path: Path, *, any_reader: bool = False) -> bytes:
    """Return a file's bytes. Raises :class:`PrivateFileError`.

    With ``any_reader`` others may read it too, where the system gives them no way to it.
    """
    refused = None if any_reader else _way_refused(path)
    if refused is not None:
        raise PrivateFileError(refused)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise PrivateFileError(_unreadable(path, error)) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise PrivateFileError(Failure("NOT_A_FILE", f"{path} is no regular file"))
        refused = why_refused(path, found, _WRITABLE_BY_OTHERS if any_reader else _READABLE_BY_OTHERS)
        if refused is not None:
            raise PrivateFileError(refused)
        content = _read(descriptor)
    except OSError as error:
        raise PrivateFileError(_unreadable(path, error)) from None
    finally:
        os.close(descriptor)
    if len(content) > MAX_VALUE_BYTES:
        raise PrivateFileError(Failure("TOO_LARGE", f"{path} is larger than {MAX_VALUE_BYTES} bytes"))
    return content


def unsafe(path: Path) -> Failure | None:
    """Return why a file or folder is not to be relied on: others may write it, or it is another user's."""
    try:
        found = path.stat()
    except OSError as error:
        return _unreadable(path, error)
    return why_refused(path, found, _WRITABLE_BY_OTHERS) or _way_refused(path)


def _way_refused(path: Path) -> Failure | None:
    """Return why the way to a file is not to be relied on: in a folder of it, anybody may rename what is another's."""
    if os.name == "nt":
        return None
    for folder in Path(os.path.realpath(path)).parents:
        try:
            mode = folder.stat().st_mode
        except OSError:
            continue  # the file itself cannot be opened then, which is said better
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            message = f"{path} is refused: everybody may write in {folder} (mode {mode & 0o7777:o})"
            return Failure("TOO_OPEN", message, f"chmod o-w {shlex.quote(str(folder))}")
    return None


def as_text(path: Path, content: bytes) -> str:
    """Return UTF-8 as text. Raises :class:`PrivateFileError`."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise PrivateFileError(Failure("NOT_TEXT", f"{path} is not UTF-8 text")) from None


def why_refused(path: Path, found: os.stat_result, mode: int) -> Failure | None:
    """Return why a file or folder is refused by its owner and mode; ``mode`` are the bits that may not be set."""
    if os.name == "nt":  # who may read a file is said elsewhere there, and never in its mode
        return None
    shown = shlex.quote(str(path))
    if found.st_uid not in (os.geteuid(), _ROOT):
        message = f"{path} belongs to another user (uid {found.st_uid})"
        return Failure("NOT_OWNED", message, f"chown {os.geteuid()} {shown}")
    if found.st_mode & mode:
        said = "write" if mode == _WRITABLE_BY_OTHERS else "read"
        remedy = f"chmod go-w {shown}" if said == "write" else f"chmod 600 {shown}"
        return Failure("TOO_OPEN", f"{path} is refused: others may {said} it (mode {found.st_mode & 0o777:o})", remedy)
    return None


def _unreadable(path: Path, error: OSError) -> Failure:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Failure(NOT_FOUND, f"no file {path}")
    return Failure("UNREADABLE", f"{path} cannot be read: {error.strerror}")


def _read(descriptor: int) -> bytes:
    parts = []
    left = MAX_VALUE_BYTES + 1
    while left > 0 and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
