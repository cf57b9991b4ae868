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
from molthub_reconciler.targets.glance import status_of
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


def edit_file(path: str, where: str, file_format: FileFormat, edits: Sequence[Edit], staged: str) -> dict[str, Problem]:
    """Make ``edits`` in the file at ``path``; the rest stays byte for byte.

    The new file waits at ``staged`` and replaces the old one with its mode and owner, unless somebody wrote the file
    in between: then the edit begins anew. Returns what could not be edited, by key. Raises
    :class:`PlatformFileError` when the file does not parse (``where`` names it), and :class:`OSError`.
    """
    for _ in range(_ATTEMPTS):
        status = status_of(path)
        content = Path(path).read_bytes() if status else b""
        config = ConfigFile.parse(content, file_format, where) if status else ConfigFile.empty(file_format, where)
        failed = _edit(config, edits)
        edited = config.to_bytes()
        if edited == content:
            return failed
        write_new(staged, edited, durable=True)
        if status:
            _take_rights(staged, path)
        else:
            give_to_owner(staged, path)
        if status_of(path) == status:
            os.replace(staged, path)
            return failed
        os.unlink(staged)
    raise unwritable(where, "another program keeps writing this file", "the next pass tries again")


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
