"""One folder of a commit, read from git's objects under the rules that a registry's own files follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from molthub.documents import file_entry
from molthub.errors import Problem, UpstreamError
from molthub.model import FileEntry
from molthub.registry.reading.content import MAX_BYTES, MAX_FILES, junk_in
from molthub.registry.trees.git_source import tree_entries
from molthub.registry.trees.tree_walk import Entry, Tree, walk_below

if TYPE_CHECKING:
    import pygit2

_MOST_ENTRIES = 20 * MAX_FILES
_LFS = b"version https://git-lfs.github.com/spec/"
_MAX_POINTER = 1024
_OWN_FOLDER = "give the skill's own folder; what is large does not belong into a skill"


class GitFolder(NamedTuple):
    """A folder's files, by the UTF-8 bytes of their paths, and those that no version holds."""

    files: tuple[tuple[FileEntry, bytes], ...]
    left_out: tuple[str, ...]


def read_folder(repository: Path, commit: str, path: str) -> GitFolder:
    """Read the folder at ``path`` (empty: all) of a commit. Raises :class:`UpstreamError` with all that is wrong."""
    import pygit2

    try:
        opened = pygit2.Repository(str(repository), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
        tree = str(opened[commit].peel(pygit2.Tree).id)
        for step in path.split("/") if path else ():
            tree = _step(opened, tree, step, path)
        return _read(opened, tree, path)
    except (KeyError, ValueError, pygit2.GitError) as error:
        message = f"an object of the commit is missing or damaged ({error})"
        raise UpstreamError(message, remedy="tell whoever owns the repository") from None


def _step(repository: pygit2.Repository, tree: str, step: str, path: str) -> str:
    found = next((entry for entry in tree_entries(repository, tree, sized=False) if entry.name == step), None)
    if found is None:
        raise UpstreamError(f"there is no folder {path} in that commit", remedy="check the path and the commit")
    if found.kind != "folder":
        what = {"file": "a file", "link": "a link", "submodule": "a submodule"}.get(found.kind, "no folder")
        raise UpstreamError(f"{step} in {path} is {what}, and not a folder", remedy="give the skill's own folder")
    return found.handle


def _read(repository: pygit2.Repository, tree: str, path: str) -> GitFolder:
    count = 0

    def listed(handle: str) -> Iterator[Entry]:
        nonlocal count
        for entry in tree_entries(repository, handle):
            count += 1
            if count > _MOST_ENTRIES:
                raise UpstreamError(
                    f"the folder holds more than {MAX_FILES} files", remedy="give the skill's own folder"
                )
            yield entry

    def content(blob: str) -> bytes:
        read: bytes = repository.read(blob)[1]
        return read

    found = walk_below(listed, tree, path, content)
    kept = [file for file in found.files.values() if junk_in(_below(file.path, path)) is None]
    if len(kept) > MAX_FILES or sum(file.size for file in kept) > MAX_BYTES:
        message = f"the folder holds more than {MAX_FILES} files or {MAX_BYTES} bytes"
        raise UpstreamError(message, remedy=_OWN_FOLDER)
    files = tuple(
        (file_entry(_below(file.path, path), read, executable=file.executable), read)
        for file in sorted(kept, key=lambda file: file.path.encode())
        for read in [content(file.id)]
    )
    _refuse(found, path, files)
    dropped = {junk for file in found.files for junk in [junk_in(_below(file, path))] if junk is not None}
    return GitFolder(files, tuple(sorted(dropped)))


def _refuse(found: Tree, path: str, files: tuple[tuple[FileEntry, bytes], ...]) -> None:
    """Raise where the folder holds what no version may; what is left out anyway does not count."""
    problems = [
        problem
        for problem in found.problems
        if problem.severity == "error" and junk_in(_below(problem.file or "", path)) is None
    ]
    for entry, content in files:
        if entry.size < _MAX_POINTER and content.startswith(_LFS):
            message = "the file is kept in Git LFS, and git holds only a pointer to it"
            problems.append(Problem("MH904", message, "ask its owner to keep it in git itself", file=entry.path))
    if problems:
        first = problems[0]
        raise UpstreamError(f"{first.file}: {first.message}", remedy=_OWN_COPY, problems=problems)


_OWN_COPY = "ask its owner to mend it, or publish a copy of your own: skills publish"


def _below(path: str, folder: str) -> str:
    return path[len(folder) + 1 :] if folder else path
