"""What a change does to bots: both commits resolved, and compared key by key. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from molthub.errors import Problem
from molthub.model import Json
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import Resolution, resolve_bots


@dataclass(frozen=True)
class KeyChange:
    """One key of a bot's desired state. None: the bot has, or had, no such key. Of skills the values are versions."""

    key: str
    before: Json
    after: Json
    at: str = ""


@dataclass(frozen=True)
class BotChange:
    """A bot whose desired state differs. ``problems`` say why it no longer resolves, where it does not."""

    path: str
    is_new: bool
    is_gone: bool
    keys: tuple[KeyChange, ...]
    problems: tuple[Problem, ...] = ()
    resolved: tuple[bool, bool] = (True, True)


def bot_changes(before: Catalog, after: Catalog) -> tuple[BotChange, ...]:
    """Return the bots that get something else, by ``<fleet>/<bot>``."""
    return changes_between(resolve_bots(before), resolve_bots(after))


def changes_between(old: Mapping[str, Resolution], new: Mapping[str, Resolution]) -> tuple[BotChange, ...]:
    """Return the bots whose two resolutions differ."""
    found = (_compared(path, old.get(path), new.get(path)) for path in sorted(old.keys() | new.keys()))
    return tuple(change for change in found if change is not None)


def _compared(path: str, old: Resolution | None, new: Resolution | None) -> BotChange | None:
    keys = tuple(_keys(old, new))
    resolved = (old is None or old.resolved, new is None or new.resolved)
    if old is not None and new is not None and not keys and resolved[0] == resolved[1]:
        return None
    problems = tuple(problem for problem in new.problems if problem.severity == "error") if new is not None else ()
    return BotChange(path, old is None, new is None, keys, problems, resolved)


def _keys(old: Resolution | None, new: Resolution | None) -> Iterator[KeyChange]:
    if (old is not None and not old.resolved) or (new is not None and not new.resolved):
        return  # there is nothing to compare: the bot keeps what it has
    before, after = (one.desired if one is not None else {} for one in (old, new))
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) == after.get(key) and (key in before) == (key in after):
            continue
        origins = new.origins.get(key, ()) if new is not None else ()
        at = origins[0].at if origins else ""
        yield KeyChange(key, _shown(old, key), _shown(new, key), at)


def _shown(resolution: Resolution | None, key: str) -> Json:
    """Return a value as people compare it: of a skill its version and the beginning of its digest."""
    if resolution is None or key not in resolution.desired:
        return None
    kind, _, name = key.partition("/")
    if kind == "skill":
        lock = resolution.skills[name]
        return f"{lock.version} ({lock.digest[:15]})"
    return resolution.desired[key]
