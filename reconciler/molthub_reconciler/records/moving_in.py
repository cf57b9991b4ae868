"""Taking in what was kept in files of their own for each bot on another machine: once, and nothing of it is lost.

::

    agents/<fleet>/<bot>/assignment.json, report.json
    bots/<fleet>/<bot>/receipt.json, passes.jsonl       of bots that never lived on this machine

Files go only when what they held is in the one file for good, so a kill at any moment leaves it in one of the two.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from molthub.errors import FormatError
from molthub_reconciler.records.elsewhere import Elsewhere, Known
from molthub_reconciler.records.folder import objects
from molthub_reconciler.records.receipt import Receipt, receipt_from_bytes

_GIVEN, _TOLD, _RECEIPT, _PASSES = "assignment.json", "report.json", "receipt.json", "passes.jsonl"
_BATCH = 500


def move_in(folder: Path, elsewhere: Elsewhere) -> None:
    """Take in what stands in files below a target's state ``folder``. Raises :class:`OSError`."""
    bots = list(_bots(f"{folder}/agents"))
    for start in range(0, len(bots), _BATCH):
        portion = _Portion(folder, elsewhere)
        for bot in bots[start : start + _BATCH]:
            portion.take(bot)
        portion.settle()


@dataclass
class _Portion:
    """Some bots, of which everything is taken in at once."""

    folder: Path
    elsewhere: Elsewhere
    assignments: dict[str, bytes] = field(default_factory=dict)
    reports: dict[str, bytes] = field(default_factory=dict)
    done: list[Path] = field(default_factory=list)

    def take(self, bot: str) -> None:
        """Take note of what the files of one bot hold."""
        agent, state = self.folder / "agents" / bot, self.folder / "bots" / bot
        given, told = _content(agent / _GIVEN), _content(agent / _TOLD)
        if _serial(given) >= _serial(self.elsewhere.assignment(bot)):  # else it is older: a copy that was put back
            self.assignments |= {bot: given} if given is not None else {}
            self.reports |= {bot: told} if told is not None else {}
        self.done += [agent / _GIVEN, agent / _TOLD]
        receipt = _receipt(state / _RECEIPT)
        if receipt is None or receipt.keys or receipt.home or receipt.secrets:
            return  # it lived here, and what was written here is still there
        known = self.elsewhere.passes(bot)
        lines = [line for line in objects((_content(state / _PASSES) or b"").splitlines()) if line not in known]
        self.elsewhere.note(bot, Known(receipt.document, receipt.platform), *lines, every=True)
        self.done += [state / _RECEIPT, state / _PASSES]

    def settle(self) -> None:
        """Write it all down for good, then let go of the files."""
        self.elsewhere.keep(self.assignments, self.reports)
        self.elsewhere.settle()
        self.elsewhere.file.sync()
        for path in self.done:
            path.unlink(missing_ok=True)
        for place in {path.parent for path in self.done}:
            with contextlib.suppress(OSError):  # what else is kept there stays
                place.rmdir()


def _bots(agents: str) -> Iterator[str]:
    """Yield the bots of which something stands in files."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for fleet in sorted(os.listdir(agents)):
            with contextlib.suppress(NotADirectoryError):
                for bot in sorted(os.listdir(f"{agents}/{fleet}")):
                    place = f"{agents}/{fleet}/{bot}"
                    if os.path.exists(f"{place}/{_GIVEN}") or os.path.exists(f"{place}/{_TOLD}"):
                        yield f"{fleet}/{bot}"


def _receipt(path: Path) -> Receipt | None:
    with contextlib.suppress(OSError, FormatError):
        return receipt_from_bytes(path.read_bytes(), str(path))
    return None


def _content(path: Path) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def _serial(content: bytes | None) -> int:
    """Return an assignment's number; -1 of what is none."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return int(json.loads(content or b"")["serial"])
    return -1
