"""A folder that a web server serves: each file is written beside its place and renamed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from molthub.errors import MolthubError
from molthub.index.deploy.order import Stage, stage_of
from molthub.index.deploy.places import Done, Held
from molthub.index.folder import MARKER
from molthub.index.write_files import Writer, files_below, plain_umask, settle


class FolderPlace:
    """A folder on this machine, or one that is mounted. It is made where it does not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)

    def files(self) -> Mapping[str, Held]:
        """Return every file below the folder."""
        if (self.folder / MARKER).exists():
            remedy = "serve it as it is, or name another folder"
            raise MolthubError("molthub build writes into this folder", place=self.where, remedy=remedy)
        paths = [path.removeprefix("./") for path in files_below(self.where, ".")]
        return {path: _held(self.folder / path) for path in paths}

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return (self.folder / path).read_bytes()

    def changed(self, site: Path, paths: Sequence[str], held: Mapping[str, Held]) -> list[str]:
        """Compare sizes, then bytes."""
        return [path for path in paths if path not in held or not self._same(site, path, held[path])]

    def _same(self, site: Path, path: str, held: Held) -> bool:
        if (site / path).stat().st_size != held.size:
            return False
        return (site / path).read_bytes() == self.read(path)

    def send(self, site: Path, paths: Sequence[str], done: Done) -> None:
        """Copy files. Before a root is written, whatever it names is on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(stage_of(path) >= Stage.ROOT for path in paths):
            settle()
        with plain_umask():
            writer = Writer(self.folder)
            for path in paths:
                writer.put(path, (site / path).read_bytes())
                done(1)

    def keep(self, _paths: Sequence[str]) -> list[str]:
        """Nothing has to be done: files stay where they are."""
        return []

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files, and the folders that are empty then."""
        Writer(self.folder).remove(paths)


def _held(file: Path) -> Held:
    found = os.lstat(file)
    return Held(found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
