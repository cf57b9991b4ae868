"""Writing signed metadata into a published index: each file whole, ``timestamp.json`` when all others are there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from molthub.atomic import write_atomically
from molthub.documents import hex_of
from molthub.errors import MolthubError
from molthub.index.folder import FILE_MODE, FOLDER_MODE, ROOT_DOCUMENT, TEMPORARY, opened_for_build
from molthub.index.retention import KEPT_SECONDS

_FOLDER = "metadata"


def built_root(folder: Path) -> bytes:
    """Return the ``registry.json`` of a built index. Raises :class:`MolthubError` where it is not there whole."""
    try:
        content = (folder / ROOT_DOCUMENT).read_bytes()
        twin = (folder / f"{hex_of(content)}.{ROOT_DOCUMENT}").read_bytes()
    except FileNotFoundError as error:
        message = f"{Path(str(error.filename)).name} is missing"
        raise MolthubError(message, place=str(folder), remedy="build the index first: molthub build") from None
    if twin != content:
        raise MolthubError(f"{ROOT_DOCUMENT} was changed", place=str(folder), remedy="build it again: molthub build")
    return content


def publish_metadata(files: Mapping[str, bytes], folder: Path) -> tuple[str, ...]:
    """Write ``files`` (by path, in the order given) and return what was written; what is equal is left alone.

    Snapshots and targets that were replaced more than 30 days ago are removed. Raises :class:`MolthubError`, OSError.
    """
    written = []
    with opened_for_build(folder):
        place = folder / _FOLDER
        place.mkdir(mode=FOLDER_MODE, exist_ok=True)
        (place / TEMPORARY).unlink(missing_ok=True)  # a killed run left it
        for path, content in files.items():
            target = folder / path
            if target.is_file() and target.read_bytes() == content:
                continue
            write_atomically(target, content, FILE_MODE, temporary=TEMPORARY)
            written.append(path)
        _remove_old(place, {path.rpartition("/")[2] for path in files})
    return tuple(written)


def _remove_old(place: Path, current: set[str]) -> None:
    oldest = time.time() - KEPT_SECONDS
    for path in place.iterdir():
        replaced = path.name.endswith((".snapshot.json", ".targets.json")) and path.name not in current
        if replaced and path.stat().st_mtime < oldest:
            path.unlink()
