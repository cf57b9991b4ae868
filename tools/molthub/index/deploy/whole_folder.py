"""A folder that is uploaded as a whole in the place of what is published now, as GitHub Pages wants it.

Nothing of what is published stays by itself. What readers of the roots before may still ask for is therefore brought
along: read from the published index, and checked by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from molthub.documents import hex_of
from molthub.errors import UsageError
from molthub.index.deploy.folder import FolderPlace
from molthub.index.deploy.places import Held
from molthub.index.folder import BLOB
from molthub.index.write_files import Writer, plain_umask

_AT_ONCE = 8


class WholeFolder(FolderPlace):
    """An empty folder, and the reader of the index that it will replace. Raises :class:`UsageError` for another."""

    def __init__(self, folder: Path, live: Callable[[str], bytes]) -> None:
        super().__init__(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError("the folder is not empty", place=self.where, remedy="give a new one")
        self._live = live

    def files(self) -> Mapping[str, Held]:
        """Return nothing: the folder is empty."""
        return {}

    def read(self, path: str) -> bytes:
        """Return a file of what is published now."""
        return self._live(path)

    def keep(self, paths: Sequence[str]) -> list[str]:
        """Bring files along. One that is gone, or is not what its name says, is left out: it served nobody."""
        self.folder.mkdir(parents=True, exist_ok=True)
        writer = Writer(self.folder)
        brought = []
        with ThreadPoolExecutor(_AT_ONCE) as pool, plain_umask():
            for path, content in zip(paths, pool.map(self._read_checked, paths), strict=True):
                if content is not None:
                    writer.put(path, content)
                    brought.append(path)
        return brought

    def _read_checked(self, path: str) -> bytes | None:
        try:
            content = self._live(path)
        except FileNotFoundError:
            return None
        named = path.rpartition("/")[2].partition(".")[0]
        return None if BLOB.match(path) and hex_of(content) != named else content
