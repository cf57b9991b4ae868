"""The cut of the search lists as it was left: the rows of every key, and how many rows have each word."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molthub.index.search_cut.layout import Key, Members
    from molthub.index.search_cut.row_words import RowId, RowWords

TABLES = """
CREATE TABLE search_keys (kind TEXT, key TEXT, members TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE search_words (word TEXT PRIMARY KEY, rows INTEGER, named INTEGER) WITHOUT ROWID;
CREATE TABLE search_lists (label TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
"""
_PACK = "pack/"
"""What the names of packs are written with; no skill is called so."""

_LAST = "\U0010ffff"


class SearchKeys:
    """What is remembered of a cut: what :class:`~molthub.index.search_cut.recut.Remembered` asks for, and lists.

    Rows themselves are read from the lists ``search/skill`` and ``search/pack``.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    # --- keys ---------------------------------------------------------------------------------------------------------

    def members(self, key: Key) -> Members | None:
        """Return the rows of a key; None where there was no such key."""
        query = "SELECT members FROM search_keys WHERE kind = ? AND key = ?"
        found = self._database.execute(query, key).fetchone()
        return _members(found[0]) if found else None

    def put_members(self, members: Mapping[Key, Members], gone: Iterable[Key] = ()) -> None:
        """Remember the rows of keys."""
        self._database.executemany("DELETE FROM search_keys WHERE kind = ? AND key = ?", list(gone))
        values = ((*key, _text(members[key])) for key in sorted(members))
        self._database.executemany("REPLACE INTO search_keys VALUES (?, ?, ?)", values)

    def pairs_with(self, word: str) -> list[str]:
        """Return the pairs that a word is part of."""
        found = self._database.execute("SELECT key FROM search_keys WHERE kind = 'pair'")
        return [pair for (pair,) in found if word in pair.split(" ")]

    # --- words --------------------------------------------------------------------------------------------------------

    def word(self, word: str) -> tuple[int, int]:
        """Return how many rows have a word, at all and in name or tags."""
        found = self._database.execute("SELECT rows, named FROM search_words WHERE word = ?", (word,)).fetchone()
        return (found[0], found[1]) if found else (0, 0)

    def words(self) -> list[tuple[str, int, int]]:
        """Return every word with how many rows have it, at all and in name or tags."""
        return list(self._database.execute("SELECT word, rows, named FROM search_words"))

    def put_word(self, word: str, rows: int, named: int) -> None:
        """Remember how many rows have a word; none: forget it."""
        if rows:
            self._database.execute("REPLACE INTO search_words VALUES (?, ?, ?)", (word, rows, named))
        else:
            self._database.execute("DELETE FROM search_words WHERE word = ?", (word,))

    def put_words(self, words: Mapping[str, tuple[int, int]]) -> None:
        """Remember how many rows have each word, where none was remembered."""
        values = ((word, *words[word]) for word in sorted(words))
        self._database.executemany("INSERT INTO search_words VALUES (?, ?, ?)", values)

    def outer_words(self, prefix: str) -> tuple[str, str]:
        """Return the first and the last word that begin with ``prefix``."""
        query = "SELECT word FROM search_words WHERE word >= ? AND word < ? ORDER BY word"
        first, last = (
            self._database.execute(f"{query} {order} LIMIT 1", (prefix, prefix + _LAST)).fetchone()[0]
            for order in ("ASC", "DESC")
        )
        return first, last

    # --- rows ---------------------------------------------------------------------------------------------------------

    def content(self, row: RowId) -> bytes:
        """Return a row as canonical JSON. Raises KeyError."""
        found = self._database.execute(
            "SELECT content FROM rows WHERE list = ? AND name = ?", (_LISTS[row[1]], row[0])
        ).fetchone()
        if found is None:
            raise KeyError(row)
        content: bytes = found[0]
        return content

    def row_words(self, rows: Iterable[RowId]) -> list[RowWords]:
        """Return some rows, in order."""
        from molthub.index.search_cut.row_words import RowWords
        from molthub.index.search_cut.search_files import rows_of

        kinds: tuple[list[bytes], list[bytes]] = ([], [])
        for row in rows:
            kinds[row[1]].append(self.content(row))
        return sorted(map(RowWords, rows_of(*kinds)), key=lambda row: row.id)

    def rows_in_order(self, start: str) -> Iterator[tuple[RowId, str]]:
        """Yield the rows from a name on in order, each with its canonical JSON in lower case."""
        query = "SELECT name, content FROM rows WHERE list = ? AND name >= ? ORDER BY name"
        kinds = ((pack, self._database.execute(query, (_LISTS[pack], start))) for pack in (False, True))
        for row, content in merge(*(_in_order(pack, found) for pack, found in kinds)):
            yield row, content.decode().lower()

    # --- lists --------------------------------------------------------------------------------------------------------

    def lists(self) -> dict[str, str]:
        """Return the hex names of lists by their labels."""
        return dict(self._database.execute("SELECT label, name FROM search_lists"))

    def put_lists(self, lists: Mapping[str, str], gone: Iterable[str] = ()) -> None:
        """Remember the hex names of lists by their labels."""
        self._database.executemany("DELETE FROM search_lists WHERE label = ?", [(label,) for label in gone])
        self._database.executemany("REPLACE INTO search_lists VALUES (?, ?)", sorted(lists.items()))

    def forget(self) -> None:
        """Forget the cut."""
        for table in ("search_keys", "search_words", "search_lists"):
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 (names above)


_LISTS = {False: "search/skill", True: "search/pack"}


def _in_order(pack: bool, found: Iterable[tuple[str, bytes]]) -> Iterator[tuple[RowId, bytes]]:
    return (((name, pack), content) for name, content in found)


def _text(members: Members) -> str:
    said = [(*member[:-2], f"{_PACK}{member[-2]}" if member[-1] else member[-2]) for member in members]
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _members(text: str) -> Any:
    return [
        (*rank, *((name[len(_PACK) :], True) if name.startswith(_PACK) else (name, False)))
        for *rank, name in json.loads(text)
    ]
