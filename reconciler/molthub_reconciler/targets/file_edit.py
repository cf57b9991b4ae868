"""One edit of one file of an agent program, which its owner and the program itself edit too."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from molthub.atomic import write_new
from molthub.errors import PlatformFileError, Problem
from molthub.model import Json
from molthub.platforms.base import FileFormat
from molthub.platforms.config_file import ConfigFile
from molthub_reconciler.difference import NOTHING
from molthub_reconciler.plan import Place
from molthub_reconciler.problems import problem_of, unwritable
from molthub_reconciler.targets.glance import Status, status_of
from molthub_reconciler.targets.inside import give_to_owner

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Edit:
    """What ``key`` wants at ``place``: a value in the program's own form, or that nothing is there any more.

    ``owners_fields`` of what stands there stay beside the value.
    """

    key: str
    place: Place
    value: Json = NOTHING
    owners_fields: frozenset[str] = frozenset()


class FileEdit:
    """``edits`` of the file at ``path``; the rest stays byte for byte.

    The new file waits at ``staged`` and replaces the old one with its mode and owner, unless somebody wrote the file in
    between: then the edit begins anew. ``where`` names the file to people.
    """

    def __init__(self, path: str, where: str, file_format: FileFormat, edits: Sequence[Edit], staged: str) -> None:
        self.where = where
        self.staged = staged
        self.is_staged = False
        self._path = path
        self._format = file_format
        self._edits = edits
        self._status: Status = ()
        self._failed: dict[str, Problem] = {}

    def stage(self, *, durable: bool = False) -> None:
        """Write what the file is going to be, if that differs from what it is; ``durable``: so that it lasts.

        Raises :class:`PlatformFileError` when the file does not parse, and :class:`OSError`.
        """
        self._status = status = status_of(self._path)
        content = Path(self._path).read_bytes() if status else b""
        config = (ConfigFile.parse(content, self._format, self.where) if status
                  else ConfigFile.empty(self._format, self.where))  # fmt: skip
        self._failed = _edit(config, self._edits)
        edited = config.to_bytes()
        self.is_staged = edited != content
        if self.is_staged:
            write_new(self.staged, edited, durable=durable)
            if status:
                _take_rights(self.staged, self._path)
            else:
                give_to_owner(self.staged, self._path)

    def put(self) -> dict[str, Problem]:
        """Put the staged file in its place; return what could not be edited, by key. Raises as :meth:`stage` does."""
        for _ in range(_ATTEMPTS):
            if not self.is_staged:
                return self._failed
            if status_of(self._path) == self._status:
                os.replace(self.staged, self._path)
                return self._failed
            os.unlink(self.staged)
            self.stage(durable=True)
        raise unwritable(self.where, "another program keeps writing this file", "the next pass tries again")


def _edit(config: ConfigFile, edits: Iterable[Edit]) -> dict[str, Problem]:
    failed: dict[str, Problem] = {}
    for edit in edits:
        try:
            if edit.value is NOTHING:
                _clear(config, edit.place)
            else:
                _put(config, edit)
        except PlatformFileError as error:
            failed[edit.key] = problem_of(error, edit.place.file)
    return failed


def _put(config: ConfigFile, edit: Edit) -> None:
    pointer, value = edit.place.pointer, edit.value
    if edit.place.item:
        config.add_item(pointer, value)
        return
    standing = config.get(pointer)[1] if edit.owners_fields else None
    if isinstance(standing, dict) and isinstance(value, dict):
        value = value | {name: standing[name] for name in standing if name in edit.owners_fields}
    config.set(pointer, value)


def _clear(config: ConfigFile, place: Place) -> None:
    is_there, value = config.get(place.pointer)
    others = [item for item in value if item != place.item] if place.item and isinstance(value, list) else []
    if others:
        config.set(place.pointer, others)
    elif is_there:
        # An empty list of files to read, and what was made around it, would be of no use to the owner.
        config.remove(place.pointer, prune_empty=bool(place.item))


def _take_rights(staged: str, path: str) -> None:
    old = os.lstat(path)
    if os.name != "nt" and os.geteuid() == 0:
        os.chown(staged, old.st_uid, old.st_gid)
    os.chmod(staged, stat.S_IMODE(old.st_mode))
