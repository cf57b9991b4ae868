"""Skill folders as people have them: found below a path, and read with what belongs into a version."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from molthub.errors import ManifestError, Problem
from molthub.registry.authoring.mend import SKILL_MD
from molthub.registry.authoring.new_files import NewFile
from molthub.registry.reading.content import JUNK, MAX_BYTES, MAX_FILES
from molthub.registry.trees import tree_rules

MAX_SEARCH_DEPTH = 6
"""How deep skills are looked for below a path, as the Agent Skills guide for clients advises."""

_USUAL_FOLDER = "skills"


@dataclass
class LooseSkill:
    """One folder with a SKILL.md. ``shown`` is how the user named it; files are relative to the folder.

    ``notes`` say what was mended (MH502) and left out (MH503) on the way.
    """

    path: Path
    shown: str
    files: dict[str, NewFile] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search below the given paths found: skill folders, and what holds no skill."""

    folders: tuple[tuple[Path, str], ...]
    refused: tuple[tuple[str, Problem], ...]
    left_out: tuple[Problem, ...]


def find_skills(paths: Sequence[Path]) -> Found:
    """Find skill folders: each path is one, or holds them (in ``skills/`` or below itself).

    A folder inside a skill is part of that skill and is not looked into.
    """
    folders: dict[Path, str] = {}
    refused: list[tuple[str, Problem]] = []
    left_out: list[Problem] = []
    for path in paths:
        given = path.parent if path.name.casefold() == SKILL_MD.casefold() and path.is_file() else path
        if not given.is_dir():
            refused.append((str(path), _refusal("there is no such folder", "give the folder that holds SKILL.md")))
            continue
        below = list(_search(given, left_out))
        for folder in below:
            folders.setdefault(folder.resolve(), str(folder))
        if not below:
            remedy = "give a folder that holds SKILL.md, or one that holds such folders"
            refused.append((str(path), _refusal("no SKILL.md is in this folder or below it", remedy)))
    return Found(tuple(folders.items()), tuple(refused), tuple(left_out))


def _search(given: Path, left_out: list[Problem]) -> Iterator[Path]:
    if _holds_skill(given):
        yield given
        return
    root = given / _USUAL_FOLDER if (given / _USUAL_FOLDER).is_dir() else given
    children = list(_folders(root, left_out))
    is_shelf = root != given or any(_holds_skill(child) for child in children)
    for child in children:
        found = [child] if _holds_skill(child) else list(_below(child, 1, left_out))
        yield from found
        if not found and is_shelf:
            message = "no SKILL.md is in this folder or below it"
            left_out.append(Problem("MH503", message, severity="warning", file=str(child)))


def _below(folder: Path, depth: int, left_out: list[Problem]) -> Iterator[Path]:
    if depth >= MAX_SEARCH_DEPTH:
        return
    for child in _folders(folder, left_out):
        if _holds_skill(child):
            yield child
        else:
            yield from _below(child, depth + 1, left_out)


def _folders(folder: Path, left_out: list[Problem]) -> Iterator[Path]:
    for child in sorted(folder.iterdir()):
        if child.name in JUNK:
            continue
        if child.is_symlink() and child.is_dir():
            if _holds_skill(child):
                message = "the folder is a link; name what it leads to if it shall be published"
                left_out.append(Problem("MH503", message, severity="warning", file=str(child)))
        elif child.is_dir():
            yield child


def _holds_skill(folder: Path) -> bool:
    try:
        return any(entry.name.casefold() == SKILL_MD.casefold() for entry in folder.iterdir())
    except OSError:
        return False


def read_skill(path: Path, shown: str) -> LooseSkill:
    """Read one skill folder. Raises :class:`ManifestError` with every reason why it cannot be published."""
    skill = LooseSkill(path, shown)
    reading = _Reading(path, skill)
    reading.folder("")
    if not reading.refusals and SKILL_MD not in skill.files:
        _rename(skill)
    total = sum(len(file.content) for file in skill.files.values())
    if len(skill.files) > MAX_FILES or total > MAX_BYTES:
        message = (
            f"the skill has {len(skill.files)} files and {total} bytes; the limits are {MAX_FILES} and {MAX_BYTES}"
        )
        reading.refuse("", message, "leave large files out, or fetch them when they are needed")
    if reading.refusals:
        raise ManifestError(reading.refusals[0].message, place=shown, problems=reading.refusals)
    return skill


def _rename(skill: LooseSkill) -> None:
    """Give SKILL.md the spelling that agents look for."""
    spelled = next(path for path in skill.files if path.casefold() == SKILL_MD.casefold())
    skill.files[SKILL_MD] = skill.files.pop(spelled)
    message = f"named it {SKILL_MD}: agents look for that spelling"
    skill.notes.append(Problem("MH502", message, severity="warning", file=spelled, line=1))


class _Reading:
    """A walk over one skill folder that gathers files, notes and refusals."""

    def __init__(self, root: Path, skill: LooseSkill) -> None:
        self.root = root
        self.skill = skill
        self.refusals: list[Problem] = []

    def refuse(self, path: str, message: str, remedy: str) -> None:
        self.refusals.append(_refusal(message, remedy, tree_rules.shown(path) or None))

    def folder(self, prefix: str) -> None:
        try:
            entries = sorted(os.scandir(self.root / prefix), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            self.refuse(prefix, f"cannot list the folder: {error.strerror}", "make it readable")
            return
        kept = [entry for entry in entries if not self._is_junk(entry, prefix)]
        for group in tree_rules.clashes(entry.name for entry in kept):
            message = f"some systems cannot tell {' and '.join(tree_rules.shown(name) for name in group)} apart"
            self.refuse(prefix + group[0], message, "rename one of them")
        for entry in kept:
            path = prefix + entry.name
            fault = tree_rules.name_fault(entry.name)
            if fault is not None:
                self.refuse(path, f"the name {tree_rules.shown(entry.name)!r} {fault}", "rename it")
            elif path.count("/") >= tree_rules.MAX_DEPTH - 3 or len(path.encode()) > tree_rules.MAX_PATH_BYTES // 2:
                self.refuse(path, "the path is too long or too deep", "shorten it")
            else:
                self._entry(entry, path)

    def _is_junk(self, entry: os.DirEntry[str], prefix: str) -> bool:
        if entry.name not in JUNK:
            return False
        message = JUNK[entry.name]
        self.skill.notes.append(Problem("MH503", message, severity="warning", file=prefix + entry.name))
        return True

    def _entry(self, entry: os.DirEntry[str], path: str) -> None:
        if entry.is_symlink():
            self._link(path)
        elif entry.is_dir(follow_symlinks=False):
            self.folder(path + "/")
        elif entry.is_file(follow_symlinks=False):
            self._file(self.root / path, path)
        else:
            message = "a pipe, a socket or a device"
            self.skill.notes.append(Problem("MH503", message, severity="warning", file=path))

    def _link(self, path: str) -> None:
        """Take the file that a link inside the skill leads to; a link that leads out or to a folder is refused."""
        target = self.root / path
        try:
            real = target.resolve(strict=True)
        except (OSError, RuntimeError):
            self.refuse(path, "the link leads nowhere", "take it away, or put the file there")
            return
        if not real.is_relative_to(self.root.resolve()):
            self.refuse(path, "the link leads out of the skill's folder", "put the file itself there")
        elif not real.is_file() or any(part in JUNK for part in real.relative_to(self.root.resolve()).parts):
            self.refuse(path, "the link leads to a folder", "put the files themselves there")
        elif self._file(real, path):
            leads_to = real.relative_to(self.root.resolve()).as_posix()
            message = f"put a copy of {leads_to} where a link to it stood"
            self.skill.notes.append(Problem("MH502", message, severity="warning", file=path))

    def _file(self, file: Path, path: str) -> bool:
        try:
            status = file.stat()
            if status.st_size > MAX_BYTES:
                self.refuse(path, f"the file has {status.st_size} bytes, the limit is {MAX_BYTES}", "leave it out")
                return False
            content = file.read_bytes()
        except OSError as error:
            self.refuse(path, f"cannot read it: {error.strerror}", "make it readable, or leave it out")
            return False
        if path.rpartition("/")[2] == ".gitattributes":
            for change in tree_rules.byte_changes(content.decode("utf-8", "replace")):
                message = f"the attribute {change.attribute} would change the bytes of files at checkout"
                self.refuse(path, message, "take it away, or leave the file out")
        self.skill.files[path] = NewFile(content, os.name != "nt" and bool(status.st_mode & stat.S_IXUSR))
        return True


def _refusal(message: str, remedy: str, file: str | None = None) -> Problem:
    return Problem("MH501", message, remedy, file=file)
