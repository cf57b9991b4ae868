"""Writing so that a killed process leaves the old or the new, and one process at a time.

Every writer of molthub goes through here: a file is written beside its place and renamed over it (POSIX rename is
atomic within a file system), a folder is swapped by renames, and a lock file keeps two processes apart.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable
from errno import EACCES, EEXIST, ENOTDIR, ENOTEMPTY
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from molthub.errors import MolthubError

if TYPE_CHECKING:
    import ctypes

EXECUTABLE_MODE = 0o755
PLAIN_MODE = 0o644
_NO_MODE_BITS = os.name == "nt"
_EXCLUSIVE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def unique_suffix() -> str:
    """Return text that no other process picks."""
    return os.urandom(8).hex()


def write_new(path: str | Path, content: bytes, *, executable: bool = False, durable: bool = False) -> None:
    """Write a file that must not exist, with mode 644 or 755 whatever the umask says.

    Raises :class:`FileExistsError` when something stands there, be it a dangling link.
    """
    # Paths are taken as text here: an index is 50,000 files, and as many Path objects would cost more than the work.
    _write(path, content, EXECUTABLE_MODE if executable else PLAIN_MODE, durable=durable)


def write_atomically(
    path: str | Path, content: bytes, mode: int | None = None, *, durable: bool = True, temporary: str = ""
) -> None:
    """Replace the file at ``path`` so that a reader sees the old or the new content, never a part.

    Without ``mode`` the file keeps the mode it has, or gets 644. A link at ``path`` is replaced, not followed.
    ``durable`` also survives a power cut (fsync); pass False for what can be made again. ``temporary`` is the name that
    the file has beside its place until it is whole: one name for a folder where one process writes, one file at a time,
    and sweeps what was left; without it the name is nobody else's. Raises :class:`OSError`; the old file is then still
    there.
    """
    folder, name = os.path.split(path)
    beside = os.path.join(folder, temporary or f".{name}.{unique_suffix()}.tmp")
    try:
        _write(beside, content, _mode_for(path) if mode is None else mode, durable=durable)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    if durable:
        sync_folder(folder or ".")


def sync_folder(folder: str | Path) -> None:
    """Make the renames inside ``folder`` survive a power cut, where the system can."""
    if _NO_MODE_BITS:  # Windows cannot open folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_folder(staged: str | Path, destination: str | Path) -> None:
    """Put the folder ``staged`` in the place of ``destination``, which may or may not exist.

    Both must be on one file system. The two trade places in one step where the system can do that, so that one of
    them is always at ``destination``; else what stood there is renamed beside ``staged`` first, and for an instant
    nothing is there. Then it is deleted. Nothing foreign ever shows up beside ``destination``. Raises
    :class:`OSError`; the old folder is then in its place.
    """
    if _is_put(staged, destination):
        return
    if _traded(staged, destination):
        remove_tree(Path(staged))
        return
    old = f"{staged}.{unique_suffix()}.old"
    os.rename(destination, old)
    try:
        os.rename(staged, destination)
    except OSError:
        os.rename(old, destination)
        raise
    remove_tree(Path(old))


def _is_put(staged: str | Path, destination: str | Path) -> bool:
    """Rename a folder to where nothing stands, or an empty folder. False: nothing was done, something is in the way."""
    try:
        os.rename(staged, destination)
    except OSError as error:
        if error.errno in _IN_THE_WAY:
            return False
        raise
    return True


_IN_THE_WAY = (EEXIST, ENOTEMPTY, ENOTDIR, *((EACCES,) if _NO_MODE_BITS else ()))
"""What a system says when a folder cannot be renamed because something stands there (Windows: access denied)."""
_AT_FOLDER = -100
_TRADE = 2
"""``RENAME_EXCHANGE`` of Linux' renameat2(2), and ``RENAME_SWAP`` of macOS' renamex_np(2)."""


def _traded(one: str | Path, other: str | Path) -> bool:
    """Let two names trade places in one step. False: nothing was done; the system says no, or one is not there."""
    if _NO_MODE_BITS:
        return False
    library = _c_library()
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        if hasattr(library, "renameat2"):
            return bool(library.renameat2(_AT_FOLDER, first, _AT_FOLDER, second, _TRADE) == 0)
        return bool(library.renamex_np(first, second, _TRADE) == 0)
    except AttributeError:  # another system, or a C library that is older than the call
        return False


@cache
def _c_library() -> ctypes.CDLL:
    import ctypes

    return ctypes.CDLL(None)


def remove_tree(path: Path) -> None:
    """Delete a file, a link or a folder with all that is in it; what is gone already is no error."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        from shutil import rmtree

        rmtree(path)


class FileLock:
    """One process at a time, by an advisory lock on a file. The system frees it when the process ends.

    Use it in a ``with`` block. ``on_wait`` is called once when another process holds the lock; after ``timeout``
    seconds of waiting :class:`MolthubError` is raised. The lock file stays: deleting it would let two processes lock
    two different files.
    """

    def __init__(self, path: Path, *, timeout: float = 60.0, on_wait: Callable[[], None] | None = None) -> None:
        self.path = path
        self.timeout = timeout
        self.on_wait = on_wait
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, PLAIN_MODE)
        try:
            self._wait_for(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)  # closing frees the lock
            self._descriptor = None

    def _wait_for(self, descriptor: int) -> None:
        if try_lock(descriptor):
            return
        if self.on_wait is not None:
            self.on_wait()
        deadline = time.monotonic() + self.timeout
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise MolthubError(
                    f"another molthub has been working here for {self.timeout:g} seconds",
                    place=str(self.path),
                    remedy="wait until it is done, or end it, then run this again",
                )
            time.sleep(0.02)


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed or this process ends. False: another process has it."""
    try:
        if _NO_MODE_BITS:
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore] # Windows only
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        from errno import EACCES, EAGAIN, EDEADLK

        if error.errno not in (EACCES, EAGAIN, EDEADLK):
            raise
        return False
    return True


def _mode_for(path: str | Path) -> int:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return PLAIN_MODE
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else PLAIN_MODE


def _write(path: str | Path, content: bytes, mode: int, *, durable: bool) -> None:
    descriptor = os.open(path, _EXCLUSIVE, mode)
    try:
        # Asking is a hundred times cheaper than setting, and a usual umask leaves the mode right.
        if not _NO_MODE_BITS and stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            os.fchmod(descriptor, mode)
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
