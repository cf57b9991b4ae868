"""Reading an index from a bundle: one tar archive, as ``molthub mirror --bundle`` writes it."""

from __future__ import annotations

import tarfile
import threading
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from molthub.client.fetcher import NOT_FOUND, NOT_MODIFIED, OK, Fetched, too_large
from molthub.errors import FormatError, UnreachableError


class _Place(NamedTuple):
    offset: int
    size: int


class BundleFetcher:
    """An index in a tar file. Only its plain files count, and nothing is unpacked to the disk."""

    def __init__(self, path: Path) -> None:
        self.where = str(path.absolute())
        self._lock = threading.Lock()
        try:
            self._file = path.open("rb")
            with tarfile.open(fileobj=self._file, mode="r:") as tar:
                self._places = {
                    member.name: _Place(member.offset_data, member.size)
                    for member in tar
                    if member.isreg() and not member.issparse()
                }
        except OSError as error:
            remedy = "give a file that this user may read"
            raise UnreachableError(str(error.strerror or error), place=str(path), remedy=remedy) from None
        except tarfile.TarError as error:
            remedy = "carry it again; it is what `molthub mirror --bundle` wrote"
            raise FormatError(f"it is no bundle ({error})", place=str(path), remedy=remedy) from None

    def get(self, path: str, *, etag: str | None = None, limit: int) -> Fetched:
        """Read a file; its ETag is its hash."""
        place = self._places.get(path)
        if place is None:
            return Fetched(NOT_FOUND)
        if place.size > limit:
            raise too_large(f"{self.where}/{path}", limit)
        with self._lock:
            self._file.seek(place.offset)
            content = self._file.read(place.size)
        found = f'"{sha256(content).hexdigest()}"'
        return Fetched(NOT_MODIFIED, etag=found) if found == etag else Fetched(OK, content, found)

    def close(self) -> None:
        """Nothing is held but the file, which the next reading needs."""

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()
