"""The operator's view of a target: what bots have, and asking whoever keeps them to look now.

Desired state crosses from author time to run time by the index alone; this is the way back. Installed parts join by the
entry-point group ``molthub.targets``: a callable of (address, index, state) for each kind of target.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Protocol

from molthub.errors import Problem, missing_extra

ENTRY_POINTS = "molthub.targets"
STATES = (
    *("in-sync", "drifted", "pending", "conflict", "failed", "unresolved", "orphaned", "suspended", "rolled-back"),
    *("revoked", "offline"),
)
"""The states that a bot may be in, as reports have them."""


@dataclass(frozen=True, slots=True)
class ObservedBot:
    """One bot as it is. ``packs`` are the versions in the document that was last acted upon.

    ``state`` is one of :data:`STATES`, ``at`` when it was found (RFC 3339). ``desired`` and
    ``observed`` are digests of that look; None where nothing is known. ``held`` says why what differs is told, and not
    mended, where that is so.
    """

    bot: str
    packs: Mapping[str, int] = field(default_factory=dict)
    state: str | None = None
    at: str | None = None
    desired: str | None = None
    observed: str | None = None
    problems: tuple[Problem, ...] = ()
    held: str = ""

    @property
    def is_in_sync(self) -> bool:
        """Whether the bot has what it should have."""
        return self.desired is not None and self.desired == self.observed


class ObservedTarget(Protocol):
    """A place where bots live, as its operator sees it."""

    @property
    def where(self) -> str:
        """The target's address, as people know it."""
        ...

    def remembered(self) -> Mapping[str, ObservedBot]:
        """Return every bot that whoever keeps the target has on record, as of its last pass. Cheap."""
        ...

    def observe(self, bots: Collection[str]) -> Mapping[str, ObservedBot]:
        """Look at bots (``<fleet>/<bot>``) now, and change nothing. Needs an index, to know what they should have.

        Raises :class:`molthub.errors.MolthubError` where the index or the target as a whole cannot be read.
        """
        ...

    def nudge(self) -> str | None:
        """Ask whoever keeps the target to look now; return who will, None: nobody is there."""
        ...

    def reconcile(self, bots: Collection[str]) -> None:
        """Bring bots in sync once, from here. Raises :class:`molthub.errors.MolthubError`: another process is at it."""
        ...


def open_target(address: str, *, index: str | None, state: str | None) -> ObservedTarget:
    """Open the target at ``address``: a folder of bots' homes, or the URL of a controller. Nothing is read yet.

    Raises :class:`molthub.errors.MissingExtraError` where the part that knows such targets is not installed.
    """
    kind = "controller" if "://" in address else "directory"
    point = next((point for point in entry_points(group=ENTRY_POINTS) if point.name == kind), None)
    if point is None:
        raise missing_extra("reconciler", "looking at bots")
    target: ObservedTarget = point.load()(address, index=index, state=state)
    return target
