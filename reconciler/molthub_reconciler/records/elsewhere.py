"""What is on record of a target's bots on other machines: all of them in one file, written in few transactions.

::

    <target's state>/elsewhere.db
        bots          whose passes are on record: the document that its agent last told of, its platform, its packs
        passes        what passes found: the last 200 of each bot, as lines of JSON
        assignments   what each bot is to have: molthub.assignment/1
        reports       what its agent last told, as it came: molthub.report/1

A change of a pack that ten thousand bots have is ten thousand assignments and lines of history. As files of their own
they would cost a disk more than all the rest of such a pass; here they are a few megabytes, written one after another.
A line's key is its number among its bot's last 200, then the bot: so the lines of one pass lie side by side, a bot's
oldest one makes room for its newest, and reading a bot's history is 200 looks by key.

Of a bot that lived on this machine before, the receipt and the history stay in files, as those of bots that live here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from molthub.documents import canonical_plain
from molthub.errors import Problem
from molthub.model import Json
from molthub_reconciler.records.record_file import RecordFile

if TYPE_CHECKING:
    import sqlite3

FILE = "elsewhere.db"
PASSES_KEPT = 200
_BATCH = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS bots (
    id INTEGER PRIMARY KEY, bot TEXT NOT NULL UNIQUE, document TEXT, platform TEXT NOT NULL, packs TEXT,
    passes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS passes (place INTEGER PRIMARY KEY, line TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS assignments (bot TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reports (bot TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
"""
_LAST = f"(bots.passes - 1) % {PASSES_KEPT} << 32 | bots.id"
# ruff: noqa: S608 (queries are put together from this module's own words and numbers; values are bound)
_KNOWN = f"SELECT id, document, platform, passes, line FROM bots LEFT JOIN passes ON place = {_LAST} WHERE bot = ?"
_LINES = "SELECT place, line FROM passes WHERE place IN (SELECT value FROM json_each(?))"
_ALL = f"SELECT bot, document, packs, line FROM bots LEFT JOIN passes ON place = {_LAST} ORDER BY bot"


class Known(NamedTuple):
    """What is known of a bot beside its history: the hex name of the document it last told of, and its platform."""

    document: str | None
    platform: str


class LastTold(NamedTuple):
    """A bot as it was last told. ``packs`` are those of its document, None: they were not looked up yet."""

    bot: str
    document: str | None
    packs: dict[str, int] | None
    line: Mapping[str, Json]


class _Note(NamedTuple):
    bot: str
    known: Known | None
    lines: tuple[Mapping[str, Json], ...]
    every: bool


class Elsewhere:
    """The records of one target. ``make_folder`` makes its state ``folder``.

    Reading raises :class:`OSError`, and :class:`FormatError` for a file that is damaged or a newer molthub's.
    """

    def __init__(self, folder: Path, make_folder: Callable[[], None] = lambda: None) -> None:
        self.file = RecordFile(folder / FILE, _TABLES, make_folder)
        self._names: set[str] | None = None
        self._notes: list[_Note] = []
        self._lock = threading.RLock()

    @property
    def is_ours(self) -> bool:
        """Whether this process alone writes what passes find."""
        return self.file.is_ours

    @is_ours.setter
    def is_ours(self, value: bool) -> None:
        self.file.is_ours = value
        self._names = None
        self.file.close()

    def reread(self) -> None:
        """Believe nothing that is remembered of the file."""
        self._names = None
        self.file.let_go_if_replaced()

    def problems(self) -> list[Problem]:
        """Return what there is to say of the file, once."""
        found, self.file.problems = self.file.problems, []
        return found

    # --- bots and their passes ------------------------------------------------------------------------------------

    def bots(self) -> frozenset[str] | set[str]:
        """Return the bots whose passes are on record here."""
        if self._names is not None:
            return self._names
        found = {bot for (bot,) in self.file.rows("SELECT bot FROM bots")}
        if self.is_ours:
            self._names = found
        return found

    def known(self, bot: str) -> Known | None:
        """Return what is known of a bot; None: nothing."""
        if self._names is not None and bot not in self._names:
            return None
        found = self.file.rows("SELECT document, platform FROM bots WHERE bot = ?", (bot,))
        return Known(*found[0]) if found else None

    def passes(self, bot: str) -> list[dict[str, Json]]:
        """Return what the last passes found of a bot, oldest first."""
        if self._names is not None and bot not in self._names:
            return []
        found = self.file.rows("SELECT id, passes FROM bots WHERE bot = ?", (bot,))
        if not found:
            return []
        number, count = found[0]
        places = [number | (one % PASSES_KEPT) << 32 for one in range(max(0, count - PASSES_KEPT), count)]
        lines = dict(self.file.rows(_LINES, (json.dumps(places),)))
        return [json.loads(lines[place]) for place in places if place in lines]

    def last_told(self) -> Iterator[LastTold]:
        """Yield every bot as it was last told, in one look, by name."""
        for bot, document, packs, line in self.file.rows(_ALL):
            yield LastTold(bot, document, json.loads(packs) if packs else None, json.loads(line) if line else {})

    def note(self, bot: str, known: Known | None, *lines: Mapping[str, Json], every: bool = False) -> None:
        """Take note of a bot, and of what passes found of it; :meth:`settle` writes it down.

        Unless ``known``, what is known of it stays. A line that finds what the one before it found is left out, unless
        ``every`` counts: what an agent said last holds until it says something else, and what it did happened once.
        """
        with self._lock:
            self._notes.append(_Note(bot, known, lines, every))

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be written down that it should be."""
        return len(self._notes) >= _BATCH

    def settle(self, assignments: Mapping[str, bytes] | None = None) -> None:
        """Write down what was noted, with ``assignments`` by bot: all of it, or nothing.

        Raises :class:`OSError`; then what was noted is forgotten.
        """
        with self._lock:
            notes, self._notes = self._notes, []
            if notes or assignments:
                with self.file.changing() as database:
                    for note in notes:
                        _write(database, note)
                    _put(database, "assignments", assignments or {})
            if self._names is not None:
                self._names |= {note.bot for note in notes}

    def keep_packs(self, packs: Mapping[str, Mapping[str, int]]) -> None:
        """Remember which packs bots have by their documents."""
        with self.file.changing() as database:
            rows = ((json.dumps(dict(found)), bot) for bot, found in packs.items())
            database.executemany("UPDATE bots SET packs = ? WHERE bot = ?", rows)

    def forget(self, bot: str) -> None:
        """Drop everything about a bot; nothing is made where nothing is on record."""
        if self.known(bot) is not None:
            self.forget_passes(bot)
            with self.file.changing() as database:
                database.execute("DELETE FROM bots WHERE bot = ?", (bot,))
        self.forget_agent(bot)
        if self._names is not None:
            self._names.discard(bot)

    def forget_passes(self, bot: str) -> None:
        """Drop the passes of a bot."""
        with self.file.changing() as database:
            places = f"SELECT value << 32 | id FROM bots, ({_NUMBERS}) WHERE bot = ?"
            database.execute(f"DELETE FROM passes WHERE place IN ({places})", (bot,))
            database.execute("UPDATE bots SET passes = 0 WHERE bot = ?", (bot,))

    # --- agents ---------------------------------------------------------------------------------------------------

    def assignment(self, bot: str) -> bytes | None:
        """Return what a bot is to have, as it was written; None: nothing was said yet."""
        found = self.file.rows("SELECT content FROM assignments WHERE bot = ?", (bot,))
        return bytes(found[0][0]) if found else None

    def report(self, bot: str) -> bytes | None:
        """Return what a bot's agent last told; None: nothing."""
        found = self.file.rows("SELECT content FROM reports WHERE bot = ?", (bot,))
        return bytes(found[0][0]) if found else None

    def keep(self, assignments: Mapping[str, bytes] | None = None, reports: Mapping[str, bytes] | None = None) -> None:
        """Write down what bots are to have, or what their agents told, at once. Raises :class:`OSError`."""
        with self.file.changing() as database:
            _put(database, "assignments", assignments or {})
            _put(database, "reports", reports or {})

    def forget_agent(self, bot: str) -> None:
        """Drop what a bot was given and what its agent told."""
        if self.assignment(bot) is not None or self.report(bot) is not None:
            with self.file.changing() as database:
                database.execute("DELETE FROM assignments WHERE bot = ?", (bot,))
                database.execute("DELETE FROM reports WHERE bot = ?", (bot,))


_NUMBERS = (
    "WITH RECURSIVE n(value) AS "
    f"(SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < {PASSES_KEPT - 1}) SELECT value FROM n"
)


def _put(database: sqlite3.Connection, table: str, contents: Mapping[str, bytes]) -> None:
    database.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", contents.items())


def _write(database: sqlite3.Connection, note: _Note) -> None:
    row = database.execute(_KNOWN, (note.bot,)).fetchone()
    if row is None:
        new = ("INSERT INTO bots (bot, document, platform, passes) VALUES (?, ?, ?, 0)", (note.bot, None, ""))
        row = (database.execute(*new).lastrowid, None, "", 0, None)
    number, document, platform, count, last = row
    before, last = count, json.loads(last) if last else None
    for line in note.lines:
        if last is None or note.every or not is_same(last, line):
            place, content = number | (count % PASSES_KEPT) << 32, canonical_plain(dict(line)).decode()
            database.execute("INSERT OR REPLACE INTO passes VALUES (?, ?)", (place, content))
            count, last = count + 1, line
    known = note.known or Known(document, platform)
    if (known, count) != ((document, platform), before):
        packs = ", packs = NULL" if known.document != document else ""
        database.execute(
            f"UPDATE bots SET document = ?, platform = ?, passes = ?{packs} WHERE id = ?",
            (*known, count, number),
        )


def is_same(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether two passes found the same, at whatever time and revision."""
    return {**before, "at": "", "revision": ""} == {**now, "at": "", "revision": ""}
