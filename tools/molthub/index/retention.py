"""What stays of older indexes: a client that has just read the old root still fetches what it names.

Every root is also published under its hex name. For 30 days after it was replaced it keeps its blobs alive, apart from
the archives of versions that were removed since, and from fleets once an index is published without them.
"""

from __future__ import annotations

import gzip
import os
import time
import zlib
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from molthub.documents import fleet_from_json, hex_of, index_root_from_json, search_directory_from_json, shard_from_json
from molthub.documents.signatures import publishers_from_json
from molthub.errors import FormatError
from molthub.index.folder import ROOT_DOCUMENT
from molthub.model import Artifact, IndexRoot, Shard

KEPT_SECONDS = 30 * 24 * 60 * 60
_ROOT_SUFFIX = f".{ROOT_DOCUMENT}"

Read = Callable[[str], bytes]
"""Returns the bytes of an index's file by its path. Raises FileNotFoundError where there is none."""


def root_path(content: bytes) -> str:
    """Return the path of a root under its hex name."""
    return f"{hex_of(content)}{_ROOT_SUFFIX}"


def touch_old_root(out: Path) -> None:
    """Note on the disk that the current root is replaced now: from this moment its 30 days count."""
    try:
        os.utime(out / root_path((out / ROOT_DOCUMENT).read_bytes()))
    except FileNotFoundError:
        return


@dataclass(frozen=True)
class Kept:
    """What an index holds by itself: its ``files``, the digests of ``removed`` versions, and whether fleets are in."""

    files: Container[str]
    removed: frozenset[str]
    fleets: bool


def blobs_of_old_roots(index: Kept, out: Path, stale: Iterable[str]) -> dict[str, str]:
    """Return those of the ``stale`` files that older roots still keep, each with the newest of these roots.

    The roots' own files are among them.
    """
    roots = sorted((path for path in stale if is_kept(out / path)), key=lambda path: -(out / path).stat().st_mtime)
    return blobs_of_roots(index, roots, lambda path: (out / path).read_bytes())


def blobs_of_roots(index: Kept, roots: Iterable[str], read: Read) -> dict[str, str]:
    """Return what each of these ``roots`` (paths, newest first) names beyond ``index``, with the first that does so."""
    kept: dict[str, str] = {}
    seen: set[str] = set()
    for path in roots:
        root = _read_root(path, read)
        if root is not None:
            kept[path] = path
            for blob in _blobs(root, index, read, seen):
                kept.setdefault(blob, path)
    return kept


def is_kept(root: Path) -> bool:
    """Whether a file is a root that was replaced less than 30 days ago, or never."""
    try:
        return root.name.endswith(_ROOT_SUFFIX) and root.stat().st_mtime >= time.time() - KEPT_SECONDS
    except FileNotFoundError:
        return False


def _read_root(path: str, read: Read) -> IndexRoot | None:
    try:
        content = read(path)
        return index_root_from_json(content, path) if root_path(content) == path else None
    except (OSError, FormatError):
        return None


def _blobs(root: IndexRoot, index: Kept, read: Read, seen: set[str]) -> Iterator[str]:
    """Yield what a root names, each once: roots share most of their shards."""
    yield from _search(root, read)
    for path in (f"shards/{name}.json.gz" for name in root.shards.values()):
        if path not in seen and path not in index.files:
            seen.add(path)
            yield path
            yield from _of_shard(path, read, index.removed)
    if root.publishers:
        yield from _publishers(root.publishers, read)
    for path in (f"fleets/{name}.json" for name in root.fleets.values()):
        if index.fleets and path not in seen and path not in index.files:
            seen.add(path)
            yield path
            yield from _bots(path, read)


def _search(root: IndexRoot, read: Read) -> Iterator[str]:
    from molthub.search_lists import DIRECTORY  # an unchanged index is told without

    for key, name in root.search.items():
        path = f"search/{name}.json.gz"
        yield path
        if key == DIRECTORY:
            try:
                directory = search_directory_from_json(gzip.decompress(read(path)), path)
            except (OSError, EOFError, zlib.error, FormatError):
                continue  # a directory that cannot be read keeps no lists
            yield from (f"search/{one}.json.gz" for one in directory.lists)


def _publishers(name: str, read: Read) -> Iterator[str]:
    path = f"publishers/{name}.json.gz"
    yield path
    try:
        found = publishers_from_json(gzip.decompress(read(path)), path)
    except (OSError, EOFError, zlib.error, FormatError):
        return  # a directory that cannot be read keeps no keys
    yield from (f"publishers/{ref.keys}.json.gz" for ref in found.values())


def _of_shard(file: str, read: Read, removed: frozenset[str]) -> Iterator[str]:
    try:
        shard = shard_from_json(gzip.decompress(read(file)), file)
    except (OSError, EOFError, zlib.error, FormatError):
        return  # an old shard that cannot be read keeps nothing
    for artifact in _artifacts(shard):
        if artifact.archive and artifact.digest not in removed:
            yield f"archives/{artifact.archive}.tar.gz"
            if artifact.signature is not None:
                yield f"signatures/{artifact.signature.file}.json.gz"


def _artifacts(shard: Shard) -> Iterator[Artifact]:
    for skill in shard.skills.values():
        yield from (release.artifact for release in skill.releases.values())
    for pack in shard.packs.values():
        for release in pack.releases.values():
            yield release.artifact
            yield from release.skills.values()


def _bots(file: str, read: Read) -> Iterator[str]:
    try:
        fleet = fleet_from_json(read(file), file)
    except (OSError, FormatError):
        return  # likewise
    yield from (f"bots/{ref.file}.json" for ref in fleet.bots.values())
