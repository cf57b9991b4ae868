"""Walk a tree of any source under one set of rules: what may be read, what is refused, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from molthub.errors import Problem, Severity
from molthub.registry.trees import tree_rules
from molthub.registry.trees.tree_rules import ByteChange

FOLDERS = ("fleets", "overlays", "packs", "profiles", "publishers", "skills")
"""What a registry declares; other folders beside ``registry.yaml`` are not looked into."""

_ROOT_NAMES = frozenset({*FOLDERS, "registry.yaml", ".gitattributes"})
ATTRIBUTES = ".gitattributes"


class TreeFile(NamedTuple):
    """One file. ``path`` is relative to the registry, with ``/``; ``id`` is its git blob, empty outside git."""

    path: str
    size: int
    executable: bool
    id: str


class Entry(NamedTuple):
    """What a source lists in one folder. ``handle`` opens a folder, or reads a file."""

    name: str
    kind: Literal["file", "folder", "link", "submodule", "special"]
    handle: str
    id: str = ""
    size: int = 0
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """What a walk found. ``root_attributes`` is the text of the ``.gitattributes`` beside ``registry.yaml``."""

    files: Mapping[str, TreeFile]
    problems: tuple[Problem, ...]
    refused: frozenset[str]
    strays: tuple[str, ...]
    root_attributes: str


@dataclass
class _Walk:
    """One walk: ``list_folder`` and ``content`` take the handles that the source gave out."""

    list_folder: Callable[[str], Iterable[Entry]]
    content: Callable[[str], bytes]
    without: frozenset[str] = frozenset()
    files: dict[str, TreeFile] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    root_attributes: str = ""

    def folder(self, handle: str, path: str, depth: int) -> None:
        """Take everything below one folder."""
        entries = list(self.list_folder(handle))
        self._entries(entries, path, depth)

    def root(self, handle: str) -> tuple[str, ...]:
        """Take what a registry declares; return the names of the other folders."""
        entries = list(self.list_folder(handle))
        ours = [entry for entry in entries if tree_rules.folded(entry.name) in _ROOT_NAMES]
        others = [entry for entry in entries if tree_rules.folded(entry.name) not in _ROOT_NAMES]
        self._entries(ours, "", 0)
        for entry in others:
            if entry.kind == "link":
                remedy = "no action is needed: it is not followed"
                self.problems.append(_problem("MH010", entry.name, "a link", remedy, severity="warning"))
        return tuple(sorted(entry.name for entry in others if entry.kind == "folder"))

    def _entries(self, entries: list[Entry], path: str, depth: int) -> None:
        clashing = {name: group for group in tree_rules.clashes(entry.name for entry in entries) for name in group}
        for entry in sorted(entries, key=lambda entry: entry.name.encode("utf-8", "surrogateescape")):
            inner = f"{path}/{entry.name}" if path else entry.name
            others = [name for name in clashing.get(entry.name, ()) if name != entry.name]
            problem = _fault(entry, inner, depth, others)
            if problem is not None:
                self.refuse(inner, problem)
            elif entry.kind == "folder":
                if inner not in self.without:
                    self.folder(entry.handle, inner, depth + 1)
            else:
                self.file(entry, inner)

    def file(self, entry: Entry, path: str) -> None:
        """Take one file."""
        self.files[path] = TreeFile(path, entry.size, entry.executable, entry.id)
        if entry.name == ATTRIBUTES:
            self._attributes(path, self.content(entry.handle).decode("utf-8", "replace"))

    def _attributes(self, path: str, text: str) -> None:
        if path == ATTRIBUTES:
            self.root_attributes = text
        for change in tree_rules.byte_changes(text):
            self.refuse(path, attribute_problem(path, change))

    def refuse(self, path: str, problem: Problem) -> None:
        """Leave out what stands at a path."""
        self.refused.add(path)
        self.problems.append(problem)


def walk(
    list_folder: Callable[[str], Iterable[Entry]],
    root: str,
    content: Callable[[str], bytes],
    without: frozenset[str] = frozenset(),
) -> Tree:
    """Return the tree below the handle ``root``, with every file that may be read and every path that was refused.

    The folders ``without`` are judged by their names and not entered.
    """
    taken = _Walk(list_folder, content, without)
    return _taken(taken, taken.root(root))


def walk_below(
    list_folder: Callable[[str], Iterable[Entry]], handle: str, path: str, content: Callable[[str], bytes]
) -> Tree:
    """Return the part of a tree that the folder at ``path`` holds. The folder's own name is not judged here."""
    taken = _Walk(list_folder, content)
    taken.folder(handle, path, path.count("/") + 1)
    return _taken(taken, ())


def walk_some(
    list_folder: Callable[[str], Iterable[Entry]],
    entries: Iterable[tuple[str, Entry]],
    content: Callable[[str], bytes],
    refused: Mapping[str, Problem],
) -> Tree:
    """Return the part of a tree that some entries hold, each given with the path of its folder.

    Their own names were judged by :func:`name_problems`, which ``refused`` others beside them.
    """
    taken = _Walk(list_folder, content)
    for path, problem in refused.items():
        taken.refuse(path, problem)
    for folder, entry in entries:
        if entry.kind == "folder":
            taken.folder(entry.handle, f"{folder}/{entry.name}", folder.count("/") + 2)
        else:
            taken.file(entry, f"{folder}/{entry.name}")
    return _taken(taken, ())


def name_problems(entries: Iterable[Entry], path: str) -> dict[str, Problem]:
    """Return what is wrong with the entries of the folder at ``path`` by themselves, by name; none is entered."""
    listed = list(entries)
    if are_plain_folders(listed):
        return {}
    clashing = {name: group for group in tree_rules.clashes(entry.name for entry in listed) for name in group}
    depth = path.count("/") + 1
    faults = {}
    for entry in listed:
        others = [name for name in clashing.get(entry.name, ()) if name != entry.name]
        faults[entry.name] = _fault(entry, f"{path}/{entry.name}", depth, others)
    return {name: problem for name, problem in faults.items() if problem is not None}


def are_plain_folders(entries: Iterable[Entry]) -> bool:
    """Whether all are folders with whose names nothing can be wrong, whatever plain folders stand beside them."""
    return all(entry.kind == "folder" and _PLAIN_FOLDER.match(entry.name) for entry in entries)


_PLAIN_FOLDER = re.compile(
    r"(?=.{1,80}\Z)@?[a-z0-9]+(?:-[a-z0-9]+)*(?<!\A(?:con|prn|aux|nul))(?<!\A(?:com|lpt)[0-9])\Z"
)
"""Names with which nothing can be wrong: lower case, so that no two can clash, and none that Windows keeps."""


def _taken(taken: _Walk, strays: tuple[str, ...]) -> Tree:
    ordered = dict(sorted(taken.files.items()))
    return Tree(ordered, tuple(taken.problems), frozenset(taken.refused), strays, taken.root_attributes)


def attribute_problems(outer: Iterable[tuple[int, str]], depth: int, own: str) -> Iterator[Problem]:
    """Yield what ``.gitattributes`` above a registry do to its bytes.

    ``outer`` holds their depth below the repository's root and their text, outermost first; ``depth`` is the
    registry's and ``own`` the text of its own attributes. A nearer ``* -text`` undoes conversions of line endings.
    """
    texts = list(outer)
    for index, (level, text) in enumerate(texts):
        nearer = [*(inner for _, inner in texts[index + 1 :]), own]
        text_off = any(tree_rules.turns_text_off(inner) for inner in nearer)
        for change in tree_rules.byte_changes(text):
            if not (change.about_text and text_off):
                yield attribute_problem("../" * (depth - level) + ATTRIBUTES, change)


def attribute_problem(path: str, change: ByteChange) -> Problem:
    """Return the finding for one line of attributes."""
    message = f"the attribute {change.attribute} for {change.pattern} changes the bytes of files at checkout"
    remedy = "take it away, or say `* -text` there" if change.about_text else "take it away"
    return Problem("MH012", message, remedy, file=path, line=change.line)


def _fault(entry: Entry, path: str, depth: int, clashing: list[str]) -> Problem | None:
    fault = tree_rules.name_fault(entry.name)
    if fault is not None:
        return _problem("MH011", path, f"the name {tree_rules.shown(entry.name)!r} {fault}", "rename it")
    if clashing:
        message = f"some systems cannot tell it from {tree_rules.shown(clashing[0])}"
        return _problem("MH011", path, message, "rename one of the two")
    if depth > tree_rules.MAX_DEPTH or len(path.encode()) > tree_rules.MAX_PATH_BYTES:
        return _problem("MH011", path, "the path is too long or too deep", "shorten it")
    if entry.kind in ("link", "submodule", "special"):
        what = {"link": "a link", "submodule": "a submodule", "special": "no plain file"}[entry.kind]
        return _problem("MH010", path, f"{what}; a registry holds plain files", "put the file itself there")
    if entry.size > tree_rules.MAX_FILE_BYTES:
        message = f"the file has {entry.size} bytes, the limit is {tree_rules.MAX_FILE_BYTES}"
        return _problem("MH005", path, message, "leave it out, or split it")
    return None


def _problem(problem_id: str, path: str, message: str, remedy: str, severity: Severity = "error") -> Problem:
    return Problem(problem_id, message, remedy, severity, file=tree_rules.shown(path))
