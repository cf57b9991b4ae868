"""The folder that an index is published into: whose it is, and that one build at a time writes there.

A marker file stands in it from the first moment, so that a build that was killed early may go on and a folder of
somebody else's files is never taken for an index. The marker is what builds lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from molthub.atomic import try_lock
from molthub.documents import index_root_from_json
from molthub.errors import FormatError, MolthubError

ROOT_DOCUMENT = "registry.json"
MARKER = ".molthub-index"
STATE = ".molthub-state"
"""What the last build remembers for the next one. No client reads it, and a build without it gives the same bytes."""

TEMPORARY = ".molthub-tmp"
"""The name of a file that is being written; it is renamed to its own when it is whole."""

BLOB = re.compile(
    r"(?:archives|shards|search|fleets|bots|signatures|publishers)/[0-9a-f]{64}\.|[0-9a-f]{64}\.registry\.json\Z"
)
"""Matches the paths of files that are named after their bytes."""

SHOWN_THOUGH_HIDDEN = frozenset({".well-known", ".claude-plugin", ".nojekyll"})
"""Names at the root of an index that begin with a dot and are published; all others are the build's own."""

FILE_MODE = 0o644
FOLDER_MODE = 0o755
_MARKER_TEXT = "This folder is written by `molthub build`, which removes what no longer belongs into the index.\n"
_NOT_OURS = "give a new or empty folder, or one that molthub build has written"
_BESIDES = {".git"}
"""What may stand in a new index's folder: it may be a branch of its own."""


def is_index(folder: Path) -> bool:
    """Whether ``folder`` holds a whole index: a root that can be read."""
    try:
        index_root_from_json((folder / ROOT_DOCUMENT).read_bytes(), str(folder))
    except (OSError, FormatError):
        return False
    return True


@contextmanager
def opened_for_build(folder: Path) -> Iterator[None]:
    """Make ``folder`` an index's folder and keep other builds out of it meanwhile.

    Raises :class:`MolthubError` where it holds somebody's files, or where another build is writing.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    marker = folder / MARKER
    if not marker.is_file() and not is_index(folder) and _other_files(folder):
        raise MolthubError("this folder is not empty, and no index", place=str(folder), remedy=_NOT_OURS)
    with marker.open("a", encoding="utf-8") as file:
        if not try_lock(file.fileno()):
            raise MolthubError(
                "another build is writing here", place=str(folder), remedy="run it again when it is done"
            )
        if file.tell() == 0:
            file.write(_MARKER_TEXT)
        _set_mode(marker, FILE_MODE)
        yield


def _other_files(folder: Path) -> bool:
    return any(entry.name not in _BESIDES for entry in folder.iterdir())


def _set_mode(path: Path, mode: int) -> None:
    if path.stat().st_mode & 0o777 != mode:
        path.chmod(mode)
