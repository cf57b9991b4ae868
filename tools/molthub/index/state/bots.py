"""What a build remembers of each bot: what it was made from, and its rows in documents that list many.

``asked`` are the questions that were asked while bots were made, each with its answer; ``reasons`` are sets of these,
of which the bots of a fleet mostly share one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from molthub.errors import Problem

# What only makes things is imported where it is made: an unchanged index is told from the state alone.
if TYPE_CHECKING:
    from molthub.index.fleets import MadeBot
    from molthub.registry.resolving.noted import Asked

TABLES = """
CREATE TABLE bots (path TEXT PRIMARY KEY, blob TEXT, reason INTEGER, home TEXT, file TEXT, digest TEXT,
    resolved INTEGER, labels TEXT, template INTEGER, ref TEXT, problems TEXT, listed BLOB);
CREATE INDEX bots_homes ON bots (home);
CREATE INDEX bots_reasons ON bots (reason);
CREATE INDEX bots_unresolved ON bots (path) WHERE NOT resolved;
CREATE INDEX bots_problems ON bots (path) WHERE problems != '';
CREATE TABLE bot_packs (pack TEXT, path TEXT, row BLOB, PRIMARY KEY (pack, path)) WITHOUT ROWID;
CREATE INDEX bot_packs_paths ON bot_packs (path);
CREATE TABLE asked (id INTEGER PRIMARY KEY, kind TEXT, key TEXT, answer TEXT, UNIQUE (kind, key));
CREATE TABLE reasons (id INTEGER PRIMARY KEY, asked TEXT UNIQUE);
"""


class Known(NamedTuple):
    """What decides whether a bot is made again: the blob of its file, its home (None: a pattern), its document."""

    blob: str
    home: str | None
    file: str


class BotLine(NamedTuple):
    """A bot to be remembered: with the blob of its file, the id of what it asked, its home, and all that was found."""

    made: MadeBot
    blob: str
    reason: int
    home: str | None
    problems: Sequence[Problem]


class Bots:
    """The bots of the commit that was built, by ``<fleet>/<bot>``."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def count(self) -> int:
        """Return how many bots there are."""
        return int(self._database.execute("SELECT count(*) FROM bots").fetchone()[0])

    def paths(self) -> set[str]:
        """Return all bots."""
        return {path for (path,) in self._database.execute("SELECT path FROM bots")}

    def unresolved(self) -> list[str]:
        """Return the bots that do not resolve, in order."""
        query = "SELECT path FROM bots WHERE NOT resolved ORDER BY path"
        return [path for (path,) in self._database.execute(query)]

    def problems(self) -> Iterator[Problem]:
        """Yield everything that was found wrong with bots, by bot."""
        for (found,) in self._database.execute("SELECT problems FROM bots WHERE problems != '' ORDER BY path"):
            yield from (Problem(**problem) for problem in json.loads(found))

    def blobs(self, fleet: str) -> dict[str, str]:
        """Return the blobs of a fleet's bots."""
        query = "SELECT path, blob FROM bots WHERE path >= ? AND path < ?"
        return dict(self._database.execute(query, _below(fleet)))

    def known(self, path: str) -> Known | None:
        """Return what is known of one bot."""
        found = self._database.execute("SELECT blob, home, file FROM bots WHERE path = ?", (path,)).fetchone()
        return Known(*found) if found else None

    def at_home(self, home: str) -> list[str]:
        """Return the bots of one home (``<fleet>/<home>``)."""
        return [path for (path,) in self._database.execute("SELECT path FROM bots WHERE home = ?", (home,))]

    # --- what they were made from -------------------------------------------------------------------------------------

    def asked(self) -> dict[Asked, str]:
        """Return every question that was asked while bots were made, with its answer."""
        from molthub.registry.resolving.noted import Asked

        found = self._database.execute("SELECT kind, key, answer FROM asked")
        return {Asked(kind, key): answer for kind, key, answer in found}

    def answer(self, answers: Mapping[Asked, str]) -> None:
        """Remember the answers to some questions."""
        values = ((*asked, answer) for asked, answer in answers.items())
        query = "INSERT INTO asked (kind, key, answer) VALUES (?, ?, ?)"
        self._database.executemany(f"{query} ON CONFLICT DO UPDATE SET answer = excluded.answer", values)

    def reason(self, asked: Iterable[Asked]) -> int:
        """Return the id of a set of questions, each of which was answered before."""
        one = "SELECT id FROM asked WHERE kind = ? AND key = ?"
        ids = sorted(self._database.execute(one, question).fetchone()[0] for question in asked)
        text = " ".join(map(str, ids))
        self._database.execute("INSERT OR IGNORE INTO reasons (asked) VALUES (?)", (text,))
        found = self._database.execute("SELECT id FROM reasons WHERE asked = ?", (text,)).fetchone()
        return int(found[0])

    def having_asked(self, questions: Collection[Asked]) -> set[str]:
        """Return the bots that asked one of these questions."""
        query = "SELECT id FROM asked WHERE kind = ? AND key = ?"
        ids = {str(self._database.execute(query, question).fetchone()[0]) for question in questions}
        reasons = self._database.execute("SELECT id, asked FROM reasons").fetchall()
        met = [reason for reason, asked in reasons if not ids.isdisjoint(asked.split(" "))]
        bots = "SELECT path FROM bots WHERE reason = ?"
        return {path for reason in met for (path,) in self._database.execute(bots, (reason,))}

    def forget_reasons(self) -> None:
        """Forget sets of questions that are no bot's any longer, and questions that are in none."""
        self._database.execute("DELETE FROM reasons WHERE id NOT IN (SELECT reason FROM bots)")
        used = {int(one) for (asked,) in self._database.execute("SELECT asked FROM reasons") for one in asked.split()}
        known = {one for (one,) in self._database.execute("SELECT id FROM asked")}
        self._database.executemany("DELETE FROM asked WHERE id = ?", [(one,) for one in known - used])

    # --- rows ---------------------------------------------------------------------------------------------------------

    def put(self, lines: Iterable[BotLine]) -> None:
        """Remember bots of which nothing is known."""
        lines = list(lines)
        query = "INSERT INTO bots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._database.executemany(query, (_values(line) for line in lines))
        packs = ((pack, line.made.path, row) for line in lines for pack, row in line.made.packs.items())
        self._database.executemany("INSERT INTO bot_packs VALUES (?, ?, ?)", packs)

    def drop(self, path: str) -> None:
        """Forget a bot."""
        self._database.execute("DELETE FROM bots WHERE path = ?", (path,))
        self._database.execute("DELETE FROM bot_packs WHERE path = ?", (path,))

    def refs(self, fleet: str, named: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield a fleet's bots by name in order, each as the fleet's document holds it with those labels."""
        skipped = len(fleet) + 1
        below = "FROM bots WHERE path >= ? AND path < ? ORDER BY path"
        if not named:
            query = f"SELECT substr(path, {skipped + 1}), ref {below}"
            yield from self._database.execute(query, _below(fleet))
            return
        from molthub.index.fleets import ref_text

        query = f"SELECT path, file, digest, labels, template {below}"
        for path, file, digest, labels, template in self._database.execute(query, _below(fleet)):
            yield path[skipped:], ref_text(file, digest, json.loads(labels), bool(template), named)

    def listed(self, fleet: str) -> list[bytes]:
        """Return the rows of a fleet's bots in the list of them, in order."""
        query = "SELECT listed FROM bots WHERE path >= ? AND path < ? ORDER BY path"
        return [row for (row,) in self._database.execute(query, _below(fleet))]

    def packs(self) -> set[str]:
        """Return the packs that bots have."""
        return {pack for (pack,) in self._database.execute("SELECT DISTINCT pack FROM bot_packs")}

    def packs_of(self, path: str) -> dict[str, bytes]:
        """Return the rows of one bot in the lists of the packs that it has."""
        return dict(self._database.execute("SELECT pack, row FROM bot_packs WHERE path = ?", (path,)))

    def having(self, pack: str) -> list[bytes]:
        """Return the rows of the bots that have a pack, in order."""
        query = "SELECT row FROM bot_packs WHERE pack = ? ORDER BY path"
        return [row for (row,) in self._database.execute(query, (pack,))]


def _below(fleet: str) -> tuple[str, str]:
    """Return the bounds of the paths of a fleet's bots: ``0`` follows ``/``."""
    return f"{fleet}/", f"{fleet}0"


def _values(line: BotLine) -> tuple[Any, ...]:
    made, found = line.made, [problem.to_json() for problem in line.problems]
    said = json.dumps(made.labels), made.template, made.ref(), json.dumps(found) if found else "", made.listed
    return made.path, line.blob, line.reason, line.home, made.file, made.digest, made.resolved, *said
