"""Where a registry's files come from: a git tree at any revision, or a plain folder. Nothing is ever checked out.

Both sources list the same tree under the same rules (:mod:`molthub.registry.trees.tree_rules`): links, submodules,
names that some systems cannot hold and attributes that change bytes are refused with their path, and everything else
goes on. What is git's own stays out. A folder's executable bits are the disk's; a disk that keeps none (Windows)
lists no file as executable.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from molthub.errors import Problem, RegistryError
from molthub.registry.trees.folder_source import FolderSource
from molthub.registry.trees.git_source import ROOT_FILE, USUAL_FOLDER, GitSource, no_registry, repository_path
from molthub.registry.trees.tree_walk import TreeFile

__all__ = ["FolderSource", "GitSource", "Source", "TreeFile", "open_source"]


class Source(Protocol):
    """One state of a registry's files, listed once and read on demand."""

    @property
    def where(self) -> str:
        """How people find it: the folder, and the revision when it is not the folder's own."""

    @property
    def revision(self) -> str:
        """The commit in full, or ``folder-`` and a digest of the folder's files."""

    @property
    def files(self) -> Mapping[str, TreeFile]:
        """Every file that may be read, by path, sorted."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What the tree holds that it may not."""

    @property
    def refused(self) -> frozenset[str]:
        """The paths that were refused: what lies at or below one cannot be used whole."""

    @property
    def strays(self) -> tuple[str, ...]:
        """Folders beside ``registry.yaml`` that are no part of a registry; they were not looked into."""

    @property
    def uncommitted(self) -> int:
        """How many files of the registry differ from ``HEAD`` on disk, and are not read here."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises KeyError where ``files`` has no such path."""


def open_source(directory: Path, *, rev: str | None = None, worktree: bool = False) -> Source:
    """Open the registry in ``directory``: the one that holds ``registry.yaml``, or its folder ``registry-index``.

    In git it is read at ``rev`` (default: ``HEAD``), bare repositories included; with ``worktree``, or outside git, as
    it lies on disk. Raises :class:`RegistryError` where there is no registry, or no such revision.
    """
    if not directory.is_dir():
        raise RegistryError("there is no such folder", place=str(directory), remedy="give the folder of a registry")
    if worktree:
        return FolderSource(_on_disk(directory))
    if repository_path(directory) is not None:
        return GitSource(directory, rev or "HEAD")
    if rev is not None:
        message = f"no revision {rev!r}: this folder is not in git"
        raise RegistryError(message, place=str(directory), remedy="leave --rev out")
    return FolderSource(_on_disk(directory))


def _on_disk(directory: Path) -> Path:
    for candidate in (directory, directory / USUAL_FOLDER):
        if (candidate / ROOT_FILE).is_file():
            return candidate
    raise no_registry(directory)
