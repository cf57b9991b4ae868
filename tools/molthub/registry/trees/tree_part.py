"""Some of a registry's files as a source of their own: what one folder holds, or everything but some folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from molthub.errors import Problem
from molthub.registry.trees.tree_walk import Tree, TreeFile


class TreePart:
    """The files that one walk found. ``content`` reads a blob by its id. A source like any other."""

    uncommitted = 0

    def __init__(self, where: str, revision: str, tree: Tree, content: Callable[[str], bytes]) -> None:
        self.where = where
        self.revision = revision
        self.files: Mapping[str, TreeFile] = tree.files
        self.problems: tuple[Problem, ...] = tree.problems
        self.refused = tree.refused
        self.strays = tree.strays
        self._content = content

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises KeyError where ``files`` has no such path."""
        return self._content(self.files[path].id)
