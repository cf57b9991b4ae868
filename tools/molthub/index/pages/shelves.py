"""What stands in which list of the pages: entries with what is shown of them, in tables that are asked by key.

A *shelf* is one list: ``all/skill`` and ``all/pack`` hold everything, ``tag/<tag>`` (in lower case) the skills of a
tag, ``owner/<publisher>`` what a publisher owns. Entries stand on a shelf in the order of their names without scope.
A registry of 20,000 skills has shelves of 20,000, and a change of one entry must not read them all: so they are tables
of SQLite, in the state that a build leaves or in memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from molthub.index.beginnings import common_beginning
from molthub.index.pages.feeds import MAX_NEWS, News
from molthub.model import bare_name

TABLES = """
CREATE TABLE shown (bare TEXT, name TEXT, kind TEXT, mark TEXT, card TEXT, published TEXT, newest TEXT, news TEXT,
    labels TEXT, needs TEXT, PRIMARY KEY (bare, name, kind));
CREATE INDEX shown_published ON shown (kind, published DESC, bare, name);
CREATE INDEX shown_newest ON shown (newest DESC, name DESC) WHERE newest != '';
CREATE TABLE shelves (label TEXT, bare TEXT, name TEXT, kind TEXT, mark TEXT, spelled TEXT,
    PRIMARY KEY (label, bare, name, kind)) WITHOUT ROWID;
CREATE TABLE needs (target TEXT, bare TEXT, name TEXT, kind TEXT, PRIMARY KEY (target, bare, name, kind)) WITHOUT ROWID;
"""

_LAST = "\U0010ffff"
"""Behind every letter."""

ALL_SKILLS, ALL_PACKS, TAG, OWNER = "all/skill", "all/pack", "tag/", "owner/"


class PageRow(NamedTuple):
    """What lists show of a skill or a pack, and where. ``needs`` are the skills that its latest version names."""

    kind: str
    name: str
    card: str
    published: str
    tags: tuple[str, ...]
    owners: tuple[str, ...]
    needs: tuple[str, ...]
    news: tuple[News, ...]

    def labels(self) -> dict[str, str]:
        """Return the shelves it stands on, each with the label as it is written here."""
        found = {f"all/{self.kind}": ""}
        for tag in self.tags:
            found.setdefault(f"{TAG}{tag.lower()}", tag)
        return found | {f"{OWNER}{owner}": owner for owner in self.owners}


class Placed(NamedTuple):
    """One entry as it stands on a shelf. ``mark`` changes with what is shown of it."""

    bare: str
    name: str
    kind: str
    mark: str


class Shown(NamedTuple):
    """What is remembered of one entry, to be compared with what it is after a change."""

    mark: str
    published: str
    news: str
    labels: str
    needs: str


class Shelves:
    """All entries that lists show, and the shelves they stand on."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    @classmethod
    def in_memory(cls, rows: Iterable[PageRow]) -> Shelves:
        """Put rows onto shelves that nobody keeps."""
        database = sqlite3.connect(":memory:", isolation_level=None)
        database.executescript(TABLES)
        shelves = cls(database)
        shelves.put(list(rows))
        return shelves

    # --- changing ---------------------------------------------------------------------------------------------------

    def put(self, rows: Sequence[PageRow]) -> None:
        """Put entries onto their shelves, where they do not stand yet."""
        shown, placed, needs = [], [], []
        for row in rows:
            key = (bare_name(row.name), row.name, row.kind)
            mark = blake2b(row.card.encode(), digest_size=9).hexdigest()
            labels, newest = row.labels(), max((news.published for news in row.news), default="")
            said = (json.dumps(row.news), json.dumps(labels), json.dumps(row.needs) if row.needs else "[]")
            shown.append((*key, mark, row.card, row.published, newest, *said))
            placed += [(label, *key, mark, spelled) for label, spelled in labels.items()]
            needs += [(target, *key) for target in dict.fromkeys(row.needs)]
        self._database.executemany("INSERT INTO shown VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", shown)
        self._database.executemany("INSERT INTO shelves VALUES (?, ?, ?, ?, ?, ?)", placed)
        self._database.executemany("INSERT INTO needs VALUES (?, ?, ?, ?)", needs)

    def drop(self, kind: str, name: str) -> None:
        """Take an entry from all of its shelves."""
        key, shown = (bare_name(name), name, kind), self.shown(kind, name)
        if shown is None:
            return
        for table, column, values in (
            ("shelves", "label", json.loads(shown.labels)),
            ("needs", "target", json.loads(shown.needs)),
        ):
            query = f"DELETE FROM {table} WHERE {column} = ? AND bare = ? AND name = ? AND kind = ?"  # noqa: S608 (names above)
            self._database.executemany(query, [(value, *key) for value in dict.fromkeys(values)])
        self._database.execute("DELETE FROM shown WHERE bare = ? AND name = ? AND kind = ?", key)

    # --- asking -----------------------------------------------------------------------------------------------------

    def shown(self, kind: str, name: str) -> Shown | None:
        """Return what is remembered of an entry, or None where no list shows it."""
        query = "SELECT mark, published, news, labels, needs FROM shown WHERE bare = ? AND name = ? AND kind = ?"
        found = self._database.execute(query, (bare_name(name), name, kind)).fetchone()
        return Shown(*found) if found else None

    def labels(self) -> list[str]:
        """Return the shelves on which anything stands."""
        return [label for (label,) in self._database.execute("SELECT DISTINCT label FROM shelves ORDER BY label")]

    def on(self, label: str, beginning: str = "", *, most: int = -1) -> list[Placed]:
        """Return what stands on a shelf, in order: names without scope that begin so.

        Where there are more than ``most``, those that are called so and nothing else.
        """
        query = "SELECT bare, name, kind, mark FROM shelves WHERE label = ? AND bare BETWEEN ? AND ? ORDER BY 1, 2, 3"
        found = self._database.execute(query, (label, beginning, beginning + _LAST)).fetchall()
        if 0 <= most < len(found):
            found = self._database.execute(query, (label, beginning, beginning)).fetchall()
        return [Placed(*row) for row in found]

    def parts(self, label: str, most: int, beginning: str = "") -> dict[str, int]:
        """Return the beginnings by which a shelf is cut, each with how many names have it.

        They have as few letters as leave ``most`` at most. A name that ends where longer ones go on is one of its own.
        """
        shelf = (label, beginning, beginning + _LAST)
        query = "SELECT min(bare), max(bare) FROM shelves WHERE label = ? AND bare BETWEEN ? AND ?"
        length = (
            len(common_beginning(*self._database.execute(query, shelf).fetchone())) + 1
        )  # what all have cuts nothing
        query = "SELECT substr(bare, 1, ?), count(*) FROM shelves WHERE label = ? AND bare BETWEEN ? AND ? GROUP BY 1"
        found = self._database.execute(query, (length, *shelf)).fetchall()
        cut: dict[str, int] = {}
        for one, count in found:
            cut |= self.parts(label, most, one) if count > most and len(one) == length else {one: count}
        return cut

    def first(self, label: str, count: int) -> list[str]:
        """Return the cards of the first entries of a shelf."""
        query = "SELECT bare, name, kind, mark FROM shelves WHERE label = ? ORDER BY bare, name, kind LIMIT ?"
        return self.cards(Placed(*row) for row in self._database.execute(query, (label, count)).fetchall())

    def count(self, label: str) -> int:
        """Return how many entries stand on a shelf."""
        return int(self._database.execute("SELECT count(*) FROM shelves WHERE label = ?", (label,)).fetchone()[0])

    def counts(self, prefix: str) -> list[tuple[str, int]]:
        """Return the shelves whose labels begin with ``prefix``, as they are spelled, with how many stand there."""
        query = "SELECT label, count(*) FROM shelves WHERE label > ? AND label < ? GROUP BY label"
        end = f"{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}"
        return [
            (self.spelled(label), count) for label, count in self._database.execute(query, (prefix, end)).fetchall()
        ]

    def spelled(self, label: str) -> str:
        """Return a label as its first entry writes it: tags that differ in case alone are one."""
        query = "SELECT spelled FROM shelves WHERE label = ? ORDER BY bare, name, kind LIMIT 1"
        found = self._database.execute(query, (label,)).fetchone()
        return found[0] if found else ""

    def cards(self, placed: Iterable[Placed]) -> list[str]:
        """Return what is shown of entries."""
        query = "SELECT card FROM shown WHERE bare = ? AND name = ? AND kind = ?"
        return [self._database.execute(query, one[:3]).fetchone()[0] for one in placed]

    def newest_skills(self, count: int) -> list[str]:
        """Return the cards of the skills whose latest versions were published last."""
        query = "SELECT card FROM shown WHERE kind = 'skill' ORDER BY published DESC, bare, name LIMIT ?"
        return [card for (card,) in self._database.execute(query, (count,))]

    def news(self) -> list[News]:
        """Return the versions that were published last, newest first.

        They belong to as many skills at most, and to those whose newest version is newest.
        """
        query = "SELECT news FROM shown WHERE newest != '' ORDER BY newest DESC, name DESC LIMIT ?"
        found = [News(*one) for (news,) in self._database.execute(query, (MAX_NEWS,)) for one in json.loads(news)]
        return sorted(found, key=lambda one: (one.published, one.name, one.number), reverse=True)[:MAX_NEWS]

    def users(self, target: str) -> list[tuple[str, str, str]]:
        """Return what uses a skill: the (path of the page, name, kind) of skills and packs."""
        query = "SELECT name, kind FROM needs WHERE target = ? ORDER BY bare, name, kind"
        return [(f"{kind}s/{name}/", name, kind) for name, kind in self._database.execute(query, (target,))]

    def used(self) -> Iterator[str]:
        """Yield the names that anything needs."""
        return (target for (target,) in self._database.execute("SELECT DISTINCT target FROM needs").fetchall())

    def pages(self) -> list[str]:
        """Return the folders of the pages of all entries, in order."""
        query = "SELECT kind, name FROM shown ORDER BY bare, name, kind"
        return [f"{kind}s/{name}/" for kind, name in self._database.execute(query)]
