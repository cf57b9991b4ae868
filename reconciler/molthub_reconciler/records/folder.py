"""A state folder: where small files about bots, and about the target itself, are kept and read again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

from molthub.atomic import write_atomically
from molthub.documents import hex_of
from molthub.model import Json
from molthub_reconciler.records.elsewhere import Elsewhere
from molthub_reconciler.targets.glance import Status, status_of

PRIVATE = 0o700
FILE_MODE = 0o600


class StateFolder:
    """The folder of one target's state below ``root``. Reading makes no folder; the first thing written does.

    A pass over thousands of bots comes here a dozen times for each, so paths are text.
    """

    def __init__(self, root: Path, address: str) -> None:
        self.root = root
        self.address = address
        self.folder = root / "targets" / hex_of(address.encode())[:12]
        self.elsewhere = Elsewhere(self.folder, lambda: self._make(str(self.folder)))
        """What is on record of bots on other machines."""
        self._bots = f"{self.folder}/bots"
        self._made: set[str] = set()
        self._is_ours = False

    def note(self, bot: str, name: str) -> bytes:
        """Return a small file beside a bot's receipt, of the target itself where ``bot`` is empty; nothing if none."""
        try:
            return read(f"{self._of(bot)}/{name}")
        except OSError:
            return b""

    def keep_note(self, bot: str, name: str, content: bytes, *, durable: bool = False) -> None:
        """Keep such a file (for good, where ``durable``); without ``content`` there is none any more.

        Raises :class:`OSError`.
        """
        if content:
            self._write(self._of(bot), name, content, durable=durable)
        else:
            Path(f"{self._of(bot)}/{name}").unlink(missing_ok=True)

    def status(self, bot: str) -> Status:
        """Return what changes with every file beside a bot's receipt, and with the receipt; nothing without one.

        Files are replaced as a whole, which shows at their folder; whoever edits the receipt in place shows as well.
        """
        folder = self._bot(bot)
        receipt = status_of(f"{folder}/receipt.json")
        return (*status_of(folder), *receipt) if receipt else ()

    def _of(self, bot: str) -> str:
        return self._bot(bot) if bot else str(self.folder)

    def _bot(self, bot: str) -> str:
        return f"{self._bots}/{bot}"

    def _write(self, folder: str, name: str, content: bytes, *, durable: bool = False) -> None:
        self._make(folder)
        write_atomically(f"{folder}/{name}", content, FILE_MODE, durable=durable)

    def _make(self, folder: str) -> None:
        """Make a folder and those around it that are missing; what lies around the state is the user's own."""
        if folder in self._made:
            return
        place = Path(folder)
        try:
            place.mkdir(mode=PRIVATE)
        except FileExistsError:
            pass
        except FileNotFoundError:
            if place == self.root:
                place.parent.mkdir(parents=True, exist_ok=True)
            else:
                self._make(str(place.parent))
            place.mkdir(mode=PRIVATE, exist_ok=True)
        self._made.add(folder)


def read(place: str) -> bytes:
    """Return the bytes of a file. Raises :class:`OSError`."""
    with open(place, "rb", buffering=0) as file:
        return file.read()


def objects(lines: Iterable[bytes]) -> list[dict[str, Json]]:
    """Return the objects of JSON lines; what cannot be read is history, and left out."""
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]
