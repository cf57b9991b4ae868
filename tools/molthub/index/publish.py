"""Writing an index into a folder that is being served: file by file, so that at every moment a whole one is there.

First the files that are named after their bytes, then the views, ``registry.json`` last: until then clients follow the
old root to the old files, none of which was touched. Each file is written beside its place and renamed. Whoever kills
this leaves the old index, or the new one; the next run completes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from molthub.errors import MolthubError
from molthub.index.build import BuiltIndex
from molthub.index.folder import BLOB, ROOT_DOCUMENT, STATE, TEMPORARY, opened_for_build
from molthub.index.retention import Kept, blobs_of_old_roots, touch_old_root
from molthub.index.write_files import Writer, files_below, parents, plain_umask, settle

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
    "skills",
    "packs",
    "tags",
    "publishers",
    "signatures",
    "browse",
    "assets",
    "schemas",
    "npm",
    "v0.1",
    ".claude-plugin",
    ".well-known/agent-skills",
)
"""Where whatever is not of the index is removed. Elsewhere in the folder nothing ever is."""


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
    with plain_umask(), opened_for_build(out):
        (out / STATE).unlink(missing_ok=True)  # it tells of what another kind of build left here
        writer = Writer(out, progress)
        present = present_files(out, index.files)
        stale = present - index.files.keys()
        gone = writer.remove(_in_the_way(stale, index.files))
        for path in sorted(index.files, key=_order):
            if path == ROOT_DOCUMENT and writer.written:
                settle(out, writer.written)
                touch_old_root(out)
            writer.write(path, index.files[path], exists=path in present)
        kept = blobs_of_old_roots(Kept(index.files, index.removed, index.fleets), out, stale)
        gone |= writer.remove(stale - gone - kept.keys())
    return PublishResult(tuple(writer.written), writer.unchanged, tuple(sorted(gone)))


def _order(path: str) -> tuple[int, str]:
    """Blobs, the root under its hex name, views, the root."""
    if path == ROOT_DOCUMENT:
        return 3, path
    if not BLOB.match(path):
        return 2, path
    return int(path.endswith(f".{ROOT_DOCUMENT}")), path


def present_files(out: Path, files: Container[str]) -> set[str]:
    """Return every file in the index's own places, after removing what a killed run left half-written."""
    found = {entry.name for entry in os.scandir(out) if entry.name in files or BLOB.match(entry.name)}
    for folder in OWNED_FOLDERS:
        if (out / folder).is_symlink():
            raise MolthubError("this is a link", place=str(out / folder), remedy="an index's folders are its own")
        found.update(files_below(f"{out}/{folder}", folder))
    if (out / TEMPORARY).exists():
        (out / TEMPORARY).unlink()
    return found


def _in_the_way(stale: Iterable[str], files: Mapping[str, bytes]) -> set[str]:
    """Return stale files that stand where a folder must be, or in a folder where a file must be."""
    folders = {folder for path in files for folder in parents(path)}
    return {path for path in stale if path in folders or any(parent in files for parent in parents(path))}
