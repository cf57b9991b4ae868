"""Writing signed metadata and the log into a published index, in the order in which readers may meet the files.

What the log has grown by comes first, ``timestamp.json`` when all else is there, and then the copy of the checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from molthub.atomic import remove_tree, write_atomically
from molthub.documents import hex_of
from molthub.errors import MolthubError
from molthub.index.folder import FILE_MODE, FOLDER_MODE, ROOT_DOCUMENT, TEMPORARY, opened_for_build
from molthub.index.retention import KEPT_SECONDS
from molthub.index.write_files import settle

_FOLDER = "metadata"
_MANY = 50


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


def publish_metadata(
    files: Mapping[str, bytes], folder: Path, log: Mapping[str, bytes] | None = None, outgrown: Iterable[str] = ()
) -> tuple[str, ...]:
    """Write ``log`` and then ``files`` (by path, in the order given) and return what was written.

    What is equal is left alone. Snapshots and targets that were replaced more than 30 days ago are removed, and so are
    the folders ``outgrown``. Raises :class:`MolthubError`, OSError.
    """
    with opened_for_build(folder):
        grown = log or {}
        many = len(grown) > _MANY  # waiting for the whole disk once is then quicker than for each file
        written = [path for path, content in grown.items() if _write(folder / path, content, durable=not many)]
        if many:
            settle()
        written += [path for path, content in files.items() if _write(folder / path, content)]
        _remove_old(folder / _FOLDER, {path.rpartition("/")[2] for path in files})
        for path in outgrown:
            remove_tree(folder / path)
    return tuple(written)


def _write(target: Path, content: bytes, *, durable: bool = True) -> bool:
    """Write one file; False: it is there already."""
    if target.is_file() and target.read_bytes() == content:
        return False
    for missing in reversed([parent for parent in target.parents if not parent.exists()]):
        missing.mkdir(mode=FOLDER_MODE)
    (target.parent / TEMPORARY).unlink(missing_ok=True)  # a killed run left it
    write_atomically(target, content, FILE_MODE, durable=durable, temporary=TEMPORARY)
    return True


def _remove_old(place: Path, current: set[str]) -> None:
    oldest = time.time() - KEPT_SECONDS
    for path in place.iterdir():
        replaced = path.name.endswith((".snapshot.json", ".targets.json")) and path.name not in current
        if replaced and path.stat().st_mtime < oldest:
            path.unlink()
