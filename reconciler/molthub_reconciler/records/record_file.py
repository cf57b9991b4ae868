"""A file of records that several processes read while one writes: SQLite, in transactions.

It is made with the first thing that is written. A kill at any moment leaves what was there before the transaction, or
after it; a power cut may take the last transactions along, and never leaves half of one (SQLite's write-ahead log with
``synchronous=NORMAL``: https://www.sqlite.org/pragma.html#pragma_synchronous). A file that is damaged is put aside by
whoever owns it, and a new one begun: what it held counts as lost, and is said.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molthub.errors import FormatError, Problem

if TYPE_CHECKING:
    import sqlite3

_FILE_MODE = 0o600
_BUSY_SECONDS = 10.0
_PAUSE = 0.01
_VERSION = 1
_BESIDE = ("", "-wal", "-shm")
_ASIDE = ".unreadable"


class RecordFile:
    """One file at ``place``, with the ``tables`` (SQL). ``make_folder`` makes the folder that it lies in.

    Threads of one process may share it. :attr:`is_ours` is set by the process that alone may write what is not an
    agent's: it puts a damaged file aside, and :attr:`problems` says so; for others that is an error.
    """

    def __init__(self, place: Path, tables: str, make_folder: Callable[[], None]) -> None:
        self.place = place
        self.is_ours = False
        self.problems: list[Problem] = []
        self._tables = tables
        self._make_folder = make_folder
        self._database: sqlite3.Connection | None = None
        self._closing: Callable[[], object] = lambda: None
        self._opened_as: tuple[int, int] | None = None
        self._lock = threading.RLock()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows that a query finds; none where there is no file.

        Raises :class:`OSError`, and :class:`FormatError` for a damaged file of another process.
        """
        with self._lock, contextlib.suppress(_PutAsideError), self._refusing():
            database = self._opened(make=False)
            return [] if database is None else database.execute(query, values).fetchall()
        return []

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Change it: all of what is done within, or nothing. Raises as :meth:`rows` does."""
        with self._lock, self._refusing():
            database = self._opened(make=True)
            assert database is not None  # noqa: S101 (it is made)
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    def sync(self) -> None:
        """Make all that was written outlast a power cut. Raises :class:`OSError`."""
        with self._lock, self._refusing():
            if self._database is not None:
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file; it is opened again when it is asked."""
        with self._lock:
            self._closing()
            self._database = None

    def let_go_if_replaced(self) -> None:
        """Open the file anew when it is asked, where another stands in its place by now. Nothing is written."""
        with self._lock:
            if self._database is not None and self._identity() != self._opened_as:
                self.close()

    def _identity(self) -> tuple[int, int] | None:
        with contextlib.suppress(OSError):
            status = os.stat(self.place)
            return status.st_dev, status.st_ino
        return None

    def _opened(self, *, make: bool) -> sqlite3.Connection | None:
        if self._database is None and (make or os.path.exists(self.place)):
            import sqlite3  # not before there is a file: most targets have no bots elsewhere

            if make:
                self._make_folder()
            os.close(os.open(self.place, os.O_RDWR | os.O_CREAT, _FILE_MODE))
            database = sqlite3.connect(self.place, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(database)
            except BaseException:
                database.close()
                raise
            self._database, self._closing = database, weakref.finalize(self, database.close)
            self._opened_as = self._identity()
        return self._database

    def _prepare(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            remedy = "update molthub, or use another --state"
            raise FormatError("it was written by a newer molthub", place=str(self.place), remedy=remedy)
        _to_wal(database)
        database.execute("PRAGMA synchronous=NORMAL")
        if version < _VERSION:
            database.executescript(f"BEGIN IMMEDIATE; {self._tables} PRAGMA user_version={_VERSION}; COMMIT;")

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Say what SQLite refuses as the system would; put a damaged file aside."""
        try:
            yield
        except Exception as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None:
                raise
            said = _ERRORS.get(code & _PRIMARY)
            if said is not None:
                raise OSError(said, f"{os.strerror(said)} ({error})", str(self.place)) from None
            if code & _PRIMARY not in _DAMAGED:
                raise OSError(errno.EIO, str(error), str(self.place)) from None
            self._put_aside(str(error))

    def _put_aside(self, why: str) -> None:
        """Begin anew. Raises :class:`OSError`, because what was asked just now is not done."""
        message = f"what is on record of bots on other machines cannot be read: {why}"
        if not self.is_ours:
            remedy = "the next pass of `molthub reconcile` puts it aside and goes on"
            problem = Problem("MH709", message, remedy, file=str(self.place))
            raise FormatError(message, place=str(self.place), remedy=remedy, problems=[problem]) from None
        self.close()
        for suffix in _BESIDE:
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.place}{suffix}", f"{self.place}{_ASIDE}{suffix}")
        remedy = f"their agents tell again what they have; it is kept as {self.place}{_ASIDE}"
        self.problems.append(Problem("MH709", f"{message}; it counts as lost", remedy, "warning"))
        raise _PutAsideError(errno.EAGAIN, message, str(self.place)) from None


def _to_wal(database: sqlite3.Connection) -> None:
    """Have a new file keep a write-ahead log: the one change for which SQLite does not wait until others have read."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while database.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            database.execute("PRAGMA journal_mode=WAL")
        except Exception as error:
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY != _BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


class _PutAsideError(OSError):
    """The file is damaged, and was put aside."""


_PRIMARY = 0xFF
_BUSY = 5
_DAMAGED = frozenset({11, 26})
"""SQLITE_CORRUPT and SQLITE_NOTADB (https://www.sqlite.org/rescode.html)."""
_ERRORS = {
    3: errno.EACCES, 5: errno.EBUSY, 6: errno.EBUSY, 8: errno.EROFS, 10: errno.EIO, 13: errno.ENOSPC, 14: errno.EACCES,
}  # fmt: skip
