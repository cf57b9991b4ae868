"""Where and how one bot is worked on: its platform's adapter, its home, its policy at this moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from molthub.errors import MolthubError, Problem
from molthub.model import DesiredState
from molthub.platforms import platform, platforms
from molthub.platforms.base import FileFormat, Platform, Pointer
from molthub_reconciler.policy.policy import Policy, policy_of
from molthub_reconciler.records.receipt import Receipt
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.surroundings import Surroundings
from molthub_reconciler.targets.base import Home


@lru_cache(maxsize=64)  # what is remembered of how a platform holds skills is remembered of this one adapter
def adapter_of(name: str) -> Platform:
    """Return a bot's platform. Raises :class:`MolthubError` (MH711) where this molthub has none of that name."""
    try:
        return platform(name)
    except MolthubError as error:
        problem = Problem("MH711", error.message, error.remedy)
        raise MolthubError(error.message, remedy=error.remedy, problems=[problem]) from None


def home_of(bot: str, desired: DesiredState, adapter: Platform, receipt: Receipt, *, is_orphan: bool) -> Home:
    """Return the home of ``<fleet>/<bot>`` for one look; of an orphan's home no skill is the owner's to name."""
    adapters = _with_earlier(adapter, receipt.platform)
    searched = adapter.searched(desired.agent)
    return Home(
        bot=bot,
        folder=f"{desired.fleet}/{desired.home}",
        skill_roots=() if is_orphan else (searched.own,),
        other_roots=() if is_orphan else searched.others,
        file_format=_file_formats(adapters),
        owners_fields=_owners_fields(adapters),
        files=receipt.files,
    )


def policy_for(around: Surroundings, bot: str, desired: DesiredState) -> Policy:
    """Return how ``<fleet>/<bot>`` is kept in sync now."""
    suspend = desired.sync.suspend
    since = _suspended_since(around.state, bot) if suspend is not None and suspend.since is None else None
    return policy_of(desired.sync, around.now, forced=around.forces(bot), suspended_since=since)


def _suspended_since(state: TargetState, bot: str) -> str | None:
    """Return when a pass first found the bot suspended, this time."""
    since = None
    for line in reversed(state.passes(bot)):
        if line.get("state") != "suspended":
            break
        since = str(line["at"])
    return since


def _with_earlier(adapter: Platform, earlier: str) -> tuple[Platform, ...]:
    """Return the adapter, and that of the platform that the bot had before, whose places may have to be cleared."""
    if earlier in ("", adapter.name) or earlier not in platforms():
        return (adapter,)
    return adapter, platform(earlier)


def _file_formats(adapters: tuple[Platform, ...]) -> Callable[[str], FileFormat]:
    return lambda file: next((found for known in adapters if (found := known.file_format(file)) != "json"), "json")


def _owners_fields(adapters: tuple[Platform, ...]) -> Callable[[str, Pointer], frozenset[str]]:
    return lambda file, pointer: frozenset().union(*(known.owners_fields(file, pointer) for known in adapters))
