"""One deployment: what changed goes to the place, stage by stage; what no reader asks for any more goes away last."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from molthub.documents import hex_of, index_root_from_json
from molthub.errors import FormatError, MixedError, MolthubError
from molthub.index.deploy.order import REPLACED, TIMESTAMP, in_stages
from molthub.index.deploy.places import Done, Held, Place
from molthub.index.deploy.replaced import Replaced, read_replaced, replaced_after, replaced_document
from molthub.index.deploy.site import (
    checked_root,
    is_old_metadata,
    kept_beside,
    named_by_metadata,
    signed_root,
    site_files,
)
from molthub.index.folder import BLOB, MARKER, ROOT_DOCUMENT, opened_for_build
from molthub.index.publish import OWNED_FOLDERS
from molthub.index.retention import KEPT_SECONDS, Read, blobs_of_roots
from molthub.index.standing import check_removal, standing, standing_of


@dataclass(frozen=True)
class Wanted:
    """How to deploy. ``max_delete`` is the share of skills, or of bots, that readers may lose by it (1: all)."""

    max_delete: float = 0.5
    delete: bool = True
    dry_run: bool = False


@dataclass(frozen=True)
class Deployed:
    """What a deployment did, or would do. All are paths below the place, ``sent`` in the order of sending.

    ``kept`` are files of older indexes that stay for their readers, ``brought`` those of them that had to be copied.
    """

    revision: str
    sent: tuple[str, ...]
    unchanged: int
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    brought: tuple[str, ...] = ()


def deploy(site: Path, place: Place, wanted: Wanted, now: datetime, done: Done = lambda _files: None) -> Deployed:
    """Bring ``place`` up to the index in ``site``.

    Raises :class:`MolthubError` where ``site`` is no whole index, where the place holds something else or would lose
    more than ``wanted`` allows (then nothing was sent), and where it does not answer (then it serves the old index, or
    the new one).
    """
    if wanted.dry_run or not (site / MARKER).exists():
        return _deploy(site, place, wanted, now, done)
    with opened_for_build(site):  # a build meanwhile would mix two indexes
        return _deploy(site, place, wanted, now, done)


def _deploy(site: Path, place: Place, wanted: Wanted, now: datetime, done: Done) -> Deployed:
    content = checked_root(site)
    files = site_files(site)
    held = place.files()
    live = _live_root(place)
    _check_place(place, held, files, live)
    _check_signed(site, place, live)
    _check_removal(site, place, live, wanted)
    replaced = replaced_after(read_replaced(_read(place, REPLACED)), hex_of(live) if live else None,
                              hex_of(content), now)  # fmt: skip
    roots = [f"{name}.{ROOT_DOCUMENT}" for name in replaced]
    kept = blobs_of_roots(kept_beside(site, files), roots, _either(site, place)).keys() - files
    kept |= named_by_metadata(place.read) - files
    changed = place.changed(site, sorted(files - {REPLACED}), held)
    stale = _stale(held, files | kept, live, now) if wanted.delete else []
    sent = tuple(path for _, paths in in_stages([*changed, *_note(place, replaced)]) for path in paths)
    brought: list[str] = []
    if not wanted.dry_run:
        brought = place.keep(sorted(kept))
        _send(site, place, sent, replaced, done)
        place.remove(stale)
    revision = index_root_from_json(content, ROOT_DOCUMENT).revision
    unchanged = len(files - {REPLACED}) - len(changed)
    return Deployed(revision, sent, unchanged, tuple(stale), tuple(sorted(kept)), tuple(brought))


def _send(site: Path, place: Place, sent: Iterable[str], replaced: Replaced, done: Done) -> None:
    for _, paths in in_stages(sent):
        if paths == [REPLACED]:
            with tempfile.TemporaryDirectory(prefix="molthub-") as folder:
                (Path(folder) / REPLACED).write_bytes(replaced_document(replaced))
                place.send(Path(folder), paths, done)
        else:
            place.send(site, paths, done)


def _note(place: Place, replaced: Replaced) -> list[str]:
    """Return the list of replaced roots as a path to send, where it is not there as it shall be."""
    there = _read(place, REPLACED)
    wanted = replaced_document(replaced) if replaced or there is not None else None
    return [REPLACED] if there != wanted else []


# --- what is there now ---------------------------------------------------------------------------------------------


def _read(place: Place, path: str) -> bytes | None:
    try:
        return place.read(path)
    except FileNotFoundError:
        return None


def _live_root(place: Place) -> bytes | None:
    """Return the root that readers meet now. Raises :class:`MolthubError` for one of another kind."""
    content = _read(place, ROOT_DOCUMENT)
    if content is None:
        return None
    try:
        index_root_from_json(content, f"{place.where}: {ROOT_DOCUMENT}")
    except FormatError as error:
        remedy = f"name another place, or remove {ROOT_DOCUMENT} there if it is meant to be replaced"
        raise MolthubError(error.message, place=error.place, remedy=remedy) from None
    return content


def _either(site: Path, place: Place) -> Read:
    """Return a reader of the place that takes what both hold, as its name says, from the site."""

    def read(path: str) -> bytes:
        if BLOB.match(path) and (site / path).is_file():
            return (site / path).read_bytes()
        return place.read(path)

    return read


def _stale(held: Mapping[str, Held], wanted: frozenset[str], live: bytes | None, now: datetime) -> list[str]:
    """Return the files that were an index's and are no longer asked for; none where there was no index."""
    if live is None:
        return []
    oldest = now - timedelta(seconds=KEPT_SECONDS)
    return [
        path
        for path, found in sorted(held.items())
        if path not in wanted and (_is_owned(path) or (is_old_metadata(path, wanted) and found.modified < oldest))
    ]


def _is_owned(path: str) -> bool:
    return BLOB.match(path) is not None or any(path.startswith(f"{folder}/") for folder in OWNED_FOLDERS)


# --- what must not happen ------------------------------------------------------------------------------------------


def _check_place(place: Place, held: Mapping[str, Held], files: frozenset[str], live: bytes | None) -> None:
    """Refuse a place that holds something else: our files would take the place of its files."""
    began = any(path.endswith(f".{ROOT_DOCUMENT}") for path in held)
    clash = sorted(held.keys() & files)
    if live is None and not began and any(not BLOB.match(path) for path in clash):
        message = f"there is no index, and it holds {clash[0]}, which would be overwritten"
        raise MolthubError(message, place=place.where, remedy="name an empty place, or one that holds this index")


def _check_signed(site: Path, place: Place, live: bytes | None) -> None:
    if live is not None and not (site / TIMESTAMP).is_file() and signed_root(place.read) is not None:
        message = "what is published is signed, and this index is not: its readers would never see it"
        raise MixedError(message, place=str(site), remedy=f"sign it: molthub sign --index {site} --previous ...")


def _check_removal(site: Path, place: Place, live: bytes | None, wanted: Wanted) -> None:
    if live is None:
        return
    named = index_root_from_json(live, ROOT_DOCUMENT)
    ours = index_root_from_json((site / ROOT_DOCUMENT).read_bytes(), ROOT_DOCUMENT)
    if named.name != ours.name:
        message = f"that is the index of the registry {named.name}, and this is one of {ours.name}"
        raise MolthubError(message, place=place.where, remedy="name the place of this registry's index")
    either = _either(site, place)
    before, after = standing_of(lambda path: live if path == ROOT_DOCUMENT else either(path)), standing(site)
    check_removal("skills", before.skills - after.skills, len(before.skills), wanted.max_delete)
    check_removal("bots", before.bots - after.bots, len(before.bots), wanted.max_delete)
