"""The best rows of a key, from those it had and from the rows that changed; the next ones where one is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import nsmallest
from typing import Any

from molthub.index.search_cut.layout import Key
from molthub.index.search_cut.recut import ChangedRows, Recut, Remembered
from molthub.index.search_cut.row_words import Rank, RowWords
from molthub.model import bare_name
from molthub.search_text import Place


class BestRows:
    """Puts the best rows of keys, ``most`` of each, into a cut."""

    def __init__(self, changed: ChangedRows, remembered: Remembered, recut: Recut, most: int) -> None:
        self._changed = changed
        self._remembered = remembered
        self._recut = recut
        self._most = most

    def put(self, key: Key, known_as: Key, count: int, rank: Callable[[RowWords], Rank | None]) -> None:
        """Put the best rows of a key, of which ``count`` were known under ``known_as`` by their best."""
        before: Any = self._remembered.members(known_as) or []
        complete = count <= len(before)
        ranks = [found for found in map(rank, self._changed.new) if found is not None]
        came = [one for one in ranks if complete or one <= before[-1]]
        best = sorted([*(one for one in before if one[2:] not in self._changed.ids), *came])[: self._most]
        wanted = min(count + self._changed.more(lambda row: rank(row) is not None), self._most)
        if len(best) < wanted:
            best += self._next(before[-1], wanted - len(best), rank, key)
        self._recut.put(key, best, self._remembered.members(key), self._changed)

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

    def rows_with(self, word: str, wanted: Callable[[RowWords], bool]) -> list[RowWords]:
        """Return all rows that are wanted, in order. Each of them has a word that begins with ``word``."""
        sought = _sought(("best", word))
        rows = self._remembered.rows_in_order("")
        near = self._remembered.row_words(row for row, text in rows if all(one in text for one in sought))
        return [row for row in near if wanted(row)]


def _sought(key: Key) -> list[str]:
    """Return what the text of each row holds that has a key; nothing where JSON may write it in another way."""
    if key[1].startswith("@") or not key[1].isprintable() or _ODD.intersection(key[1]):
        return []
    return key[1].split(" ") if key[0] == "pair" else [key[1]]


_ODD = frozenset('"\\σς')
_TAGS = '"tags":['
