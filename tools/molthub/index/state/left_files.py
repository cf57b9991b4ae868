"""What a build remembers of the files it left: which must not have been touched since, and which are old."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Mapping

TABLES = """
CREATE TABLE documents (path TEXT PRIMARY KEY, size INTEGER, time INTEGER) WITHOUT ROWID;
CREATE TABLE retired (path TEXT PRIMARY KEY, root TEXT, digest TEXT) WITHOUT ROWID;
CREATE TABLE list_pages (path TEXT PRIMARY KEY, label TEXT, signature TEXT) WITHOUT ROWID;
CREATE INDEX list_pages_labels ON list_pages (label);
"""


class LeftFiles:
    """Files of the folder.

    ``documents`` are those written from rows, with size and time; ``list_pages`` say what each page that lists many was
    made of; ``retired`` are old blobs with the newest root that still keeps them.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def documents(self) -> list[tuple[str, int, int]]:
        """Return path, size and time in nanoseconds of the files that are written from rows."""
        return list(self._database.execute("SELECT path, size, time FROM documents"))

    def put_document(self, path: str, size: int, time: int) -> None:
        """Remember how such a file was left."""
        self._database.execute("REPLACE INTO documents VALUES (?, ?, ?)", (path, size, time))

    def drop_document(self, path: str) -> None:
        """Forget a file that is no longer the index's."""
        self._database.execute("DELETE FROM documents WHERE path = ?", (path,))

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

    # --- old blobs ----------------------------------------------------------------------------------------------------

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


def paths(database: sqlite3.Connection) -> frozenset[str]:
    """Return the documents that a database of any format names. Raises :class:`sqlite3.DatabaseError`."""
    return frozenset(path for (path,) in database.execute("SELECT path FROM documents"))
