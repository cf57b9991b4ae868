"""A registry as it lies on disk: what an author checks before committing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from molthub.documents import digest_of
from molthub.errors import Problem, RegistryError
from molthub.registry.trees.git_source import open_repository, prefix_of, repository_path
from molthub.registry.trees.tree_walk import ATTRIBUTES, Entry, TreeFile, attribute_problems, walk

_REVISION_DIGITS = 33


class FolderSource:
    """A registry as it lies on disk: what an author checks before committing. Links are never followed.

    In a git work tree, files that git ignores are left out, so that the answer is that of the commit to come.
    """

    uncommitted = 0

    def __init__(self, path: Path) -> None:
        self._root = path
        self._ignored = _ignored_by_git(path)
        tree = walk(self._list, "", self._content)
        above = _folders_above(path)
        outer = attribute_problems(_outer_attributes(above), len(above), tree.root_attributes)
        self.where = str(path)
        self.files: Mapping[str, TreeFile] = tree.files
        self.problems: tuple[Problem, ...] = (*outer, *tree.problems)
        self.refused = tree.refused
        self.strays = tree.strays

    @cached_property
    def revision(self) -> str:
        """``folder-`` and a digest of the list of files; a file that cannot be read counts by its name alone."""
        listed = [
            {"executable": file.executable, "path": path, "sha256": self._sha256(path)}
            for path, file in self.files.items()
        ]
        return f"folder-{digest_of(listed).removeprefix('sha256:')[:_REVISION_DIGITS]}"

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises :class:`RegistryError` where the file went away or cannot be read."""
        return self._content(self.files[path].path)

    def _sha256(self, path: str) -> str:
        try:
            return sha256(self._content(path)).hexdigest()
        except RegistryError:
            return ""

    def _content(self, path: str) -> bytes:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            with os.fdopen(os.open(self._root / path, flags), "rb") as file:
                return file.read()
        except OSError as error:
            remedy = "make it readable, or take it away"
            raise RegistryError(f"cannot read it: {error.strerror}", place=path, remedy=remedy) from None

    def _list(self, folder: str) -> Iterator[Entry]:
        try:
            entries = list(os.scandir(self._root / folder))
        except OSError as error:
            message = f"cannot list the folder: {error.strerror}"
            raise RegistryError(message, place=folder or str(self._root), remedy="make it readable") from None
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name != ".git" and not self._ignored(path, entry.is_dir(follow_symlinks=False)):
                yield _disk_entry(entry, path)


def _disk_entry(entry: os.DirEntry[str], path: str) -> Entry:
    if entry.is_symlink() or (hasattr(entry, "is_junction") and entry.is_junction()):
        return Entry(entry.name, "link", "")
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        return Entry(entry.name, "folder", path)
    if not stat.S_ISREG(status.st_mode):
        return Entry(entry.name, "special", "")
    executable = os.name != "nt" and bool(status.st_mode & stat.S_IXUSR)
    return Entry(entry.name, "file", path, "", status.st_size, executable)


def _folders_above(path: Path) -> list[Path]:
    """Return the folders above the registry that lie in its repository, outermost first; none outside git."""
    found = repository_path(path) if find_spec("pygit2") else None
    repository = open_repository(path) if found else None
    if repository is None or repository.is_bare:
        return []
    depth = len(prefix_of(repository, path))
    return list(path.resolve().parents[:depth])[::-1]


def _outer_attributes(folders: Iterable[Path]) -> Iterator[tuple[int, str]]:
    for depth, folder in enumerate(folders):
        file = folder / ATTRIBUTES
        if file.is_file() and not file.is_symlink():
            yield depth, file.read_text(encoding="utf-8", errors="replace")


def _ignored_by_git(folder: Path) -> Callable[[str, bool], bool]:
    """Return a function that says whether git ignores a path below ``folder`` and does not track it either."""
    found = repository_path(folder) if find_spec("pygit2") else None
    repository = open_repository(folder) if found else None
    if repository is None or repository.is_bare:
        return lambda _path, _is_folder: False
    prefix = "".join(f"{part}/" for part in prefix_of(repository, folder))
    tracked: set[str] = set()
    for entry in repository.index:
        parts = entry.path.split("/")
        tracked.update("/".join(parts[:length]) for length in range(1, len(parts) + 1))

    def ignored(path: str, is_folder: bool) -> bool:
        full = prefix + path
        return full not in tracked and repository.path_is_ignored(f"{full}/" if is_folder else full)

    return ignored
