"""What an index publishes now: its root, and, where it is signed, the metadata and the log that lead to it.

A signed index is read by its root of trust, as clients read it (:mod:`molthub.client.trust`). The root is the one that
this user trusts, or is given; else the first one seen is taken, and counts from then on for this mirror.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from molthub.client.fetcher import NOT_FOUND, Fetcher
from molthub.client.index_files import MAX_DOCUMENT, MAX_ROOT
from molthub.client.paths import state_folder
from molthub.client.trust import MAX_METADATA, MAX_ROOTS, METADATA, RootPin, Trust, fetch_root, fingerprint
from molthub.documents import hex_of, index_root_from_json
from molthub.errors import DeniedError, FormatError, LogDamagedError, TrustError
from molthub.index.folder import ROOT_DOCUMENT
from molthub.index.release_log import whole_log
from molthub.model import IndexRoot
from molthub.transparency.checkpoint import Checkpoint, read_checkpoint
from molthub.transparency.entries import FOLDER as LOG

CHECKPOINT = f"{LOG}checkpoint"


@dataclass(frozen=True)
class Published:
    """What is published. ``metadata`` is in the order in which readers may meet it; empty: it is not signed.

    ``taken`` is the fingerprint of a root that was trusted because it was the first one seen, just now.
    """

    content: bytes
    root: IndexRoot
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    log: Checkpoint | None = None
    note: bytes = b""
    taken: str = ""

    @property
    def expires(self) -> str:
        """Until when clients believe the metadata (RFC 3339); nothing where there is none."""
        content = self.metadata.get(f"{METADATA}timestamp.json")
        return str(json.loads(content)["signed"]["expires"]) if content else ""

    @property
    def name(self) -> str:
        """The path of the root under its hex name."""
        return f"{hex_of(self.content)}.{ROOT_DOCUMENT}"


def read_published(fetcher: Fetcher, mirror: Path, root: bytes | None = None, pin: RootPin | None = None) -> Published:
    """Return what is published where ``fetcher`` reads, for the mirror in ``mirror``.

    ``root`` is the root of trust to begin with, or ``pin`` names it. Raises :class:`TrustError` or one of its kinds for
    what is signed and does not verify, :class:`FormatError` for what is no index, :class:`UnreachableError`.
    """
    if not _is_signed(fetcher):
        return _unsigned(fetcher, mirror, trusted=root is not None or pin is not None)
    trust = _trust(fetcher, mirror)
    taken = ""
    if root is not None:
        trust.begin_unless_known(root)
    elif pin is not None:
        trust.begin_by_pin(fetcher, pin)
    elif trust.root is None:
        first = fetch_root(fetcher, 1)
        trust.begin(first)
        taken = fingerprint(first)
    content = trust.registry(fetcher, _read(mirror / ROOT_DOCUMENT))
    documents = trust.documents()
    note = _log_note(documents["targets"])
    return Published(
        content,
        index_root_from_json(content, fetcher.where),
        _metadata(fetcher, documents, trust.root or b"", mirror),
        read_checkpoint(note) if note else None,
        note.encode(),
        taken,
    )


def read_log(published: Published, fetcher: Fetcher, mirror: Path) -> dict[str, bytes]:
    """Return the files of the log, all of them made from its entries, which lead to its signed root.

    What the mirror has is not fetched again. Raises :class:`LogDamagedError`, :class:`UnreachableError`.
    """
    if published.log is None:
        return {}

    def fetched(path: str) -> bytes | None:
        answer = fetcher.get(path, limit=MAX_DOCUMENT)
        return None if answer.status == NOT_FOUND else answer.content

    def known(path: str) -> bytes | None:
        return _read(mirror / path) or fetched(path)

    try:
        return whole_log(published.log, known, fetcher.where)
    except LogDamagedError:
        return whole_log(published.log, fetched, fetcher.where)  # it may be the mirror's copy that is damaged


def _is_signed(fetcher: Fetcher) -> bool:
    try:
        return fetcher.get(f"{METADATA}timestamp.json", limit=MAX_METADATA).status != NOT_FOUND
    except DeniedError:
        return False  # what object stores that may not be listed say of a file that is not there


def _unsigned(fetcher: Fetcher, mirror: Path, *, trusted: bool) -> Published:
    if trusted or _trust(fetcher, mirror).root is not None:
        raise TrustError(
            "this registry was signed, and metadata/timestamp.json is missing",
            place=fetcher.where,
            remedy="it may be being published just now: try again in a minute, else ask whoever runs it",
        )
    answer = fetcher.get(ROOT_DOCUMENT, limit=MAX_ROOT)
    if answer.status == NOT_FOUND:
        raise FormatError(
            "there is no registry.json, so it is no molthub index", place=fetcher.where, remedy="check the address"
        )
    return Published(answer.content, index_root_from_json(answer.content, fetcher.where))


def _trust(fetcher: Fetcher, mirror: Path) -> Trust:
    """Return what the user trusts of the registry, or else what this mirror does: a bundle has another name each time.

    Either way the mirror never goes back behind what it has seen.
    """
    users = Trust.of(fetcher.where)
    if users.root is not None:
        return users
    name = hex_of(f"mirror {mirror.resolve()}".encode())[:16]
    return Trust(fetcher.where, state_folder() / "trust" / name)


def _metadata(fetcher: Fetcher, documents: Mapping[str, bytes], newest: bytes, mirror: Path) -> dict[str, bytes]:
    signed = {role: json.loads(content)["signed"] for role, content in documents.items()}
    root: dict[str, Any] = json.loads(newest)["signed"]
    prefix = {role: f"{value['version']}." if root["consistent_snapshot"] else "" for role, value in signed.items()}
    files = dict(_roots(fetcher, root["version"], newest, mirror))
    for role in ("targets", "snapshot"):
        files[f"{METADATA}{prefix[role]}{role}.json"] = documents[role]
    return {**files, f"{METADATA}timestamp.json": documents["timestamp"]}


def _roots(fetcher: Fetcher, newest: int, content: bytes, mirror: Path) -> dict[str, bytes]:
    """Return every root: a client that has an old one goes from each to the next."""
    files = {}
    for number in range(max(1, newest - MAX_ROOTS), newest):
        path = f"{METADATA}{number}.root.json"
        kept = _read(mirror / path)
        try:
            answer = None if kept is not None else fetcher.get(path, limit=MAX_METADATA)
        except DeniedError:
            continue
        if kept is not None or (answer is not None and answer.status != NOT_FOUND):
            files[path] = kept if kept is not None else answer.content if answer else b""
    return {**files, f"{METADATA}{newest}.root.json": content}


def _log_note(targets: bytes) -> str:
    target: dict[str, Any] = json.loads(targets)["signed"]["targets"][ROOT_DOCUMENT]
    note = (target.get("custom") or {}).get("log")
    return note if isinstance(note, str) else ""


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
