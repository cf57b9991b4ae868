"""The store: every version ever fetched, by digest, shared by all projects and bots of a user.

``<root>/<hex>/`` holds a version's files, ``<root>/<hex>.json`` their list: the canonical bytes whose SHA-256 is the
hex, so that the list proves itself. An entry appears by one rename and is never changed. Its files are not synced to
disk one by one (a hundred skills would take seconds): after a power cut an entry may be torn, which shows when it
is used, because :meth:`Store.copy` hashes every byte that it copies. A torn entry is dropped and fetched again.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterable
from hashlib import file_digest, sha256
from pathlib import Path

from molthub.client.atomic import remove_tree, unique_suffix, write_atomically, write_new
from molthub.client.verify import unpack
from molthub.documents import file_list
from molthub.errors import IntegrityError, NotFoundError
from molthub.model import Artifact, FileEntry

_SMALL = 1024 * 1024
_STALE_SECONDS = 24 * 3600
_NO_EXEC_BITS = os.name == "nt"
_BINARY = getattr(os, "O_BINARY", 0)
_AGAIN = "run it again: it will be fetched anew"
NOT_A_FILE = -1
"""The size that :func:`read_tree` gives to what is no regular file, so that it equals no file's entry."""


class Store:
    """A folder of versions by digest. Processes may share it without a lock: entries are only added, by a rename."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prepared = False

    def path(self, digest: str) -> Path:
        """Return the folder of a version, whether it is there or not."""
        return self.root / _hex(digest)

    def has(self, digest: str) -> bool:
        """Whether the version is in the store (its bytes are checked when they are used)."""
        return self.path(digest).is_dir()

    def add(self, artifact: Artifact, archive: bytes) -> Path:
        """Verify an archive and keep its files; return their folder.

        Raises :class:`IntegrityError`; nothing of the archive is then kept.
        """
        files = unpack(archive, artifact)
        place = self.path(artifact.digest)
        if self.has(artifact.digest):
            return place
        temporary = self._temporary_folder()
        temporary.mkdir()
        try:
            write_files(temporary, files)
            # The list comes first: an entry without its list could not say which files are executable.
            write_atomically(self._list_path(artifact.digest), file_list(entry for entry, _ in files), durable=False)
            with contextlib.suppress(FileExistsError, NotADirectoryError):
                temporary.rename(place)
                return place
            if not self.has(artifact.digest):  # another process was faster, or something else stands there
                raise NotADirectoryError(f"{place} is in the way")
        finally:
            if temporary.exists():
                remove_tree(temporary)
        return place

    def files(self, digest: str) -> tuple[FileEntry, ...]:
        """Return the list of a version's files. Raises :class:`NotFoundError`, or :class:`IntegrityError`."""
        path = self._list_path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"{digest} is not in the store", place=str(self.root)) from None
        if sha256(content).hexdigest() != _hex(digest):
            self.drop(digest)
            raise IntegrityError("the list of files is damaged", place=str(path), remedy=_AGAIN)
        return tuple(FileEntry(**entry) for entry in json.loads(content))

    def copy(self, digest: str, destination: Path) -> None:
        """Write a version's files into ``destination``, which must not exist; every byte is hashed on the way.

        Raises :class:`IntegrityError` when the store's bytes are not what they were: the entry is then dropped, so that
        the next fetch brings it anew, and nothing is left at ``destination``.
        """
        source = self.path(digest)
        entries = self.files(digest)
        destination.mkdir()
        try:
            write_files(destination, ((entry, _verified(source, entry)) for entry in entries))
        except BaseException as error:
            remove_tree(destination)
            if isinstance(error, IntegrityError):
                self.drop(digest)
            raise

    def drop(self, digest: str) -> None:
        """Forget a version. What is not there is no error."""
        for path in (self.path(digest), self._list_path(digest)):
            with contextlib.suppress(FileNotFoundError):
                remove_tree(path)

    def _list_path(self, digest: str) -> Path:
        return self.root / f"{_hex(digest)}.json"

    def _temporary_folder(self) -> Path:
        folder = self.root / ".adding"
        if not self._prepared:
            folder.mkdir(parents=True, exist_ok=True)
            _remove_stale(folder)
            self._prepared = True
        return folder / unique_suffix()


def default_store() -> Store:
    """Return the user's store: ``$XDG_CACHE_HOME/molthub/store``."""
    from molthub.client.paths import cache_folder

    return Store(cache_folder() / "store")


def write_files(folder: Path, files: Iterable[tuple[FileEntry, bytes]]) -> None:
    """Write files into ``folder``, which exists and is empty, with modes 644 and 755."""
    made = {""}
    for entry, content in files:
        parent = entry.path.rpartition("/")[0]
        if parent not in made:
            (folder / parent).mkdir(parents=True, exist_ok=True)
            made.add(parent)
        write_new(folder / entry.path, content, executable=entry.executable)


def read_tree(folder: Path, *, exec_from: Iterable[FileEntry] = ()) -> tuple[FileEntry, ...]:
    """Return what stands in ``folder``, every file hashed, sorted by the UTF-8 bytes of the paths.

    A link or a special file is listed with the SHA-256 of the link's target and the size -1, which no file has, so it
    always shows as different; so is ``folder`` itself, as ``.``, when it is a link or a file. Where the disk keeps no
    executable bit (Windows), it is taken from ``exec_from``. Raises :class:`FileNotFoundError`, :class:`OSError`.
    """
    root = os.fspath(folder)
    mode = os.lstat(root).st_mode
    if not stat.S_ISDIR(mode):
        return (_odd_entry(root, ".", mode),)
    executables = {entry.path for entry in exec_from if entry.executable} if _NO_EXEC_BITS else None
    found: list[FileEntry] = []
    _walk(root, "", executables, found)
    found.sort(key=lambda entry: entry.path.encode())
    return tuple(found)


def _walk(folder: str, prefix: str, executables: set[str] | None, found: list[FileEntry]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + _printable(entry.name)
            if entry.is_dir(follow_symlinks=False):
                _walk(entry.path, path + "/", executables, found)
            elif entry.is_file(follow_symlinks=False):
                found.append(_file_entry(entry.path, path, executables))
            else:
                found.append(_odd_entry(entry.path, path, entry.stat(follow_symlinks=False).st_mode))


def _file_entry(place: str, path: str, executables: set[str] | None) -> FileEntry:
    descriptor = os.open(place, os.O_RDONLY | _BINARY | getattr(os, "O_NOFOLLOW", 0))
    try:
        status = os.fstat(descriptor)
        executable = path in executables if executables is not None else bool(status.st_mode & 0o100)
        if status.st_size <= _SMALL:
            content = os.read(descriptor, _SMALL + 1)
            if len(content) <= _SMALL:
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


def _verified(source: Path, entry: FileEntry) -> bytes:
    try:
        content = (source / entry.path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        content = b""
    if len(content) != entry.size or sha256(content).hexdigest() != entry.sha256:
        raise IntegrityError(f"{entry.path} is damaged or missing in the store", place=str(source), remedy=_AGAIN)
    return content


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _remove_stale(folder: Path) -> None:
    """Delete what killed processes left; a younger entry may belong to one that still runs."""
    oldest = time.time() - _STALE_SECONDS
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            if entry.stat(follow_symlinks=False).st_mtime < oldest:
                remove_tree(Path(entry.path))
