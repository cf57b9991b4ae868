"""A seal on a home: one digest over the status of everything that a look at it depended on.

As long as it holds, another look would find the same. To find out takes a status of each path and reads no file. The
status has the change time, which no program can set (:mod:`.glance`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from molthub_reconciler.targets.glance import Status, status_of

_BYTES = 16


@dataclass(frozen=True, slots=True)
class Seal:
    """The ``paths`` of a home (relative to it) that were looked at, and the ``digest`` of what their status was."""

    paths: tuple[str, ...]
    digest: str

    @classmethod
    def of(cls, statuses: Mapping[str, Status]) -> Seal:
        """Seal what was seen."""
        return cls(tuple(statuses), _digest(statuses.values()))

    def holds(self, home: str) -> bool:
        """Whether nothing of it has moved. Raises :class:`OSError` where that cannot be seen."""
        return _digest(status_of(f"{home}/{path}") for path in self.paths) == self.digest


def _digest(statuses: Iterable[Status]) -> str:
    return blake2b(repr(list(statuses)).encode(), digest_size=_BYTES).hexdigest()
