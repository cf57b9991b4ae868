"""What lists of many entries hold of each: their rows, by list and name, and what the shards say."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from molthub.documents import shard_key
from molthub.index.state.asking import one

if TYPE_CHECKING:
    from molthub.index.listings import Listed
    from molthub.index.shards import ShardRow
    from molthub.index.skill_rows import SkillRows

TABLES = """
CREATE TABLE rows (list TEXT, name TEXT, content BLOB, PRIMARY KEY (list, name)) WITHOUT ROWID;
CREATE TABLE shard_rows (key TEXT PRIMARY KEY, kind TEXT, name TEXT, entry BLOB);
CREATE INDEX shard_keys ON shard_rows (key, kind);
"""
LISTS = {
    "skill": ("search/skill", "api/skill", "simple", "tags", "signed", "watched"),
    "pack": ("search/pack", "api/pack"),
}
"""The lists in which an entry may have a row, by its kind."""


class Rows:
    """The rows of every list."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def put(self, entries: Sequence[Listed]) -> None:
        """Remember the rows of entries of which no row is known."""
        rows = (row for listed in entries for row in _rows_of(listed))
        self._database.executemany("INSERT INTO rows VALUES (?, ?, ?)", rows)
        self._database.executemany("INSERT INTO shard_rows VALUES (?, ?, ?, ?)", (listed.shard for listed in entries))

    def put_signed(self, many: Iterable[SkillRows]) -> None:
        """Remember the signatures of skills, and whose keys they depend on."""
        signed = ((of, rows.name, said) for rows in many if rows.signed
                  for of, said in (("signed", rows.signed), ("watched", json.dumps(rows.watched))))  # fmt: skip
        self._database.executemany("INSERT INTO rows VALUES (?, ?, ?)", signed)

    def drop(self, kind: str, name: str) -> None:
        """Forget the rows of one entry."""
        self._database.executemany("DELETE FROM rows WHERE list = ? AND name = ?", [(of, name) for of in LISTS[kind]])
        self._database.execute("DELETE FROM shard_rows WHERE key = ?", (shard_key(kind, name, 64),))

    def of_entry(self, kind: str, name: str) -> dict[str, bytes]:
        """Return the rows of one entry by their lists."""
        query = "SELECT content FROM rows WHERE list = ? AND name = ?"
        found = {of: self._database.execute(query, (of, name)).fetchone() for of in LISTS[kind]}
        return {of: row[0] for of, row in found.items() if row}

    def of_list(self, of: str) -> dict[str, bytes]:
        """Return the rows of one list by name, in order."""
        return dict(self._database.execute("SELECT name, content FROM rows WHERE list = ? ORDER BY name", (of,)))

    def count(self, of: str) -> int:
        """Return how many rows a list has."""
        return int(one(self._database, "SELECT count(*) FROM rows WHERE list = ?", of))

    def signed(self, name: str) -> bytes:
        """Return the signatures of a skill, as ``molthub.signatures/1``; empty where it has none."""
        return one(self._database, "SELECT content FROM rows WHERE list = 'signed' AND name = ?", name) or b""

    def offered(self) -> frozenset[str]:
        """Return the skills that are offered."""
        return frozenset(name for (name,) in self._database.execute("SELECT name FROM rows WHERE list = 'api/skill'"))

    def offers(self, name: str) -> bool:
        """Whether a skill is offered."""
        query = "SELECT 1 FROM rows WHERE list = 'api/skill' AND name = ?"
        return self._database.execute(query, (name,)).fetchone() is not None

    def shard_row(self, kind: str, name: str) -> ShardRow | None:
        """Return what the shards say of one entry."""
        query = "SELECT key, kind, name, entry FROM shard_rows WHERE key = ?"
        found = self._database.execute(query, (shard_key(kind, name, 64),)).fetchone()
        return _shard_row(found) if found else None

    def shard_keys(self) -> list[str]:
        """Return the whole hashes of all names that have a row."""
        return [key for (key,) in self._database.execute("SELECT key FROM shard_rows ORDER BY key")]

    def shard_rows(self, prefix: str) -> list[ShardRow]:
        """Return the rows of the shard with this key."""
        query = "SELECT key, kind, name, entry FROM shard_rows WHERE key >= ? AND key < ?"
        return [_shard_row(row) for row in self._database.execute(query, (prefix, f"{prefix}g"))]


def _rows_of(listed: Listed) -> Iterator[tuple[str, str, Any]]:
    if listed.search is not None:
        yield f"search/{listed.kind}", listed.name, listed.search
    yield f"api/{listed.kind}", listed.name, listed.api
    if listed.simple is not None:
        yield "simple", listed.name, listed.simple
    if listed.tags:
        yield "tags", listed.name, json.dumps(listed.tags)


def _shard_row(row: Any) -> ShardRow:
    from molthub.index.shards import ShardRow

    return ShardRow(*row)
