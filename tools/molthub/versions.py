"""Versions and ranges in one place, for author time and run time alike.

Versions are SemVer 2.0. Ranges mean what npm's mean (https://github.com/npm/node-semver), with a comma read as a space,
so that ``>=1.0,<2`` works too. Pre-releases are picked only where the range names one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from molthub.documents import SEMVER
from molthub.errors import ResolutionError

if TYPE_CHECKING:
    from semantic_version import NpmSpec, Version

LATEST = "latest"


def is_version(text: str) -> bool:
    """Whether ``text`` is a SemVer 2.0 version."""
    return SEMVER.match(text) is not None


def is_range(text: str) -> bool:
    """Whether ``text`` is a range (or a version, or ``latest``)."""
    if text == LATEST:
        return True
    try:
        _spec(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=65536)
def sort_key(version: str) -> tuple[Any, ...]:
    """Return a key that orders SemVer versions by precedence (section 11), build metadata apart.

    No library is imported for it: lists are sorted far more often than ranges are read.
    """
    core, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    parts = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in pre.split(".") if pre)
    return numbers, not pre, parts


def is_prerelease(version: str) -> bool:
    """Whether ``version`` is a pre-release."""
    return "-" in version.partition("+")[0]


def matches(version: str, wanted: str | None) -> bool:
    """Whether ``version`` lies in the range ``wanted`` (None, ``latest`` and ``*``: every release).

    Raises :class:`ResolutionError` where ``wanted`` is no range.
    """
    if wanted is None or wanted in (LATEST, "*", ""):
        return not is_prerelease(version)
    if wanted == version:
        return True
    try:
        return bool(_spec(wanted).match(_version(version)))
    except ValueError:
        raise ResolutionError(f"{wanted!r} is not a version range", remedy="write it as npm does: ^1.2") from None


def highest(versions: Iterable[str], wanted: str | None = None) -> str | None:
    """Return the highest of ``versions`` that lies in the range, or None."""
    fitting = [version for version in versions if matches(version, wanted)]
    return max(fitting, key=sort_key, default=None)


def latest(versions: Iterable[str]) -> str | None:
    """Return what "latest" means among available versions: the highest that is no pre-release, or None."""
    return max((version for version in versions if not is_prerelease(version)), key=sort_key, default=None)


@lru_cache(maxsize=4096)
def _spec(text: str) -> NpmSpec:
    from semantic_version import NpmSpec

    return NpmSpec(" ".join(text.replace(",", " ").split()))


@lru_cache(maxsize=65536)
def _version(text: str) -> Version:
    from semantic_version import Version

    return Version(text)
