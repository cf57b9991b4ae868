"""Proofs over tiles: each one made holds, whatever the sizes, and none holds for anything else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from molthub.transparency.merkle import (
    EMPTY_ROOT,
    consistency_holds,
    consistency_proof,
    inclusion_holds,
    inclusion_proof,
    leaf_hash,
    root_hash,
    tree_hash,
)
from molthub.transparency.tiles import (
    Hashes,
    Tile,
    bundle,
    edge_tiles,
    grow,
    split_bundle,
    split_tile,
    subtree_of,
    tiles_needed,
)
from tests.transparency.every_tile import all_tiles

LEAVES = [leaf_hash(str(number).encode()) for number in range(70_000)]
sizes = st.one_of(st.integers(0, 600), st.sampled_from([255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 66_000]))


class Tree:
    """A tree that grew, with every tile that it ever had."""

    def __init__(self, *steps: int) -> None:
        self.size = 0
        self.edge: dict[int, Hashes] = {}
        self.tiles: dict[Tile, Hashes] = {}
        for step in steps:
            grown = grow(self.size, self.edge, LEAVES[self.size : self.size + step])
            self.size, self.edge = grown.size, grown.edge
            self.tiles |= grown.tiles

    def subtree(self, level: int, index: int) -> bytes:
        return subtree_of(self.size, self.tiles.__getitem__)(level, index)

    @property
    def root(self) -> bytes:
        return root_hash(self.subtree, self.size)


BIG = Tree(66_000)


@cache
def tree_of(size: int) -> Tree:
    """Return the tree of ``size``; big ones are made once."""
    return Tree(size)


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


@pytest.mark.parametrize("size", [*range(70), 255, 256, 257, 300, 511, 513])
def test_the_root_is_the_one_that_the_definition_gives(size: int) -> None:
    assert Tree(size).root == tree_hash(LEAVES[:size]) == by_definition(LEAVES[:size])


def test_every_inclusion_up_to_a_size() -> None:
    for size in range(1, 41):
        tree = Tree(size)
        for index in range(size):
            proof = inclusion_proof(tree.subtree, index, size)
            assert inclusion_holds(LEAVES[index], index, size, proof, tree.root)
            others = [other for other in range(size + 1) if other != index]
            assert not any(inclusion_holds(LEAVES[index], other, size, proof, tree.root) for other in others)


def test_every_consistency_up_to_a_size() -> None:
    trees = [Tree(size) for size in range(41)]
    for new in trees:
        for old in trees[: new.size + 1]:
            proof = consistency_proof(new.subtree, old.size, new.size)
            assert consistency_holds(old.size, old.root, new.size, new.root, proof)
            if old.size:
                assert not any(
                    consistency_holds(other, old.root, new.size, new.root, proof)
                    for other in range(new.size + 1)
                    if other != old.size
                )


@given(sizes, st.data())
def test_a_leaf_is_shown_by_its_own_proof_alone(size: int, data: st.DataObject) -> None:
    assume(size > 0)
    tree = tree_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = list(inclusion_proof(tree.subtree, index, size))
    root = tree.root
    assert inclusion_holds(LEAVES[index], index, size, proof, root)
    other = data.draw(st.integers(0, size).filter(lambda other: other != index))
    assert not inclusion_holds(LEAVES[other], index, size, proof, root)
    assert not inclusion_holds(LEAVES[index], other, size, proof, root)
    assert not inclusion_holds(LEAVES[index], index, size, [*proof, root], root)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not inclusion_holds(LEAVES[index], index, size, flipped(proof, at, data), root)
        assert not inclusion_holds(LEAVES[index], index, size, proof[:at] + proof[at + 1 :], root)


@given(sizes, st.data())
def test_a_tree_follows_from_its_own_beginnings_alone(size: int, data: st.DataObject) -> None:
    tree = tree_of(size)
    old = data.draw(st.integers(0, size))
    old_root = root_hash(subtree_of(size, tree.tiles.__getitem__), old)
    assert old_root == tree_hash(LEAVES[:old])
    proof = list(consistency_proof(tree.subtree, old, size))
    assert consistency_holds(old, old_root, size, tree.root, proof)
    assert not consistency_holds(old, leaf_hash(old_root), size, tree.root, proof)
    assert not consistency_holds(old, old_root, size, leaf_hash(tree.root), proof) or old == 0
    assert not consistency_holds(old, old_root, size, tree.root, [*proof, old_root])
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not consistency_holds(old, old_root, size, tree.root, flipped(proof, at, data))
        assert not consistency_holds(old, old_root, size, tree.root, proof[:at] + proof[at + 1 :])


@given(st.integers(1, 600), st.data())
def test_one_other_leaf_is_a_fork(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    at = data.draw(st.integers(0, old - 1))
    grown = grow(0, {}, [*LEAVES[:at], leaf_hash(b"another"), *LEAVES[at + 1 : size]])
    subtree = subtree_of(size, grown.tiles.__getitem__)
    proof = consistency_proof(subtree, old, size)
    assert not consistency_holds(old, tree_hash(LEAVES[:old]), size, root_hash(subtree, size), proof)


@given(st.lists(st.integers(0, 300), max_size=6))
def test_a_tree_is_the_same_however_it_grew(steps: list[int]) -> None:
    grown, whole = Tree(*steps), Tree(sum(steps))
    assert (grown.edge, grown.root) == (whole.edge, whole.root)
    assert {tile: grown.tiles[tile] for tile in all_tiles(grown.size)} == whole.tiles


@given(st.lists(st.integers(1, 200), min_size=2, max_size=5))
def test_an_older_tree_still_finds_its_own_tiles(steps: list[int]) -> None:
    grown = Tree(*steps)
    older = Tree(*steps[:-1])
    assert all(grown.tiles[tile] == older.tiles[tile] for tile in all_tiles(older.size))


def test_growing_touches_the_right_edge_alone() -> None:
    before = Tree(66_000)
    grown = grow(before.size, before.edge, LEAVES[66_000:66_001])
    assert list(grown.tiles) == [Tile(0, 257, 209)]
    grown = grow(65_535, Tree(65_535).edge, LEAVES[65_535:65_537])
    assert [tile.path for tile in grown.tiles] == ["tile/0/255", "tile/0/256.p/1", "tile/1/000", "tile/2/000.p/1"]


def test_the_tiles_of_the_specification() -> None:
    """C2SP tlog-tiles, "Partial Tiles": what a tree of 70,000 entries is represented by."""
    tiles = list(all_tiles(70_000))
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert [tile for tile in tiles if tile.width < 256] == list(edge_tiles(70_000))
    assert list(edge_tiles(70_000)) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(all_tiles(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert Tile(1, 1_234_067, 5).path == "tile/1/x001/x234/067.p/5"
    assert Tile(0, 1_234_067).bundle_path == "tile/entries/x001/x234/067"
    assert Tile(0, 7).path == "tile/0/007"


def test_a_proof_names_its_tiles_before_they_are_read() -> None:
    needed = tiles_needed(66_000, lambda subtree: inclusion_proof(subtree, 5, 66_000))
    assert set(needed) <= set(all_tiles(66_000))
    assert Tile(0, 0) in needed
    assert len(needed) <= 6


@given(st.lists(st.binary(max_size=300), max_size=256), st.data())
def test_bundles_round_trip_and_nothing_cut_off_is_read(entries: list[bytes], data: st.DataObject) -> None:
    content = bundle(entries)
    assert split_bundle(content, len(entries)) == tuple(entries)
    fewer = data.draw(st.integers(0, len(entries)))
    assert split_bundle(content, fewer) == tuple(entries[:fewer])
    if content:
        with pytest.raises(ValueError, match="does not hold"):
            split_bundle(content[: data.draw(st.integers(0, len(content) - 1))], len(entries))


def test_what_is_no_tile_is_told() -> None:
    assert split_tile(LEAVES[0] * 256, 1) == (LEAVES[0],)
    with pytest.raises(ValueError, match="32 bytes"):
        split_tile(b"x" * 33, 1)
    with pytest.raises(ValueError, match="65536"):
        bundle([b"x" * 65_536])
    with pytest.raises(ValueError, match="tile 3"):
        subtree_of(600, lambda _tile: ())(0, 800)
    for size, wrong in ((5, 5), (0, 0)):
        with pytest.raises(ValueError, match="leaf"):
            inclusion_proof(Tree(size).subtree, wrong, size)
    with pytest.raises(ValueError, match="a tree of 6"):
        consistency_proof(Tree(5).subtree, 6, 5)
    assert (Tree(0).root, root_hash(BIG.subtree, 0)) == (EMPTY_ROOT, EMPTY_ROOT)


def flipped(proof: list[bytes], at: int, data: st.DataObject) -> list[bytes]:
    """Return the proof with one bit changed."""
    bit = data.draw(st.integers(0, 255))
    changed = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    return [*proof[:at], changed, *proof[at + 1 :]]
