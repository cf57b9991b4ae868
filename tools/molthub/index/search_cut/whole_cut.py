"""The cut of all rows into search lists."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from molthub.index.beginnings import common_beginning
from molthub.index.search_cut.bounds import USUAL, Bounds
from molthub.index.search_cut.layout import Key, Layout, Members
from molthub.index.search_cut.row_words import Rank, RowId, RowWords
from molthub.model import SearchRow
from molthub.search_text import Place, is_meant

_PLACES = len(Place)


@dataclass
class Cut:
    """A cut: its layout, the rows of every key, and of each word how many rows have it, at all and in name or tags.

    Among ``members`` are pairs that too few rows have for a list: the next row may be the one that is missing.
    """

    layout: Layout
    members: dict[Key, Members] = field(default_factory=dict)
    words: dict[str, tuple[int, int]] = field(default_factory=dict)


def whole_cut(rows: Iterable[SearchRow], bounds: Bounds = USUAL) -> Cut:
    """Cut these rows. A function of the rows alone, in whatever order they come."""
    found = [RowWords(row) for row in sorted(rows, key=lambda row: (row.name, row.kind != "skill"))]
    return _Cut(found, bounds).done()


def vocabulary(words: Iterable[tuple[str, int, int]], rows: int) -> dict[str, int]:
    """Return the words that a misspelled one may have meant, given how many rows have each, at all and as names."""
    return {word: count for word, count, named in words if is_meant(word, count, rows, named=bool(named))}


def cut_below(prefix: str, rows: Sequence[RowWords], bounds: Bounds) -> Cut:
    """Cut those words of some rows that begin with ``prefix``, which too many of them have for one list."""
    return _Cut(rows, bounds).below(prefix)


class _Cut:
    """Cuts rows into lists. A row is its number in the order of names; a word's rows are ordered best first."""

    def __init__(self, rows: Sequence[RowWords], bounds: Bounds) -> None:
        self._rows = rows
        self._bounds = bounds
        self._bare = sorted((row.bare, number) for number, row in enumerate(rows))
        self._ranks: dict[str, array[int]] = {}
        self._named: Counter[str] = Counter()
        for number, row in enumerate(rows):
            self._named.update(row.named)
            for word, place in row.places.items():
                self._ranks.setdefault(word, array("Q")).append(place * len(rows) + number)
        self._ranks = {word: array("Q", sorted(ranks)) for word, ranks in self._ranks.items()}
        self._words = sorted(self._ranks)
        self._cut = Cut(Layout(len(rows)))

    def done(self) -> Cut:
        """Cut everything."""
        self._node(0, len(self._words), "")
        self._pairs()
        self._cut.words = {word: (len(self._ranks[word]), self._named[word]) for word in self._words}
        counted = ((word, *counts) for word, counts in self._cut.words.items())
        self._cut.layout.words = vocabulary(counted, len(self._rows))
        return self._cut

    def below(self, prefix: str) -> Cut:
        """Cut the words that begin with ``prefix`` alone."""
        self._node(*self._range(prefix, 0, len(self._words)), prefix)
        return self._cut

    # --- the tree of letters ---------------------------------------------------------------------------------------

    def _node(self, start: int, end: int, prefix: str) -> None:
        """Cut the words ``[start:end]``, which begin with ``prefix`` and which too many rows have for one list."""
        key = common_beginning(self._words[start], self._words[end - 1]) if prefix else ""
        self._cut.layout.best[key] = self._count(start, end) if key else len(self._rows)
        self._cut.members["best", key] = self._best_of(start, end, key)
        at = start + (self._words[start] == key)
        while at < end:
            longer = self._words[at][: len(key) + 1]
            first, last = self._range(longer, at, end)
            numbers = self._numbers(first, last)
            if numbers is None:
                self._node(first, last, longer)
            else:
                self._cut.layout.whole[longer] = len(numbers)
                self._cut.members["whole", longer] = [self._rows[number].id for number in sorted(numbers)]
            at = last

    def _range(self, prefix: str, start: int, end: int) -> tuple[int, int]:
        """Return where the words stand that begin with ``prefix``."""
        after = f"{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}"
        return bisect_left(self._words, prefix, start, end), bisect_left(self._words, after, start, end)

    def _numbers(self, start: int, end: int) -> set[int] | None:
        """Return the rows that have any of these words, or None for more than one list holds."""
        found: set[int] = set()
        for word in self._words[start:end]:
            found.update(rank % len(self._rows) for rank in self._ranks[word][: self._bounds.rows + 1])
            if len(found) > self._bounds.rows:
                return None
        return found

    def _count(self, start: int, end: int) -> int:
        size = len(self._rows)
        return len({rank % size for word in self._words[start:end] for rank in self._ranks[word]})

    def _best_of(self, start: int, end: int, prefix: str) -> list[Rank]:
        """Return the rows that rank first for ``prefix``, by their ranks."""
        most, size = self._bounds.best, len(self._rows)
        if not prefix:
            return [self._rows[number].rank("") for number in range(min(most, size))]
        found = dict.fromkeys(self._names_beginning(prefix), 0)
        for place in range(_PLACES):
            if len(found) >= most:
                break
            ranks = (self._ranks[word] for word in self._words[start:end])
            slices = (some[bisect_left(some, place * size) : bisect_left(some, (place + 1) * size)] for some in ranks)
            for number in sorted({rank - place * size for some in slices for rank in some[:most]}):
                found.setdefault(number, place)
        return [self._rows[number].rank(prefix) for number in list(found)[:most]]

    def _names_beginning(self, prefix: str) -> Iterator[int]:
        start = bisect_left(self._bare, (prefix,))
        for name, number in self._bare[start : start + self._bounds.best]:
            if name.startswith(prefix):
                yield number

    # --- pairs of words --------------------------------------------------------------------------------------------

    def _pairs(self) -> None:
        """Find the rows of each two common words that a row has in its name and tags."""
        common = {word for word, ranks in self._ranks.items() if len(ranks) > self._bounds.rows}
        ranks: dict[str, list[Rank]] = {}
        for row in self._rows:
            for pair, rank in row.pairs(common):
                ranks.setdefault(pair, []).append(rank)
        for pair, found in ranks.items():
            self._cut.members["pair", pair] = sorted(found)[: self._bounds.best]
            if len(found) >= self._bounds.pair:
                self._cut.layout.pairs[pair] = len(found)


def ids(members: Members) -> list[RowId]:
    """Return the rows that are members of a key."""
    return [member if len(member) == 2 else (member[2], member[3]) for member in members]  # noqa: PLR2004 (a row's id)
