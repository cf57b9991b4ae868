"""All tiles of a tree, by the definition: what a log of a size must consist of."""

from __future__ import annotations

from collections.abc import Iterator

from molthub.transparency.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, tile_of


def all_tiles(size: int) -> Iterator[Tile]:
    """Yield every tile of a tree, lowest level first."""
    level = 0
    while count := size >> TILE_HEIGHT * level:
        for number in range(-(-count // TILE_WIDTH)):
            yield tile_of(level, number, size)
        level += 1
