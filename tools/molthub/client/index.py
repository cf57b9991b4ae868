"""An index as its readers see it: names in, verified documents out.

The way is ``registry.json`` -> shard -> archive, ``registry.json`` -> fleet -> bot, ``registry.json`` -> search list.
Every step but the first is named by the SHA-256 of what is fetched, so whatever does not match is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from molthub.client.cache import Store
from molthub.client.download import Download
from molthub.client.fetch import Fetcher, open_fetcher
from molthub.client.index_files import IndexFiles
from molthub.client.parallel import beside, in_threads
from molthub.client.shards import Shards
from molthub.client.trust import RootPin, Trust
from molthub.client.verify import check_archive_size
from molthub.documents import index_root_from_json
from molthub.errors import MolthubError, NotFoundError
from molthub.model import Artifact, IndexRoot, PackEntry, SkillEntry, bare_name

if TYPE_CHECKING:
    # What only searching or a bot needs is imported there, so that installing starts fast.
    from molthub.model import DesiredState, FleetState, PublisherKeys, PublisherRef, SearchRow, SignedVersion
    from molthub.search_text import Filters, Found

THREADS = 8


class Index:
    """One index, read through a fetcher; what it holds is fetched when it is asked for.

    Safe to use from several threads. ``offline`` reads nothing but the cache. Where this user trusts a root of the
    registry, or ``pin`` names one, ``registry.json`` must be signed (:mod:`molthub.client.trust`).
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        cache: Path | None = None,
        offline: bool = False,
        pin: RootPin | None = None,
        state: Path | None = None,
    ) -> None:
        self.where = fetcher.where
        self.offline = offline
        self.trust = Trust.of(fetcher.where, state)
        self._files = IndexFiles(fetcher, self.trust, cache=cache, offline=offline, pin=pin)
        self._lock = threading.RLock()
        self._root: IndexRoot | None = None
        self._shards = Shards(self._files, self.root)
        self._rows: tuple[SearchRow, ...] | None = None
        self._fleets: dict[str, FleetState] = {}

    @classmethod
    def open(
        cls, location: str, *, cache: Path | None = None, offline: bool = False, state: Path | None = None
    ) -> Self:
        """Open the index at a URL, or in a folder that ``molthub build`` wrote. Nothing is fetched yet.

        ``cache`` is the folder that keeps what was fetched (:func:`molthub.client.paths.index_cache`); without one
        nothing is kept. ``state`` is where is remembered what was seen of a signed registry (default: the user's).
        Raises :class:`UsageError`, :class:`UnreachableError`.
        """
        return cls(open_fetcher(location), cache=cache, offline=offline, state=state)

    def close(self) -> None:
        """Close connections."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def root(self) -> IndexRoot:
        """Return ``registry.json``, fetched once (see :meth:`refresh`).

        Raises :class:`UnreachableError`, :class:`FormatError` when what answers is no index, :class:`TrustError` when
        it is signed and does not verify.
        """
        with self._lock:
            if self._root is None:
                self.refresh()
            assert self._root is not None  # noqa: S101 (refresh sets it or raises)
            return self._root

    def refresh(self) -> bool:
        """Ask whether the index changed (by ETag); return True when it did. The first call always returns True.

        After an error the index is as it was before.
        """
        with self._lock:
            content, etag = self._files.current()
            if self._root is not None and content == self._files.registry:
                return False
            self._root = index_root_from_json(content, self._files.place("registry.json"))
            self._files.accept(content, etag)
            self._shards.forget()
            self._rows = None
            named = set(self._root.fleets.values())
            self._fleets = {name: fleet for name, fleet in self._fleets.items() if name in named}
            return True

    def skill(self, name: str) -> SkillEntry:
        """Return a skill with all its versions. Raises :class:`NotFoundError` with the nearest names."""
        return self._shards.skill(name) or self._none("skill", name)

    def pack(self, name: str) -> PackEntry:
        """Return a pack with all its versions. Raises :class:`NotFoundError` with the nearest names."""
        return self._shards.pack(name) or self._none("pack", name)

    def prefetch(self, names: Iterable[tuple[str, str]]) -> None:
        """Fetch at once the shards that hold these (kind, name) pairs, so that asking for each costs no round trip."""
        self._shards.prefetch(names)

    def search_rows(self) -> tuple[SearchRow, ...]:
        """Return the lines of the search list; none where an index is too large for one (see :meth:`search`)."""
        from molthub.search_lists import all_rows

        with self._lock:
            if self._rows is None:
                self._rows = all_rows(self.root(), partial(self._files.gzipped, "search"))
            return self._rows

    def search(self, query: str = "", filters: Filters | None = None) -> Found:
        """Return the skills and packs that hold all words of ``query``, best first.

        A large index is asked for three files at most, whatever the query.
        """
        from molthub.search_lists import DIRECTORY, search
        from molthub.search_text import find_in

        with self._lock:
            if DIRECTORY not in self.root().search:
                return find_in(self.search_rows(), query, filters)
            return search(self.root(), partial(self._files.gzipped, "search"), query, filters)

    def fleets(self) -> tuple[str, ...]:
        """Return the names of the fleets; a public index has none."""
        return tuple(sorted(self.root().fleets))

    def fleet(self, name: str) -> FleetState:
        """Return a fleet with its bots. Raises :class:`NotFoundError`."""
        from molthub.documents import fleet_from_json

        fleets = self.root().fleets
        if name not in fleets:
            raise NotFoundError(
                f"there is no fleet {name}",
                place=self.where,
                remedy=_nearest(name, fleets) or "build the index with `molthub build --fleets`",
            )
        hex_name = fleets[name]
        if hex_name not in self._fleets:
            path = f"fleets/{hex_name}.json"
            self._fleets[hex_name] = fleet_from_json(self._files.blob(path, hex_name), self._files.place(path))
        return self._fleets[hex_name]

    def bot(self, fleet: str, bot: str) -> DesiredState:
        """Return a bot's desired state. Raises :class:`NotFoundError`."""
        bots = self.fleet(fleet).bots
        if bot not in bots:
            raise NotFoundError(
                f"there is no bot {fleet}/{bot}", place=self.where, remedy=_nearest(bot, bots) or "declare it in git"
            )
        return self.bot_document(bots[bot].file)

    def bot_document(self, hex_name: str) -> DesiredState:
        """Return the desired state that a fleet's document names by its file's hex."""
        from molthub.documents import bot_from_json

        return bot_from_json(self.bot_content(hex_name), self._files.place(_bot_path(hex_name)))

    def bot_content(self, hex_name: str) -> bytes:
        """Return the bytes of that document, for those who keep it."""
        return self._files.blob(_bot_path(hex_name), hex_name)

    def fetch(
        self, artifacts: Iterable[Artifact], store: Store, progress: Callable[[int], None] = lambda _done: None
    ) -> None:
        """Bring versions into the store, several at a time, each verified; those it has are not fetched.

        ``progress`` is called with 1 after each. Raises one error that names every version that failed; those that
        did not fail are in the store.
        """
        with self.fetching(artifacts, store, progress):
            pass

    @contextmanager
    def fetching(
        self, artifacts: Iterable[Artifact], store: Store, progress: Callable[[int], None] = lambda _done: None
    ) -> Iterator[None]:
        """Bring versions into the store, as :meth:`fetch` does, while the block does something else.

        Where the block raises, what was not begun is not fetched.
        """
        wanted = {artifact.digest: artifact for artifact in artifacts}
        download = Download(self._archive, store, progress)
        with beside(lambda: in_threads(download.one, list(wanted.values()), THREADS), download.stop):
            yield
        download.raise_failures(self.where)

    def signatures(self, files: Iterable[str]) -> Mapping[str, Mapping[str, SignedVersion]]:
        """Return lists of signatures, which artifacts name, by their names; several are fetched at a time.

        Each is by what the signatures speak of: ``skill/git@1.2.0``.
        """
        from molthub.documents.signatures import signatures_from_json

        found: dict[str, Mapping[str, SignedVersion]] = {}

        def read(name: str) -> None:
            place, content = self._files.gzipped("signatures", name)
            found[name] = signatures_from_json(content, place)

        in_threads(read, sorted(set(files)), THREADS)
        return found

    def publisher_keys(self, name: str) -> PublisherKeys | None:
        """Return the keys that a publisher's signatures are judged by; None: the index has none of him."""
        from molthub.documents.signatures import publisher_keys_from_json

        found = self._directory().get(name)
        if found is None:
            return None
        place, content = self._files.gzipped("publishers", found.keys)
        keys = publisher_keys_from_json(content, place)
        return keys if keys.name == name else None

    def publishers_of(self, name: str) -> tuple[str, ...]:
        """Return who publishes a skill: its owners, or those with keys who have its scope."""
        if not name.startswith("@"):
            return self.skill(name).owners
        scope = name[1:].partition("/")[0]
        return tuple(publisher for publisher, found in self._directory().items() if scope in found.scopes)

    def _directory(self) -> Mapping[str, PublisherRef]:
        from molthub.documents.signatures import publishers_from_json

        directory = self.root().publishers
        if not directory:
            return {}
        place, content = self._files.gzipped("publishers", directory)
        return publishers_from_json(content, place)

    def owners(self, name: str) -> tuple[str, ...] | None:
        """Return who owns a skill, or ``pack/NAME``, where its entry was read already; None: it was not."""
        kind = "pack" if name.startswith("pack/") else "skill"
        entry = self._shards.known(kind, name.removeprefix("pack/"))
        return entry.owners if entry is not None else None

    def published(self, kind: str, name: str, version: str) -> str:
        """Return when a version of a skill or pack was published. Raises :class:`NotFoundError`."""
        if kind == "pack":
            return self.pack(name).releases[int(version)].published
        return self.skill(name).releases[version].published

    def _archive(self, artifact: Artifact) -> bytes:
        path = f"archives/{artifact.archive}.tar.gz"
        if not artifact.archive:
            raise NotFoundError(f"{artifact.name}@{artifact.version} was removed", place=self.where)
        check_archive_size(artifact, self._files.place(path))
        return self._files.named(path, limit=artifact.size)

    def file(self, path: str, limit: int) -> bytes | None:
        """Return a file of the index as it lies there, verified by nothing; None: there is none.

        Raises :class:`UnreachableError`, :class:`FormatError` for more than ``limit`` bytes.
        """
        return self._files.unnamed(path, limit=limit)

    def _none(self, kind: str, name: str) -> NoReturn:
        """Raise :class:`NotFoundError` for a skill or pack that is not there, with the nearest names."""
        prefix = "" if kind == "skill" else "pack/"
        names = [row.name for row in self._rows_for_hint(name) if row.kind == kind]
        raise NotFoundError(
            f"{'skill' if kind == 'skill' else 'SkillPack'} {prefix}{name} is not in this index",
            place=self.where,
            remedy=_nearest(name, names, prefix) or "look for it with `skills search`",
        )

    def _rows_for_hint(self, name: str) -> Sequence[SearchRow]:
        try:
            return self.search_rows() or self.search(bare_name(name)).rows
        except MolthubError:
            return ()


def _bot_path(hex_name: str) -> str:
    return f"bots/{hex_name}.json"


def _nearest(name: str, names: Iterable[str], prefix: str = "") -> str:
    """Return "did you mean ...?" for the names most like ``name``, or nothing."""
    from difflib import get_close_matches

    bare, length = bare_name(name), len(name)
    known = list(names)
    near = [other for other in known if bare_name(other) == bare]
    if not near:
        # difflib is slow on tens of thousands of names; what differs much in length is not near.
        near = get_close_matches(name, [other for other in known if abs(len(other) - length) <= max(3, length // 3)])
    return f"did you mean {' or '.join(prefix + other for other in near)}?" if near else ""
