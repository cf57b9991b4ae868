"""The store: every version ever fetched, by digest, shared by all projects and bots of a user.

``<root>/<hex>.tar.gz`` is a version's archive, as it was fetched. Its files are unpacked and hashed each time they are
used, so an entry proves itself, and nothing is trusted because it is here. One file for a version: writing its files a
second time, into folders of the store, would double the time of an install.

An archive's modification time says when it was last asked for, to a day: what nobody asks for any more may be dropped.

An entry appears by one rename. It is not synced to disk (a hundred skills would take seconds): after a power cut it may
be torn, which shows when it is used; it is then dropped and fetched again.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from typing import NamedTuple

from molthub.atomic import remove_tree, unique_suffix, write_new
from molthub.client.verify import UnpackedFiles, unpack, unpack_digest
from molthub.errors import IntegrityError, NotFoundError
from molthub.model import Artifact, FileEntry

_ADDING = ".adding"
_SMALL = 1024 * 1024
_STALE_SECONDS = 24 * 3600
_STAMPED_SECONDS = 24 * 3600
_REMEMBERED_BYTES = 16 * 1024 * 1024
_NO_EXEC_BITS = os.name == "nt"
_BINARY = getattr(os, "O_BINARY", 0)
NOT_A_FILE = -1
"""The size that :func:`read_tree` gives to what is no regular file, so that it equals no file's entry."""

Seen = Callable[[str, os.stat_result], None]
"""Is told a path, as the system has it, and its status."""


class Archive(NamedTuple):
    """A version in the store: its digest, its size in bytes, and when it was last asked for (seconds since 1970)."""

    digest: str
    size: int
    used: float


class Store:
    """A folder of archives by digest. Processes may share it without a lock: entries are only added, by a rename.

    A few unpacked versions are remembered, since what is fetched or copied once is often copied again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prepared = False
        self._remembered: dict[str, UnpackedFiles] = {}
        self._remembered_bytes = 0
        self._lock = threading.Lock()

    def path(self, digest: str) -> Path:
        """Return the archive of a version, whether it is there or not."""
        return self.root / f"{digest.removeprefix('sha256:')}.tar.gz"

    def has(self, digest: str) -> bool:
        """Whether the version is in the store (its bytes are checked when they are used)."""
        return self._is_there(self.path(digest))

    def add(self, artifact: Artifact, archive: bytes) -> None:
        """Verify an archive and keep it. Raises :class:`IntegrityError`; nothing of the archive is then kept."""
        files = unpack(archive, artifact)
        temporary = self._adding() / unique_suffix()
        try:
            write_new(temporary, archive)
            temporary.replace(self.path(artifact.digest))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._remember(artifact.digest, files)

    def files(self, digest: str) -> tuple[FileEntry, ...]:
        """Return the list of a version's files. Raises :class:`NotFoundError`, or :class:`IntegrityError`."""
        return tuple(entry for entry, _ in self._unpacked(digest))

    def content(self, digest: str) -> UnpackedFiles:
        """Return a version's files with their bytes. Raises as :meth:`files` does."""
        return self._unpacked(digest)

    def copy(self, digest: str, destination: str | Path) -> None:
        """Write a version's files into the new folder ``destination``, modes 644 and 755.

        Raises :class:`NotFoundError`, or :class:`IntegrityError` when the store's bytes are not what they were: the
        entry is then dropped, so that the next fetch brings it anew. Nothing is left at ``destination`` after an error.
        """
        files = self._unpacked(digest)
        os.mkdir(destination)
        try:
            write_files(destination, files)
        except BaseException:
            remove_tree(Path(destination))
            raise

    def drop(self, digest: str) -> None:
        """Forget a version. What is not there is no error."""
        with self._lock:
            self._remembered_bytes -= _size(self._remembered.pop(digest, ()))
        self.path(digest).unlink(missing_ok=True)

    def archives(self) -> Iterator[Archive]:
        """Yield every version that is in the store."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self.root) as entries:
            for entry in entries:
                name, dot, rest = entry.name.partition(".")
                if dot + rest == ".tar.gz" and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield Archive(f"sha256:{name}", status.st_size, status.st_mtime)

    def leftovers(self) -> Iterator[tuple[Path, int]]:
        """Yield what killed processes were adding when they ended, a day ago or earlier, and its size in bytes."""
        with contextlib.suppress(FileNotFoundError):
            yield from _stale(self.root / _ADDING)

    def drop_unused(self, archive: Archive) -> bool:
        """Forget a version, unless somebody asked for it since it was listed. Return whether it is gone."""
        try:
            if os.stat(self.path(archive.digest)).st_mtime != archive.used:
                return False
        except FileNotFoundError:
            return True
        self.drop(archive.digest)
        return True

    def _is_there(self, path: Path) -> bool:
        """Whether an archive is there; takes note that it was asked for."""
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        if status.st_mtime < time.time() - _STAMPED_SECONDS:
            with contextlib.suppress(OSError):  # a store that may only be read
                os.utime(path)
        return stat.S_ISREG(status.st_mode)

    def _unpacked(self, digest: str) -> UnpackedFiles:
        """Return the verified files of a version, from memory or from disk."""
        remembered = self._remembered.get(digest)
        if remembered is not None:
            return remembered
        path = self.path(digest)
        self._is_there(path)
        try:
            archive = path.read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"{digest} is not in the store", place=str(self.root)) from None
        try:
            files = unpack_digest(archive, digest, str(path))
        except IntegrityError as error:
            self.drop(digest)
            remedy = "run it again: it will be fetched anew"
            raise IntegrityError(error.message, place=str(path), remedy=remedy) from None
        self._remember(digest, files)
        return files

    def _remember(self, digest: str, files: UnpackedFiles) -> None:
        with self._lock:
            self._remembered_bytes += _size(files) - _size(self._remembered.pop(digest, ()))
            self._remembered[digest] = files
            while self._remembered_bytes > _REMEMBERED_BYTES:
                oldest = next(iter(self._remembered))
                self._remembered_bytes -= _size(self._remembered.pop(oldest))

    def _adding(self) -> Path:
        """Return the folder where archives are written before they appear."""
        folder = self.root / _ADDING
        if not self._prepared:
            folder.mkdir(parents=True, exist_ok=True)
            for left, _ in _stale(folder):
                with contextlib.suppress(OSError):
                    remove_tree(left)
            self._prepared = True
        return folder


def default_store() -> Store:
    """Return the user's store: ``$XDG_CACHE_HOME/molthub/store``."""
    from molthub.client.paths import store_folder

    return Store(store_folder())


def write_files(folder: str | Path, files: Iterable[tuple[FileEntry, bytes]]) -> None:
    """Write files into ``folder``, which exists and is empty."""
    root = os.fspath(folder)
    made = {""}
    for entry, content in files:
        parent = entry.path.rpartition("/")[0]
        if parent not in made:
            _make(root, parent, made)
        write_new(f"{root}/{entry.path}", content, executable=entry.executable)


def _make(root: str, folder: str, made: set[str]) -> None:
    """Make a folder below ``root`` and those around it, but for those that were ``made``."""
    around = folder.rpartition("/")[0]
    if around not in made:
        _make(root, around, made)
    os.mkdir(f"{root}/{folder}")
    made.add(folder)


def read_tree(
    folder: str | Path,
    *,
    exec_from: Iterable[FileEntry] = (),
    seen: Seen | None = None,
) -> tuple[FileEntry, ...]:
    """Return what stands in ``folder``, every file hashed, sorted by the UTF-8 bytes of the paths.

    A link or a special file is listed with the SHA-256 of the link's target and the size -1, which no file has, so it
    always shows as different; so is ``folder`` itself, as ``.``, when it is a link or a file. Where the disk keeps no
    executable bit (Windows), it is taken from ``exec_from``. ``seen`` is told the status of
    each file and folder before what it holds is read. Raises :class:`FileNotFoundError`, :class:`OSError`.
    """
    root = os.fspath(folder)
    status = os.lstat(root)
    if seen is not None:
        seen(root, status)
    if not stat.S_ISDIR(status.st_mode):
        return (_odd_entry(root, ".", status.st_mode),)
    executables = {entry.path for entry in exec_from if entry.executable} if _NO_EXEC_BITS else None
    walk = _Walk(executables, seen)
    walk.into(root, "")
    walk.found.sort(key=lambda entry: entry.path.encode())
    return tuple(walk.found)


class _Walk:
    """One way through a folder; what was ``found`` is in no order."""

    def __init__(self, executables: Container[str] | None, seen: Seen | None) -> None:
        self.found: list[FileEntry] = []
        self._executables = executables
        self._seen = seen

    def into(self, folder: str, prefix: str) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + _printable(entry.name)
                if entry.is_file(follow_symlinks=False):
                    self.found.append(self._file(entry.path, path))
                    continue
                status = os.lstat(entry.path)
                if self._seen is not None:
                    self._seen(entry.path, status)
                if stat.S_ISDIR(status.st_mode):
                    self.into(entry.path, path + "/")
                else:
                    self.found.append(_odd_entry(entry.path, path, status.st_mode))

    def _file(self, place: str, path: str) -> FileEntry:
        descriptor = os.open(place, os.O_RDONLY | _BINARY | getattr(os, "O_NOFOLLOW", 0))
        try:
            status = os.fstat(descriptor)
            if self._seen is not None:  # Windows tells a file's mode by its name, which a descriptor has not
                self._seen(place, os.lstat(place) if _NO_EXEC_BITS else status)
            executable = bool(status.st_mode & 0o100) if self._executables is None else path in self._executables
            if status.st_size <= _SMALL:
                # One byte more than there should be shows whether it grew; a larger buffer would cost more than the
                # file.
                content = os.read(descriptor, status.st_size + 1)
                if len(content) <= status.st_size:
                    return FileEntry(path, sha256(content).hexdigest(), len(content), executable)
                os.lseek(descriptor, 0, os.SEEK_SET)
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                digest = file_digest(stream, "sha256").hexdigest()
                return FileEntry(path, digest, stream.tell(), executable)
        finally:
            os.close(descriptor)


def _odd_entry(place: str, path: str, mode: int) -> FileEntry:
    target = os.fsencode(Path(place).readlink()) if stat.S_ISLNK(mode) else b""
    return FileEntry(path, sha256(target).hexdigest(), NOT_A_FILE)


def _printable(name: str) -> str:
    """Return a name that can be encoded: bytes that are no UTF-8 (surrogates, PEP 383) are escaped."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    return name


def _size(files: UnpackedFiles) -> int:
    return sum(entry.size for entry, _ in files)


def _stale(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield what killed processes left, with its size; a younger entry may belong to one that still runs."""
    oldest = time.time() - _STALE_SECONDS
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            status = entry.stat(follow_symlinks=False)
            if status.st_mtime < oldest:
                yield Path(entry.path), status.st_size
