"""What passes did and found: a line per bot for each that changed or found something, and the revisions they saw."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from molthub.documents import canonical_plain
from molthub.model import Json
from molthub_reconciler.records.elsewhere import PASSES_KEPT
from molthub_reconciler.records.folder import StateFolder, objects, read

REVISIONS_KEPT = 500
_REVISIONS = "revisions.jsonl"


class PassHistory(StateFolder):
    """``bots/<fleet>/<bot>/passes.jsonl``, and ``revisions.jsonl`` of the target.

    Of a bot elsewhere that has no receipt here, its passes are among the records of all those.
    """

    def __init__(self, root: Path, address: str) -> None:
        super().__init__(root, address)
        self._revision: str | None = None

    def add_pass(
        self, bot: str, line: Mapping[str, Json], earlier: tuple[Mapping[str, Json], ...] | None = None
    ) -> None:
        """Add what a pass changed or found, unless it changed nothing and found the same as the one before.

        ``earlier`` are those before, where they were read already.
        """
        if bot in self.elsewhere.bots() and not os.path.exists(f"{self._bot(bot)}/receipt.json"):
            self.elsewhere.note(bot, None, line)
            self.elsewhere.settle()
            return
        earlier = self.passes(bot) if earlier is None else earlier
        has_changed = any(change["result"] == "applied" for change in line["changes"])
        if earlier and not has_changed and {**earlier[-1], "at": ""} == {**line, "at": ""}:
            return
        lines = [*earlier[-PASSES_KEPT + 1 :], line]
        content = b"".join(canonical_plain(dict(line)) + b"\n" for line in lines)
        moves = bool(self.elsewhere.passes(bot))
        self._write(self._bot(bot), "passes.jsonl", content, durable=moves)
        if moves:  # it lives here now, and so does its history
            self.elsewhere.forget_passes(bot)

    def passes(self, bot: str) -> tuple[Mapping[str, Json], ...]:
        """Return what the last passes changed or found, oldest first."""
        here: list[dict[str, Json]] = []
        with contextlib.suppress(FileNotFoundError):
            here = objects(read(f"{self._bot(bot)}/passes.jsonl").splitlines())
        elsewhere = self.elsewhere.passes(bot)
        if here and elsewhere:  # it lived here and there, or a kill came while its history moved
            lines = (*here, *(line for line in elsewhere if line not in here))
            return tuple(sorted(lines, key=lambda line: str(line.get("at"))))[-PASSES_KEPT:]
        return tuple(here or elsewhere)

    def revisions(self) -> tuple[str, ...]:
        """Return the index's revisions that passes which acted saw, oldest first."""
        return tuple(str(line["revision"]) for line in self._revisions())

    def see_revision(self, revision: str, at: str) -> None:
        """Take note of the revision that a pass acts upon."""
        if revision == self._revision:
            return
        self._revision = revision if self._is_ours else None
        lines = self._revisions()
        if lines and lines[-1]["revision"] == revision:
            return
        lines = [*(line for line in lines if line["revision"] != revision), {"revision": revision, "at": at}]
        self.keep_note("", _REVISIONS, b"".join(canonical_plain(line) + b"\n" for line in lines[-REVISIONS_KEPT:]))

    def _revisions(self) -> list[dict[str, Json]]:
        return [line for line in objects(self.note("", _REVISIONS).splitlines()) if "revision" in line]
