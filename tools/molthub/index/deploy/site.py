"""The folder that is sent: which of its files are published, and whether they belong together."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from molthub.documents import hex_of, index_root_from_json, shard_from_json
from molthub.errors import FormatError, MixedError, MolthubError
from molthub.index.deploy.order import CHECKPOINT, TIMESTAMP
from molthub.index.folder import ROOT_DOCUMENT, SHOWN_THOUGH_HIDDEN
from molthub.index.publish_metadata import built_root
from molthub.index.retention import Kept, Read
from molthub.model import PackRelease, SkillRelease
from molthub.transparency.checkpoint import read_checkpoint
from molthub.transparency.entries import FOLDER
from molthub.transparency.tiles import edge_tiles

_OLD_METADATA = re.compile(r"metadata/([0-9]+)\.(?:snapshot|targets)\.json\Z")


def site_files(site: Path) -> frozenset[str]:
    """Return the paths of all files that are published. Hidden ones are the build's own, but for a few."""
    return frozenset(_files(site, ""))


def _files(site: Path, folder: str) -> Iterator[str]:
    with os.scandir(site / folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and not folder and entry.name not in SHOWN_THOUGH_HIDDEN:
                continue
            path = f"{folder}{entry.name}"
            if entry.is_symlink():
                raise MolthubError("this is a link", place=str(site / path), remedy="an index holds files only")
            if entry.is_dir():
                yield from _files(site, f"{path}/")
            else:
                yield path


def checked_root(site: Path) -> bytes:
    """Return the root of a whole index. Raises :class:`MixedError` where what is signed is another one."""
    content = built_root(site)
    if (site / TIMESTAMP).is_file():
        signed = signed_root(lambda path: (site / path).read_bytes())
        if signed != hex_of(content):
            message = "the index was built again after it was signed"
            raise MixedError(message, place=str(site), remedy="sign it: molthub sign")
    return content


def signed_root(read: Read) -> str | None:
    """Return the hex name of the root that an index's metadata speaks of; None where there is none that can be read.

    Signatures are not looked at here: whoever signs and whoever reads does that.
    """
    try:
        snapshot, targets = _metadata_of(read)
        found = json.loads(read(targets))["signed"]["targets"][ROOT_DOCUMENT]["hashes"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) and snapshot else None


def named_by_metadata(read: Read) -> frozenset[str]:
    """Return what readers of a published timestamp, and of the log's checkpoint, ask for next, as far as can be told.

    Of the log that is what another length of it no longer has: the files of tiles that are not full.
    """
    found: list[str] = []
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        found += _metadata_of(read)
    with suppress(FileNotFoundError, ValueError):
        for tile in edge_tiles(read_checkpoint(read(CHECKPOINT).decode()).size):
            found += [f"{FOLDER}{tile.path}", *([f"{FOLDER}{tile.bundle_path}"] if not tile.level else [])]
    return frozenset(found)


def _metadata_of(read: Read) -> tuple[str, str]:
    timestamp = json.loads(read(TIMESTAMP))["signed"]
    snapshot = f"metadata/{int(timestamp['meta']['snapshot.json']['version'])}.snapshot.json"
    targets = json.loads(read(snapshot))["signed"]["meta"]["targets.json"]["version"]
    return snapshot, f"metadata/{int(targets)}.targets.json"


def is_old_metadata(path: str, current: frozenset[str]) -> bool:
    """Whether a file is a snapshot or targets of an earlier signing."""
    return _OLD_METADATA.match(path) is not None and path not in current


def kept_beside(site: Path, files: frozenset[str]) -> Kept:
    """Return what decides which older files stay beside this index."""
    root = index_root_from_json((site / ROOT_DOCUMENT).read_bytes(), str(site / ROOT_DOCUMENT))
    return Kept(files, frozenset(_removed(site, root.shards.values())), bool(root.fleets))


def _removed(site: Path, shards: Iterable[str]) -> Iterator[str]:
    for name in shards:
        place = site / "shards" / f"{name}.json.gz"
        try:
            shard = shard_from_json(gzip.decompress(place.read_bytes()), str(place))
        except (OSError, EOFError) as error:
            remedy = "build it again: molthub build --full"
            raise FormatError("this shard is missing or damaged", place=str(place), remedy=remedy) from error
        releases: list[SkillRelease | PackRelease] = [
            *(release for skill in shard.skills.values() for release in skill.releases.values()),
            *(release for pack in shard.packs.values() for release in pack.releases.values()),
        ]
        yield from (release.artifact.digest for release in releases if release.removed is not None)
