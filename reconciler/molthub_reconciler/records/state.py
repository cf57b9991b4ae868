"""The state folder: what the reconciler remembers of a target, outside of every bot's home.

::

    <state>/targets/<12 hex of the target's address>/
        target.json                      which target this is
        lock                             held by the process that works on the target
        salt                             what versions of secrets are made with, where they are watched
        rest.json                        bots that were in sync, with what shows that nothing moved: may be deleted
        rollout-<fleet>.json             how far a fleet's change is (molthub_reconciler.rollout)
        revisions.jsonl                  the index's revisions that passes saw, oldest first
        bots/<fleet>/<bot>/receipt.json  what we last wrote (molthub_reconciler.records.receipt)
        bots/<fleet>/<bot>/documents/    the last five documents that were acted upon, by hex name
        bots/<fleet>/<bot>/passes.jsonl  a line per pass that changed or found something
        bots/<fleet>/<bot>/files.json    what the last look saw: makes the next one cheap, may be deleted
        bots/<fleet>/<bot>/pin.json      there while a bot is rolled back (molthub_reconciler.policy.pins)
        elsewhere.db                     what is on record of bots on other machines, instead of receipts and passes
                                         (molthub_reconciler.records.elsewhere)

It holds no secret, but says where they belong, so it is for its owner alone (mode 0700).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from molthub.atomic import FileLock, remove_tree, write_atomically
from molthub.documents import canonical
from molthub.errors import FormatError, MolthubError, Problem
from molthub_reconciler.records.documents import KeptDocuments
from molthub_reconciler.records.folder import FILE_MODE, read
from molthub_reconciler.records.lasting import LastingFiles
from molthub_reconciler.records.moving_in import move_in
from molthub_reconciler.records.passes import PassHistory
from molthub_reconciler.records.receipt import Receipt, receipt_from_bytes, receipt_to_bytes

NUDGE = "nudge"
"""The target's note that an operator writes to ask for a look now."""


class TargetState(KeptDocuments, PassHistory):
    """The state of one target: its lock, the receipts of its bots, the documents they had, and what passes did."""

    def __init__(self, root: Path, address: str) -> None:
        super().__init__(root, address)
        self._unreadable: set[str] = set()
        self._lasting = LastingFiles(FILE_MODE)
        self._unsettled: dict[str, Receipt] = {}
        self._homes: dict[str, str] | None = None

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from working on this target.

        Raises :class:`MolthubError`, which says who does, when one is at it.
        """
        self._make(str(self.folder))
        place = self.folder / "lock"
        try:
            lock = FileLock(place, timeout=0)
            lock.__enter__()
        except MolthubError:
            raise MolthubError(
                f"another reconcile works on this target: {_holder(place)}",
                place=self.address,
                remedy="wait until it is done, or stop it; one reconcile per target is enough",
            ) from None
        try:
            place.write_text(f"process {os.getpid()}\n")
            self._introduce()
            self._is_ours = self.elsewhere.is_ours = True
            move_in(self.folder, self.elsewhere)
            yield
        finally:
            self._is_ours = self.elsewhere.is_ours = False
            self.reread()
            lock.__exit__(None, None, None)

    def reread(self) -> None:
        """Believe nothing that is remembered of the folder: look there again."""
        self._homes, self._revision = None, None
        self.elsewhere.reread()

    def _introduce(self) -> None:
        place = self.folder / "target.json"
        content = canonical({"format": "molthub.target/1", "kind": "directory", "address": self.address})
        if not place.exists():
            write_atomically(place, content, FILE_MODE)

    def bots(self) -> tuple[str, ...]:
        """Return every bot that is on record, here or elsewhere, as ``<fleet>/<bot>``, sorted."""
        here = self._with_receipt() if self._homes is None else self._homes.keys()
        return tuple(sorted(here | self.elsewhere.bots()))

    def _with_receipt(self) -> set[str]:
        found = self.folder.glob("bots/*/*/receipt.json")
        return {f"{path.parent.parent.name}/{path.parent.name}" for path in found} | self._unsettled.keys()

    def homes(self) -> Mapping[str, str]:
        """Return the home of every bot that has a receipt, by bot; read once as long as nobody else can write here."""
        if self._homes is not None:
            return self._homes
        found = {bot: self.receipt(bot)[0].home for bot in sorted(self._with_receipt())}
        if self._is_ours:
            self._homes = found
        return found

    def receipt(self, bot: str) -> tuple[Receipt, tuple[Problem, ...]]:
        """Return a bot's receipt; an empty one when there is none, of a bot elsewhere what is known of it.

        One that cannot be read counts as lost, which a problem says: nothing will be deleted on its word.
        """
        if bot in self._unsettled:
            return self._unsettled[bot], ()
        place = f"{self._bot(bot)}/receipt.json"
        try:
            return receipt_from_bytes(read(place), place), ()
        except FileNotFoundError:
            known = self.elsewhere.known(bot)
            return Receipt(bot) if known is None else Receipt(bot, platform=known.platform, document=known.document), ()
        except FormatError as error:
            self._unreadable.add(bot)
            message = f"the receipt cannot be read and counts as lost: {error.message}"
            remedy = f"nothing is deleted; it is kept beside {place} when the next one is written"
            return Receipt(bot), (Problem("MH709", message, remedy, severity="warning"),)

    def save(self, receipt: Receipt, *, durable: bool = True) -> None:
        """Keep a receipt; one that could not be read is put aside.

        One that is ``durable`` is on disk for good after :meth:`settle`; until then, and for another process, the one
        before it counts. Raises :class:`OSError`.
        """
        folder = self._bot(receipt.bot)
        if receipt.bot in self._unreadable:
            Path(folder, "receipt.json").replace(Path(folder, "receipt.unreadable.json"))
            self._unreadable.discard(receipt.bot)
        if durable:
            self._make(folder)
            self._unsettled.pop(receipt.bot, None)
            if self._lasting.write(folder, "receipt.json", receipt_to_bytes(receipt)):
                self._unsettled.clear()
            else:
                self._unsettled[receipt.bot] = receipt
        else:
            self._leave(receipt.bot)
            self._write(folder, "receipt.json", receipt_to_bytes(receipt))
        if self._homes is not None:
            self._homes[receipt.bot] = receipt.home

    def settle(self) -> dict[str, OSError]:
        """Make every receipt last. Return the bots whose receipt could not be kept, and why."""
        self._unsettled.clear()
        failed = self._lasting.settle()
        return {path.removeprefix(f"{self._bots}/").rpartition("/")[0]: error for path, error in failed.items()}

    def _leave(self, bot: str) -> None:
        self._unsettled.pop(bot, None)
        self._lasting.drop(f"{self._bot(bot)}/receipt.json")

    def forget(self, bot: str) -> None:
        """Drop everything about a bot of which nothing is left."""
        folder = Path(self._bot(bot))
        self._made.clear()
        if self._homes is not None:
            self._homes.pop(bot, None)
        self._leave(bot)
        self.elsewhere.forget(bot)
        remove_tree(folder)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()

    def is_known(self, bot: str) -> bool:
        """Whether a bot has a receipt."""
        return bot in self.homes() if self._is_ours else os.path.exists(f"{self._bot(bot)}/receipt.json")

    def remembered(self, bot: str) -> bytes:
        """Return what the last look left to remember; nothing when there was none."""
        return self.note(bot, "files.json")

    def remember(self, bot: str, content: bytes) -> None:
        """Keep what makes the next look cheap."""
        self.keep_note(bot, "files.json", content)


def _holder(place: Path) -> str:
    try:
        return place.read_text().strip() or "an unknown process"
    except OSError:
        return "an unknown process"
