"""The documents of bots that passes acted upon: the last few of each, so that it can be brought back to one."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from molthub.documents import bot_from_json, hex_of
from molthub.errors import FormatError
from molthub.model import DesiredState
from molthub_reconciler.records.folder import StateFolder, read

DOCUMENTS_KEPT = 5


class KeptDocuments(StateFolder):
    """``bots/<fleet>/<bot>/documents/<hex name>.json``; its modification time says when it was last acted upon."""

    def document(self, bot: str, name: str | None) -> DesiredState | None:
        """Return a document that was kept, None when it is not there or damaged."""
        if name is None:
            return None
        place = f"{self._bot(bot)}/documents/{name}.json"
        try:
            return bot_from_json(read(place), place)
        except (OSError, FormatError):
            return None

    def has_document(self, bot: str, name: str) -> bool:
        """Whether a document is kept under that hex name."""
        return os.path.exists(f"{self._bot(bot)}/documents/{name}.json")

    def document_content(self, bot: str, name: str) -> bytes | None:
        """Return the bytes of a document that was kept; None when it is not there, or has other bytes by now."""
        with contextlib.suppress(OSError):
            content = read(f"{self._bot(bot)}/documents/{name}.json")
            return content if hex_of(content) == name else None
        return None

    def keep_document(self, bot: str, name: str, content: bytes) -> None:
        """Keep a document that is acted upon under its hex name in the index, and the last few before it.

        Without ``content`` it is one that was kept before.
        """
        folder = f"{self._bot(bot)}/documents"
        try:
            os.utime(f"{folder}/{name}.json")  # it is the newest again
        except FileNotFoundError:
            if not content:
                return
            self._write(folder, f"{name}.json", content)
        named = self.documents(bot)
        if len(named) > DOCUMENTS_KEPT:
            for old in _to_drop([(kept, self._digest(bot, kept)) for kept, _ in named]):
                Path(f"{folder}/{old}.json").unlink(missing_ok=True)

    def documents(self, bot: str) -> list[tuple[str, float]]:
        """Return the hex names of the documents that were kept, and when each was last acted upon, newest first."""
        try:
            with os.scandir(f"{self._bot(bot)}/documents") as kept:
                found = [(entry.stat().st_mtime_ns, entry.name) for entry in kept if entry.name.endswith(".json")]
        except FileNotFoundError:
            return []
        return [(name.removesuffix(".json"), stamp / 1e9) for stamp, name in sorted(found, reverse=True)]

    def _digest(self, bot: str, name: str) -> str | None:
        try:
            document = json.loads(read(f"{self._bot(bot)}/documents/{name}.json"))
        except (OSError, ValueError):
            return None
        return document.get("digest") if isinstance(document, dict) else None


def _to_drop(kept: Sequence[tuple[str, str | None]]) -> list[str]:
    """Return which documents go, of those kept (newest first, each with its digest): copies first, then the oldest.

    Documents of one digest differ in lines and policy only; five of them would be no history.
    """
    newest = {digest: name for name, digest in reversed(kept)}
    copies = [name for name, digest in reversed(kept) if newest[digest] != name]
    oldest = [name for name, digest in reversed(kept) if newest[digest] == name]
    return [*copies, *oldest][: max(0, len(kept) - DOCUMENTS_KEPT)]
