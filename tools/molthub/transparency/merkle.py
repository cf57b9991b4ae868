"""Merkle trees and their proofs, as RFC 6962, section 2.1, and RFC 9162, section 2.1, define them. SHA-256 throughout.

A tree is known by a function that returns the hash of any *complete subtree*: ``subtree(level, index)`` is the hash
over the leaves from ``index * 2**level`` up to ``(index + 1) * 2**level``. Proofs are made from nothing else, so
whoever keeps such hashes (:mod:`molthub.transparency.tiles`) can make them, and whoever holds a root can judge them.

    root = root_hash(subtree, size)
    inclusion_holds(leaf, index, size, inclusion_proof(subtree, index, size), root)
    consistency_holds(old, old_root, size, root, consistency_proof(subtree, old, size))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""

Subtree = Callable[[int, int], bytes]
"""(level, index) -> the hash of the complete subtree of ``2**level`` leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one leaf. The prefix keeps a leaf from ever being taken for a node."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the root over hashes of leaves."""
    if not leaves:
        return EMPTY_ROOT
    hashes = list(leaves)
    while len(hashes) > 1:
        # A last one without a neighbour goes up as it is: the same tree as splitting at the largest power of two.
        paired = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes) - 1, 2)]
        hashes = paired + hashes[len(paired) * 2 :]
    return hashes[0]


def root_hash(subtree: Subtree, size: int) -> bytes:
    """Return the root of the first ``size`` leaves."""
    return _range_hash(subtree, 0, size) if size else EMPTY_ROOT


def inclusion_proof(subtree: Subtree, index: int, size: int) -> tuple[bytes, ...]:
    """Return the path that shows the leaf at ``index`` to be in a tree of ``size`` (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} of {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _largest_power_below(high - low)
        if index < middle:
            path.append(_range_hash(subtree, middle, high))
            high = middle
        else:
            path.append(_range_hash(subtree, low, middle))
            low = middle
    return tuple(reversed(path))


def consistency_proof(subtree: Subtree, old: int, size: int) -> tuple[bytes, ...]:
    """Return what shows a tree of ``size`` to begin with the tree of its first ``old`` leaves (RFC 6962, 2.1.2)."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {old} in one of {size}")
    if old in (0, size):
        return ()
    path: list[bytes] = []
    low, high, whole = 0, size, True
    while old != high:
        middle = low + _largest_power_below(high - low)
        if old <= middle:
            path.append(_range_hash(subtree, middle, high))
            high = middle
        else:
            path.append(_range_hash(subtree, low, middle))
            low, whole = middle, False
    if not whole:
        path.append(_range_hash(subtree, low, high))
    return tuple(reversed(path))


def inclusion_holds(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``proof`` shows the leaf hash to be at ``index`` under ``root`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def consistency_holds(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows the tree of ``size`` to begin with the one of ``old`` leaves (RFC 9162, 2.1.4.2)."""
    if old == size:
        return not proof and old_root == root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if not 0 < old < size or not proof:
        return False
    path = [*([old_root] if old & (old - 1) == 0 else []), *proof]
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    found_old = found = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            found_old, found = node_hash(step, found_old), node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and (found_old, found) == (old_root, root)


def _range_hash(subtree: Subtree, low: int, high: int) -> bytes:
    """Return the hash over the leaves from ``low`` to ``high``, where ``low`` is where such a range may begin."""
    count = high - low
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return subtree(level, low >> level)
    middle = low + _largest_power_below(count)
    return node_hash(_range_hash(subtree, low, middle), _range_hash(subtree, middle, high))


def _largest_power_below(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1
