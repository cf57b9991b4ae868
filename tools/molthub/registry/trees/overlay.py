"""A registry with some files written anew, in memory: what it would be after an edit, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping

from molthub.registry.source import Source
from molthub.registry.trees.tree_walk import TreeFile


class Overlay:
    """A source with ``files`` (path -> bytes) in place of, or beside, its own; None takes a file away."""

    strays: tuple[str, ...] = ()
    uncommitted = 0

    def __init__(self, source: Source, files: Mapping[str, bytes | None]) -> None:
        self._source = source
        self._files = {path: content for path, content in files.items() if content is not None}
        kept = {path: file for path, file in source.files.items() if path in self._files or path not in files}
        added = {path: _tree_file(source, path, content) for path, content in self._files.items()}
        self.files: Mapping[str, TreeFile] = dict(sorted({**kept, **added}.items()))
        self.where = source.where
        self.revision = source.revision
        self.problems = source.problems
        self.refused = source.refused

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return self._files[path] if path in self._files else self._source.read(path)


def _tree_file(source: Source, path: str, content: bytes) -> TreeFile:
    executable = path in source.files and source.files[path].executable
    return TreeFile(path, len(content), executable, "")
