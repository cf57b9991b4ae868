"""Which installed skills have a newer version in the index."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from molthub.client.dependencies import Shelves
from molthub.client.index import Index
from molthub.client.lockfile import InstalledVersion
from molthub.client.wanted import Wanted, parse_wanted
from molthub.errors import NotFoundError
from molthub.versions import highest, sort_key


class Outdated(NamedTuple):
    """An installed version: what an update would bring (None: nothing newer), and the newest there is."""

    entry: InstalledVersion
    wanted: str | None
    latest: str | None


def outdated(entries: Iterable[InstalledVersion], index: Index) -> list[Outdated]:
    """Compare what was installed from this index with what it has now; what is up to date is left out."""
    own = [entry for entry in entries if entry.registry in (None, index.where)]
    requests = {entry: parse_wanted(entry.requested) for entry in own if entry.requested is not None}
    index.prefetch({("skill", entry.name) for entry in own} | {(asked.kind, asked.name) for asked in requests.values()})
    compared = (_compared(entry, requests.get(entry), index) for entry in own)
    return [item for item in compared if item.wanted is not None or item.latest is not None]


def _compared(entry: InstalledVersion, request: Wanted | None, index: Shelves) -> Outdated:
    try:
        releases = index.skill(entry.name).releases
    except NotFoundError:
        return Outdated(entry, None, None)
    available = [version for version, release in releases.items() if release.available]
    latest = highest(available)
    return Outdated(entry, _newer(_target(entry, request, available, index), entry), _newer(latest, entry))


def _target(entry: InstalledVersion, request: Wanted | None, available: list[str], index: Shelves) -> str | None:
    """Return the version that an update would choose; a dependency follows whoever needs it."""
    if request is None or request.exact:
        return None
    if request.kind == "skill":
        return highest(available, request.range)
    try:
        pack = index.pack(request.name)
    except NotFoundError:
        return None
    number = max((number for number, release in pack.releases.items() if release.available), default=None)
    locked = pack.releases[number].skills.get(entry.name) if number is not None else None
    return locked.version if locked else None


def _newer(version: str | None, entry: InstalledVersion) -> str | None:
    return version if version is not None and sort_key(version) > sort_key(entry.version) else None
