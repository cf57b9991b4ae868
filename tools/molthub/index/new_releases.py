"""Which versions an index offers that the one before it did not: what its log has yet to hold.

Two indexes are compared shard by shard, and equal shards have equal names, so that the cost follows the change.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from molthub.documents import hex_of, shard_from_json
from molthub.errors import FormatError, TrustError
from molthub.model import IndexRoot
from molthub.transparency.entries import LoggedRelease

Read = Callable[[str], bytes | None]
"""Reads a file of an index by its path; None: there is none."""


class Change(NamedTuple):
    """A version that was published with one digest and now has another."""

    before: LoggedRelease
    after: LoggedRelease


class NewReleases(NamedTuple):
    """How the versions of two indexes differ. ``added`` is in the order of the log: by date, kind, name and number."""

    added: tuple[LoggedRelease, ...]
    changed: tuple[Change, ...] = ()
    gone: tuple[LoggedRelease, ...] = ()


def new_releases(before: IndexRoot | None, read_before: Read, after: IndexRoot, read_after: Read) -> NewReleases:
    """Compare the versions of two indexes; without ``before``, all are new.

    Raises :class:`TrustError` where a shard is missing or is not what its name says.
    """
    shards_before = {} if before is None else before.shards
    same = set(shards_before.items()) & set(after.shards.items())
    old = _releases(shards_before, read_before, {key for key, _ in same})
    new = _releases(after.shards, read_after, {key for key, _ in same})
    added = [(published, release) for place, (published, release) in new.items() if place not in old]
    changed = [
        Change(old[place][1], release)
        for place, (_, release) in new.items()
        if place in old and old[place][1] != release
    ]
    gone = [release for place, (_, release) in old.items() if place not in new]
    return NewReleases(tuple(release for _, release in sorted(added)), tuple(changed), tuple(gone))


_Place = tuple[str, str, str]
_Releases = dict[_Place, tuple[str, LoggedRelease]]


def _releases(shards: Mapping[str, str], read: Read, skipped: set[str]) -> _Releases:
    """Return what the shards hold, apart from some, by kind, name and number, each with its date."""
    found: _Releases = {}
    for key, hex_name in shards.items():
        if key not in skipped:
            for published, release in _in_shard(f"shards/{hex_name}.json.gz", hex_name, read):
                found[release.kind, release.name, release.version] = (published, release)
    return found


def _in_shard(path: str, hex_name: str, read: Read) -> Iterator[tuple[str, LoggedRelease]]:
    content = read(path)
    if content is None or hex_of(content) != hex_name:
        problem = "it is missing" if content is None else "it is not what its name says"
        raise TrustError(problem, place=path, remedy="publish a whole index first: molthub build, and deploy")
    try:
        shard = shard_from_json(gzip.decompress(content), path)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"it cannot be unpacked ({error})", place=path, remedy="build the index again") from None
    for skill in shard.skills.values():
        for number, release in skill.releases.items():
            yield release.published, LoggedRelease("skill", skill.name, number, release.artifact.digest)
    for pack in shard.packs.values():
        for count, locked in pack.releases.items():
            yield locked.published, LoggedRelease("pack", pack.name, str(count), locked.artifact.digest)
