"""What every bot of a pass works with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from molthub.errors import Problem
from molthub.model import DesiredState
from molthub_reconciler.at_rest.by_files import Resting
from molthub_reconciler.records.neighbours import Neighbours
from molthub_reconciler.records.secret_versions import SecretVersions
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import Command
from molthub_reconciler.supply.releases import Releases
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.targets.base import Target


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


ReadFile = Callable[[str], bytes | None]
"""Returns the bytes of a file in a bot's home; None where there is none."""

Unmet = Callable[[DesiredState, ReadFile], tuple[Problem, ...]]
"""Says what a bot lacks where it runs."""


def nothing_unmet(_state: DesiredState, _read: ReadFile) -> tuple[Problem, ...]:
    """Say that a bot lacks nothing, because nobody looked."""
    return ()


@dataclass(frozen=True, slots=True)
class Adoption:
    """Whose own entries are taken over: ``bots``, or nobody's. ``missing`` says which of a bot's secrets are not kept.

    What stands in clear is replaced only by a reference to a secret that resolves: it would be lost otherwise.
    """

    bots: Collection[str] = ()
    missing: Callable[[str, frozenset[str]], Collection[str]] = lambda _bot, secrets: secrets


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a pass works, and how.

    ``act``: mend, not only look; ``full``: trust no earlier look; ``forced`` are the bots whose windows do not count,
    None: of all bots; ``adoption`` says whose own entries are taken over; ``show_ignored``: also tell what policy
    ignores. ``now`` is when the pass began. ``unmet`` says what a bot lacks on its machine. ``resting`` takes note of
    bots that are in sync.
    """

    target: Target
    state: TargetState
    supply: Supply
    neighbours: Neighbours
    act: bool = False
    full: bool = False
    command: Command = "reconcile"
    releases: Releases | None = None
    secrets: SecretVersions | None = None
    forced: Collection[str] | None = ()
    adoption: Adoption = field(default_factory=Adoption)
    show_ignored: bool = False
    now: datetime = field(default_factory=utc_now)
    unmet: Unmet = nothing_unmet
    resting: Resting | None = None

    def forces(self, bot: str) -> bool:
        """Whether a bot is changed outside its windows too."""
        return self.forced is None or bot in self.forced
