"""The index as an agent reads it through its controller: what its own bot needs of it, and nothing else.

=====================================================  ========================================================
``registry.json``, ``<hex>.registry.json``,            as they are: the agent verifies them, where it has the
``metadata/...``, ``publishers/...``                   registry's root of trust
``shards/<hex>.json.gz``                               those that list the skills of the bot's document
``signatures/<hex>.json.gz``                           those of these skills
``archives/<hex>.tar.gz``                              those of these skills
``fleets/<hex>.json``                                  the list of the bot's fleet, where the index is signed: it
                                                       shows that the bot's document is the one that was signed
``bots/<hex>.json``                                    the document that the bot is assigned
=====================================================  ========================================================

What is named by its SHA-256 is verified before it is passed on, and an archive is fetched once for all agents.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from molthub.client.cache import Store
from molthub.client.fetcher import NOT_FOUND, Fetcher
from molthub.client.index_files import MAX_DOCUMENT, MAX_ROOT
from molthub.client.verify import check_archive_size, check_hex
from molthub.documents import bot_from_json, hex_of, index_root_from_json, shard_key
from molthub.errors import DeniedError, FormatError, NotFoundError
from molthub.model import Artifact, IndexRoot
from molthub_reconciler.remote.store import AgentStore

AT_ONCE = 8
"""Files that are fetched and passed on at a time, which bounds the memory that they take."""
FRESH = 2.0
"""Seconds for which a file that changes is not asked for again, however many agents want it."""
_KEPT_FILES = 256
_HEX = r"([0-9a-f]{64})"
_ROOTS = re.compile(rf"registry\.json\Z|{_HEX}\.registry\.json\Z")
_METADATA = re.compile(r"metadata/(?:[0-9]{1,9}\.)?(?:root|timestamp|snapshot|targets)\.json\Z")
_NAMED = re.compile(rf"(shards|signatures|publishers)/{_HEX}\.json\.gz\Z")
_DOCUMENT = re.compile(rf"(fleets|bots)/{_HEX}\.json\Z")
_ARCHIVE = re.compile(rf"archives/{_HEX}\.tar\.gz\Z")


class Passed(NamedTuple):
    """A file that is passed on. ``lasting``: its name says what it is, so it never changes."""

    content: bytes
    lasting: bool = False


class Relay:
    """Passes files of one index on. Safe for threads."""

    def __init__(
        self, fetcher: Fetcher, store: Store, agents: AgentStore, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetcher = fetcher
        self._store = store
        self._agents = agents
        self._clock = clock
        self._fresh: dict[str, tuple[float, bytes | None]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._at_once = threading.BoundedSemaphore(AT_ONCE)
        self._roots: tuple[bytes, IndexRoot] | None = None

    def forget(self) -> None:
        """Ask again for what may have changed: somebody was just given something new."""
        self._fresh.clear()

    def file(self, bot: str, path: str) -> Passed | None:
        """Return a file that ``bot``'s agent may read; None for any other. Raises :class:`MolthubError`."""
        with self._at_once:
            if _ROOTS.match(path):
                return self._passed(path, MAX_ROOT)
            if _METADATA.match(path):
                return self._passed(path, MAX_ROOT)
            named = _NAMED.match(path) or _DOCUMENT.match(path)
            if named is not None:
                return self._document(bot, path, named[1], named[2])
            archive = _ARCHIVE.match(path)
            return self._archive(bot, archive[1]) if archive is not None else None

    def _document(self, bot: str, path: str, folder: str, name: str) -> Passed | None:
        if folder == "bots":
            content = self._agents.document(bot, name)
            return Passed(content, lasting=True) if content is not None else None
        if not self._may_read(bot, folder, name):
            return None
        content = self._recent(path, MAX_DOCUMENT)
        if content is None:
            return None
        check_hex(content, name, self._place(path))
        return Passed(content, lasting=True)

    def _may_read(self, bot: str, folder: str, name: str) -> bool:
        if folder == "publishers":
            return True
        if folder == "fleets":
            own = self._root().fleets.get(bot.partition("/")[0])
            return name == own and self._recent("metadata/timestamp.json", MAX_ROOT) is not None
        skills = self._skills(bot)
        if folder == "signatures":
            return name in {skill.signature.file for skill in skills.values() if skill.signature is not None}
        shards = self._root().shards
        length = max(map(len, shards), default=1)
        return name in {shards.get(shard_key("skill", skill.name, length)) for skill in skills.values()}

    def _archive(self, bot: str, name: str) -> Passed | None:
        artifact = self._skills(bot).get(name)
        if artifact is None:
            return None
        with self._one_by_one(name):
            kept = self._kept(artifact)
            if kept is not None:
                return Passed(kept, lasting=True)
            path = f"archives/{name}.tar.gz"
            check_archive_size(artifact, self._place(path))
            answer = self._fetcher.get(path, limit=artifact.size)
            if answer.status == NOT_FOUND:
                raise NotFoundError(f"the index has no archive of {artifact.name}@{artifact.version}",
                                    place=self._place(path), remedy="tell whoever runs the index")  # fmt: skip
            check_hex(answer.content, name, self._place(path))
            self._store.add(artifact, answer.content)
            return Passed(answer.content, lasting=True)

    def _kept(self, artifact: Artifact) -> bytes | None:
        """Return an archive from the store, if it is the very one that is named."""
        with contextlib.suppress(OSError):
            content = self._store.path(artifact.digest).read_bytes()
            if hex_of(content) == artifact.archive:
                return content
        return None

    def _skills(self, bot: str) -> dict[str, Artifact]:
        """Return the skills of a bot's document, by the names of their archives."""
        given = self._agents.assignment(bot)
        content = self._agents.document(bot, given.document) if given is not None and given.document else None
        if content is None:
            return {}
        with contextlib.suppress(FormatError):
            return {skill.archive: skill for skill in bot_from_json(content, bot).skills.values()}
        return {}

    # --- the index ---------------------------------------------------------------------------------------------------

    def _root(self) -> IndexRoot:
        content = self._recent("registry.json", MAX_ROOT)
        if content is None:
            raise NotFoundError("there is no registry.json", place=self._fetcher.where, remedy="look at the index")
        if self._roots is None or self._roots[0] != content:
            self._roots = (content, index_root_from_json(content, self._place("registry.json")))
        return self._roots[1]

    def _passed(self, path: str, limit: int) -> Passed | None:
        content = self._recent(path, limit)
        return Passed(content) if content is not None else None

    def _recent(self, path: str, limit: int) -> bytes | None:
        """Return a file as it was a moment ago at most; None: there is none."""
        with self._one_by_one(path):
            at, content = self._fresh.get(path, (0.0, None))
            if path in self._fresh and self._clock() - at < FRESH:
                return content
            try:
                answer = self._fetcher.get(path, limit=limit)
                found = None if answer.status == NOT_FOUND else answer.content
            except DeniedError:
                found = None  # what object stores that may not be listed say of a file that is not there
            if len(self._fresh) >= _KEPT_FILES:
                self._fresh.clear()
            self._fresh[path] = (self._clock(), found)
            return found

    @contextmanager
    def _one_by_one(self, name: str) -> Iterator[None]:
        """Let one at a time fetch a file; the others then find it there."""
        if len(self._locks) > _KEPT_FILES:
            self._locks.clear()
        with self._locks.setdefault(name, threading.Lock()):
            yield

    def _place(self, path: str) -> str:
        return f"{self._fetcher.where.rstrip('/')}/{path}"
