"""What one row of the search lists is found by, and how high it ranks for the beginning of a word.

Both follow from the row alone, so that a list of the best rows can be kept without looking at all of them again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator
from functools import cached_property
from itertools import combinations

from molthub.model import SearchRow, bare_name
from molthub.search_lists import facet
from molthub.search_text import Place, tokens, words_by_place

RowId = tuple[str, bool]
"""A row: its name, and whether it is a pack's. Rows are ordered by it."""

Rank = tuple[int, str, str, bool]
"""How high a row ranks, lower is better: the place of the word, what orders names that begin with it, and the row."""


class RowWords:
    """The words of one row. ``places`` says where each stands best; ``named`` are those of its name and tags.

    The whole name without its scope is a word too, and so is each thing that rows are filtered by.
    """

    def __init__(self, row: SearchRow) -> None:
        self.id: RowId = (row.name, row.kind == "pack")
        self.bare = bare_name(row.name)
        self.places: dict[str, int] = {}
        self._in_name: frozenset[str] = frozenset()
        for place, text in words_by_place(row):
            found = tokens(text)
            if place is Place.NAME_WORD:
                self._in_name = frozenset(found)
            for word in found:
                self.places.setdefault(word, int(place))
        self.named = frozenset(word for word, place in self.places.items() if place <= Place.TAG)
        for word in (self.bare, *_facets(row)):
            self.places.setdefault(word, int(Place.NAME_BEGIN))

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.places)

    def beginning(self, prefix: str) -> Iterator[str]:
        """Yield its words that begin with ``prefix``."""
        at = bisect_left(self._sorted, prefix)
        while at < len(self._sorted) and self._sorted[at].startswith(prefix):
            yield self._sorted[at]
            at += 1

    def has(self, prefix: str) -> bool:
        """Whether a word of it begins with ``prefix``."""
        return next(self.beginning(prefix), None) is not None

    def rank(self, prefix: str) -> Rank:
        """Return how high it ranks among the rows that have a word which begins with ``prefix``."""
        if not prefix:
            return 0, "", *self.id
        if self.bare.startswith(prefix):
            return 0, self.bare, *self.id
        return min(self.places[word] for word in self.beginning(prefix)), "", *self.id

    def pairs(self, common: Container[str]) -> Iterator[tuple[str, Rank]]:
        """Yield each two common words of its name and tags, and how high it ranks for both together."""
        for one, other in combinations(sorted(word for word in self.named if word in common), 2):
            yield f"{one} {other}", self._together(one, other)

    def pair_rank(self, pair: str) -> Rank | None:
        """Return how high it ranks for two words together; None where its name and tags do not hold both."""
        one, _, other = pair.partition(" ")
        return self._together(one, other) if one in self.named and other in self.named else None

    def _together(self, one: str, other: str) -> Rank:
        return (one not in self._in_name) + (other not in self._in_name), "", *self.id


def _facets(row: SearchRow) -> Iterator[str]:
    yield from (facet("owner", name) for name in row.owners)
    yield from (facet("mcp", name) for name in row.mcp_servers)
    yield facet("status", row.status)
