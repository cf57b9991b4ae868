"""A registry read from git: any revision, work tree or bare, packed or loose. Nothing is ever checked out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molthub.errors import Problem, RegistryError, missing_extra
from molthub.registry.trees.plain_tree import plain_files
from molthub.registry.trees.tree_changes import changed_between
from molthub.registry.trees.tree_part import TreePart
from molthub.registry.trees.tree_walk import (
    ATTRIBUTES,
    Entry,
    Tree,
    TreeFile,
    attribute_problems,
    walk,
    walk_below,
    walk_some,
)

if TYPE_CHECKING:
    import pygit2

ROOT_FILE = "registry.yaml"
USUAL_FOLDER = "registry-index"

# A tree object of git: mode, space, name, NUL, the 20 bytes of an id, again and again (gitformat-pack(5), "tree").
_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_WHOLE_ENTRY = re.compile(rb"[0-7]+ [^\0]+\0.{20}", re.DOTALL)
_FOLDER_MODES = (b"40000", b"040000")


_WINDOW, _WINDOWS = 8 * 1024 * 1024, 64 * 1024 * 1024
"""How much of a pack is mapped at a time, and at most."""


class GitSource:
    """A registry at one commit of a repository. Raises :class:`RegistryError` when there is none.

    ``path`` is the registry's folder or the one around ``registry-index``; in a bare repository, the repository.
    """

    def __init__(self, path: Path, rev: str = "HEAD") -> None:
        self.path = path
        self._repository = open_repository(path)
        self._objects = self._repository.odb
        commit = _commit(self._repository, rev, path)
        self.revision = str(commit.id)
        prefix = prefix_of(self._repository, path)
        self._prefix = self._find_root(commit.tree, prefix, path)
        self._commit_tree = commit.tree
        self._opened: dict[tuple[str, ...], Any] = {}
        self.root = str(_subtree(commit.tree, self._prefix).id)
        self.where = _where(path, prefix, self._prefix, rev)

    @cached_property
    def _whole(self) -> TreePart:
        return self.part()

    @property
    def files(self) -> Mapping[str, TreeFile]:
        """Every file that may be read; the tree is walked when somebody asks first."""
        return self._whole.files

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What the tree holds that it may not."""
        return self._whole.problems

    @property
    def refused(self) -> frozenset[str]:
        """The paths that were refused."""
        return self._whole.refused

    @property
    def strays(self) -> tuple[str, ...]:
        """Folders beside ``registry.yaml`` that are no part of a registry."""
        return self._whole.strays

    def read(self, path: str) -> bytes:
        """Return a file's bytes as they were committed."""
        return self._content(self.files[path].id)

    def part(self, *, without: frozenset[str] = frozenset()) -> TreePart:
        """Return the registry's files, those in the top folders ``without`` left out: they are not even listed."""
        tree = walk(self._list, self.root, self._content, without)
        outer = attribute_problems(self._outer_attributes(self._commit_tree), len(self._prefix), tree.root_attributes)
        return self._part(replace(tree, problems=(*outer, *tree.problems)))

    def below(self, tree_id: str, path: str) -> TreePart:
        """Return the files of the folder at ``path``, whose tree is known by its id. Each blob is read once."""
        files = plain_files(self._objects, tree_id, path)
        plain = Tree(files, (), frozenset(), (), "") if files is not None else None
        tree = plain or walk_below(self._list, tree_id, path, self._content)
        return TreePart(self.where, self.revision, tree, cache(self._content))

    def entries(self, tree_id: str) -> tuple[Entry, ...]:
        """Return what one tree lists, in git's order; sizes are not looked up."""
        return tuple(self._list(tree_id, sized=False))

    def differing(self, before: str, now: str) -> tuple[tuple[Entry, ...], tuple[Entry, ...]] | None:
        """Return the entries that only the first, and only the second of two trees lists; sizes are not looked up.

        None where the repository does not hold the first. No entry is looked at that both list alike.
        """
        if before == now:
            return (), ()
        if before not in self._repository:
            return None
        old, new = (set(_WHOLE_ENTRY.findall(self._repository.read(tree)[1])) for tree in (before, now))
        return tuple(_entries(old - new)), tuple(_entries(new - old))

    def some(self, entries: Iterable[tuple[str, Entry]], refused: Mapping[str, Problem]) -> TreePart:
        """Return the files of some entries, each with the path of its folder, and what was ``refused`` beside them."""
        return self._part(walk_some(self._list, entries, self._content, refused))

    def these(self, blobs: Mapping[str, str], refused: Collection[str] = ()) -> TreePart:
        """Return files of which path and blob are known, as a source whose tree found nothing wrong.

        Their sizes are not looked up. ``refused`` are paths beside them.
        """
        files = {path: TreeFile(path, 0, False, blob) for path, blob in sorted(blobs.items())}
        return self._part(Tree(files, (), frozenset(refused), (), ""))

    def content(self, blob: str) -> bytes:
        """Return the bytes of a blob."""
        return self._content(blob)

    def size(self, blob: str) -> int:
        """Return how many bytes a blob has."""
        found: int = self._objects.read_header(blob)[1]
        return found

    def changed_beside(self, base: GitSource, known: Collection[str]) -> tuple[str, ...]:
        """Return what differs from ``base`` in the whole repository, apart from the registry's own ``known`` paths."""
        prefix = "".join(f"{part}/" for part in self._prefix)
        expected = {f"{prefix}{path}" for path in known}
        return tuple(path for path in changed_between(base._commit_tree, self._commit_tree) if path not in expected)

    def top_folder(self, name: str) -> str | None:
        """Return the id of a folder beside ``registry.yaml``, or None."""
        found = (entry.handle for entry in self.entries(self.root) if entry.kind == "folder" and entry.name == name)
        return next(found, None)

    def below_top(self, folder: str, name: str) -> str | None:
        """Return the id of a folder below one beside ``registry.yaml``, by its path there; None where there is none."""
        steps = (*self._prefix, folder, *name.split("/"))
        around, last = self._folder(steps[:-1]), steps[-1]
        found = around[last] if around is not None and last in around else None
        return str(found.id) if found is not None and found.type_str == "tree" else None

    def _folder(self, parts: tuple[str, ...]) -> Any:
        # Opening a folder of 20,000 costs milliseconds, finding a name in it does not: so it is kept open.
        if parts not in self._opened:
            self._opened[parts] = _subtree(self._commit_tree, parts)
        return self._opened[parts]

    def outline(self, without: frozenset[str] = frozenset()) -> str:
        """Return a digest of all that :meth:`part` reads: equal outlines, equal parts."""
        listed = [entry for entry in self.entries(self.root) if entry.name not in without]
        outer = list(self._outer_attributes(self._commit_tree))
        return sha256(repr(([(entry.name, entry.kind, entry.handle) for entry in listed], outer)).encode()).hexdigest()

    def _part(self, tree: Tree) -> TreePart:
        return TreePart(self.where, self.revision, tree, self._content)

    @cached_property
    def uncommitted(self) -> int:
        """How many files below the registry differ from ``HEAD`` in the work tree; 0 in a bare repository."""
        if self._repository.is_bare:
            return 0
        below = "".join(f"{part}/" for part in self._prefix)
        changed = self._repository.status(untracked_files="all")
        return sum(path.startswith(below) for path in changed)

    def _content(self, blob: str) -> bytes:
        content: bytes = self._objects.read(blob)[1]
        return content

    def _find_root(self, tree: pygit2.Tree, prefix: tuple[str, ...], path: Path) -> tuple[str, ...]:
        for candidate in (prefix, (*prefix, USUAL_FOLDER)):
            folder = _subtree(tree, candidate)
            if folder is not None and ROOT_FILE in folder:
                return candidate
        on_disk = any((path / name).is_file() for name in (ROOT_FILE, f"{USUAL_FOLDER}/{ROOT_FILE}"))
        if on_disk:
            message = f"{ROOT_FILE} is not part of that commit"
            raise RegistryError(message, place=str(path), remedy="commit it, or read the folder with --worktree")
        raise no_registry(path)

    def _list(self, tree_id: str, *, sized: bool = True) -> Iterator[Entry]:
        return tree_entries(self._repository, tree_id, sized=sized)

    def _outer_attributes(self, tree: pygit2.Tree) -> Iterator[tuple[int, str]]:
        """Yield the ``.gitattributes`` above the registry, outermost first, with their depth."""
        for depth in range(len(self._prefix)):
            folder = _subtree(tree, self._prefix[:depth])
            if ATTRIBUTES in folder and folder[ATTRIBUTES].type_str == "blob":
                yield depth, folder[ATTRIBUTES].data.decode("utf-8", "replace")


def tree_entries(repository: pygit2.Repository, tree_id: str, *, sized: bool = True) -> Iterator[Entry]:
    """Yield what one tree lists, in git's order; ``sized`` looks up how large the files are."""
    # The raw object is cut up here: an object for each of 400,000 entries costs more than reading them.
    header = repository.odb.read_header
    for entry in _entries([repository.read(tree_id)[1]]):
        yield entry._replace(size=header(entry.id)[1]) if sized and entry.kind == "file" else entry


def _entries(raw: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of raw trees, or of raw entries, files without their sizes."""
    for listed in raw:
        for mode, raw_name, raw_id in _ENTRY.findall(listed):
            name, entry_id = raw_name.decode("utf-8", "surrogateescape"), raw_id.hex()
            if mode in _FOLDER_MODES:
                yield Entry(name, "folder", entry_id)
            elif mode == b"120000":
                yield Entry(name, "link", "")
            elif mode == b"160000":
                yield Entry(name, "submodule", "")
            else:
                yield Entry(name, "file", entry_id, entry_id, 0, int(mode, 8) & 0o111 != 0)


def repository_path(directory: Path) -> str | None:
    """Return where the repository around ``directory`` keeps its objects, or None outside git."""
    try:
        import pygit2
    except ImportError:
        raise missing_extra("registry", "reading a registry from git") from None
    try:
        found: str | None = pygit2.discover_repository(str(directory.resolve()))
    except (KeyError, pygit2.GitError):
        return None
    return found


def open_repository(path: Path) -> pygit2.Repository:
    """Open the repository around ``path``. Raises :class:`RegistryError`."""
    found = repository_path(path)
    if found is None:
        raise RegistryError("this folder is not in a git repository", place=str(path), remedy="run git init there")
    import pygit2

    # Packs are mapped into memory in windows. Reading a large one from end to end would leave all of it there.
    pygit2.settings.mwindow_size, pygit2.settings.mwindow_mapped_limit = _WINDOW, _WINDOWS
    try:
        return pygit2.Repository(found)
    except pygit2.GitError as error:
        remedy = "check that this user owns the repository (git config --global --add safe.directory ...)"
        raise RegistryError(f"git cannot open the repository: {error}", place=str(path), remedy=remedy) from None


def _commit(repository: pygit2.Repository, rev: str, path: Path) -> pygit2.Commit:
    import pygit2

    try:
        commit: pygit2.Commit = repository.revparse_single(rev).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        remedy = "commit first, or read the folder with --worktree" if rev == "HEAD" else "see git log --oneline"
        raise RegistryError(f"git knows no commit {rev!r}", place=str(path), remedy=remedy) from None
    return commit


def prefix_of(repository: pygit2.Repository, path: Path) -> tuple[str, ...]:
    """Return the steps from the repository's root to ``path``; a bare repository is its own root."""
    if repository.is_bare:
        return ()
    relative = path.resolve().relative_to(Path(repository.workdir).resolve())
    return relative.parts


def _subtree(tree: pygit2.Tree, parts: tuple[str, ...]) -> Any:
    """Return the folder at ``parts``, or None."""
    folder: Any = tree
    for part in parts:
        if part not in folder or folder[part].type_str != "tree":
            return None
        folder = folder[part]
    return folder


def _where(path: Path, prefix: tuple[str, ...], root: tuple[str, ...], rev: str) -> str:
    folder = path.joinpath(*root[len(prefix) :])
    return str(folder) if rev == "HEAD" else f"{folder} at {rev}"


def no_registry(directory: Path) -> RegistryError:
    """Return the error for a folder that holds no registry."""
    message = f"no {ROOT_FILE} here nor in {USUAL_FOLDER}/"
    remedy = "give the registry's folder, or make one: molthub init DIR"
    return RegistryError(message, place=str(directory), remedy=remedy)
