"""How bots are kept: windows that open at all, rules that match something, suspensions that say why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from molthub.errors import Problem
from molthub.key_patterns import KeyRules
from molthub.model import Fleet, KeyRule, SyncPolicy
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.availability import placed
from molthub.registry.resolving.resolution import Resolution
from molthub.windows import WindowError, length, opening

_AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
"""A check says the same today and tomorrow: windows are judged as of one fixed time. Any would do."""


def check_sync(catalog: Catalog, resolutions: Mapping[str, Resolution]) -> Iterator[Problem]:
    """Yield what is wrong with how fleets and bots are kept in sync."""
    for fleet in catalog.fleets.values():
        yield from _windows(fleet)
        members = [found for found in resolutions.values() if found.fleet.name == fleet.name and found.resolved]
        yield from _policy(fleet.sync, fleet.file, members if fleet.name not in catalog.partly else [])
    for resolution in resolutions.values():
        bot = resolution.bot
        yield from _policy(bot.sync, bot.file, [resolution] if resolution.resolved else [])


def _windows(fleet: Fleet) -> Iterator[Problem]:
    is_readable = True
    for window in fleet.windows:
        try:
            length(window.duration)
            opening([window], _AS_OF)
        except WindowError as error:
            is_readable = False
            remedy = "write five fields as in crontab(5), a duration such as 8h, and an IANA time zone"
            yield placed("MH110", f"{error}", remedy, window.at)
    if not is_readable or not fleet.windows:
        return
    found = opening(fleet.windows, _AS_OF)
    if not found.is_open and found.next is None:
        message = f"the windows of fleet {fleet.name} never open, so nothing of it would ever change"
        yield placed("MH110", message, "let an `allow` window reach beyond the `deny` windows", fleet.windows[0].at)


def _policy(sync: SyncPolicy, file: str, members: Iterable[Resolution]) -> Iterator[Problem]:
    members = list(members)
    for rule in (*sync.keys, *sync.ignore):
        yield from _rule(rule, members)
    if sync.suspend is not None and sync.suspend.active and not sync.suspend.reason:
        remedy = "write `suspend: {reason: ...}`, for whoever wonders why nothing happens"
        yield Problem("MH112", "this is suspended, and nobody is told why", remedy, "warning", file=file)


def _rule(rule: KeyRule, members: Iterable[Resolution]) -> Iterator[Problem]:
    try:
        rules = KeyRules((rule,))
    except ValueError as error:
        yield placed("MH111", f"{rule.match} matches nothing: {error}", "for example mcp/*/env/LOG_LEVEL", rule.at)
        return
    keys = {key for member in members for key in (*member.desired, *member.origins)}
    if not keys or any(rules.of_key(key) for key in keys):
        return
    if rule.mode is None and any(rules.may_reach_into(key) for key in keys):
        return
    kind = "key" if rule.mode is not None else "key, nor reaches into one,"
    message = f"{rule.match} matches no {kind} of {'these bots' if len(list(members)) > 1 else 'the bot'}"
    yield placed("MH111", message, "see the keys with `molthub explain`", rule.at, warning=True)
