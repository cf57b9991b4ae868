"""Files of an index's folder, one by one: atomically where somebody may be reading, plainly where nobody can."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from molthub.atomic import write_atomically, write_new
from molthub.index.folder import FILE_MODE, FOLDER_MODE, ROOT_DOCUMENT, TEMPORARY

_REMEMBERED = 10_000
"""So many folders are known to be there; a large index has half a million, and one that is forgotten is asked for."""

_FEW = 200
"""So many files are waited for one by one."""


def files_below(folder: str, path: str) -> Iterator[str]:
    """Yield every file below ``folder``, which is called ``path``; what was left half-written is removed."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith(TEMPORARY):
            os.unlink(entry.path)  # noqa: PTH108 (50,000 Path objects would cost more than the work)
        elif entry.is_dir(follow_symlinks=False):
            yield from files_below(entry.path, f"{path}/{entry.name}")
        else:
            yield f"{path}/{entry.name}"


def parents(path: str) -> Iterator[str]:
    """Yield the folders above a path, nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


@contextmanager
def plain_umask() -> Iterator[None]:
    """Take the process's umask away meanwhile: an index's files have their modes, whoever builds it."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def settle(out: Path | None = None, paths: Collection[str] | None = None) -> None:
    """Wait until what was written is on the disk, so that no root outlives a power cut that its files do not.

    Given few ``paths``, each of them is waited for, and for no other program's files.
    """
    if paths is not None and len(paths) <= _FEW:
        waiting = [threading.Thread(target=_sync, args=(f"{out}/{path}",)) for path in paths]
        for thread in waiting:  # a file system commits what many wait for at once
            thread.start()
        for thread in waiting:
            thread.join()
    elif hasattr(os, "sync"):
        os.sync()


def _sync(file: str) -> None:
    with suppress(FileNotFoundError):
        descriptor = os.open(file, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Writer:
    """Writes and removes files below one folder, and counts.

    ``temporary`` is what files are called until they are whole; of several processes each has its own name for them.
    ``fresh`` says that the folder held no index: nobody reads in it before the root is there, so that a file may be
    written in its place.
    """

    def __init__(
        self,
        out: Path,
        progress: Callable[[int], None] = lambda _steps: None,
        *,
        fresh: bool = False,
        temporary: str = TEMPORARY,
    ) -> None:
        self._out = str(out)
        self._progress = progress
        self._fresh = fresh
        self._temporary = temporary
        self._folders = {""}
        self.written: list[str] = []
        self.unchanged = 0

    def write(self, path: str, content: bytes, *, exists: bool) -> None:
        """Give ``path`` this content, atomically; a file that has it is left alone."""
        target = f"{self._out}/{path}"
        if exists and _read(target) == content:
            self.unchanged += 1
        else:
            folder = path.rpartition("/")[0]
            self._make(folder)
            if self._fresh and path != ROOT_DOCUMENT:
                write_new(target, content)
            else:
                durable = path == ROOT_DOCUMENT
                write_atomically(target, content, FILE_MODE, durable=durable, temporary=self._temporary)
            self.written.append(path)
        self._progress(1)

    def put(self, path: str, content: bytes) -> None:
        """Give ``path`` this content, as :meth:`write` does, whatever stands there or above it."""
        if not self._fresh:
            self._clear(path)
        self.write(path, content, exists=not self._fresh)

    def _clear(self, path: str) -> None:
        """Remove a folder that stands where a file must be, and a file where a folder must be."""
        target = f"{self._out}/{path}"
        if os.path.isdir(target) and not os.path.islink(target):  # noqa: PTH112, PTH114 (as above)
            shutil.rmtree(target)
        for folder in parents(path):
            if folder in self._folders:
                return
            place = f"{self._out}/{folder}"
            if os.path.lexists(place) and not os.path.isdir(place):  # noqa: PTH112 (as above)
                os.unlink(place)  # noqa: PTH108 (as above)

    def remove(self, paths: Iterable[str]) -> set[str]:
        """Remove files and the folders that they leave empty; return the files."""
        removed = set(paths)
        for path in sorted(removed):
            (Path(self._out) / path).unlink(missing_ok=True)
        emptied = {folder for path in removed for folder in parents(path)}
        for folder in sorted(emptied, key=len, reverse=True):
            place = f"{self._out}/{folder}"
            if os.path.isdir(place) and not os.listdir(place):  # noqa: PTH112, PTH208 (as above)
                os.rmdir(place)  # noqa: PTH106 (as above)
                self._folders.discard(folder)
        return removed

    def _make(self, folder: str) -> None:
        if folder in self._folders:
            return
        if len(self._folders) >= _REMEMBERED:
            self._folders = {""}
        self._make(folder.rpartition("/")[0])
        place = f"{self._out}/{folder}"
        try:
            os.mkdir(place, FOLDER_MODE)  # noqa: PTH102 (as above); whoever writes has taken the umask away
        except FileExistsError:
            if not os.path.isdir(place):  # noqa: PTH112 (as above)
                raise
        self._folders.add(folder)


def _read(path: str) -> bytes | None:
    """Return a file's bytes; None where something that is no file stands in its place."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (as above)
            return file.read()
    except FileNotFoundError:
        return None
