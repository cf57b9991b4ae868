"""Whether what is installed is in the log of the registry that it came from, and whether that log is one history.

The head of the log comes with the signed metadata; everything else is fetched as it lies there and counts as far as it
leads to that head (:mod:`molthub.transparency`). Where a version is in the log is looked up in a list of places, which
is only a hint: where it does not help, all entries are read before a version is said to be missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from molthub.client.index import Index
from molthub.client.lockfile import InstalledVersion
from molthub.client.log_report import LogReport
from molthub.client.parallel import in_threads
from molthub.errors import FormatError, LogDamagedError, MolthubError, Problem, UnreachableError
from molthub.transparency.checkpoint import Checkpoint
from molthub.transparency.entries import FOLDER, LoggedRelease, places_from_json, places_path
from molthub.transparency.merkle import leaf_hash
from molthub.transparency.published_log import PublishedLog
from molthub.transparency.tiles import MAX_BUNDLE, TILE_WIDTH

THREADS = 8
MAX_PLACES = 64 * 1024 * 1024
MOST_READ = 1 << 22
"""Logs with more entries are not read through: nobody who only claims a size keeps a client busy for ever."""


def check_log(where: str, open_index: Callable[[], Index], entries: Sequence[InstalledVersion]) -> LogReport:
    """Check the log of the registry at ``where`` for these versions; never raises for what the registry does."""
    report = LogReport(where, "refused")
    try:
        with open_index() as index:
            try:
                index.root()
                _check(index, entries, report)
            except LogDamagedError:
                # Files may go while a larger log is being published; then there is a newer head to go by.
                if not _has_grown(index, report.head):
                    raise
                report = LogReport(where, "refused")
                _check(index, entries, report)
    except MolthubError as error:
        report.state = "unreachable" if isinstance(error, UnreachableError) else "refused"
        severity: Literal["error", "warning"] = "warning" if report.state == "unreachable" else "error"
        report.problems.append(Problem(error.problem_id or "MH611", str(error), error.remedy, severity))
    return report


def _check(index: Index, entries: Sequence[InstalledVersion], report: LogReport) -> None:
    head = index.trust.log
    if head is None:
        report.state = "none"
        return
    reader = _Reader(index)
    report.head = Checkpoint(head.origin, head.size, bytes.fromhex(head.root))
    log = PublishedLog(
        report.head, _Reader(index).read, index.where, lambda work, tiles: in_threads(work, tiles, THREADS)
    )
    seen = index.trust.seen_log().heads
    report.before = seen[0].size if seen else None
    for before in seen:
        if before.size <= head.size:
            log.check_follows(before.size, bytes.fromhex(before.root))
    _find(log, reader, entries, report)
    if not report.problems:
        index.trust.log_is_proven(head)
        report.state = "proven"


def _find(log: PublishedLog, reader: _Reader, entries: Sequence[InstalledVersion], report: LogReport) -> None:
    leaves = {entry: LoggedRelease("skill", entry.name, entry.version, entry.digest).leaf() for entry in entries}
    hints = reader.places(leaves.values())
    missing = []
    for entry, leaf in leaves.items():
        index = hints.get(leaf)
        if index is not None and log.holds(leaf, index):
            report.places[entry] = index
        else:
            missing.append(entry)
    if not missing:
        return
    found = _all_places(log)
    for entry in missing:
        index = found.get(leaves[entry])
        if index is not None and log.holds(leaves[entry], index):
            report.places[entry] = index
        else:
            message = (
                f"{entry} ({entry.digest}) is not among the {log.checkpoint.size} versions in the log of {report.where}"
            )
            report.problems.append(Problem("MH622", message, _MISSING))


def _all_places(log: PublishedLog) -> dict[bytes, int]:
    """Read every entry; who hides one can only make it missing."""
    if log.checkpoint.size > MOST_READ:
        return {}
    return {
        leaf_hash(entry): number * TILE_WIDTH + at
        for number in range(-(-log.checkpoint.size // TILE_WIDTH))
        for at, entry in enumerate(log.entries(number))
    }


class _Reader:
    """Reads files of the log as they lie there."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def read(self, path: str) -> bytes | None:
        return self._index.file(path, MAX_BUNDLE)

    def places(self, leaves: Iterable[bytes]) -> dict[bytes, int]:
        """Return what the lists of places say; one that cannot be read says nothing."""
        found: dict[bytes, int] = {}

        def fetch(path: str) -> None:
            try:
                content = self._index.file(f"{FOLDER}{path}", MAX_PLACES)
                hints = places_from_json(content, path) if content is not None else {}
            except FormatError:
                return
            found.update({bytes.fromhex(leaf): index for leaf, index in hints.items()})

        in_threads(fetch, sorted({places_path(leaf) for leaf in leaves}), THREADS)
        return found


def _has_grown(index: Index, head: Checkpoint | None) -> bool:
    try:
        index.refresh()
    except MolthubError:
        return False
    now = index.trust.log
    return now is not None and head is not None and now.size > head.size


_MISSING = (
    "whoever publishes a version logs it, so this one was made for few eyes, or changed: do not run it, compare its "
    "digest with others', and ask whoever runs the registry"
)
