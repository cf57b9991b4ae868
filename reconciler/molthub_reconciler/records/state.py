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

It holds no secret, but says where they belong, so it is for its owner alone (mode 0700).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from molthub.atomic import FileLock, remove_tree, write_atomically
from molthub.documents import bot_from_json, canonical, canonical_plain, hex_of
from molthub.errors import FormatError, MolthubError, Problem
from molthub.model import DesiredState, Json
from molthub_reconciler.records.lasting import LastingFiles
from molthub_reconciler.records.receipt import Receipt, receipt_from_bytes, receipt_to_bytes
from molthub_reconciler.targets.glance import Status, status_of

DOCUMENTS_KEPT = 5
PASSES_KEPT = 200
NUDGE = "nudge"
"""The target's note that an operator writes to ask for a look now."""
REVISIONS_KEPT = 500
_PRIVATE = 0o700
_FILE_MODE = 0o600


class TargetState:
    """The state of one target. Reading makes no folder; the first thing written does.

    A pass over thousands of bots comes here a dozen times for each, so paths are text.
    """

    def __init__(self, root: Path, address: str) -> None:
        self.root = root
        self.address = address
        self.folder = root / "targets" / hex_of(address.encode())[:12]
        self._bots = f"{self.folder}/bots"
        self._made: set[str] = set()
        self._unreadable: set[str] = set()
        self._lasting = LastingFiles(_FILE_MODE)
        self._unsettled: dict[str, Receipt] = {}
        self._is_ours = False
        self._homes: dict[str, str] | None = None
        self._revision: str | None = None

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
            self._is_ours = True
            yield
        finally:
            self._is_ours = False
            self.reread()
            lock.__exit__(None, None, None)

    def reread(self) -> None:
        """Believe nothing that is remembered of the folder: look there again."""
        self._homes, self._revision = None, None

    def _introduce(self) -> None:
        place = self.folder / "target.json"
        content = canonical({"format": "molthub.target/1", "kind": "directory", "address": self.address})
        if not place.exists():
            write_atomically(place, content, _FILE_MODE)

    def bots(self) -> tuple[str, ...]:
        """Return every bot that has a receipt, as ``<fleet>/<bot>``, sorted."""
        if self._homes is not None:
            return tuple(sorted(self._homes))
        found = self.folder.glob("bots/*/*/receipt.json")
        settled = {f"{path.parent.parent.name}/{path.parent.name}" for path in found}
        return tuple(sorted(settled | self._unsettled.keys()))

    def homes(self) -> Mapping[str, str]:
        """Return the home of every bot that has a receipt, by bot; read once as long as nobody else can write here."""
        if self._homes is not None:
            return self._homes
        found = {bot: self.receipt(bot)[0].home for bot in self.bots()}
        if self._is_ours:
            self._homes = found
        return found

    def receipt(self, bot: str) -> tuple[Receipt, tuple[Problem, ...]]:
        """Return a bot's receipt; an empty one when there is none.

        One that cannot be read counts as lost, which a problem says: nothing will be deleted on its word.
        """
        if bot in self._unsettled:
            return self._unsettled[bot], ()
        place = f"{self._bot(bot)}/receipt.json"
        try:
            return receipt_from_bytes(_read(place), place), ()
        except FileNotFoundError:
            return Receipt(bot), ()
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
        remove_tree(folder)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()

    def document(self, bot: str, name: str | None) -> DesiredState | None:
        """Return a document that was kept, None when it is not there or damaged."""
        if name is None:
            return None
        place = f"{self._bot(bot)}/documents/{name}.json"
        try:
            return bot_from_json(_read(place), place)
        except (OSError, FormatError):
            return None

    def is_known(self, bot: str) -> bool:
        """Whether a bot has a receipt."""
        return bot in self.homes() if self._is_ours else os.path.exists(f"{self._bot(bot)}/receipt.json")

    def has_document(self, bot: str, name: str) -> bool:
        """Whether a document is kept under that hex name."""
        return os.path.exists(f"{self._bot(bot)}/documents/{name}.json")

    def document_content(self, bot: str, name: str) -> bytes | None:
        """Return the bytes of a document that was kept; None when it is not there, or has other bytes by now."""
        with contextlib.suppress(OSError):
            content = _read(f"{self._bot(bot)}/documents/{name}.json")
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
            document = json.loads(_read(f"{self._bot(bot)}/documents/{name}.json"))
        except (OSError, ValueError):
            return None
        return document.get("digest") if isinstance(document, dict) else None

    def add_pass(
        self, bot: str, line: Mapping[str, Json], earlier: tuple[Mapping[str, Json], ...] | None = None
    ) -> None:
        """Add what a pass changed or found, unless it changed nothing and found the same as the one before.

        ``earlier`` are those before, where they were read already.
        """
        earlier = self.passes(bot) if earlier is None else earlier
        has_changed = any(change["result"] == "applied" for change in line["changes"])
        if earlier and not has_changed and {**earlier[-1], "at": ""} == {**line, "at": ""}:
            return
        lines = [*earlier[-PASSES_KEPT + 1 :], line]
        content = b"".join(canonical_plain(dict(line)) + b"\n" for line in lines)
        self._write(self._bot(bot), "passes.jsonl", content)

    def passes(self, bot: str) -> tuple[Mapping[str, Json], ...]:
        """Return what the last passes changed or found, oldest first."""
        return tuple(_lines(f"{self._bot(bot)}/passes.jsonl"))

    def remembered(self, bot: str) -> bytes:
        """Return what the last look left to remember; nothing when there was none."""
        return self.note(bot, "files.json")

    def remember(self, bot: str, content: bytes) -> None:
        """Keep what makes the next look cheap."""
        self.keep_note(bot, "files.json", content)

    def note(self, bot: str, name: str) -> bytes:
        """Return a small file beside a bot's receipt, of the target itself where ``bot`` is empty; nothing if none."""
        try:
            return _read(f"{self._of(bot)}/{name}")
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

    def revisions(self) -> tuple[str, ...]:
        """Return the index's revisions that passes which acted saw, oldest first."""
        return tuple(line["revision"] for line in _parsed(self.note("", "revisions.jsonl").splitlines()))

    def see_revision(self, revision: str, at: str) -> None:
        """Take note of the revision that a pass acts upon."""
        if revision == self._revision:
            return
        self._revision = revision if self._is_ours else None
        lines = _parsed(self.note("", "revisions.jsonl").splitlines())
        if lines and lines[-1]["revision"] == revision:
            return
        lines = [*(line for line in lines if line["revision"] != revision), {"revision": revision, "at": at}]
        self.keep_note(
            "", "revisions.jsonl", b"".join(canonical_plain(line) + b"\n" for line in lines[-REVISIONS_KEPT:])
        )

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
        write_atomically(f"{folder}/{name}", content, _FILE_MODE, durable=durable)

    def _make(self, folder: str) -> None:
        """Make a folder and those around it that are missing; what lies around the state is the user's own."""
        if folder in self._made:
            return
        place = Path(folder)
        try:
            place.mkdir(mode=_PRIVATE)
        except FileExistsError:
            pass
        except FileNotFoundError:
            if place == self.root:
                place.parent.mkdir(parents=True, exist_ok=True)
            else:
                self._make(str(place.parent))
            place.mkdir(mode=_PRIVATE, exist_ok=True)
        self._made.add(folder)


def _read(place: str) -> bytes:
    with open(place, "rb", buffering=0) as file:
        return file.read()


def _lines(place: str) -> list[dict[str, Json]]:
    """Return the lines of a file of JSON lines; what cannot be read is history, and left out."""
    try:
        return _parsed(_read(place).splitlines())
    except FileNotFoundError:
        return []


def _parsed(lines: Iterable[bytes]) -> list[dict[str, Json]]:
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]


def _to_drop(kept: Sequence[tuple[str, str | None]]) -> list[str]:
    """Return which documents go, of those kept (newest first, each with its digest): copies first, then the oldest.

    Documents of one digest differ in lines and policy only; five of them would be no history.
    """
    newest = {digest: name for name, digest in reversed(kept)}
    copies = [name for name, digest in reversed(kept) if newest[digest] != name]
    oldest = [name for name, digest in reversed(kept) if newest[digest] == name]
    return [*copies, *oldest][: max(0, len(kept) - DOCUMENTS_KEPT)]


def _holder(place: Path) -> str:
    try:
        return place.read_text().strip() or "an unknown process"
    except OSError:
        return "an unknown process"
