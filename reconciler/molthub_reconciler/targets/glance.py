"""A cheap look, which only finds out whether anything has moved since the last thorough one.

For each *unit* (a skill's folder, a file, a folder of skills) the last look keeps what it found, with the status of
every file and folder that this came from. As long as the system reports the same status, what was found still holds,
and nothing is read. The status has the change time, which no program can set, so an edit that restores size and
modification time shows all the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from molthub.model import Json

Status = tuple[int, ...]
"""Mode, size, inode, modification and change time in nanoseconds; empty where nothing stands."""

SETTLING_SECONDS = 0.025
"""File systems stamp times in ticks (up to 10 ms on Linux): what changed just before it was read may have changed again
without a new stamp. A look this much later is certain."""

_FORMAT = "molthub.files/1"


@dataclass(frozen=True, slots=True)
class Unit:
    """What one unit was found to be, and the status of every path that says so (relative to the home)."""

    found: Json
    status: Mapping[str, Status]

    def still_holds(self, home: str) -> bool:
        """Whether nothing of it has moved."""
        return all(status_of(f"{home}/{path}") == status for path, status in self.status.items())

    def is_certain(self, read_at_ns: int) -> bool:
        """Whether nothing can have changed unseen since it was read at that time."""
        newest = max((status[-1] for status in self.status.values() if status), default=0)
        return newest + SETTLING_SECONDS * 1e9 < read_at_ns


@dataclass(slots=True)
class Glance:
    """What the last look at a home found, unit by unit."""

    units: dict[str, Unit] = field(default_factory=dict)


def status_of(path: str) -> Status:
    """Return the status of what stands at ``path``, links not followed."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return status_from(found)


def status_from(found: os.stat_result) -> Status:
    """Return the status in what the system says of a path itself."""
    return (found.st_mode, found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def glance_to_bytes(glance: Glance) -> bytes:
    """Return the document ``molthub.files/1``."""
    units = {name: [unit.found, {path: list(status) for path, status in unit.status.items()}]
             for name, unit in glance.units.items()}  # fmt: skip
    return json.dumps({"format": _FORMAT, "units": units}, separators=(",", ":"), sort_keys=True).encode()


def glance_from_bytes(content: bytes) -> Glance:
    """Read ``molthub.files/1``; whatever cannot be read is as if there had been no look."""
    try:
        document: Any = json.loads(content) if content else {}
        if document.get("format") != _FORMAT:
            return Glance()
        return Glance({name: Unit(found, {path: tuple(status) for path, status in paths.items()})
                       for name, (found, paths) in document["units"].items()})  # fmt: skip
    except (ValueError, TypeError, AttributeError, KeyError):
        return Glance()
