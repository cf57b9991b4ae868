"""The shards of an index: the entries of skills and packs, each in the one shard that its name's hash says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from molthub.client.index_files import IndexFiles
from molthub.client.parallel import in_threads
from molthub.documents import shard_from_json, shard_key
from molthub.errors import FormatError
from molthub.model import IndexRoot, PackEntry, Shard, SkillEntry

_THREADS = 8


class Shards:
    """The shards that ``root`` names, each fetched when a name in it is first asked for.

    Safe to use from several threads.
    """

    def __init__(self, files: IndexFiles, root: Callable[[], IndexRoot]) -> None:
        self._files = files
        self._root = root
        self._lock = threading.Lock()
        self._read: dict[str, Shard] = {}

    def forget(self) -> None:
        """Forget what was read: the root names others now."""
        with self._lock:
            self._read = {}

    def skill(self, name: str) -> SkillEntry | None:
        """Return a skill's entry; None: the index has none."""
        return self._shard(self._key("skill", name)).skills.get(name)

    def pack(self, name: str) -> PackEntry | None:
        """Return a pack's entry; None: the index has none."""
        return self._shard(self._key("pack", name)).packs.get(name)

    def prefetch(self, names: Iterable[tuple[str, str]]) -> None:
        """Fetch at once the shards that hold these (kind, name) pairs, so that asking for each costs no round trip."""
        keys = {self._key(kind, name) for kind, name in names}
        in_threads(self._fetch, sorted(keys - self._read.keys()), _THREADS)

    def known(self, kind: str, name: str) -> SkillEntry | PackEntry | None:
        """Return an entry where its shard was read already; nothing is fetched."""
        shard = self._read.get(self._key(kind, name))
        if shard is None:
            return None
        return shard.packs.get(name) if kind == "pack" else shard.skills.get(name)

    def _key(self, kind: str, name: str) -> str:
        length = max(map(len, self._root().shards), default=1)
        return shard_key(kind, name, length)

    def _shard(self, key: str) -> Shard:
        known = self._read.get(key)
        return self._fetch(key) if known is None else known

    def _fetch(self, key: str) -> Shard:
        """Read a shard into memory; a key that is not listed is an empty shard."""
        hex_name = self._root().shards.get(key)
        shard = Shard()
        if hex_name is not None:
            place, content = self._files.gzipped("shards", hex_name)
            shard = shard_from_json(content, place)
            _check_belongs(shard, key, place)
        with self._lock:
            self._read[key] = shard
        return shard


def _check_belongs(shard: Shard, key: str, place: str) -> None:
    """Raise :class:`FormatError` where a shard holds names that nobody looks for there."""
    names = [*(("skill", name) for name in shard.skills), *(("pack", name) for name in shard.packs)]
    for kind, name in names:
        if shard_key(kind, name, len(key)) != key:
            message = f"it holds the {kind} {name}, which belongs into another shard"
            raise FormatError(
                message, place=place, remedy="tell whoever runs this index: it is made wrongly, or changed"
            )
