"""The directory target: bots' homes are folders of this machine, ``DIR/<fleet>/<home>``, each laid out as a HOME.

Skills are copied from the store, never linked, and swapped in as whole folders; files of the agent program are edited
around what the owner has in them and replaced as a whole.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from molthub.atomic import remove_tree, replace_folder
from molthub.client.cache import Store, read_tree
from molthub.documents import tree_digest
from molthub.errors import MolthubError, PlatformFileError, Problem
from molthub.model import FileEntry, Json
from molthub.platforms.config_file import ConfigFile
from molthub_reconciler.difference import fingerprint
from molthub_reconciler.plan import Place
from molthub_reconciler.problems import problem_of, refused
from molthub_reconciler.targets.base import CLOSED, Home, Observed, Step
from molthub_reconciler.targets.file_edit import Edit, edit_file
from molthub_reconciler.targets.glance import (
    SETTLING_SECONDS,
    Glance,
    Unit,
    glance_from_bytes,
    glance_to_bytes,
    status_below,
    status_of,
)
from molthub_reconciler.targets.inside import give_to_owner, keep_files, refuse_links

STAGING = ".molthub-staging"
"""The folder in a home where new skills and files wait until they are whole. It is there only during a pass."""


class Memory(Protocol):
    """Where a look at a home is remembered until the next one."""

    def remembered(self, bot: str) -> bytes:
        """Return what was kept for a bot; nothing when there is nothing."""
        ...

    def remember(self, bot: str, content: bytes) -> None:
        """Keep ``content`` for a bot."""
        ...


class DirectoryTarget:
    """Bots' homes below ``root``. Without ``keep``, looking at them leaves nothing behind, not even in ``memory``."""

    def __init__(self, root: Path, store: Store, memory: Memory, *, keep: bool = True) -> None:
        self.where = str(root.absolute())
        self._store = store
        self._memory = memory
        self._keep = keep

    @property
    def settling(self) -> float:
        """The ticks in which the file system stamps times."""
        return SETTLING_SECONDS

    def observe(
        self, home: Home, places: Collection[Place], *, detail: Collection[Place] = (), full: bool = False
    ) -> Observed:
        """Look at a home; what the last look found and the system says has not moved is not read again."""
        last = glance_from_bytes(self._memory.remembered(home.bot))
        if not last.units and self._has_nothing(home):
            return Observed()
        look = _Look(self.where, home, Glance() if full else last, {place.file for place in detail})
        for root in home.skill_roots:
            with look.told_apart(root):
                look.skill_root(root)
        for root in home.other_roots:
            look.other_root(root)
        files: dict[str, list[Place]] = {}
        for place in places:
            if place.pointer:
                files.setdefault(place.file, []).append(place)
            elif place.file.rpartition("/")[0] in home.other_roots:
                look.other_skill(place)
            else:
                with look.told_apart(place.file):
                    look.skill(place)
        for file, inside in files.items():
            with look.told_apart(file):
                look.file(file, inside)
        # Where nothing stands, looking again is as cheap as remembering.
        if self._keep and look.glance != last and (look.standing or look.skills or last.units):
            self._memory.remember(home.bot, glance_to_bytes(look.glance))
        return look.observed()

    def _has_nothing(self, home: Home) -> bool:
        """Whether there is no such home, and no link on the way to where it would be."""
        fleet = f"{self.where}/{home.folder.partition('/')[0]}"
        is_link = os.path.islink(self.where) or os.path.islink(fleet)
        return not is_link and not status_of(f"{self.where}/{home.folder}")

    def apply(self, home: Home, steps: Sequence[Step]) -> Mapping[str, Problem]:
        """Do ``steps``: skills, then files, then what is taken away."""
        failed: dict[str, Problem] = {}
        work = _Work(self.where, home, self._store, failed)
        try:
            with work.staging():
                for step in steps:
                    work.put_skills(step)
                work.edit_files(steps)
                for step in steps:
                    work.remove_skills(step)
        except (PlatformFileError, OSError) as error:
            # Nothing could be staged, so nothing was done; or only the staging folder could not be cleared.
            problem = problem_of(error, STAGING)
            failed |= {step.key: problem for step in steps if step.key not in work.done}
        return failed

    def read(self, folder: str, path: str, limit: int) -> bytes | None:
        """Return the bytes of a regular file, not through links."""
        with contextlib.suppress(PlatformFileError, OSError):
            refuse_links(self.where, folder, path)
            descriptor = os.open(f"{self.where}/{folder}/{path}", os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(descriptor, "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    content = file.read(limit + 1)
                    return content if len(content) <= limit else None
        return None

    def tidy(self, home: Home) -> None:
        """Remove what a killed pass left in a home."""
        staging = Path(self.where, home.folder, STAGING)
        if status_of(str(staging)):
            refuse_links(self.where, home.folder, ".")
            with contextlib.suppress(OSError):
                remove_tree(staging)


# --- looking -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Look:
    """One look at one home, unit by unit."""

    target: str
    home: Home
    last: Glance
    detailed: set[str]
    glance: Glance = field(default_factory=Glance)
    standing: dict[Place, str] = field(default_factory=dict)
    values: dict[Place, Json] = field(default_factory=dict)
    trees: dict[Place, tuple[FileEntry, ...]] = field(default_factory=dict)
    skills: list[Place] = field(default_factory=list)
    unreadable: dict[str, Problem] = field(default_factory=dict)
    walked: set[str] = field(default_factory=set)
    units: int = 0
    began_ns: int = field(default_factory=time.time_ns)

    @property
    def root(self) -> str:
        return f"{self.target}/{self.home.folder}"

    def observed(self) -> Observed:
        units = self.glance.units.values() if len(self.glance.units) == self.units else ()
        statuses = {path: status for unit in units for path, status in unit.status.items()}
        if statuses:  # what a killed pass leaves is a reason to look
            statuses[STAGING] = status_of(f"{self.root}/{STAGING}")
        return Observed(self.standing, tuple(self.skills), self.values, self.trees, self.unreadable, statuses)

    @contextlib.contextmanager
    def told_apart(self, path: str) -> Iterator[None]:
        """Take note of what cannot be read, so that the rest is looked at all the same."""
        try:
            yield
        except PlatformFileError as error:
            self.unreadable[path] = problem_of(error, path)

    def skill(self, place: Place) -> None:
        """Look at one skill's folder."""
        with self._unit(place.file) as unit:
            if unit is not None:
                digest = unit.found
            else:
                status = status_below(self.root, place.file)
                digest = self._digest(place) if status[place.file] else None
                self._keep(place.file, digest, status)
        if digest is not None:
            self.standing[place] = digest

    def _digest(self, place: Place) -> str:
        # A disk without execute bits takes them from the files that should be there.
        known = {entry for entries in self.home.files.values() for entry in entries} if os.name == "nt" else ()
        self.trees[place] = read_tree(f"{self.root}/{place.file}", exec_from=known)
        return tree_digest(self.trees[place])

    def file(self, file: str, places: Sequence[Place]) -> None:
        """Look at the places in one file."""
        with self._unit(file) as unit:
            if unit is not None and unit.found.keys() == {_name(place) for place in places}:
                found = unit.found
            else:
                status = {file: status_of(f"{self.root}/{file}")}
                found = self._read(file, places) if status[file] else dict.fromkeys(map(_name, places))
                self._keep(file, found, status)
        self.standing |= {place: found[_name(place)] for place in places if found[_name(place)] is not None}

    def _read(self, file: str, places: Sequence[Place]) -> dict[str, str | None]:
        content = Path(self.root, file).read_bytes()
        parsed = ConfigFile.parse(content, self.home.file_format(file), file)
        found: dict[str, str | None] = {}
        for place in places:
            is_there, value = parsed.get(place.pointer)
            if is_there and place.item:
                is_there, value = _holds(value, place.item), place.item
            value = _without(value, self.home.owners_fields(file, place.pointer))
            found[_name(place)] = fingerprint(value) if is_there else None
            if is_there:
                self.values[place] = value
        return found

    def skill_root(self, path: str) -> None:
        """List the skills in one folder."""
        with self._unit(path) as unit:
            if unit is not None:
                names = unit.found
            else:
                status = {path: status_of(f"{self.root}/{path}")}
                names = []
                if status[path] and stat.S_ISDIR(status[path][0]):
                    folders = sorted(entry.name for entry in os.scandir(f"{self.root}/{path}") if not entry.is_file())
                    status |= {f"{path}/{name}": status_of(f"{self.root}/{path}/{name}") for name in folders}
                    names = [name for name in folders if _is_file(f"{self.root}/{path}/{name}/SKILL.md")]
                self._keep(path, names, status)
        self.skills += [Place(f"{path}/{name}") for name in names]

    def other_root(self, path: str) -> None:
        """List the skills in a folder of others; one that is another by a link, or cannot be read, has none."""
        with contextlib.suppress(PlatformFileError):
            self.skill_root(path)

    def other_skill(self, place: Place) -> None:
        """Look at a skill in a folder of others, if it is one: not of its own by a link."""
        if place in self.skills:
            try:
                self.skill(place)
            except PlatformFileError:
                if not self._is_own(place.file):
                    self.standing[place] = CLOSED

    def _is_own(self, path: str) -> bool:
        name, real = path.rpartition("/")[2], os.path.realpath(f"{self.root}/{path}")
        return any(real == os.path.realpath(f"{self.root}/{root}/{name}") for root in self.home.skill_roots)

    @contextlib.contextmanager
    def _unit(self, name: str) -> Iterator[Unit | None]:
        """Give what the last look found, if it still holds; turn what the system refuses into an error."""
        self.units += 1
        try:
            unit = self.last.units.get(name) if name not in self.detailed else None
            if unit is not None and unit.still_holds(self.root):
                self.glance.units[name] = unit
                yield unit
            else:
                refuse_links(self.target, self.home.folder, name, seen=self.walked)
                yield None
        except OSError as error:
            raise refused(error, name) from None

    def _keep(self, name: str, found: Json, status: Mapping[str, tuple[int, ...]]) -> None:
        unit = Unit(found, status)
        if unit.is_certain(self.began_ns):
            self.glance.units[name] = unit


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _name(place: Place) -> str:
    """Return a place's name inside its file, as a key of JSON."""
    return "\n".join((*place.pointer, f"={place.item}"))


def _without(value: Json, fields: frozenset[str]) -> Json:
    return {name: item for name, item in value.items() if name not in fields} if isinstance(value, dict) else value


def _holds(value: Json, item: str) -> bool:
    return value == item or (isinstance(value, list) and item in value)


# --- writing -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Work:
    """The steps of one pass in one home. What fails is put into ``failed`` by key, and the rest goes on."""

    target: str
    home: Home
    store: Store
    failed: dict[str, Problem]
    done: set[str] = field(default_factory=set)
    staged: int = 0

    @property
    def root(self) -> str:
        return f"{self.target}/{self.home.folder}"

    @contextlib.contextmanager
    def staging(self) -> Iterator[None]:
        """Make the staging folder, and take it away in the end."""
        place = f"{self.root}/{STAGING}"
        refuse_links(self.target, self.home.folder, STAGING, make=True)
        remove_tree(Path(place))
        os.mkdir(place, 0o700)
        try:
            yield
        finally:
            remove_tree(Path(place))

    def put_skills(self, step: Step) -> None:
        """Bring a step's skills in: staged whole, then swapped."""
        for place, digest in step.contents.items():
            if not place.pointer:
                with self._counted(step.key, place.file):
                    staged = self._next_staged()
                    self.store.copy(digest, staged)
                    keep_files(f"{self.root}/{place.file}", staged, step.kept.get(place, ()))
                    refuse_links(self.target, self.home.folder, place.file, make=True)
                    give_to_owner(staged, f"{self.root}/{place.file}")
                    replace_folder(staged, f"{self.root}/{place.file}")

    def edit_files(self, steps: Iterable[Step]) -> None:
        """Edit each file once. A line that names another file is put in after that file was written."""
        by_file: dict[str, list[Edit]] = {}
        for step in steps:
            edits = [
                Edit(step.key, place, value, self.home.owners_fields(place.file, place.pointer))
                for place, value in step.contents.items()
            ]
            for edit in (*edits, *(Edit(step.key, place) for place in step.remove)):
                if edit.place.pointer:
                    by_file.setdefault(edit.place.file, []).append(edit)
        for file, inside in sorted(by_file.items(), key=lambda named: any(edit.place.item for edit in named[1])):
            with self._counted([edit.key for edit in inside], file):
                refuse_links(self.target, self.home.folder, file, make=True)
                file_format = self.home.file_format(file)
                self.failed |= edit_file(f"{self.root}/{file}", file, file_format, inside, self._next_staged())

    def remove_skills(self, step: Step) -> None:
        """Take skills away: out of sight at once, then deleted."""
        for place in step.remove:
            if not place.pointer:
                with self._counted(step.key, place.file):
                    refuse_links(self.target, self.home.folder, place.file)
                    with contextlib.suppress(FileNotFoundError):
                        os.rename(f"{self.root}/{place.file}", self._next_staged())

    def _next_staged(self) -> str:
        self.staged += 1
        return f"{self.root}/{STAGING}/{self.staged}"

    @contextlib.contextmanager
    def _counted(self, keys: str | Sequence[str], file: str) -> Iterator[None]:
        keys = [keys] if isinstance(keys, str) else keys
        try:
            yield
            self.done.update(keys)
        except (MolthubError, OSError) as error:
            self.failed |= dict.fromkeys(keys, problem_of(error, file))
