"""What a bot's sync policy means for one pass: which differences wait, and why. Pure.

Policy is data from an index, so what cannot be read must not stop other bots, and must not be taken for leave to write:
a bot with such a policy is only told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from molthub.errors import Problem
from molthub.key_patterns import KeyRules
from molthub.model import Mode, Suspension, SyncPolicy
from molthub.windows import Opening, WindowError, opening
from molthub_reconciler.plan import Change

Held = Literal["suspended", "window", "detect", "fight", "policy"]
"""Why a difference is told and not mended."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy at one time. ``held`` holds for the whole bot, and ``problem`` says it to people.

    ``is_forced``: it would be held, had nobody said otherwise.
    """

    mode: Mode = "correct"
    modes: KeyRules = field(default_factory=KeyRules)
    ignored: KeyRules = field(default_factory=KeyRules)
    held: Held | None = None
    problem: Problem | None = None
    is_forced: bool = False

    @property
    def keeps(self) -> Held | None:
        """Why the whole bot is kept as it is, whatever differs; None: it is not."""
        is_watched = self.mode == "detect" and not self.modes.rules
        return self.held or ("detect" if is_watched else None)

    def holds(self, change: Change) -> Held | None:
        """Return why a change waits; None: it does not."""
        if self.held is not None:
            return self.held
        rule = self.modes.of_key(change.key) if self.modes.rules else None
        mode = rule.mode if rule is not None else self.mode
        return "detect" if mode == "detect" else None


def policy_of(sync: SyncPolicy, now: datetime, *, forced: bool = False, suspended_since: str | None = None) -> Policy:
    """Return what ``sync`` means at ``now``; ``suspended_since`` serves a suspension that does not say since when."""
    mode = sync.mode or "correct"
    try:
        modes, ignored = KeyRules(sync.keys), KeyRules(sync.ignore)
        found = opening(sync.windows, now) if sync.windows else Opening(is_open=True)
    except (WindowError, ValueError) as error:
        remedy = "mend it in git; until then nothing of this bot is changed"
        return Policy(held="policy", problem=Problem("MH718", f"its sync policy cannot be read: {error}", remedy))
    policy = Policy(mode, modes, ignored)
    if sync.suspend is not None and sync.suspend.holds(now):
        return Policy(mode, modes, ignored, "suspended", _suspended(sync.suspend, now, suspended_since))
    if found.is_open:
        return policy
    if forced:
        return Policy(mode, modes, ignored, is_forced=True)
    return Policy(mode, modes, ignored, "window", _closed(found))


def _suspended(suspension: Suspension, now: datetime, since: str | None) -> Problem:
    since = suspension.since or since
    age = f" {age_of(since, now)}" if since else ""
    why = f": {suspension.reason}" if suspension.reason else ""
    until = f", until {suspension.until}" if suspension.until else ""
    remedy = "nothing is changed until then" if until else "nothing is changed until `suspend` is taken out of git"
    return Problem("MH714", f"suspended{age}{until}{why}", remedy, severity="warning")


def age_of(since: str, now: datetime) -> str:
    """Return how long ago an RFC 3339 time is, roughly: ``for 3 days``."""
    try:
        age = now - datetime.fromisoformat(since)
    except (ValueError, TypeError):
        return f"since {since}"
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        count = age // length
        if count >= 1:
            return f"for {count} {unit}{'s' if count > 1 else ''}"
    return "just now"


def _closed(found: Opening) -> Problem:
    why = f" ({found.closed_by.reason})" if found.closed_by is not None and found.closed_by.reason else ""
    following = found.next.strftime("%Y-%m-%dT%H:%MZ") if found.next is not None else "none within five years"
    message = f"changes wait for a window{why}; the next one: {following}"
    return Problem("MH715", message, "`molthub reconcile --bot ... --force` does not wait", severity="warning")
