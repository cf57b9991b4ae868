"""One update of an index that is under way: what it wants, what it knows, and what it has touched so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from molthub.index.folder import BLOB
from molthub.index.incremental.outcome import stamp
from molthub.index.incremental.wanted import Wanted
from molthub.index.publishers import Publishers
from molthub.index.shards import Kind
from molthub.index.skill_rows import SkillRows
from molthub.index.state.state import Said, State
from molthub.index.views import Files
from molthub.index.write_files import Writer
from molthub.model import Registry
from molthub.registry.trees.git_source import GitSource

_TOGETHER = 500
"""How many new skills are remembered at once."""


@dataclass
class Underway:
    """One update under way.

    ``whole``: everything is made, for no state can be believed; ``fresh``: and nothing stands in the folder yet.
    ``changed`` are the skills that were made again or are gone; ``names_changed``: there are others than before.
    ``entries`` are the skills and packs of which something is said that was not said before, each with what was said.
    ``paths`` are the files that belong to the index, as far as they were looked at, ``stale`` those that may belong to
    it no longer, ``digests`` what blobs among these are. ``publishers`` are the commit's.
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
    entries: dict[tuple[Kind, str], Said] = field(default_factory=dict)
    paths: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)
    publishers: Publishers = field(default_factory=lambda: Publishers("", {}))
    _new: list[SkillRows] = field(default_factory=list)

    @property
    def registry(self) -> Registry:
        """What ``registry.yaml`` says."""
        said = self.state.fact("registry")
        return Registry(**{**said, "hosts": tuple(said["hosts"])})

    def note(self, kind: Kind, name: str) -> None:
        """Note what is said of an entry that is about to change, its archives and signatures: they may be old then."""
        said = self.state.said(kind, name)
        self.entries.setdefault((kind, name), said)
        for version in json.loads(said.shard)["versions"].values() if said.shard else ():
            if "archive" in version:
                path = f"archives/{version['archive']}.tar.gz"
                self.stale.add(path)
                self.digests[path] = version["digest"]
            if "signature" in version:
                self.stale.add(f"signatures/{version['signature']['file']}.json.gz")

    def put_new(self, rows: SkillRows) -> None:
        """Remember a skill of which nothing is known, soon: together with others, until :meth:`keep_new`."""
        self._new.append(rows)
        if len(self._new) >= _TOGETHER:
            self.keep_new()

    def keep_new(self) -> None:
        """Remember the skills that wait for it."""
        self.state.put_new_skills(self._new)
        self._new.clear()

    def differences(self) -> Iterator[tuple[Said, Said]]:
        """Yield what was said and what is said now of every entry of which it is not the same."""
        for (kind, name), before in self.entries.items():
            now = self.state.said(kind, name)
            if before != now:
                yield before, now

    def write(self, files: Files, *, document: bool = False) -> None:
        """Write some files. A ``document`` is remembered by its size and time, so that a change to it is noticed."""
        writer = Writer(self.out, fresh=self.fresh)
        for path in sorted(files, key=lambda path: (BLOB.match(path) is None, path)):
            writer.put(path, files[path])
            if document:
                self.state.files.put_document(path, *stamp(self.out / path))
        self.paths.update(files)
        self.written += len(writer.written)
        self.unchanged += writer.unchanged
