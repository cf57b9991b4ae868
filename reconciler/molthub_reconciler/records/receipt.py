"""The receipt: what we last wrote into one bot's home, and for which document. Pure; :mod:`.state` keeps it on disk.

Before a pass writes, the receipt is saved with what it is about to write beside what it wrote before; afterwards with
what is there now. So a pass that is killed in between never takes its own writing for the owner's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from molthub.documents import canonical_plain
from molthub.documents.reading import load_document, reading
from molthub.model import FileEntry, Json
from molthub_reconciler.plan import Place, Standing, Wanted, Written


@dataclass(frozen=True, slots=True)
class Receipt:
    """What we wrote for ``bot`` (``<fleet>/<bot>``) into ``home`` (``<fleet>/<folder>``).

    ``document`` is the hex name of the last document that was acted upon. ``files`` holds the file list of each skill
    by its digest, so that what was edited can be named without fetching the skill again. ``secrets`` are the versions
    of the secrets that the bot was last told of (:mod:`molthub_reconciler.records.secret_versions`), by name.
    """

    bot: str
    home: str = ""
    platform: str = ""
    document: str | None = None
    keys: Mapping[str, Written] = field(default_factory=dict)
    files: Mapping[str, tuple[FileEntry, ...]] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def about_to_write(self, wanted: Mapping[str, Wanted], observed: Standing) -> Receipt:
        """Return the receipt that says both what was written, as far as ``observed``, and what is going to be."""
        pending = {
            key: Written(self.keys[key].seen(observed) if key in self.keys else {}, want.all)
            for key, want in wanted.items()
        }
        return replace(self, keys={**self.keys, **pending})

    def settled(self, wrote: Mapping[str, Standing], gone: Iterable[str]) -> Receipt:
        """Return the receipt after ``wrote`` was written (or found as wanted) and ``gone`` was taken away."""
        left = {key: written for key, written in self.keys.items() if key not in set(gone)}
        return replace(self, keys={**left, **{key: Written(places) for key, places in wrote.items()}})

    def with_files(self, files: Mapping[str, tuple[FileEntry, ...]]) -> Receipt:
        """Return the receipt with the file lists of the skills it names, from those it has and ``files``."""
        named = {left for written in self.keys.values() for left in written.places.values()}
        known = {**self.files, **files}
        return replace(self, files={digest: known[digest] for digest in sorted(named & known.keys())})


def receipt_to_bytes(receipt: Receipt) -> bytes:
    """Return the document ``molthub.receipt/1``."""
    keys = {key: _written_to_json(written) for key, written in receipt.keys.items()}
    files = {digest: [_file_to_json(entry) for entry in entries] for digest, entries in receipt.files.items()}
    head = {"format": "molthub.receipt/1", "bot": receipt.bot, "home": receipt.home, "platform": receipt.platform}
    secrets = {"secrets": dict(receipt.secrets)} if receipt.secrets else {}
    return canonical_plain({**head, "document": receipt.document, "keys": keys, "files": files, **secrets})


def receipt_from_bytes(content: bytes, where: str) -> Receipt:
    """Read ``molthub.receipt/1``. Raises :class:`FormatError`."""
    return reading(_receipt, load_document(content, "receipt", where), where)


def _receipt(document: dict[str, Any]) -> Receipt:
    return Receipt(
        bot=str(document["bot"]),
        home=str(document["home"]),
        platform=str(document["platform"]),
        document=document["document"],
        keys={key: _written(value) for key, value in document["keys"].items()},
        files={digest: tuple(FileEntry(*entry) for entry in entries) for digest, entries in document["files"].items()},
        secrets={str(name): str(version) for name, version in document.get("secrets", {}).items()},
    )


def _written_to_json(written: Written) -> dict[str, Json]:
    pending = {} if written.writing is None else {"writing": standing_to_json(written.writing)}
    return {"places": standing_to_json(written.places), **pending}


def _written(value: dict[str, Any]) -> Written:
    writing = value.get("writing")
    return Written(standing(value["places"]), None if writing is None else standing(writing))


def standing_to_json(places: Standing) -> list[dict[str, Json]]:
    """Return what stands where: a list, in order, of file, pointer, item (as far as there are any) and fingerprint."""
    return [
        {"file": place.file, "fingerprint": left}
        | ({"pointer": list(place.pointer)} if place.pointer else {})
        | ({"item": place.item} if place.item else {})
        for place, left in places.items()
    ]


def standing(rows: Iterable[Mapping[str, Any]]) -> dict[Place, str]:
    """Read what :func:`standing_to_json` wrote."""
    return {Place(row["file"], tuple(row.get("pointer", ())), row.get("item", "")): row["fingerprint"] for row in rows}


def _file_to_json(entry: FileEntry) -> list[Json]:
    return [entry.path, entry.sha256, entry.size, entry.executable]
