"""Writing an index into a folder that is being served: file by file, so that at every moment a whole one is there.

First the files that are named after their bytes, then the views, ``registry.json`` last: until then clients follow the
old root to the old files, none of which was touched. Each file is written beside its place and renamed. Whoever kills
this leaves the old index, or the new one; the next run completes it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from molthub.errors import MolthubError
from molthub.index.build import BuiltIndex
from molthub.index.folder import FILE_MODE, FOLDER_MODE, ROOT_DOCUMENT, TEMPORARY, opened_for_build
from molthub.index.retention import blobs_of_old_roots, touch_old_root

OWNED_FOLDERS = (
    "archives",
    "shards",
    "search",
    "fleets",
    "bots",
    "simple",
    "api",
    "s",
    "p",
    "schemas",
    ".well-known/agent-skills",
)
"""Where whatever is not of the index is removed. Elsewhere in the folder nothing ever is."""

BLOB = re.compile(r"(?:archives|shards|search|fleets|bots)/[0-9a-f]{64}\.|[0-9a-f]{64}\.registry\.json\Z")
"""Matches the paths of files that are named after their bytes."""

_BINARY = getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class PublishResult:
    """What publishing did. ``written`` and ``removed`` are paths below the folder."""

    written: tuple[str, ...]
    unchanged: int
    removed: tuple[str, ...]


def publish(index: BuiltIndex, out: Path, *, progress: Callable[[int], None] = lambda _steps: None) -> PublishResult:
    """Write ``index`` into ``out`` and remove what it no longer holds. ``progress`` is told of every file.

    Blobs that a root of the last 30 days names stay, for clients that have just read it. Raises
    :class:`MolthubError` where ``out`` is not an index's folder, or is locked; OSError where it cannot be written.
    """
    with opened_for_build(out):
        writer = _Writer(out, progress)
        present = _present(out, index.files)
        stale = present - index.files.keys()
        gone = writer.remove(_in_the_way(stale, index.files))
        for path in sorted(index.files, key=_order):
            if path == ROOT_DOCUMENT and writer.written:
                _settle()
                touch_old_root(out)
            writer.write(path, index.files[path], exists=path in present)
        gone |= writer.remove(stale - gone - blobs_of_old_roots(index, out, stale))
    return PublishResult(tuple(writer.written), writer.unchanged, tuple(sorted(gone)))


def _order(path: str) -> tuple[int, str]:
    """Blobs, the root under its hex name, views, the root."""
    if path == ROOT_DOCUMENT:
        return 3, path
    if not BLOB.match(path):
        return 2, path
    return int(path.endswith(f".{ROOT_DOCUMENT}")), path


def _present(out: Path, files: Mapping[str, bytes]) -> set[str]:
    """Return every file in the index's own places, after removing what a killed run left half-written."""
    found = {entry.name for entry in os.scandir(out) if entry.name in files or BLOB.match(entry.name)}
    for folder in OWNED_FOLDERS:
        if (out / folder).is_symlink():
            raise MolthubError("this is a link", place=str(out / folder), remedy="an index's folders are its own")
        found.update(_files_below(f"{out}/{folder}", folder))
    if (out / TEMPORARY).exists():
        (out / TEMPORARY).unlink()
    return found


def _files_below(folder: str, path: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name == TEMPORARY:
            os.unlink(entry.path)  # noqa: PTH108 (50,000 Path objects would cost more than the work)
        elif entry.is_dir(follow_symlinks=False):
            yield from _files_below(entry.path, f"{path}/{entry.name}")
        else:
            yield f"{path}/{entry.name}"


def _in_the_way(stale: Iterable[str], files: Mapping[str, bytes]) -> set[str]:
    """Return stale files that stand where a folder must be, or in a folder where a file must be."""
    folders = {folder for path in files for folder in _parents(path)}
    return {path for path in stale if path in folders or any(parent in files for parent in _parents(path))}


def _parents(path: str) -> Iterator[str]:
    """Yield the folders above a path, nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _settle() -> None:
    """Wait until everything written is on the disk, so that no root outlives a power cut that its files do not."""
    if hasattr(os, "sync"):
        os.sync()


class _Writer:
    """Writes and removes files below one folder, and counts."""

    def __init__(self, out: Path, progress: Callable[[int], None]) -> None:
        self._out = str(out)
        self._progress = progress
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
            temporary = f"{self._out}/{folder}/{TEMPORARY}"
            try:
                _write_whole(temporary, content, settle=path == ROOT_DOCUMENT)
                os.replace(temporary, target)  # noqa: PTH105 (as above)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise
            self.written.append(path)
        self._progress(1)

    def remove(self, paths: Iterable[str]) -> set[str]:
        """Remove files and the folders that they leave empty; return the files."""
        removed = set(paths)
        for path in sorted(removed):
            (Path(self._out) / path).unlink(missing_ok=True)
        emptied = {folder for path in removed for folder in _parents(path)}
        for folder in sorted(emptied, key=len, reverse=True):
            if not os.listdir(f"{self._out}/{folder}"):  # noqa: PTH208 (as above)
                os.rmdir(f"{self._out}/{folder}")  # noqa: PTH106 (as above)
        return removed

    def _make(self, folder: str) -> None:
        if folder in self._folders:
            return
        self._make(folder.rpartition("/")[0])
        place = f"{self._out}/{folder}"
        try:
            os.mkdir(place)  # noqa: PTH102 (as above)
            os.chmod(place, FOLDER_MODE)  # noqa: PTH101 (as above)
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


def _write_whole(path: str, content: bytes, *, settle: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, FILE_MODE)
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, FILE_MODE)  # the umask of whoever builds is nobody's business
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        if settle:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
