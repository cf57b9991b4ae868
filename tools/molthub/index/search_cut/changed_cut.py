"""The cut of rows of which a few changed, from the cut before and from what changed: the same as of all rows anew.

Only keys that words of the changed rows begin with are looked at. What a key holds follows from what it held, and from
the rows that came, went or rank otherwise. Rows are read from the beginning in three cases alone, all of them rare: one
of the best is no longer among them and the next must be found; so few rows are left of a key that it needs no longer
ones; a word became common.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from molthub.index.beginnings import common_beginning
from molthub.index.search_cut.best_rows import BestRows
from molthub.index.search_cut.bounds import Bounds
from molthub.index.search_cut.changed_pairs import ChangedPairs
from molthub.index.search_cut.layout import Layout
from molthub.index.search_cut.recut import ChangedRow, ChangedRows, Recut, Remembered
from molthub.index.search_cut.row_words import Rank, RowId, RowWords
from molthub.index.search_cut.whole_cut import cut_below, vocabulary
from molthub.search_text import is_meant


def changed_cut(before: Layout, changed: Sequence[ChangedRow], remembered: Remembered, bounds: Bounds) -> Recut:
    """Cut again what ``changed``."""
    return _ChangedCut(before, changed, remembered, bounds).done()


class _ChangedCut:
    def __init__(self, before: Layout, changed: Sequence[ChangedRow], remembered: Remembered, bounds: Bounds) -> None:
        self._before = before
        self._changed = ChangedRows(changed)
        self._remembered = remembered
        self._bounds = bounds
        rows = before.rows + self._changed.more(lambda _row: True)
        self._recut = Recut(Layout(rows, pairs=dict(before.pairs)))
        self._best = BestRows(self._changed, remembered, self._recut, bounds.best)
        self._keys = sorted({*before.whole, *before.best})
        self._crossed: dict[str, bool] = {}

    @property
    def _layout(self) -> Layout:
        return self._recut.layout

    def done(self) -> Recut:
        """Cut everything that changed, and take over what did not."""
        self._layout.words = self._vocabulary(self._put_words())
        self._node("")
        ChangedPairs(self._changed, self._remembered, self._recut, self._best, self._bounds).cut(self._crossed)
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
        for found, by in ((self._changed.new, 1), (self._changed.old, -1)):
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
            self._cut_anew(prefix, self._all_with(prefix))
            return
        known = self._best_at(prefix) or ""
        self._layout.best[key] = self._count(prefix)
        self._best.put(("best", key), ("best", known), self._before.best[known], lambda row: _rank(row, key))
        longer = {word[: len(key) + 1] for word in self._below(key)}
        longer.update(word[: len(key) + 1] for row in self._changed.new for word in row.beginning(key) if word != key)
        for one in sorted(longer):
            self._child(one)

    def _child(self, prefix: str) -> None:
        """Cut the words that begin one letter further."""
        if not any(row.has(prefix) for row in self._changed):
            self._take_over(prefix)
        elif self._best_at(prefix) is None:
            self._small(prefix)
        elif self._count(prefix) > self._bounds.rows:
            self._node(prefix)
        else:
            self._put_whole(prefix, self._all_with(prefix))

    def _take_over(self, prefix: str) -> None:
        for key in (prefix, *self._below(prefix)):
            for old, new in ((self._before.whole, self._layout.whole), (self._before.best, self._layout.best)):
                if key in old:
                    new[key] = old[key]

    def _small(self, prefix: str) -> None:
        """Write the rows of a beginning that needed no longer ones so far, and cut it where it does now."""
        known: Any = self._remembered.members(("whole", prefix)) or []
        kept = [one for one in known if one not in self._changed.ids]
        rows = sorted([*kept, *(row.id for row in self._changed.new if row.has(prefix))])
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
        self._recut.put(("whole", key), rows, self._remembered.members(("whole", key)), self._changed)

    def _all_with(self, prefix: str) -> list[RowId]:
        """Return all rows that have a word which begins with ``prefix``, in order."""
        return [row.id for row in self._best.rows_with(prefix, lambda row: row.has(prefix))]

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
        return known + self._changed.more(lambda row: row.has(prefix))


def _rank(row: RowWords, key: str) -> Rank | None:
    return row.rank(key) if row.has(key) else None
