"""One state, open: its tables, the facts there is one of, and whether it may be believed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from molthub.index.pages import shelves
from molthub.index.state import bots, left_files, rows, search_keys, skills
from molthub.model import Json

if TYPE_CHECKING:
    from molthub.index.listings import Listed
    from molthub.index.shards import Kind
    from molthub.index.skill_rows import SkillRows

FORMAT = 6
_TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    + skills.TABLES
    + rows.TABLES
    + search_keys.TABLES
    + bots.TABLES
    + left_files.TABLES
    + shelves.TABLES
)


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
            self.left_behind = left_files.paths(database)
        except sqlite3.DatabaseError:
            pass
        with contextlib.suppress(UnboundLocalError):
            database.close()
        return self._emptied()

    def _emptied(self) -> sqlite3.Connection:
        for suffix in ("", "-journal"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        database = sqlite3.connect(self._file, isolation_level=None)
        database.executescript(_TABLES)
        self._database = database
        self.remember("identity", self._identity)
        return database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @property
    def skills(self) -> skills.Skills:
        """One line a skill."""
        return skills.Skills(self._database)

    @property
    def bots(self) -> bots.Bots:
        """One line a bot."""
        return bots.Bots(self._database)

    @property
    def rows(self) -> rows.Rows:
        """What lists hold of each entry."""
        return rows.Rows(self._database)

    @property
    def search(self) -> search_keys.SearchKeys:
        """The cut of the search lists."""
        return search_keys.SearchKeys(self._database)

    @property
    def files(self) -> left_files.LeftFiles:
        """What stands in the folder."""
        return left_files.LeftFiles(self._database)

    @property
    def shelves(self) -> shelves.Shelves:
        """What stands in which list of the pages."""
        return shelves.Shelves(self._database)

    # --- one build --------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Empty it: nothing it says is believed any more."""
        self.left_behind |= left_files.paths(self._database)
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

    # --- entries ----------------------------------------------------------------------------------------------------

    def put_skill(self, made: SkillRows) -> None:
        """Remember a skill in place of what was known of it."""
        self.drop_skill(made.name)
        self.put_new_skills([made])

    def put_new_skills(self, many: Sequence[SkillRows]) -> None:
        """Remember skills of which nothing is known. Many at once take a fraction of what they take one by one."""
        self.skills.put(many)
        self.put_rows([made.listed for made in many if made.listed is not None])
        self.rows.put_signed(many)

    def drop_skill(self, name: str) -> None:
        """Forget a skill."""
        self.skills.drop(name)
        self.drop_rows("skill", name)

    def put_rows(self, entries: Sequence[Listed]) -> None:
        """Remember what lists say of entries of which nothing is known."""
        self.rows.put(entries)
        self.shelves.put([listed.page for listed in entries if listed.page is not None])

    def drop_rows(self, kind: str, name: str) -> None:
        """Forget what lists say of one entry."""
        self.rows.drop(kind, name)
        self.shelves.drop(kind, name)

    def said(self, kind: Kind, name: str) -> Said:
        """Return all that is said of one entry."""
        row = self.rows.shard_row(kind, name)
        found = self.rows.of_entry(kind, name)
        return Said(kind, name, row.entry if row else b"", found, self.shelves.shown(kind, name))

    def count(self) -> tuple[int, int]:
        """Return how many skills are offered, and how many versions of them."""
        return self.rows.count("api/skill"), self.skills.version_count()
