"""A ``.skills`` folder: what stands in it, and how it is changed all or nothing.

A change is first staged whole in ``.staging-<random>/``: the new versions' folders, numbered, and the new
``index.json``. Then ``journal.json`` is written there, which is the moment the change counts. What follows only
renames: new folders into place, ``index.json`` over the old one, dropped folders away. So ``index.json`` names nothing
that is not there in full, at any moment. The next process that takes the lock finishes a change that has a journal and
deletes one that has none.

Only ``index.json`` and the journal are synced to disk. Syncing each file would take longer than fetching it; after a
power cut a torn skill shows by its digest (``skills verify``) and ``skills install`` repairs it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from molthub.atomic import FileLock, remove_tree, sync_folder, unique_suffix, write_atomically
from molthub.client.lockfile import Installed, read_lockfile, write_lockfile
from molthub.documents import SEMVER
from molthub.documents.reading import as_skill_name, checked
from molthub.errors import MolthubError

_STAGING = ".staging-"
_JOURNAL = "journal.json"
_INDEX = "index.json"


class SkillsFolder:
    """One ``.skills`` folder; it need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def installed(self) -> Installed:
        """Return what ``index.json`` lists. Raises :class:`FormatError`."""
        path = self.path / _INDEX
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return {}
        return read_lockfile(content, str(path))

    def place(self, name: str, version: str) -> Path:
        """Return the folder of a version, ``<name>/<version>``, whether it is there or not."""
        return self.path / name / version

    @contextlib.contextmanager
    def writing(self, on_wait: Callable[[], None] | None = None) -> Iterator[bool]:
        """Hold the lock; what a killed process left is finished or cleaned up first.

        The value of the block says whether a change was finished.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path / ".lock", on_wait=on_wait):
            yield self._recover()

    @contextlib.contextmanager
    def change(self) -> Iterator[Change]:
        """Stage a change (under :meth:`writing`). Leaving the block without :meth:`Change.commit` undoes all of it."""
        staging = self.path / f"{_STAGING}{unique_suffix()}"
        staging.mkdir()
        try:
            yield Change(self, staging)
        finally:
            if not (staging / _JOURNAL).exists():
                remove_tree(staging)

    def _recover(self) -> bool:
        finished = False
        for staging in sorted(self.path.glob(f"{_STAGING}*")):
            if staging.is_symlink() or not staging.is_dir():
                remove_tree(staging)
                continue
            journal = _read_journal(staging)
            if journal is None:
                remove_tree(staging)
            else:
                self.finish(staging, journal)
                finished = True
        return finished

    def finish(self, staging: Path, journal: dict[str, Any]) -> None:
        """Do what a journal says; what is done already is skipped, so that it can be begun again."""
        for number, (name, version) in journal["adds"].items():
            self._put(staging / number, name, version, staging)
        with contextlib.suppress(FileNotFoundError):
            (staging / _INDEX).replace(self.path / _INDEX)
        sync_folder(self.path)
        for name, version in journal["removes"]:
            self._take_away(name, version, staging)
        (staging / _JOURNAL).unlink()
        remove_tree(staging)

    def _put(self, staged: Path, name: str, version: str, staging: Path) -> None:
        if not staged.exists():
            return
        place = self.place(name, version)
        self._refuse_links(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(place):
            place.rename(staging / f"old-{unique_suffix()}")
        staged.rename(place)

    def _take_away(self, name: str, version: str, staging: Path) -> None:
        place = self.place(name, version)
        self._refuse_links(name)
        if os.path.lexists(place):
            place.rename(staging / f"old-{unique_suffix()}")
        folder = place.parent
        while folder != self.path:
            with contextlib.suppress(OSError):  # another version, or something of the owner's, is still there
                folder.rmdir()
            folder = folder.parent

    def _refuse_links(self, name: str) -> None:
        """Refuse to write through a link that somebody put in the place of a skill's folder."""
        folder = self.path
        for part in name.split("/"):
            folder = folder / part
            if folder.is_symlink():
                raise MolthubError(
                    "a link stands where a skill's folder should be", place=str(folder), remedy="move the link away"
                )


class Change:
    """A change that is being staged; nothing counts before :meth:`commit`."""

    def __init__(self, folder: SkillsFolder, staging: Path) -> None:
        self._folder = folder
        self._staging = staging
        self._adds: dict[str, tuple[str, str]] = {}
        self._removes: list[tuple[str, str]] = []

    def add(self, name: str, version: str) -> Path:
        """Return the path to fill with the files of a version; it does not exist yet."""
        number = str(len(self._adds))
        self._adds[number] = (name, version)
        return self._staging / number

    def remove(self, name: str, version: str) -> None:
        """Note that a version goes."""
        self._removes.append((name, version))

    def commit(self, installed: Installed) -> None:
        """Make the change count, ``installed`` being all that is installed then."""
        write_atomically(self._staging / _INDEX, write_lockfile(installed))
        journal = {"format": "molthub.journal/1", "adds": self._adds, "removes": self._removes}
        write_atomically(self._staging / _JOURNAL, json.dumps(journal).encode())
        self._folder.finish(self._staging, journal)


def _read_journal(staging: Path) -> dict[str, Any] | None:
    """Read a journal. Its names are checked: a ``.skills`` folder may come from somebody else's repository."""
    try:
        journal = json.loads((staging / _JOURNAL).read_bytes())
        adds = {str(int(number)): _checked(pair) for number, pair in journal["adds"].items()}
        return {"adds": adds, "removes": [_checked(pair) for pair in journal["removes"]]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _checked(pair: Any) -> tuple[str, str]:
    name, version = pair
    return as_skill_name(name), checked(SEMVER, version, "a version")
