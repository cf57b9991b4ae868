"""The cut of rows of which a few changed, from the cut before and from what changed: the same as of all rows anew.

Only keys that words of the changed rows begin with are looked at. What a key holds follows from what it held, and from
the rows that came, went or rank otherwise. Rows are read from the beginning in three cases alone, all of them rare: one
of the best is no longer among them and the next must be found; so few rows are left of a key that it needs no longer
ones; a word became common.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any, Protocol

from molthub.index.beginnings import common_beginning
from molthub.index.search_cut.bounds import Bounds
from molthub.index.search_cut.layout import Key, Layout, Members
from molthub.index.search_cut.row_words import Rank, RowId, RowWords
from molthub.index.search_cut.whole_cut import cut_below, vocabulary
from molthub.model import bare_name
from molthub.search_text import Place, is_meant


class Remembered(Protocol):
    """What was remembered of the cut before. Rows are those of today, words too once they were put."""

    def members(self, key: Key) -> Members | None:
        """Return the rows of a key; None where there was no such key."""

    def word(self, word: str) -> tuple[int, int]:
        """Return how many rows have a word, at all and in name or tags."""

    def put_word(self, word: str, rows: int, named: int) -> None:
        """Remember how many rows have a word; none: forget it."""

    def words(self) -> Iterable[tuple[str, int, int]]:
        """Yield every word with how many rows have it, at all and in name or tags."""

    def outer_words(self, prefix: str) -> tuple[str, str]:
        """Return the first and the last word that begin with ``prefix``."""

    def row_words(self, rows: Iterable[RowId]) -> list[RowWords]:
        """Return some rows, in order."""

    def rows_in_order(self, start: str) -> Iterator[tuple[RowId, str]]:
        """Yield the rows from a name on in order, each with its canonical JSON in lower case."""

    def pairs_with(self, word: str) -> list[str]:
        """Return the pairs that a word is part of."""


@dataclass(frozen=True)
class ChangedRow:
    """A row that changed: what was found by, and what it is found by; None: it was not there, or is gone."""

    before: RowWords | None
    now: RowWords | None

    @property
    def id(self) -> RowId:
        """Which row it is."""
        return next(row.id for row in (self.before, self.now) if row is not None)


@dataclass
class Recut:
    """A new cut: its layout, the ``members`` of keys that are others than before, and the keys that are ``gone``.

    ``dirty`` are the keys whose lists must be written again: of them a row came, went or changed.
    """

    layout: Layout
    members: dict[Key, Members] = field(default_factory=dict)
    gone: set[Key] = field(default_factory=set)
    dirty: set[Key] = field(default_factory=set)


def changed_cut(before: Layout, changed: Sequence[ChangedRow], remembered: Remembered, bounds: Bounds) -> Recut:
    """Cut again what ``changed``."""
    return _ChangedCut(before, changed, remembered, bounds).done()


class _ChangedCut:
    def __init__(self, before: Layout, changed: Sequence[ChangedRow], remembered: Remembered, bounds: Bounds) -> None:
        self._before = before
        self._changed = changed
        self._remembered = remembered
        self._bounds = bounds
        self._ids = {row.id for row in changed}
        self._old = [row.before for row in changed if row.before is not None]
        self._new = [row.now for row in changed if row.now is not None]
        self._recut = Recut(Layout(before.rows + len(self._new) - len(self._old)))
        self._keys = sorted({*before.whole, *before.best})
        self._crossed: dict[str, bool] = {}

    @property
    def _layout(self) -> Layout:
        return self._recut.layout

    def done(self) -> Recut:
        """Cut everything that changed, and take over what did not."""
        self._layout.words = self._vocabulary(self._put_words())
        self._node("")
        self._pairs()
        for kind, old, new in (
            ("whole", self._before.whole, self._layout.whole),
            ("best", self._before.best, self._layout.best),
        ):
            self._recut.gone.update((kind, key) for key in old.keys() - new.keys())  # type: ignore[misc] # kinds of keys
        return self._recut

    # --- words -----------------------------------------------------------------------------------------------------

    def _put_words(self) -> set[str]:
        """Count the words of changed rows, and return those of which there are more or fewer than before."""
        rows: Counter[str] = Counter()
        named: Counter[str] = Counter()
        for found, by in ((self._new, 1), (self._old, -1)):
            for row in found:
                for word in row.places:
                    rows[word] += by
                for word in row.named:
                    named[word] += by
        different = {word for word in rows if rows[word] or named[word]}
        most = self._bounds.rows
        for word in different:
            count, names = self._remembered.word(word)
            self._remembered.put_word(word, count + rows[word], names + named[word])
            if (count > most) != (count + rows[word] > most):
                self._crossed[word] = count + rows[word] > most
        return different

    def _vocabulary(self, different: Iterable[str]) -> dict[str, int]:
        rows = self._layout.rows
        if rows // 1000 != self._before.rows // 1000:  # how many rows must have a word of the vocabulary
            return vocabulary(self._remembered.words(), rows)
        words = dict(self._before.words)
        for word in different:
            count, named = self._remembered.word(word)
            if is_meant(word, count, rows, named=bool(named)):
                words[word] = count
            else:
                words.pop(word, None)
        return words

    # --- the tree of letters ---------------------------------------------------------------------------------------

    def _node(self, prefix: str) -> None:
        """Cut the words that begin with ``prefix``, which too many rows have for one list, as before."""
        key = common_beginning(*self._remembered.outer_words(prefix)) if prefix else ""
        if any(key[:end] in self._before.whole for end in range(len(prefix) + 1, len(key) + 1)):
            # What was one of several beginnings is the only one left, and has grown.
            self._cut_anew(prefix, [row.id for row in self._scan(lambda row: row.has(prefix), prefix)])
            return
        known = self._best_at(prefix) or ""
        self._layout.best[key] = self._count(prefix)
        self._put_best(("best", key), ("best", known), self._before.best[known], lambda row: _rank(row, key))
        longer = {word[: len(key) + 1] for word in self._below(key)}
        longer.update(word[: len(key) + 1] for row in self._new for word in row.beginning(key) if word != key)
        for one in sorted(longer):
            self._child(one)

    def _child(self, prefix: str) -> None:
        """Cut the words that begin one letter further."""
        if not any(row.has(prefix) for row in (*self._old, *self._new)):
            self._take_over(prefix)
        elif self._best_at(prefix) is None:
            self._small(prefix)
        elif self._count(prefix) > self._bounds.rows:
            self._node(prefix)
        else:
            self._put_whole(prefix, [row.id for row in self._scan(lambda row: row.has(prefix), prefix)])

    def _take_over(self, prefix: str) -> None:
        for key in (prefix, *self._below(prefix)):
            for old, new in ((self._before.whole, self._layout.whole), (self._before.best, self._layout.best)):
                if key in old:
                    new[key] = old[key]

    def _small(self, prefix: str) -> None:
        """Write the rows of a beginning that needed no longer ones so far, and cut it where it does now."""
        known: Any = self._remembered.members(("whole", prefix)) or []
        kept = [one for one in known if one not in self._ids]
        rows = sorted([*kept, *(row.id for row in self._new if row.has(prefix))])
        if len(rows) <= self._bounds.rows:
            if rows:
                self._put_whole(prefix, rows)
            return
        self._cut_anew(prefix, rows)

    def _cut_anew(self, prefix: str, rows: Iterable[RowId]) -> None:
        """Cut what begins with ``prefix``, given all rows that have it."""
        cut = cut_below(prefix, self._remembered.row_words(rows), self._bounds)
        self._layout.whole |= cut.layout.whole
        self._layout.best |= cut.layout.best
        self._recut.members |= cut.members
        self._recut.dirty |= cut.members.keys()

    def _put_whole(self, key: str, rows: list[RowId]) -> None:
        self._layout.whole[key] = len(rows)
        self._put(("whole", key), rows)

    def _put(self, key: Key, members: Members) -> None:
        if self._remembered.members(key) != members:
            self._recut.members[key] = members
            self._recut.dirty.add(key)
        elif not self._ids.isdisjoint(member[-2:] for member in members):
            self._recut.dirty.add(key)

    def _below(self, key: str) -> Iterator[str]:
        """Yield the keys of before that are longer than ``key``."""
        at = bisect_left(self._keys, key)
        while at < len(self._keys) and self._keys[at].startswith(key):
            if self._keys[at] != key:
                yield self._keys[at]
            at += 1

    def _best_at(self, prefix: str) -> str | None:
        """Return the key under which the rows were counted that have ``prefix``; None where there were few."""
        at = bisect_left(self._keys, prefix)
        found = self._keys[at] if at < len(self._keys) else ""
        return found if found.startswith(prefix) and found in self._before.best else None

    def _count(self, prefix: str) -> int:
        """Return how many rows have ``prefix``, which many had."""
        known = self._before.best[self._best_at(prefix) or ""]
        return known + sum(row.has(prefix) for row in self._new) - sum(row.has(prefix) for row in self._old)

    # --- the best rows of a key ------------------------------------------------------------------------------------

    def _put_best(self, key: Key, known_as: Key, count: int, rank: Callable[[RowWords], Rank | None]) -> None:
        """Put the best rows of a key, of which ``count`` were known under ``known_as`` by their best."""
        before: Any = self._remembered.members(known_as) or []
        complete, most = count <= len(before), self._bounds.best
        ranks = [found for found in map(rank, self._new) if found is not None]
        came = [one for one in ranks if complete or one <= before[-1]]
        best = sorted([*(one for one in before if one[2:] not in self._ids), *came])[:most]
        there = count + len(ranks) - sum(rank(row) is not None for row in self._old)
        if len(best) < min(there, most):
            best += self._next(before[-1], min(there, most) - len(best), rank, key)
        self._put(key, best)

    def _next(self, after: Rank, wanted: int, rank: Callable[[RowWords], Rank | None], key: Key) -> list[Rank]:
        """Return the rows that rank next. Those before them are known, so that each place is looked through once."""
        found: list[Rank] = []
        for place in range(after[0], len(Place)):
            if key[0] == "best" and not place:
                found += self._next_names(after, wanted, key[1])
            else:
                start = after[2] if place == after[0] else ""
                for row in self._candidates(start, key, place):
                    one = rank(row)
                    if one is not None and one[0] == place and one > after:
                        found.append(one)
                    if len(found) == wanted:
                        return found
        return found[:wanted]

    def _next_names(self, after: Rank, wanted: int, prefix: str) -> list[Rank]:
        """Return the rows whose names begin with ``prefix``, those next in order."""
        names = ((0, bare_name(row[0]) if prefix else "", *row) for row, _text in self._remembered.rows_in_order(""))
        return nsmallest(wanted, (one for one in names if one > after and one[1].startswith(prefix)))

    def _candidates(self, start: str, key: Key, place: int) -> Iterator[RowWords]:
        """Yield the rows that may hold a key in one place, in order from a name on."""
        sought = _sought(key)
        for row, text in self._remembered.rows_in_order(start):
            said = f"{row[0]} {text[text.find(_TAGS) :]}" if key[0] == "pair" or place == Place.TAG else text
            if all(word in said for word in sought):
                yield from self._remembered.row_words([row])

    def _scan(self, wanted: Callable[[RowWords], bool], word: str) -> list[RowWords]:
        """Return all rows that are wanted, in order. Each of them has a word that begins with ``word``."""
        sought = _sought(("best", word))
        rows = self._remembered.rows_in_order("")
        near = self._remembered.row_words(row for row, text in rows if all(one in text for one in sought))
        return [row for row in near if wanted(row)]

    # --- pairs of words --------------------------------------------------------------------------------------------

    def _pairs(self) -> None:
        """Cut the pairs of words of which a row came or went, or of which a word became common, or rare."""
        self._layout.pairs = dict(self._before.pairs)
        for word, is_common in self._crossed.items():
            for pair in self._remembered.pairs_with(word):
                self._drop_pair(pair)
            if is_common:
                self._new_pairs(word)
        touched: set[str] = set()
        common = _Common(self._remembered, self._bounds.rows, self._crossed)
        for row in (*self._old, *self._new):
            touched.update(pair for pair, _rank in row.pairs(common))
        for pair in sorted(touched):
            self._pair(pair)

    def _pair(self, pair: str) -> None:
        key: Key = ("pair", pair)
        count = self._before.pairs.get(pair, len(self._remembered.members(key) or ()))
        self._put_best(key, key, count, lambda row: row.pair_rank(pair))
        for rows, by in ((self._new, 1), (self._old, -1)):
            count += by * sum(row.pair_rank(pair) is not None for row in rows)
        self._count_pair(pair, count)

    def _count_pair(self, pair: str, count: int) -> None:
        if not count:
            self._drop_pair(pair)
        elif count >= self._bounds.pair:
            self._layout.pairs[pair] = count
        else:
            self._layout.pairs.pop(pair, None)

    def _drop_pair(self, pair: str) -> None:
        self._layout.pairs.pop(pair, None)
        self._recut.members.pop(("pair", pair), None)
        self._recut.gone.add(("pair", pair))

    def _new_pairs(self, word: str) -> None:
        """Cut all pairs of a word that became common."""
        ranks: dict[str, list[Rank]] = {}
        common = _Common(self._remembered, self._bounds.rows)
        for row in self._scan(lambda row: word in row.named, word):
            for pair, rank in row.pairs(common):
                if word in pair.split(" "):
                    ranks.setdefault(pair, []).append(rank)
        for pair, found in ranks.items():
            self._recut.gone.discard(("pair", pair))
            self._recut.members["pair", pair] = sorted(found)[: self._bounds.best]
            self._recut.dirty.add(("pair", pair))
            self._count_pair(pair, len(found))


class _Common:
    """The words that many rows have, those ``without`` apart."""

    def __init__(self, remembered: Remembered, rows: int, without: Container[str] = ()) -> None:
        self._remembered = remembered
        self._rows = rows
        self._without = without

    def __contains__(self, word: object) -> bool:
        return word not in self._without and self._remembered.word(str(word))[0] > self._rows


def _rank(row: RowWords, key: str) -> Rank | None:
    return row.rank(key) if row.has(key) else None


def _sought(key: Key) -> list[str]:
    """Return what the text of each row holds that has a key; nothing where JSON may write it in another way."""
    if key[1].startswith("@") or not key[1].isprintable() or _ODD.intersection(key[1]):
        return []
    return key[1].split(" ") if key[0] == "pair" else [key[1]]


_ODD = frozenset('"\\σς')
_TAGS = '"tags":['
