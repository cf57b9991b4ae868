"""The log of published versions, continued: the log that is published and new versions in, files to write out.

The log is C2SP tlog-tiles below ``log/``. Only its right edge is read and written, so that the cost follows the change.
Nothing is signed here; the checkpoint goes into the signed targets (:mod:`molthub.index.sign`), which is what makes it
one log for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from molthub.documents import canonical
from molthub.errors import FormatError, LogDamagedError
from molthub.transparency.checkpoint import Checkpoint
from molthub.transparency.entries import (
    FOLDER,
    LoggedRelease,
    group_places,
    places_from_json,
    places_path,
    places_to_json,
)
from molthub.transparency.merkle import EMPTY_ROOT, leaf_hash, root_hash
from molthub.transparency.published_log import PublishedLog
from molthub.transparency.tiles import TILE_WIDTH, Growth, Hashes, Tile, bundle, edge_tiles, grow, subtree_of, tile_of

Read = Callable[[str], bytes | None]
"""Reads a file of an index by its path; None: there is none. May be called by several threads."""

_AT_ONCE = 8


class LogUpdate(NamedTuple):
    """A log with what was added to it: its new checkpoint, the files to write, the versions that are new in it."""

    checkpoint: Checkpoint
    files: dict[str, bytes]
    added: tuple[LoggedRelease, ...] = ()


def log_origin(url: str, name: str) -> str:
    """Return what a new log is called: its address without the scheme, or, where none is known, the registry's name."""
    address = url.partition("://")[2].rstrip("/")
    return f"{address}/{FOLDER.rstrip('/')}" if address else f"{name}/{FOLDER.rstrip('/')}"


def empty_log(origin: str) -> Checkpoint:
    """Return the checkpoint of a log that holds nothing yet."""
    return Checkpoint(origin, 0, EMPTY_ROOT)


def extend_log(previous: Checkpoint, read: Read, releases: Sequence[LoggedRelease], where: str) -> LogUpdate:
    """Add versions to the log that ``read`` reads, in their order; those that it holds already are left out.

    Raises :class:`LogDamagedError` unless its files lead to the root of ``previous``.
    """
    log = PublishedLog(previous, read, where)
    edge = log.edge(list(edge_tiles(previous.size)))
    leaves = {release: release.leaf() for release in releases}
    places = _known_places(leaves.values(), read) if previous.size else {}
    new = {release: leaf for release, leaf in leaves.items() if not _is_logged(leaf, log, places)}
    if not new:
        return LogUpdate(previous, {})
    grown = grow(previous.size, edge, list(new.values()))
    files = _tile_files(grown) | _bundle_files(log, edge, [release.entry() for release in new])
    for path, found in group_places(zip(new.values(), range(previous.size, grown.size), strict=True)).items():
        files[f"{FOLDER}{path}"] = canonical(places_to_json(places.get(path, {}) | found))
    root = root_hash(subtree_of(grown.size, lambda tile: grown.edge[tile.level]), grown.size)
    return LogUpdate(Checkpoint(previous.origin, grown.size, root), files, tuple(new))


def whole_log(checkpoint: Checkpoint, read: Read, where: str) -> dict[str, bytes]:
    """Return every file of a log, made anew from its entries alone.

    Raises :class:`LogDamagedError` unless they lead to the root of ``checkpoint``.
    """
    log = PublishedLog(checkpoint, read, where)
    files: dict[str, bytes] = {}
    leaves: list[bytes] = []
    numbers = range(-(-checkpoint.size // TILE_WIDTH))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for number, entries in zip(numbers, pool.map(log.entries, numbers), strict=True):
            leaves += map(leaf_hash, entries)
            files[f"{FOLDER}{tile_of(0, number, checkpoint.size).bundle_path}"] = bundle(entries)
    grown = grow(0, {}, leaves)
    if root_hash(subtree_of(grown.size, grown.tiles.__getitem__), grown.size) != checkpoint.root:
        message = "the entries of its log do not lead to the signed root"
        raise LogDamagedError(message, place=where, remedy="name a copy that verifies with --previous")
    places = group_places((leaf, index) for index, leaf in enumerate(leaves))
    found = {f"{FOLDER}{path}": canonical(places_to_json(held)) for path, held in places.items()}
    return files | _tile_files(grown) | found


def outgrown(checkpoint: Checkpoint) -> Iterator[str]:
    """Yield the folders of partial files that are not needed any more: of each last full tile of a log.

    A reader of an older checkpoint finds the full file in their place.
    """
    for tile in edge_tiles(checkpoint.size):
        if tile.number:
            full = Tile(tile.level, tile.number - 1)
            yield f"{FOLDER}{full.path}.p"
            if not tile.level:
                yield f"{FOLDER}{full.bundle_path}.p"


def _tile_files(grown: Growth) -> dict[str, bytes]:
    return {f"{FOLDER}{tile.path}": b"".join(hashes) for tile, hashes in grown.tiles.items()}


def _bundle_files(log: PublishedLog, edge: dict[int, Hashes], added: Iterable[bytes]) -> dict[str, bytes]:
    """Return the files of entries that are new or longer; those in the last one must be the ones that were logged."""
    size = log.checkpoint.size
    first, width = divmod(size, TILE_WIDTH)
    before = log.entries(first) if width else ()
    if tuple(map(leaf_hash, before)) != edge.get(0, ()):
        raise LogDamagedError("the last entries of its log are not those that were logged", remedy=_DAMAGED)
    entries = [*before, *added]
    files = {}
    for at in range(0, len(entries), TILE_WIDTH):
        held = entries[at : at + TILE_WIDTH]
        files[f"{FOLDER}{Tile(0, first + at // TILE_WIDTH, len(held)).bundle_path}"] = bundle(held)
    return files


def _known_places(leaves: Iterable[bytes], read: Read) -> dict[str, dict[str, int]]:
    """Return the places that are published, of the files that get more. They are hints: a bad file counts as empty."""
    places: dict[str, dict[str, int]] = {}
    for path in sorted({places_path(leaf) for leaf in leaves}):
        content = read(f"{FOLDER}{path}")
        try:
            places[path] = places_from_json(content, path) if content is not None else {}
        except FormatError:
            places[path] = {}
    return places


def _is_logged(leaf: bytes, log: PublishedLog, places: dict[str, dict[str, int]]) -> bool:
    index = places.get(places_path(leaf), {}).get(leaf.hex())
    return index is not None and log.holds(leaf, index)


_DAMAGED = "look at the host, and sign again over a copy that verifies (--previous)"
