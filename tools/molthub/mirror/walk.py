"""Every file that a root leads to, each named by the hash of its bytes: the read path of an index.

A new kind of document is one more step here, and one more line in :data:`STEPS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from molthub.client.index_files import MAX_UNPACKED
from molthub.client.parallel import in_threads
from molthub.client.verify import gunzip
from molthub.documents import bot_from_json, fleet_from_json, search_directory_from_json, shard_from_json
from molthub.documents.signatures import publishers_from_json
from molthub.model import Artifact, DesiredState, FleetState, IndexRoot, PackEntry, Shard, SkillEntry
from molthub.search_lists import DIRECTORY


class Blob(NamedTuple):
    """A document that is named by the SHA-256 of its bytes."""

    path: str
    hex: str


ReadBlob = Callable[[Blob], bytes]
"""Returns the verified bytes of a document."""


@dataclass
class Walked:
    """What a root leads to: documents by path, versions by the hex name of their archive, and what they say."""

    documents: dict[str, Blob] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    shards: dict[str, Shard] = field(default_factory=dict)
    fleets: dict[str, FleetState] = field(default_factory=dict)
    bots: list[DesiredState] = field(default_factory=list)

    @property
    def removed(self) -> frozenset[str]:
        """The digests of versions that were taken away for good: their archives go at once."""
        found: set[str] = set()
        for shard in self.shards.values():
            for skill in shard.skills.values():
                found |= _removed(skill)
            for pack in shard.packs.values():
                found |= _removed(pack)
        return frozenset(found)


class Walk:
    """One walk over an index. ``read`` gives the bytes of a document; ``jobs`` of them are read at a time."""

    def __init__(self, root: IndexRoot, where: str, read: ReadBlob, jobs: int) -> None:
        self.root = root
        self.where = where.rstrip("/")
        self.found = Walked()
        self._read = read
        self._jobs = jobs

    def run(self, steps: Iterable[Callable[[Walk], None]] = ()) -> Walked:
        """Take every step. Raises what ``read`` raises, and :class:`FormatError`."""
        for step in steps or STEPS:
            step(self)
        return self.found

    def read_all(self, blobs: Iterable[Blob]) -> Iterator[tuple[Blob, bytes]]:
        """Read documents, several at a time, and yield each with its bytes, in the order they were named."""
        wanted = list(blobs)
        contents: dict[Blob, bytes] = {}

        def read(blob: Blob) -> None:
            contents[blob] = self._read(blob)

        in_threads(read, wanted, self._jobs)
        for blob in wanted:
            self.found.documents[blob.path] = blob
            yield blob, contents[blob]

    def keep(self, blobs: Iterable[Blob]) -> None:
        """Read documents that lead nowhere else."""
        for _ in self.read_all(blobs):
            pass

    def unpacked(self, blob: Blob, content: bytes) -> bytes:
        """Return what a gzipped document holds."""
        return gunzip(content, MAX_UNPACKED, self.place(blob))

    def place(self, blob: Blob) -> str:
        """Return where a document is, for messages."""
        return f"{self.where}/{blob.path}"


def walk_shards(walk: Walk) -> None:
    """Read every skill and pack, and note the archives of their versions and of the versions that packs lock."""
    keys = {Blob(f"shards/{name}.json.gz", name): key for key, name in walk.root.shards.items()}
    for blob, content in walk.read_all(keys):
        shard = shard_from_json(walk.unpacked(blob, content), walk.place(blob))
        walk.found.shards[keys[blob]] = shard
        walk.found.artifacts |= {artifact.archive: artifact for artifact in artifacts_of(shard)}


def walk_search(walk: Walk) -> None:
    """Read the search lists, and those that the directory of many names."""
    lists = {key: Blob(f"search/{name}.json.gz", name) for key, name in walk.root.search.items()}
    for blob, content in walk.read_all(lists.values()):
        if blob == lists.get(DIRECTORY):
            directory = search_directory_from_json(walk.unpacked(blob, content), walk.place(blob))
            walk.keep(Blob(f"search/{name}.json.gz", name) for name in directory.lists)


def walk_fleets(walk: Walk) -> None:
    """Read the fleets with their bots, and note the archives that these need."""
    names = {Blob(f"fleets/{name}.json", name): fleet for fleet, name in walk.root.fleets.items()}
    for blob, content in walk.read_all(names):
        walk.found.fleets[names[blob]] = fleet_from_json(content, walk.place(blob))
    bots = {ref.file: Blob(f"bots/{ref.file}.json", ref.file)
            for fleet in walk.found.fleets.values() for ref in fleet.bots.values()}  # fmt: skip
    for blob, content in walk.read_all(bots.values()):
        bot = bot_from_json(content, walk.place(blob))
        walk.found.bots.append(bot)
        walk.found.artifacts |= {artifact.archive: artifact for artifact in bot.skills.values() if artifact.archive}


def walk_signing(walk: Walk) -> None:
    """Read the publishers with their keys, and the signatures of every version that shards and bots name."""
    if walk.root.publishers:
        directory = Blob(f"publishers/{walk.root.publishers}.json.gz", walk.root.publishers)
        for blob, content in walk.read_all([directory]):
            publishers = publishers_from_json(walk.unpacked(blob, content), walk.place(blob))
            walk.keep(Blob(f"publishers/{found.keys}.json.gz", found.keys) for found in publishers.values())
    shards = (artifact for shard in walk.found.shards.values() for artifact in artifacts_of(shard))
    bots = (artifact for bot in walk.found.bots for artifact in bot.skills.values())
    # One archive may be named by a skill and by packs, each with a list of its own.
    signatures = {artifact.signature.file for artifact in (*shards, *bots) if artifact.signature}
    walk.keep(Blob(f"signatures/{name}.json.gz", name) for name in sorted(signatures))


STEPS: tuple[Callable[[Walk], None], ...] = (walk_shards, walk_search, walk_fleets, walk_signing)


def artifacts_of(shard: Shard) -> Iterator[Artifact]:
    """Yield every version of a shard that can be fetched."""
    for skill in shard.skills.values():
        yield from (release.artifact for release in skill.releases.values() if release.artifact.archive)
    for pack in shard.packs.values():
        for release in pack.releases.values():
            yield from (found for found in (release.artifact, *release.skills.values()) if found.archive)


def _removed(entry: SkillEntry | PackEntry) -> set[str]:
    return {release.artifact.digest for release in entry.releases.values() if release.removed is not None}
