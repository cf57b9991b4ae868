"""What a build leaves for the next one: of every skill the id of its tree, and the rows that it gave.

A database beside the index. Nothing in it is a fact: everything follows from the commit's trees, whose ids say whether
it still holds. So it may be deleted at any time. It is not believed where another program version, another format or
a build that was killed has left it; then the next build makes everything again, with the same bytes.

``skills`` has one line a skill. ``rows`` holds the rows of every list (:mod:`molthub.index.listings`), ``targets``
which skill refers to what, ``list_pages`` what each page that lists many was made of, ``documents`` the size and time
of files that must not have been touched by others since, ``retired`` old blobs with the newest root that still keeps
them, and ``facts`` everything there is one of. :mod:`molthub.index.pages.shelves` has tables of its own.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from molthub.documents import shard_key
from molthub.errors import Problem
from molthub.index.pages import shelves
from molthub.model import Json

# What only makes things is imported where it is made: an unchanged index is told from the state alone.
if TYPE_CHECKING:
    from molthub.index.listings import Listed
    from molthub.index.search_files import SearchList
    from molthub.index.shards import Kind, ShardRow
    from molthub.index.skill_rows import SkillRows
    from molthub.registry.reading.gathered import Reference

FORMAT = 4
_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE skills (name TEXT PRIMARY KEY, tree TEXT, readable INTEGER, latest INTEGER, versions INTEGER, removed TEXT,
    problems TEXT, broken TEXT, refers TEXT, dangling TEXT) WITHOUT ROWID;
CREATE INDEX skill_counts ON skills (versions);
CREATE INDEX skills_removed ON skills (removed) WHERE removed != '[]';
CREATE INDEX skills_problems ON skills (name) WHERE problems != '';
CREATE INDEX skills_broken ON skills (name) WHERE broken != '';
CREATE INDEX skills_dangling ON skills (name) WHERE dangling != '';
CREATE INDEX skills_latest ON skills (name) WHERE latest;
CREATE TABLE rows (list TEXT, name TEXT, content BLOB, PRIMARY KEY (list, name)) WITHOUT ROWID;
CREATE TABLE shard_rows (key TEXT PRIMARY KEY, kind TEXT, name TEXT, entry BLOB);
CREATE INDEX shard_keys ON shard_rows (key, kind);
CREATE TABLE targets (target TEXT, skill TEXT, PRIMARY KEY (target, skill)) WITHOUT ROWID;
CREATE TABLE documents (path TEXT PRIMARY KEY, size INTEGER, time INTEGER) WITHOUT ROWID;
CREATE TABLE retired (path TEXT PRIMARY KEY, root TEXT, digest TEXT) WITHOUT ROWID;
CREATE TABLE search_lists (name TEXT PRIMARY KEY, content TEXT, rows TEXT) WITHOUT ROWID;
CREATE TABLE list_pages (path TEXT PRIMARY KEY, label TEXT, signature TEXT) WITHOUT ROWID;
CREATE INDEX list_pages_labels ON list_pages (label);
"""
LISTS = {
    "skill": ("search/skill", "api/skill", "simple", "tags", "signed", "watched"),
    "pack": ("search/pack", "api/pack"),
}
"""The lists in which an entry may have a row, by its kind."""


class Said(NamedTuple):
    """All that is said of one entry in documents that hold rows of many. ``rows`` are by their lists."""

    kind: Kind
    name: str
    shard: bytes
    rows: dict[str, bytes]
    shown: shelves.Shown | None


class State:
    """One state, open. ``known`` says whether it tells what stands in the folder.

    ``left_behind`` are files of lists that a state named which is believed no longer: another program may have others.
    """

    def __init__(self, file: Path, identity: str) -> None:
        self.left_behind: frozenset[str] = frozenset()
        self._file = file
        self._identity = identity
        self._database = self._opened()
        self.known = self.fact("complete") is True

    def _opened(self) -> sqlite3.Connection:
        """Open the database; what is no state of this program's is replaced by an empty one."""
        try:
            database = sqlite3.connect(self._file, isolation_level=None)
            found = database.execute("SELECT value FROM facts WHERE name = 'identity'").fetchone()
            if found == (json.dumps(self._identity),):
                return database
            self.left_behind = _paths(database)
        except sqlite3.DatabaseError:
            pass
        with contextlib.suppress(UnboundLocalError):
            database.close()
        return self._emptied()

    def _emptied(self) -> sqlite3.Connection:
        for suffix in ("", "-journal"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        database = sqlite3.connect(self._file, isolation_level=None)
        database.executescript(_TABLES + shelves.TABLES)
        self._database = database
        self.remember("identity", self._identity)
        return database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @property
    def shelves(self) -> shelves.Shelves:
        """What stands in which list of the pages."""
        return shelves.Shelves(self._database)

    # --- one build --------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Empty it: nothing it says is believed any more."""
        self.left_behind |= _paths(self._database)
        self._database.close()
        self._database = self._emptied()
        self.known = False

    def begin(self) -> None:
        """Say, on the disk, that the folder is being changed; until :meth:`complete` nobody believes this state."""
        self.remember("complete", False)
        self._database.execute("BEGIN")

    def complete(self) -> None:
        """Keep everything that was remembered since :meth:`begin`."""
        self.remember("complete", True)
        self._database.execute("COMMIT")
        self.known = True

    # --- facts ------------------------------------------------------------------------------------------------------

    def fact(self, name: str) -> Json:
        """Return what there is one of; None where nothing was remembered."""
        found = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return json.loads(found[0]) if found else None

    def remember(self, name: str, value: Json) -> None:
        """Remember what there is one of."""
        self._database.execute("REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    # --- skills -----------------------------------------------------------------------------------------------------

    def trees(self) -> dict[str, str]:
        """Return the tree of every skill, by name in order."""
        return dict(self._database.execute("SELECT name, tree FROM skills ORDER BY name"))

    def put_skill(self, rows: SkillRows) -> None:
        """Remember a skill in place of what was known of it."""
        self.drop_skill(rows.name)
        self.put_new_skills([rows])

    def put_new_skills(self, many: Sequence[SkillRows]) -> None:
        """Remember skills of which nothing is known. Many at once take a fraction of what they take one by one."""
        many_times = self._database.executemany
        many_times("INSERT INTO skills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_skill_line, many))
        targets = ((target, rows.name) for rows in many for target in {ref.target: None for ref in rows.references})
        many_times("INSERT INTO targets VALUES (?, ?)", targets)
        self.put_rows([rows.listed for rows in many if rows.listed is not None])
        for rows in many:
            if rows.signed:
                signed = [("signed", rows.name, rows.signed), ("watched", rows.name, json.dumps(rows.watched))]
                many_times("INSERT INTO rows VALUES (?, ?, ?)", signed)

    def drop_skill(self, name: str) -> None:
        """Forget a skill."""
        for target in {reference.target for reference in self.references(name)}:
            self._database.execute("DELETE FROM targets WHERE target = ? AND skill = ?", (target, name))
        self._database.execute("DELETE FROM skills WHERE name = ?", (name,))
        self.drop_rows("skill", name)

    def readable(self, name: str) -> bool:
        """Whether the catalog holds a skill of this name."""
        return bool(self._one("SELECT readable FROM skills WHERE name = ?", name))

    def readable_names(self) -> list[str]:
        """Return the names of the catalog's skills, in order."""
        return [name for (name,) in self._database.execute("SELECT name FROM skills WHERE readable ORDER BY name")]

    def latest_names(self, most: int) -> list[str]:
        """Return skills of which there is a latest version, in order, no more than ``most``."""
        query = "SELECT name FROM skills WHERE latest ORDER BY name LIMIT ?"
        return [name for (name,) in self._database.execute(query, (most,))]

    def offered(self) -> frozenset[str]:
        """Return the skills that are offered."""
        return frozenset(name for (name,) in self._database.execute("SELECT name FROM rows WHERE list = 'api/skill'"))

    def offers(self, name: str) -> bool:
        """Whether a skill is offered."""
        query = "SELECT 1 FROM rows WHERE list = 'api/skill' AND name = ?"
        return self._database.execute(query, (name,)).fetchone() is not None

    def tree(self, name: str) -> str:
        """Return a skill's tree; empty where there is no such skill."""
        return self._one("SELECT tree FROM skills WHERE name = ?", name) or ""

    def removed(self) -> set[str]:
        """Return the digests of all removed versions of skills."""
        found = self._database.execute("SELECT removed FROM skills WHERE removed != '[]'")
        return {digest for (removed,) in found for digest in json.loads(removed)}

    def count(self) -> tuple[int, int]:
        """Return how many skills are offered, and how many versions of them."""
        versions = self._database.execute("SELECT coalesce(sum(versions), 0) FROM skills")
        return self.row_count("api/skill"), versions.fetchone()[0]

    def problems(self) -> Iterator[Problem]:
        """Yield everything that was found wrong in skills, by skill."""
        columns = "SELECT name, problems, dangling FROM skills WHERE"
        query = f"{columns} problems != '' UNION {columns} dangling != '' ORDER BY name"
        for _name, own, dangling in self._database.execute(query):
            yield from (Problem(**problem) for problem in json.loads(own or "[]"))
            yield from _dangling(dangling).values()

    def broken(self) -> dict[str, str]:
        """Return what of skills could not be read, and the file that is at fault."""
        found: dict[str, str] = {}
        for (broken,) in self._database.execute("SELECT broken FROM skills WHERE broken != '' ORDER BY name"):
            found |= json.loads(broken)
        return found

    # --- references between skills ------------------------------------------------------------------------------------

    def references(self, name: str) -> list[Reference]:
        """Return what a skill refers to."""
        from molthub.registry.reading.gathered import Reference

        found = json.loads(self._one("SELECT refers FROM skills WHERE name = ?", name) or "[]")
        return [Reference(target, wanted, file, tuple(pointer), at) for target, wanted, file, pointer, at in found]

    def referring_at_all(self) -> set[str]:
        """Return the skills that refer to anything."""
        return {name for (name,) in self._database.execute("SELECT DISTINCT skill FROM targets")}

    def referring(self, names: Iterable[str]) -> set[str]:
        """Return the skills that refer to one of these."""
        query = "SELECT skill FROM targets WHERE target = ?"
        return {owner for name in names for (owner,) in self._database.execute(query, (f"skill/{name}",))}

    def dangling_names(self) -> set[str]:
        """Return the skills that refer to what does not exist."""
        return {name for (name,) in self._database.execute("SELECT name FROM skills WHERE dangling != ''")}

    def dangling(self) -> dict[tuple[str, str], Problem]:
        """Return the findings on references between skills."""
        found: dict[tuple[str, str], Problem] = {}
        for (text,) in self._database.execute("SELECT dangling FROM skills WHERE dangling != '' ORDER BY name"):
            found |= _dangling(text)
        return found

    def put_dangling(self, name: str, found: Mapping[tuple[str, str], Problem]) -> bool:
        """Remember the findings on the references of one skill; whether they are others than before."""
        text = json.dumps([[*key, problem.to_json()] for key, problem in found.items()]) if found else ""
        before = self._one("SELECT dangling FROM skills WHERE name = ?", name)
        self._database.execute("UPDATE skills SET dangling = ? WHERE name = ?", (text, name))
        return bool(text != before)

    # --- rows of lists ------------------------------------------------------------------------------------------------

    def put_rows(self, entries: Sequence[Listed]) -> None:
        """Remember the rows of entries of which no row is known."""
        rows = (row for listed in entries for row in _rows_of(listed))
        self._database.executemany("INSERT INTO rows VALUES (?, ?, ?)", rows)
        self._database.executemany("INSERT INTO shard_rows VALUES (?, ?, ?, ?)", (listed.shard for listed in entries))
        self.shelves.put([listed.page for listed in entries if listed.page is not None])

    def drop_rows(self, kind: str, name: str) -> None:
        """Forget the rows of one entry."""
        self._database.executemany("DELETE FROM rows WHERE list = ? AND name = ?", [(of, name) for of in LISTS[kind]])
        self._database.execute("DELETE FROM shard_rows WHERE key = ?", (shard_key(kind, name, 64),))
        self.shelves.drop(kind, name)

    def rows_of(self, kind: str, name: str) -> dict[str, bytes]:
        """Return the rows of one entry by their lists."""
        query = "SELECT content FROM rows WHERE list = ? AND name = ?"
        found = {of: self._database.execute(query, (of, name)).fetchone() for of in LISTS[kind]}
        return {of: row[0] for of, row in found.items() if row}

    def said(self, kind: Kind, name: str) -> Said:
        """Return all that is said of one entry."""
        row = self.shard_row(kind, name)
        return Said(kind, name, row.entry if row else b"", self.rows_of(kind, name), self.shelves.shown(kind, name))

    def rows(self, of: str) -> dict[str, bytes]:
        """Return the rows of one list by name, in order."""
        return dict(self._database.execute("SELECT name, content FROM rows WHERE list = ? ORDER BY name", (of,)))

    def signed(self, name: str) -> bytes:
        """Return the signatures of a skill, as ``molthub.signatures/1``; empty where it has none."""
        return self._one("SELECT content FROM rows WHERE list = 'signed' AND name = ?", name) or b""

    def row_count(self, of: str) -> int:
        """Return how many rows a list has."""
        return int(self._one("SELECT count(*) FROM rows WHERE list = ?", of))

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

    # --- search lists -------------------------------------------------------------------------------------------------

    def search_lists(self) -> list[SearchList]:
        """Return every search list, and the directory."""
        from molthub.index.search_files import SearchList

        return [SearchList(*row) for row in self._database.execute("SELECT name, content, rows FROM search_lists")]

    def change_search_lists(self, gone: Iterable[str], come: Iterable[SearchList]) -> None:
        """Remember which search lists there are."""
        self._database.executemany("DELETE FROM search_lists WHERE name = ?", [(name,) for name in gone])
        self._database.executemany("REPLACE INTO search_lists VALUES (?, ?, ?)", come)

    # --- pages that list many -----------------------------------------------------------------------------------------

    def list_pages(self, label: str) -> dict[str, str]:
        """Return the pages of one shelf, each with its signature."""
        return dict(self._database.execute("SELECT path, signature FROM list_pages WHERE label = ?", (label,)))

    def put_list_page(self, path: str, label: str, signature: str) -> None:
        """Remember of what a page is made."""
        self._database.execute("REPLACE INTO list_pages VALUES (?, ?, ?)", (path, label, signature))

    def drop_list_page(self, path: str) -> None:
        """Forget a page that is no longer the index's."""
        self._database.execute("DELETE FROM list_pages WHERE path = ?", (path,))

    def list_page_paths(self) -> list[str]:
        """Return all pages that list many."""
        return [path for (path,) in self._database.execute("SELECT path FROM list_pages ORDER BY path")]

    # --- the folder ---------------------------------------------------------------------------------------------------

    def documents(self) -> list[tuple[str, int, int]]:
        """Return path, size and time in nanoseconds of the files that are written from rows."""
        return list(self._database.execute("SELECT path, size, time FROM documents"))

    def put_document(self, path: str, size: int, time: int) -> None:
        """Remember how such a file was left."""
        self._database.execute("REPLACE INTO documents VALUES (?, ?, ?)", (path, size, time))

    def drop_document(self, path: str) -> None:
        """Forget a file that is no longer the index's."""
        self._database.execute("DELETE FROM documents WHERE path = ?", (path,))

    def retired(self, removed: Container[str] = ()) -> dict[str, list[str]]:
        """Return the old blobs by the newest root that names them; under no root those of ``removed`` versions."""
        found: dict[str, list[str]] = {}
        for path, root, digest in self._database.execute("SELECT path, root, digest FROM retired ORDER BY path"):
            found.setdefault("" if digest in removed else root, []).append(path)
        return found

    def retire(self, kept: Mapping[str, str], digests: Mapping[str, str]) -> None:
        """Remember blobs that only older roots name, with the newest of these, and what they are if it is known."""
        values = [(path, root, digests.get(path, "")) for path, root in sorted(kept.items())]
        self._database.executemany("REPLACE INTO retired VALUES (?, ?, ?)", values)

    def revive(self, paths: Iterable[str]) -> None:
        """Forget that blobs were old: they are named again, or gone."""
        self._database.executemany("DELETE FROM retired WHERE path = ?", [(path,) for path in paths])

    def _one(self, query: str, value: str) -> Any:
        found = self._database.execute(query, (value,)).fetchone()
        return found[0] if found else None


def _paths(database: sqlite3.Connection) -> frozenset[str]:
    return frozenset(path for (path,) in database.execute("SELECT path FROM documents"))


def _skill_line(rows: SkillRows) -> tuple[Any, ...]:
    return (
        rows.name,
        rows.tree,
        rows.readable,
        rows.latest,
        len(rows.archives),
        json.dumps(rows.removed) if rows.removed else "[]",
        json.dumps([problem.to_json() for problem in rows.problems]) if rows.problems else "",
        json.dumps(rows.broken) if rows.broken else "",
        json.dumps(rows.references) if rows.references else "",
        "",
    )


def _rows_of(listed: Listed) -> Iterator[tuple[str, str, Any]]:
    if listed.search is not None:
        yield f"search/{listed.kind}", listed.name, listed.search
    yield f"api/{listed.kind}", listed.name, listed.api
    if listed.simple is not None:
        yield "simple", listed.name, listed.simple
    if listed.tags:
        yield "tags", listed.name, json.dumps(listed.tags)


def _dangling(text: str) -> dict[tuple[str, str], Problem]:
    return {(at, target): Problem(**problem) for at, target, problem in json.loads(text or "[]")}


def _shard_row(row: Any) -> ShardRow:
    from molthub.index.shards import ShardRow

    return ShardRow(*row)
