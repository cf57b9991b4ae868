"""The nouns of a cut that follows from the one before: what is remembered of that, which rows changed, what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from molthub.index.search_cut.layout import Key, Layout, Members
from molthub.index.search_cut.row_words import RowId, RowWords


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


class ChangedRows:
    """The rows that changed: ``old`` are those that were there, as they were found, ``new`` those that are there."""

    def __init__(self, changed: Sequence[ChangedRow]) -> None:
        self.ids = {row.id for row in changed}
        self.old = [row.before for row in changed if row.before is not None]
        self.new = [row.now for row in changed if row.now is not None]

    def __iter__(self) -> Iterator[RowWords]:
        return iter((*self.old, *self.new))

    def more(self, wanted: Callable[[RowWords], bool]) -> int:
        """Return how many more rows are wanted than before; less than 0 for fewer."""
        return sum(map(wanted, self.new)) - sum(map(wanted, self.old))


@dataclass
class Recut:
    """A new cut: its layout, the ``members`` of keys that are others than before, and the keys that are ``gone``.

    ``dirty`` are the keys whose lists must be written again: of them a row came, went or changed.
    """

    layout: Layout
    members: dict[Key, Members] = field(default_factory=dict)
    gone: set[Key] = field(default_factory=set)
    dirty: set[Key] = field(default_factory=set)

    def put(self, key: Key, members: Members, before: Members | None, changed: ChangedRows) -> None:
        """Put the rows of a key, which had others ``before``, or the same ones of which some changed."""
        if before != members:
            self.members[key] = members
            self.dirty.add(key)
        elif not changed.ids.isdisjoint(member[-2:] for member in members):
            self.dirty.add(key)
