"""One look at one home: what stands where it was asked for, unit by unit (:mod:`.glance`)."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from molthub.client.cache import read_tree
from molthub.documents import tree_digest
from molthub.errors import PlatformFileError, Problem
from molthub.model import FileEntry, Json
from molthub.platforms.config_file import ConfigFile
from molthub_reconciler.difference import fingerprint
from molthub_reconciler.plan import Place
from molthub_reconciler.problems import problem_of, refused
from molthub_reconciler.targets.base import CLOSED, Home, Observed
from molthub_reconciler.targets.glance import Glance, Status, Unit, status_from, status_of
from molthub_reconciler.targets.inside import STAGING, refuse_links


@dataclass(slots=True)
class Look:
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
        """The home's folder."""
        return f"{self.target}/{self.home.folder}"

    def observed(self) -> Observed:
        """Return what was seen."""
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
                digest, status = self._digest(place)
                self._keep(place.file, digest, status)
        if digest is not None:
            self.standing[place] = digest

    def _digest(self, place: Place) -> tuple[str | None, dict[str, Status]]:
        """Return a skill's digest, and the status of every path that it follows from."""
        status: dict[str, Status] = {}
        length = len(self.root) + 1
        # A disk without execute bits takes them from the files that should be there.
        known = {entry for entries in self.home.files.values() for entry in entries} if os.name == "nt" else ()
        try:
            self.trees[place] = read_tree(
                f"{self.root}/{place.file}",
                exec_from=known,
                seen=lambda path, found: status.update({path[length:]: status_from(found)}),
            )
        except (FileNotFoundError, NotADirectoryError):
            if status:
                raise  # something went while it was read
            return None, {place.file: ()}
        return tree_digest(self.trees[place]), status

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
