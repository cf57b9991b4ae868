"""Where an index can be sent: the port, and which place an address means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from molthub.errors import UsageError

Done = Callable[[int], None]
"""Is told of so many files that are sent."""

_REMOTE_SHELL = re.compile(r"(?:[^/@:]+@)?[^/@:]{2,}:")


@dataclass(frozen=True, slots=True)
class Held:
    """A file that a place holds. ``md5`` is None where the place does not tell it."""

    size: int
    modified: datetime
    md5: str | None = None


class Place(Protocol):
    """A place that is served, or that is put in its place as a whole."""

    where: str
    """The address, without credentials."""

    def files(self) -> Mapping[str, Held]:
        """Return every file that is there, by its path below the place."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises FileNotFoundError where there is none, MolthubError for anything else."""

    def changed(self, site: Path, paths: Sequence[str], held: Mapping[str, Held]) -> list[str]:
        """Return those of the site's files that the place does not hold alike."""

    def send(self, site: Path, paths: Sequence[str], done: Done) -> None:
        """Put the site's files there, each one whole or not at all. Raises MolthubError."""

    def keep(self, paths: Sequence[str]) -> list[str]:
        """Make sure that these files of older indexes stay; return those that had to be brought along."""

    def remove(self, paths: Sequence[str]) -> None:
        """Take files away. Raises MolthubError."""


def open_place(address: str, *, live: Callable[[str], bytes] | None = None) -> Place:
    """Return the place that an address means: ``s3://``, ``rsync://``, ``user@host:path``, or a folder.

    ``live`` reads what is published now, where the folder will take its place as a whole. Raises :class:`UsageError`.
    """
    scheme, separator, _ = address.partition("://")
    if live is not None:
        if separator or is_rsync(address):
            raise UsageError("--live goes with a folder that is uploaded as a whole", place=address)
        from molthub.index.deploy.whole_folder import WholeFolder

        return WholeFolder(Path(address), live)
    if separator and scheme in OBJECT_STORES:
        from molthub.index.deploy.object_store import ObjectStorePlace

        return ObjectStorePlace(address)
    if is_rsync(address):
        from molthub.index.deploy.rsync import RsyncPlace

        return RsyncPlace(address)
    if separator:
        remedy = "give a folder, s3://BUCKET/PREFIX, rsync://HOST/MODULE or USER@HOST:PATH"
        raise UsageError(f"cannot send an index over {scheme}", place=address, remedy=remedy)
    from molthub.index.deploy.folder import FolderPlace

    return FolderPlace(Path(address))


OBJECT_STORES = ("s3",)


def is_rsync(address: str) -> bool:
    """Whether an address is one that only rsync knows (rsync(1): a colon before the first slash, or its scheme)."""
    return address.startswith("rsync://") or ("://" not in address and _REMOTE_SHELL.match(address) is not None)
