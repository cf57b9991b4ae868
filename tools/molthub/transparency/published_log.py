"""Reading a log that lies somewhere as files: what its checkpoint says is shown by proofs over its tiles, or refused.

Nothing is believed because it was read: tiles count as far as they lead to the checkpoint's root.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from molthub.errors import LogDamagedError, LogForkError
from molthub.transparency.checkpoint import Checkpoint
from molthub.transparency.entries import FOLDER
from molthub.transparency.merkle import (
    Subtree,
    consistency_holds,
    consistency_proof,
    inclusion_holds,
    inclusion_proof,
    root_hash,
)
from molthub.transparency.tiles import (
    Hashes,
    Tile,
    split_bundle,
    split_tile,
    subtree_of,
    tile_of,
    tiles_needed,
)

Read = Callable[[str], bytes | None]
"""Reads a file of an index by its path; None: there is none. May be called by several threads."""

Fetch = Callable[[Callable[[Tile], None], list[Tile]], None]
"""Calls the first with each of the second, one after the other or several at a time."""


def one_by_one(work: Callable[[Tile], None], tiles: list[Tile]) -> None:
    """Work on tiles in their order."""
    for tile in tiles:
        work(tile)


class PublishedLog:
    """The log of an index at one checkpoint. ``where`` names the index in errors."""

    def __init__(self, checkpoint: Checkpoint, read: Read, where: str, fetch: Fetch = one_by_one) -> None:
        self.checkpoint = checkpoint
        self._read = read
        self._where = where
        self._fetch = fetch
        self._tiles: dict[Tile, Hashes] = {}

    @property
    def subtree(self) -> Subtree:
        """The hashes of complete subtrees, as the tiles have them."""
        return subtree_of(self.checkpoint.size, self._load)

    def check_follows(self, size: int, root: bytes) -> None:
        """Raise :class:`LogForkError` unless the log begins with the one that had ``size`` entries and ``root``.

        Raises :class:`LogDamagedError` where its files do not tell.
        """
        now = self.checkpoint
        if size > now.size:
            raise LogForkError(
                f"its log had {size} entries and now has {now.size}", place=self._where, remedy=_TELL_FORK
            )
        self._prefetch(partial(consistency_proof, old=size, size=now.size))
        proof = consistency_proof(self.subtree, size, now.size)
        if consistency_holds(size, root, now.size, now.root, proof):
            return
        if consistency_holds(size, root_hash(self.subtree, size), now.size, now.root, proof):
            message = f"the first {size} entries of its log are not those that were seen before"
            raise LogForkError(message, place=self._where, remedy=_TELL_FORK)
        raise self._damaged("its tiles do not lead to the signed root of the log")

    def holds(self, leaf: bytes, index: int) -> bool:
        """Whether the entry at ``index`` is the one with this leaf hash. Raises :class:`LogDamagedError`."""
        now = self.checkpoint
        if not 0 <= index < now.size:
            return False
        self._prefetch(partial(inclusion_proof, index=index, size=now.size))
        proof = inclusion_proof(self.subtree, index, now.size)
        if inclusion_holds(leaf, index, now.size, proof, now.root):
            return True
        if inclusion_holds(self.subtree(0, index), index, now.size, proof, now.root):
            return False
        raise self._damaged("its tiles do not lead to the signed root of the log")

    def edge(self, tiles: list[Tile]) -> dict[int, Hashes]:
        """Return the partial tiles by level, which are all that the root is made of. Raises LogDamagedError."""
        found = {tile.level: self._load(tile) for tile in tiles}
        if root_hash(self.subtree, self.checkpoint.size) != self.checkpoint.root:
            raise self._damaged("its tiles do not lead to the signed root of the log")
        return found

    def entries(self, number: int) -> tuple[bytes, ...]:
        """Return one file of entries, as it is. Raises :class:`LogDamagedError` where it is missing or none."""
        tile = tile_of(0, number, self.checkpoint.size)
        return self._split(tile.bundle_path, tile.full.bundle_path, partial(split_bundle, width=tile.width))

    def _prefetch(self, ask: Callable[[Subtree], object]) -> None:
        missing = [tile for tile in tiles_needed(self.checkpoint.size, ask) if tile not in self._tiles]
        self._fetch(self._fill, missing)

    def _load(self, tile: Tile) -> Hashes:
        if tile not in self._tiles:
            self._fill(tile)
        return self._tiles[tile]

    def _fill(self, tile: Tile) -> None:
        self._tiles[tile] = self._split(tile.path, tile.full.path, partial(split_tile, width=tile.width))

    def _split(self, path: str, full: str, split: Callable[[bytes], Hashes]) -> Hashes:
        """Read a file and part it; one that has grown since may be left as the full one alone."""
        content = self._read(f"{FOLDER}{path}")
        if content is None and full != path:
            content = self._read(f"{FOLDER}{full}")
        if content is None:
            raise self._damaged(f"{FOLDER}{path} is missing")
        try:
            return split(content)
        except ValueError as error:
            raise self._damaged(f"{FOLDER}{path} is damaged ({error})") from None

    def _damaged(self, message: str) -> LogDamagedError:
        return LogDamagedError(message, place=self._where, remedy=_TELL_DAMAGE)


_TELL_FORK = (
    "somebody may be showing different people different histories: keep what you have, compare with others who use "
    "this registry, and ask whoever runs it"
)
_TELL_DAMAGE = "it may be being published just now: try again in a minute, else tell whoever runs it"
