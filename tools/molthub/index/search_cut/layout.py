"""Which search lists there are: keys, how many rows each has, and which keys share a list.

The words of all rows are read as a tree of letters. A beginning that few rows have needs no longer one: it is a
*whole* key, whose list holds all of its rows. One that more have has a list of its *best*, and its longer ones theirs.
Of two common words names and tags that have both are a *pair*, with a list of its best.

Keys whose hashes begin alike share a list: so many bits, as leave its rows within bounds. So where a key stands depends
on how many rows the few keys near its hash have, and on nothing else: a key that comes, goes or grows moves no others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate
from typing import Literal

from molthub.index.search_cut.bounds import Bounds
from molthub.index.search_cut.row_words import Rank, RowId
from molthub.model import SearchDirectory

KeyKind = Literal["whole", "best", "pair"]
Key = tuple[KeyKind, str]
Members = list[RowId] | list[Rank]
"""The rows of a key: of a whole one in order, of others the best ones as they rank."""

_BITS = 32


@dataclass
class Layout:
    """All keys with how many rows each has, and the vocabulary: ``words`` that a misspelled one may have meant.

    ``pairs`` are those that have lists. ``rows`` is how many there are at all.
    """

    rows: int = 0
    whole: dict[str, int] = field(default_factory=dict)
    best: dict[str, int] = field(default_factory=dict)
    pairs: dict[str, int] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)


Parts = dict[str, tuple[Key, ...]]
"""The keys of each list, by a label of the list."""


def parts(layout: Layout, bounds: Bounds) -> Parts:
    """Return which lists there are, and which keys stand in each."""
    found: Parts = {f"whole/{bits}": _keys("whole", some) for bits, some in _shared(layout.whole, bounds.rows)}
    pairs = {pair: min(count, bounds.best) for pair, count in layout.pairs.items()}
    found |= {f"pair/{bits}": _keys("pair", some) for bits, some in _shared(pairs, bounds.rows)}
    return found | {f"best/{key}": (("best", key),) for key in layout.best}


def _keys(kind: KeyKind, keys: Iterable[str]) -> tuple[Key, ...]:
    return tuple((kind, key) for key in keys)


def _shared(counts: Mapping[str, int], most: int) -> Iterator[tuple[str, list[str]]]:
    """Yield the keys that share a list, by the bits that their hashes begin with."""
    hashed = sorted((_hash(key), key) for key in counts)
    before = [0, *accumulate(counts[key] for _hash, key in hashed)]
    waiting = [(0, len(hashed), "")]
    while waiting:
        start, end, bits = waiting.pop()
        if before[end] - before[start] <= most or end - start == 1 or len(bits) == _BITS:
            if start < end:
                yield bits, [key for _hash, key in hashed[start:end]]
            continue
        middle = bisect_left(hashed, (int(f"{bits}1".ljust(_BITS, "0"), 2), ""), start, end)
        waiting += [(middle, end, f"{bits}1"), (start, middle, f"{bits}0")]


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=_BITS // 8).digest(), "big")


def directory(layout: Layout, found: Parts, names: Mapping[str, str]) -> SearchDirectory:
    """Return where what stands. ``names`` are the hex names of lists by their labels."""
    numbers: dict[str, int] = {}
    places: dict[Key, int] = {}
    for label in sorted(found):
        number = numbers.setdefault(names[label], len(numbers))
        places |= dict.fromkeys(found[label], number)
    best = {key: (places["best", key], count) for key, count in layout.best.items()}
    best |= {key: (places["pair", key], count) for key, count in layout.pairs.items()}
    whole = {key: places["whole", key] for key in layout.whole}
    return SearchDirectory(layout.rows, tuple(numbers), whole, best, layout.words)
