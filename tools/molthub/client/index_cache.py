"""What was fetched from one index, kept on disk: blobs by hex, and ``registry.json`` with its ETag.

Nothing here is trusted because it is here: a blob is hashed each time it is read, and ``registry.json`` is parsed as if
it had just been answered. Files are replaced atomically; several processes may share the folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from molthub.atomic import write_atomically

_KEPT_SECONDS = 30 * 24 * 3600


class KeptRoot(NamedTuple):
    """The last ``registry.json``, its ETag, and when it was fetched (RFC 3339, UTC)."""

    content: bytes
    etag: str | None
    fetched: str


class IndexCache:
    """A folder for one index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def root(self) -> KeptRoot | None:
        """Return the last ``registry.json``, or None. Its ETag counts only if it was kept for these very bytes."""
        try:
            content = (self.folder / "registry.json").read_bytes()
        except OSError:
            return None
        etag, fetched = self._noted(sha256(content).hexdigest())
        return KeptRoot(content, etag, fetched)

    def keep_root(self, content: bytes, etag: str | None) -> None:
        """Keep ``registry.json`` and its ETag; forget blobs that were fetched long ago."""
        note = {"etag": etag, "sha256": sha256(content).hexdigest(), "fetched": timestamp()}
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / "registry.json", content, durable=False)
            write_atomically(self.folder / "registry.etag.json", json.dumps(note).encode(), durable=False)
            self._forget_old()

    def blob(self, hex_name: str) -> bytes | None:
        """Return a blob whose bytes are what its name says, or None."""
        path = self.folder / "blobs" / hex_name
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if sha256(content).hexdigest() == hex_name:
            return content
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def keep_blob(self, hex_name: str, content: bytes) -> None:
        """Keep a verified blob."""
        with contextlib.suppress(OSError):
            (self.folder / "blobs").mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / "blobs" / hex_name, content, durable=False)

    def _noted(self, hex_name: str) -> tuple[str | None, str]:
        try:
            note = json.loads((self.folder / "registry.etag.json").read_bytes())
            return (note["etag"], str(note["fetched"])) if note["sha256"] == hex_name else (None, "")
        except (OSError, ValueError, KeyError, TypeError):
            return None, ""

    def _forget_old(self) -> None:
        oldest = time.time() - _KEPT_SECONDS
        with os.scandir(self.folder / "blobs") as blobs:
            for blob in blobs:
                with contextlib.suppress(OSError):
                    if blob.stat().st_mtime < oldest:
                        Path(blob.path).unlink()


def timestamp() -> str:
    """Return the time as RFC 3339 in UTC with whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
