"""A Merkle tree in static files, as C2SP tlog-tiles says (https://c2sp.org/tlog-tiles).

A tile holds up to 256 neighbouring hashes of one tile level: of leaves at level 0, and at each higher level of full
tiles of the level below. Full tiles never change. Of every level at most one tile, the rightmost, is partial; a larger
tree has a wider one under another name. So publishing writes what has grown, and a reader of an older tree still finds
its own files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from molthub.transparency.merkle import HASH_BYTES, Subtree, tree_hash

TILE_HEIGHT = 8
TILE_WIDTH = 256
CHECKPOINT = "checkpoint"
MAX_ENTRY = 0xFFFF
MAX_TILE = TILE_WIDTH * HASH_BYTES
MAX_BUNDLE = TILE_WIDTH * (2 + MAX_ENTRY)


class Tile(NamedTuple):
    """Where a tile is: its level, its number in the level, and how many hashes it holds (1 to 256)."""

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """``tile/<L>/<N>[.p/<W>]``, below the log's own folder."""
        return f"tile/{self.level}/{_path_of(self.number)}{_partial(self.width)}"

    @property
    def bundle_path(self) -> str:
        """``tile/entries/<N>[.p/<W>]``: the entries whose hashes a tile of level 0 holds."""
        return f"tile/entries/{_path_of(self.number)}{_partial(self.width)}"

    @property
    def full(self) -> Tile:
        """The tile that this one becomes."""
        return self._replace(width=TILE_WIDTH)


Hashes = tuple[bytes, ...]
Load = Callable[[Tile], Hashes]
"""Returns the hashes of a tile; raises what its user wants raised where there are none."""


def tile_of(level: int, number: int, size: int) -> Tile:
    """Return a tile as a tree of ``size`` has it. Raises ValueError where it has none."""
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - TILE_WIDTH * number)
    if width < 1:
        raise ValueError(f"a tree of {size} has no tile {number} at level {level}")
    return Tile(level, number, width)


def edge_tiles(size: int) -> Iterator[Tile]:
    """Yield the partial tiles of a tree, lowest level first: what the next entries are added to."""
    level = 0
    while count := size >> TILE_HEIGHT * level:
        if count % TILE_WIDTH:
            yield Tile(level, count // TILE_WIDTH, count % TILE_WIDTH)
        level += 1


def subtree_of(size: int, load: Load) -> Subtree:
    """Return the function that finds the hashes of complete subtrees in the tiles of a tree."""

    def subtree(level: int, index: int) -> bytes:
        tile_level, inside = divmod(level, TILE_HEIGHT)
        first = index << inside
        tile = tile_of(tile_level, first // TILE_WIDTH, size)
        start = first % TILE_WIDTH
        return tree_hash(load(tile)[start : start + (1 << inside)])

    return subtree


def tiles_needed(size: int, ask: Callable[[Subtree], object]) -> list[Tile]:
    """Return the tiles that ``ask``, which makes a proof, will read, so that they can be fetched at once."""
    needed: dict[Tile, None] = {}
    nothing = (b"",) * TILE_WIDTH

    def load(tile: Tile) -> Hashes:
        needed[tile] = None
        return nothing

    ask(subtree_of(size, load))
    return list(needed)


def split_tile(content: bytes, width: int) -> Hashes:
    """Read a tile's file; one that is wider than asked for is cut. Raises ValueError."""
    wanted = width * HASH_BYTES
    if len(content) not in (wanted, MAX_TILE):
        raise ValueError(f"expected {wanted} bytes, got {len(content)}")
    return tuple(content[at : at + HASH_BYTES] for at in range(0, wanted, HASH_BYTES))


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return the file of these entries: each after its length in two bytes, big-endian. Raises ValueError."""
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise ValueError(f"an entry of {len(entry)} bytes")
        parts.append(len(entry).to_bytes(2, "big") + entry)
    return b"".join(parts)


def split_bundle(content: bytes, width: int) -> tuple[bytes, ...]:
    """Read a file of entries; where it holds more than asked for, the first. Raises ValueError."""
    entries: list[bytes] = []
    at = 0
    while at < len(content) and len(entries) < width:
        start = at + 2
        at = start + int.from_bytes(content[at:start], "big")
        entries.append(content[start:at])
    if len(entries) != width or at > len(content):
        raise ValueError(f"it does not hold {width} entries")
    return tuple(entries)


class Growth(NamedTuple):
    """What a tree has after some more leaves: its size, the tiles that are new or wider, its partial tiles."""

    size: int
    tiles: dict[Tile, Hashes]
    edge: dict[int, Hashes]


def grow(size: int, edge: dict[int, Hashes], leaves: Sequence[bytes]) -> Growth:
    """Add hashes of leaves to a tree of ``size`` whose partial tiles are ``edge``, by level."""
    tiles: dict[Tile, Hashes] = {}
    new_edge = dict(edge)
    level, added = 0, list(leaves)
    while added:
        first = (size >> TILE_HEIGHT * level) // TILE_WIDTH
        hashes = [*new_edge.pop(level, ()), *added]
        added = []
        for at in range(0, len(hashes), TILE_WIDTH):
            held = tuple(hashes[at : at + TILE_WIDTH])
            tiles[Tile(level, first + at // TILE_WIDTH, len(held))] = held
            if len(held) == TILE_WIDTH:
                added.append(tree_hash(held))
            else:
                new_edge[level] = held
        level += 1
    return Growth(size + len(leaves), tiles, new_edge)


def _path_of(number: int) -> str:
    parts = [f"{number % 1000:03}"]
    while number := number // 1000:
        parts.append(f"x{number % 1000:03}")
    return "/".join(reversed(parts))


def _partial(width: int) -> str:
    return "" if width == TILE_WIDTH else f".p/{width}"
