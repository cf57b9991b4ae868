"""Pairs of words cut anew: those of which a row came or went, or of which a word became common, or rare."""

from __future__ import annotations

from collections.abc import Container, Mapping

from molthub.index.search_cut.best_rows import BestRows
from molthub.index.search_cut.bounds import Bounds
from molthub.index.search_cut.layout import Key
from molthub.index.search_cut.recut import ChangedRows, Recut, Remembered
from molthub.index.search_cut.row_words import Rank


class ChangedPairs:
    """Cuts pairs anew into a cut that has those of before."""

    def __init__(
        self, changed: ChangedRows, remembered: Remembered, recut: Recut, best: BestRows, bounds: Bounds
    ) -> None:
        self._changed = changed
        self._remembered = remembered
        self._recut = recut
        self._best = best
        self._bounds = bounds
        self._counts = dict(recut.layout.pairs)

    def cut(self, crossed: Mapping[str, bool]) -> None:
        """Cut what changed. ``crossed`` are the words that became common (True), or rare."""
        for word, is_common in crossed.items():
            for pair in self._remembered.pairs_with(word):
                self._drop(pair)
            if is_common:
                self._all_of(word)
        touched: set[str] = set()
        common = _Common(self._remembered, self._bounds.rows, crossed)
        for row in self._changed:
            touched.update(pair for pair, _rank in row.pairs(common))
        for pair in sorted(touched):
            self._one(pair)

    def _one(self, pair: str) -> None:
        key: Key = ("pair", pair)
        count = self._counts.get(pair, len(self._remembered.members(key) or ()))
        self._best.put(key, key, count, lambda row: row.pair_rank(pair))
        self._count(pair, count + self._changed.more(lambda row: row.pair_rank(pair) is not None))

    def _count(self, pair: str, count: int) -> None:
        if not count:
            self._drop(pair)
        elif count >= self._bounds.pair:
            self._recut.layout.pairs[pair] = count
        else:
            self._recut.layout.pairs.pop(pair, None)

    def _drop(self, pair: str) -> None:
        self._recut.layout.pairs.pop(pair, None)
        self._recut.members.pop(("pair", pair), None)
        self._recut.gone.add(("pair", pair))

    def _all_of(self, word: str) -> None:
        """Cut all pairs of a word that became common."""
        ranks: dict[str, list[Rank]] = {}
        common = _Common(self._remembered, self._bounds.rows)
        for row in self._best.rows_with(word, lambda row: word in row.named):
            for pair, rank in row.pairs(common):
                if word in pair.split(" "):
                    ranks.setdefault(pair, []).append(rank)
        for pair, found in ranks.items():
            self._recut.gone.discard(("pair", pair))
            self._recut.members["pair", pair] = sorted(found)[: self._bounds.best]
            self._recut.dirty.add(("pair", pair))
            self._count(pair, len(found))


class _Common:
    """The words that many rows have, those ``without`` apart."""

    def __init__(self, remembered: Remembered, rows: int, without: Container[str] = ()) -> None:
        self._remembered = remembered
        self._rows = rows
        self._without = without

    def __contains__(self, word: object) -> bool:
        return word not in self._without and self._remembered.word(str(word))[0] > self._rows
