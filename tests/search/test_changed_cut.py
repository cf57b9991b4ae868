"""A cut of what changed is the cut of everything, after any changes in any order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.documents import canonical, search_row_to_json
from molthub.index.search_cut.bounds import Bounds
from molthub.index.search_cut.changed_cut import changed_cut
from molthub.index.search_cut.layout import Key, Members, parts
from molthub.index.search_cut.recut import ChangedRow
from molthub.index.search_cut.row_words import RowId, RowWords
from molthub.index.search_cut.whole_cut import Cut, whole_cut
from molthub.model import SearchRow

BOUNDS = Bounds(small=0, rows=6, best=3, pair=2)
WORDS = ("a", "ab", "abc", "abcd", "abd", "b", "ba", "bab", "c++", "翻", "翻訳す", "abcde", "x", "xy")


class InMemory:
    """What is remembered, in dictionaries."""

    def __init__(self, cut: Cut, rows: dict[RowId, SearchRow]) -> None:
        self.cut, self.rows = cut, rows

    def members(self, key: Key) -> Members | None:
        return self.cut.members.get(key)

    def word(self, word: str) -> tuple[int, int]:
        return self.cut.words.get(word, (0, 0))

    def put_word(self, word: str, rows: int, named: int) -> None:
        self.cut.words[word] = (rows, named)
        if not rows:
            del self.cut.words[word]

    def words(self) -> Iterator[tuple[str, int, int]]:
        return ((word, *counts) for word, counts in self.cut.words.items())

    def outer_words(self, prefix: str) -> tuple[str, str]:
        found = sorted(word for word in self.cut.words if word.startswith(prefix))
        return found[0], found[-1]

    def row_words(self, rows: Iterable[RowId]) -> list[RowWords]:
        return [RowWords(self.rows[row]) for row in rows]

    def rows_in_order(self, start: str) -> Iterator[tuple[RowId, str]]:
        for row in sorted(self.rows):
            if row[0] >= start:
                yield row, canonical(search_row_to_json(self.rows[row])).decode().lower()

    def pairs_with(self, word: str) -> list[str]:
        return [key for kind, key in self.cut.members if kind == "pair" and word in key.split(" ")]


def made(number: int, chance: random.Random, words: Iterable[str]) -> SearchRow:
    some = list(words)
    name = "-".join([chance.choice(("a", "ab", "abc", "b", "x")), str(number)])
    return SearchRow(
        "pack" if chance.random() < 0.2 else "skill",
        f"@{chance.choice('st')}/{name}" if chance.random() < 0.2 else name,
        " ".join(chance.choices(some, k=chance.randint(0, 3))),
        str(chance.randint(1, 9)),
        tags=tuple(dict.fromkeys(chance.choices(some, k=chance.randint(0, 2)))),
        owners=(chance.choice(("ada", "bob")),),
        words=tuple(chance.choices(some, k=chance.randint(0, 1))),
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 40), st.integers(1, 4))
def test_a_cut_of_what_changed_is_the_cut_of_everything(seed: int, size: int, at_once: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secrets)
    rows = {(row.name, row.kind == "pack"): row for row in (made(number, chance, WORDS) for number in range(size))}
    remembered = InMemory(whole_cut(rows.values(), BOUNDS), rows)
    for step in range(12):
        words = chance.sample(WORDS, chance.randint(2, len(WORDS)))
        before: dict[RowId, SearchRow | None] = {}
        for change in range(chance.randint(1, at_once)):
            gone = chance.choice(sorted(rows)) if rows and chance.random() < 0.6 else None
            if gone is not None and len(rows) > 1:
                before.setdefault(gone, rows.pop(gone))
            if gone is None or chance.random() < 0.5:
                row = made(1000 + step * 10 + change, chance, words)
                if gone is not None and chance.random() < 0.8:
                    row = SearchRow(**{**{f: getattr(row, f) for f in row.__slots__}, "name": gone[0],
                                       "kind": "pack" if gone[1] else "skill"})  # fmt: skip
                one = (row.name, row.kind == "pack")
                before.setdefault(one, rows.get(one))
                rows[one] = row
        changed = [
            ChangedRow(RowWords(old) if old else None, RowWords(rows[one]) if one in rows else None)
            for one, old in before.items()
            if old is not None or one in rows
        ]
        old_layout, old_parts = remembered.cut.layout, parts(remembered.cut.layout, BOUNDS)
        recut = changed_cut(old_layout, changed, remembered, BOUNDS)
        kept = {key: found for key, found in remembered.cut.members.items() if key not in recut.gone}
        members = kept | recut.members
        whole = whole_cut(rows.values(), BOUNDS)
        assert recut.layout == whole.layout
        assert members == whole.members
        assert remembered.cut.words == whole.words
        for label, keys in parts(whole.layout, BOUNDS).items():
            if old_parts.get(label) == keys and recut.dirty.isdisjoint(keys):
                held = {member[-2:] for key in keys for member in members[key]}
                assert held.isdisjoint(before)
        remembered = InMemory(Cut(recut.layout, members, remembered.cut.words), rows)
