"""A mirror's own folder: what is there, what is written in which order, what is removed.

What is named after its bytes is written as it comes; the root and the metadata that lead to it follow when all of that
is on the disk. So whoever kills a run leaves the old mirror whole, and what was fetched for the next run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from molthub.atomic import FileLock, remove_tree, write_atomically
from molthub.client.index_cache import timestamp
from molthub.documents import hex_of, readable
from molthub.errors import FormatError, MolthubError, UsageError
from molthub.index.folder import BLOB, FILE_MODE, FOLDER_MODE, ROOT_DOCUMENT, STATE, is_index, opened_for_build
from molthub.index.publish_metadata import publish_metadata
from molthub.index.release_log import outgrown
from molthub.index.retention import Kept, blobs_of_old_roots, touch_old_root
from molthub.index.write_files import settle
from molthub.mirror.origin import CHECKPOINT, Published
from molthub.mirror.selection import Selection

NOTE = ".molthub-mirror.json"
_LOCK = ".molthub-mirror.lock"
_FORMAT = "molthub.mirror/1"
_FOLDERS = ("archives", "shards", "search", "fleets", "bots", "signatures", "publishers")


class Note(NamedTuple):
    """What a mirror remembers of itself: where it is from, what it holds, whether it carries the origin's metadata."""

    origin: str
    name: str
    selection: Selection
    metadata: bool


class MirrorFolder:
    """One folder. ``dry``: nothing is written, and what would be is only counted."""

    def __init__(self, path: Path, *, dry: bool = False) -> None:
        self.path = path
        self.dry = dry

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Make it a mirror's folder and keep other runs out. Raises :class:`MolthubError` for somebody else's."""
        if self.note() is None and ((self.path / STATE).exists() or is_index(self.path)):
            raise MolthubError(
                "an index is built here, and a mirror would write over it",
                place=str(self.path),
                remedy="give a new or empty folder",
            )
        if self.dry:
            yield
            return
        with opened_for_build(self.path):
            pass  # it refuses a folder that holds something else
        with FileLock(self.path / _LOCK, timeout=0):
            self._sweep()
            yield

    def note(self) -> Note | None:
        """Return what it remembers; None: it is no mirror yet. Raises :class:`FormatError`."""
        try:
            value: Any = json.loads((self.path / NOTE).read_bytes())
            return Note(
                str(value["origin"]), str(value["name"]), Selection.from_json(value["selection"]), value["metadata"]
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            remedy = "delete it, and give the origin's address with the folder"
            raise FormatError(f"it cannot be read ({error})", place=str(self.path / NOTE), remedy=remedy) from None

    def holds(self, path: str, hex_name: str) -> bool:
        """Whether the file is there with the bytes that its name says."""
        return self.read(path, hex_name) is not None

    def read(self, path: str, hex_name: str) -> bytes | None:
        """Return a file whose bytes are what its name says, or None."""
        try:
            content = (self.path / path).read_bytes()
        except OSError:
            return None
        return content if hex_of(content) == hex_name else None

    def put(self, path: str, content: bytes) -> None:
        """Write a file that is named after its bytes. May be called by several threads."""
        if not self.dry:
            target = self.path / path
            target.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
            write_atomically(target, content, FILE_MODE, durable=False)

    def publish(self, published: Published, log: Mapping[str, bytes], *, metadata: bool) -> bool:
        """Let readers see it: the root under its hex name, log, metadata, and ``registry.json`` last.

        Returns whether anything was new. ``metadata``: the origin's belongs into this mirror.
        """
        root = self.path / ROOT_DOCUMENT
        before = root.read_bytes() if root.exists() else None
        new = before != published.content
        if not self.holds(published.name, published.name.partition(".")[0]):
            self.put(published.name, published.content)
        if new:
            touch_old_root(self.path)
        settle()
        if metadata and published.metadata:
            files = dict(published.metadata) | ({CHECKPOINT: published.note} if published.note else {})
            grown = outgrown(published.log) if published.log is not None else ()
            new = bool(publish_metadata(files, self.path, log, grown)) or new
        write_atomically(root, published.content, FILE_MODE)
        return new

    def drop_metadata(self) -> None:
        """Remove the origin's metadata and log from a mirror that carried them; those of its own stay."""
        note = self.note()
        if note is not None and note.metadata:
            for folder in ("metadata", "log"):
                remove_tree(self.path / folder)

    def remember(self, note: Note) -> None:
        """Note what this mirror is."""
        value = {**note._asdict(), "selection": note.selection.to_json(), "format": _FORMAT, "updated": timestamp()}
        content = readable(value)
        write_atomically(self.path / NOTE, content, FILE_MODE)

    def stale(self, current: Iterable[str], removed: frozenset[str], *, fleets: bool) -> tuple[str, ...]:
        """Return the files that no root of the last 30 days names, and the archives of what was removed."""
        files = frozenset(current)
        stale = self._blobs() - files
        kept = blobs_of_old_roots(Kept(files, removed, fleets), self.path, stale)
        return tuple(sorted(stale - kept.keys()))

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files."""
        for path in paths:
            (self.path / path).unlink(missing_ok=True)

    def files(self) -> list[str]:
        """Return what readers read, in the order in which it is published: the root last."""
        found = sorted(self._blobs(), key=lambda path: (path.endswith(f".{ROOT_DOCUMENT}"), path))
        for folder in ("log", "metadata"):
            below = (path for path in (self.path / folder).rglob("*") if path.is_file())
            shown = sorted(path.relative_to(self.path).as_posix() for path in below)
            found += sorted(shown, key=lambda path: path.endswith(("timestamp.json", CHECKPOINT)))
        return [*found, ROOT_DOCUMENT]

    def _blobs(self) -> set[str]:
        found = {path.name for path in self.path.glob(f"*.{ROOT_DOCUMENT}")}
        for folder in _FOLDERS:
            if (self.path / folder).is_dir():
                found |= {f"{folder}/{entry.name}" for entry in os.scandir(self.path / folder)}
        return {path for path in found if BLOB.match(path)}

    def _sweep(self) -> None:
        """Remove what a killed run left half-written."""
        for folder in (".", *_FOLDERS):
            for left in (self.path / folder).glob(".*.tmp"):
                left.unlink(missing_ok=True)


def check_same(folder: MirrorFolder, note: Note | None, name: str, selection: Selection) -> None:
    """Raise :class:`UsageError` where a folder mirrors another registry, or more than what is asked for now."""
    if note is None:
        return
    place = str(folder.path)
    if note.name != name:
        message = f"this folder mirrors the registry {note.name}, and that one is {name}"
        raise UsageError(message, place=place, remedy="give another folder for it")
    if note.selection.is_whole and not selection.is_whole:
        message = "this folder mirrors the whole registry, and a part would take most of it away"
        raise UsageError(message, place=place, remedy="give another folder for the part")
