"""One update of an index that is under way: what it wants, what it knows, and what it has touched so far."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from molthub.index.folder import BLOB
from molthub.index.publishers import Publishers
from molthub.index.shards import Kind
from molthub.index.state import State
from molthub.index.views import Files
from molthub.index.write_files import Writer
from molthub.model import Registry
from molthub.registry.trees.git_source import GitSource
from molthub.registry.upstreams.content import NO_UPSTREAMS, Upstreams

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar for some work of so many steps, and is told of each step that is done."""


@dataclass(frozen=True)
class Wanted:
    """How to build. ``max_delete`` is the share of skills, or of bots, that one build may take away (1: all).

    ``upstreams`` bring the files of imported versions.
    """

    fleets: bool = False
    jobs: int = 1
    max_delete: float = 1.0
    progress: Progress = lambda _what, _steps: nullcontext(lambda _done: None)
    upstreams: Upstreams = NO_UPSTREAMS


@dataclass
class Underway:
    """One update under way.

    ``whole``: everything is made, for no state can be believed; ``fresh``: and nothing stands in the folder yet.
    ``changed`` are the skills that were made again or are gone; ``names_changed``: there are others than before.
    ``lists`` and ``shards`` are those whose rows changed. ``paths`` are the files that belong to the index, as far as
    they were looked at, ``stale`` those that may belong to it no longer, ``digests`` what blobs among these are.
    ``publishers`` are the commit's.
    """

    source: GitSource
    out: Path
    wanted: Wanted
    state: State
    whole: bool = False
    fresh: bool = False
    names_changed: bool = False
    old_root: str = ""
    written: int = 0
    unchanged: int = 0
    changed: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    shards: set[tuple[str, str]] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)
    publishers: Publishers = field(default_factory=lambda: Publishers("", {}))

    @property
    def registry(self) -> Registry:
        """What ``registry.yaml`` says."""
        said = self.state.fact("registry")
        return Registry(**{**said, "hosts": tuple(said["hosts"])})

    def note_archives(self, kind: Kind, name: str) -> None:
        """Note archives and signatures of an entry that is about to change: they may be named no longer."""
        row = self.state.shard_row(kind, name)
        for version in json.loads(row.entry)["versions"].values() if row else ():
            if "archive" in version:
                path = f"archives/{version['archive']}.tar.gz"
                self.stale.add(path)
                self.digests[path] = version["digest"]
            if "signature" in version:
                self.stale.add(f"signatures/{version['signature']['file']}.json.gz")

    def write(self, files: Files, *, document: bool = False) -> None:
        """Write some files. A ``document`` is remembered by its size and time, so that a change to it is noticed."""
        writer = Writer(self.out, fresh=self.fresh)
        for path in sorted(files, key=lambda path: (BLOB.match(path) is None, path)):
            writer.put(path, files[path])
            if document:
                self.state.put_document(path, *stamp(self.out / path))
        self.paths.update(files)
        self.written += len(writer.written)
        self.unchanged += writer.unchanged


def stamp(file: Path) -> tuple[int, int]:
    """Return a file's size and time in nanoseconds; -1 and 0 where there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return -1, 0
    return found.st_size, found.st_mtime_ns
