"""When a running program takes up what was written. Pure."""

from __future__ import annotations

from collections.abc import Collection

from molthub.platforms.base import Platform, Taken

_ORDER: tuple[Taken, ...] = ("hot", "session", "restart")


def taken_up(program: Platform, keys: Collection[str]) -> tuple[Taken, str] | None:
    """Return when ``program`` takes up changes of ``keys``, the latest of them, and how a person hurries it."""
    if not keys:
        return None
    fact = program.reload
    skills = [fact.skills] if any(key.startswith("skill/") for key in keys) else []
    others = [fact.servers] if any(not key.startswith("skill/") for key in keys) else []
    return max((*skills, *others), key=_ORDER.index), fact.hint
