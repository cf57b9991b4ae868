"""Bringing a mirror up to what its origin publishes now: read, verify, fetch what is missing, publish, clean up.

    state of the origin -> walk -> (part) -> archives -> publish -> remove what is old

Everything that is fetched is verified before it is kept: documents and archives by their hash, an archive by size, safe
unpacking and digest as well. Everything that is there already is hashed too, so that a run also finds damage on the
mirror's own disk, and mends it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from molthub.client.fetcher import Fetcher, MissingFileError, named_file
from molthub.client.index_cache import IndexCache
from molthub.client.index_files import MAX_DOCUMENT
from molthub.client.parallel import in_threads
from molthub.client.paths import index_cache
from molthub.client.trust import RootPin
from molthub.client.verify import check_archive_size, check_hex, unpack
from molthub.errors import IntegrityError, MolthubError, NotFoundError, Problem, UnreachableError
from molthub.mirror.folder import MirrorFolder, Note, check_same
from molthub.mirror.origin import Published, read_log, read_published
from molthub.mirror.part import cut, root_document
from molthub.mirror.selection import Selection, check_selection, choose
from molthub.mirror.walk import Blob, Walk, Walked, walk_fleets, walk_search, walk_shards
from molthub.model import Artifact, IndexRoot

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar for some work of so many steps, and is told of each step that is done."""


@dataclass(frozen=True)
class Wish:
    """How to mirror. ``metadata``: carry the origin's signed metadata; ``keep_going``: publish without what is bad.

    ``root`` is the origin's root of trust, or ``pin`` names it.
    """

    selection: Selection = field(default_factory=Selection)
    metadata: bool = True
    keep_going: bool = False
    jobs: int = 8
    root: bytes | None = None
    pin: RootPin | None = None
    progress: Progress = lambda _what, _steps: nullcontext(lambda _done: None)


@dataclass
class Mirrored:
    """What a run did, or would do. ``size`` counts the bytes that were fetched."""

    published: Published
    part: bool
    signed: str
    counts: dict[str, int] = field(default_factory=dict)
    fetched: int = 0
    size: int = 0
    present: int = 0
    mended: int = 0
    changed: bool = False
    removed: tuple[str, ...] = ()
    refused: list[Problem] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        return {
            "revision": self.published.root.revision,
            "part": self.part,
            "signed": self.signed,
            "expires": self.published.expires if self.signed == "by the origin" else None,
            "counts": self.counts,
            "fetched": self.fetched,
            "bytes": self.size,
            "present": self.present,
            "mended": self.mended,
            "changed": self.changed,
            "removed": list(self.removed),
            "problems": [problem.to_json() for problem in self.refused],
        }


def mirror(fetcher: Fetcher, folder: MirrorFolder, wish: Wish) -> Mirrored:
    """Bring ``folder`` up to what is published where ``fetcher`` reads.

    Raises :class:`MolthubError` and its kinds; readers of the mirror then see what they saw before.
    """
    check_selection(wish.selection)
    with folder.opened():
        published = read_published(fetcher, folder.path, wish.root, wish.pin)
        check_same(folder, folder.note(), published.root.name, wish.selection)
        return _Run(fetcher, folder, wish, published).run()


class _Run:
    def __init__(self, fetcher: Fetcher, folder: MirrorFolder, wish: Wish, published: Published) -> None:
        self.fetcher = fetcher
        self.folder = folder
        self.wish = wish
        self.published = published
        part = not wish.selection.is_whole
        self.metadata = wish.metadata and not part
        signed = "no" if not published.metadata else "by the origin" if self.metadata else "not carried"
        self.done = Mirrored(published, part, signed)
        self._lock = threading.Lock()
        self._made: dict[str, bytes] = {}
        self._cache = IndexCache(index_cache(fetcher.where)) if "://" in fetcher.where else None

    def run(self) -> Mirrored:
        root, walked = self._part() if self.done.part else self._walk(self.published.root)
        self._fetch_archives(list(walked.artifacts.values()))
        log = read_log(self.published, self.fetcher, self.folder.path) if self.metadata else {}
        published = self.published
        if self.done.part:
            content = root_document(root)
            published = replace(published, content=content, root=root)
        self._count(walked)
        current = [published.name, *walked.documents, *(_path(found) for found in walked.artifacts.values())]
        if not self.folder.dry:
            if not self.metadata:
                self.folder.drop_metadata()
            self.done.changed = self.folder.publish(published, log, metadata=self.metadata)
            carried = self.metadata and bool(published.metadata)
            self.folder.remember(Note(self.fetcher.where, root.name, self.wish.selection, carried))
        self.done.removed = self.folder.stale(current, walked.removed, fleets=bool(root.fleets))
        if not self.folder.dry:
            self.folder.remove(self.done.removed)
        return self.done

    # --- documents --------------------------------------------------------------------------------------------------

    def _walk(self, root: IndexRoot) -> tuple[IndexRoot, Walked]:
        return root, Walk(root, self.fetcher.where, self._document, self.wish.jobs).run()

    def _part(self) -> tuple[IndexRoot, Walked]:
        """Make the documents of a part from those of the whole, and walk over them."""
        selection, root = self.wish.selection, self.published.root
        check_fleets(selection, root, self.fetcher.where)
        wanted = replace(root, fleets={name: root.fleets[name] for name in selection.fleets})
        whole = Walk(wanted, self.fetcher.where, self._passing, self.wish.jobs)
        found = whole.run((walk_shards, walk_search, walk_fleets))
        part, files = cut(whole, choose(selection, found.shards.values(), found.bots), selection.fleets)
        self._made = files
        for path, content in files.items():
            if not self.folder.holds(path, _hex_of_path(path)):
                self.folder.put(path, content)
        return self._walk(part)

    def _passing(self, blob: Blob) -> bytes:
        """Return a document of the whole that the part itself does not hold."""
        content = self.folder.read(*blob) or (self._cache.blob(blob.hex) if self._cache else None)
        if content is None:
            content = self._fetched(blob)
            if self._cache is not None:
                self._cache.keep_blob(blob.hex, content)
        return content

    def _document(self, blob: Blob) -> bytes:
        """Return a document, and see that the mirror has it."""
        made = self._made.get(blob.path)
        if made is not None:
            return made
        content = self.folder.read(*blob)
        if content is not None:
            self._add(present=1)
            return content
        content = self._fetched(blob)
        self._keep(blob.path, content)
        return content

    def _fetched(self, blob: Blob) -> bytes:
        content = self._get(blob.path, MAX_DOCUMENT)
        check_hex(content, blob.hex, self._place(blob.path))
        return content

    # --- archives ---------------------------------------------------------------------------------------------------

    def _fetch_archives(self, artifacts: list[Artifact]) -> None:
        with self.wish.progress("mirroring", len(artifacts)) as step:

            def one(artifact: Artifact) -> None:
                self._archive(artifact)
                with self._lock:
                    step(1)

            in_threads(one, artifacts, self.wish.jobs)
        if self.done.refused and not self.wish.keep_going:
            raise IntegrityError(
                f"{len(self.done.refused)} of {len(artifacts)} archives are not what the index says, so nothing new is "
                "shown to readers of the mirror",
                place=self.fetcher.where,
                remedy="tell whoever runs that index; --keep-going mirrors the rest without them",
                problems=sorted(self.done.refused, key=lambda problem: problem.message),
            )

    def _archive(self, artifact: Artifact) -> None:
        path = _path(artifact)
        if self.folder.holds(path, artifact.archive):
            self._add(present=1)
        elif self.folder.dry:
            self._add(fetched=1, size=artifact.size)
        else:
            try:
                check_archive_size(artifact, self._place(path))
                content = self._get(path, artifact.size)
                unpack(content, artifact)
            except MissingFileError as error:
                self._refuse(artifact, error)
            except UnreachableError:
                raise
            except MolthubError as error:
                self._refuse(artifact, error)
            else:
                self._keep(path, content)

    def _refuse(self, artifact: Artifact, error: MolthubError) -> None:
        name = f"{artifact.name}@{artifact.version}"
        message = error.message if error.message.startswith(name) else f"{name}: {error.message}"
        with self._lock:
            self.done.refused.append(Problem(error.problem_id or "MH603", message, error.remedy))

    # --- both -------------------------------------------------------------------------------------------------------

    def _get(self, path: str, limit: int) -> bytes:
        return named_file(self.fetcher, path, self._place(path), limit=limit)

    def _keep(self, path: str, content: bytes) -> None:
        damaged = (self.folder.path / path).exists()
        self.folder.put(path, content)
        self._add(fetched=1, size=len(content), mended=int(damaged))

    def _add(self, *, fetched: int = 0, size: int = 0, present: int = 0, mended: int = 0) -> None:
        with self._lock:
            self.done.fetched += fetched
            self.done.size += size
            self.done.present += present
            self.done.mended += mended

    def _place(self, path: str) -> str:
        return f"{self.fetcher.where.rstrip('/')}/{path}"

    def _count(self, walked: Walked) -> None:
        self.done.counts = dict(_counts(walked))


def check_fleets(selection: Selection, root: IndexRoot, where: str) -> None:
    """Raise :class:`NotFoundError` for fleets that the index does not hold."""
    missing = [name for name in selection.fleets if name not in root.fleets]
    if missing:
        known = ", ".join(sorted(root.fleets)) or "it has none: molthub build --fleets writes them"
        raise NotFoundError(f"there is no fleet {', '.join(missing)}", place=where, remedy=f"there is: {known}")


def _counts(walked: Walked) -> Iterator[tuple[str, int]]:
    skills = [entry for shard in walked.shards.values() for entry in shard.skills.values()]
    yield "skills", len(skills)
    yield "versions", sum(len(entry.releases) for entry in skills)
    yield "packs", sum(len(shard.packs) for shard in walked.shards.values())
    yield "fleets", len(walked.fleets)
    yield "bots", len(walked.bots)
    yield "archives", len(walked.artifacts)


def _path(artifact: Artifact) -> str:
    return f"archives/{artifact.archive}.tar.gz"


def _hex_of_path(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]
