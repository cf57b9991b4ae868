"""Signing a built index: the metadata above ``registry.json``, as TUF 1.0.31 wants it and python-tuf writes it.

A step of its own after the pure build, because it needs keys and a clock. What was published before is the judge: its
versions only ever grow, and its commit must be an ancestor of ours. The files are written in the order in which a
client may meet them: roots, targets, snapshot, ``timestamp.json`` last. Until then clients follow the old timestamp to
the old ``<sha256>.registry.json``, which publishing keeps. The checkpoint of the log of published versions stands in
the targets, beside what they say of ``registry.json``: the log is as fresh, and as much the same for everybody, as
that. Its copy for other readers, ``log/checkpoint``, follows after the timestamp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple, TypeVar

from molthub.documents import index_root_from_json
from molthub.errors import LogForkError, MolthubError, RollbackError, TrustError
from molthub.index.signing_keys import SigningKeys
from molthub.model import IndexRoot
from molthub.transparency.checkpoint import (
    Checkpoint,
    open_checkpoint,
    read_checkpoint,
    signed_checkpoint,
    verifier_key,
)
from molthub.transparency.entries import FOLDER as LOG
from molthub.transparency.published_log import PublishedLog
from molthub.transparency.tiles import CHECKPOINT

try:
    from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
    from securesystemslib.signer import Key, Signature, Signer
    from tuf.api.exceptions import LengthOrHashMismatchError, RepositoryError
    from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
    from tuf.api.serialization import DeserializationError
except ModuleNotFoundError as error:
    from molthub.errors import missing_extra

    raise missing_extra("sign", "molthub sign") from error

ROOT_DOCUMENT = "registry.json"
METADATA = "metadata"
RENEWED_BEFORE = timedelta(days=30)
"""Targets and snapshot are made anew by a refresh when they have less time than this left."""

Read = Callable[[str], bytes | None]
"""Reads a file of a published index by its path; None: there is none."""

IsAncestor = Callable[[str, str], bool | None]
"""(older, newer) -> whether one commit leads to the other; None: nobody can tell."""

_Role = TypeVar("_Role", Timestamp, Snapshot, Targets)


@dataclass(frozen=True)
class Lifetimes:
    """How long what is signed is good for."""

    timestamp: timedelta = timedelta(hours=24)
    others: timedelta = timedelta(days=365)


class Published(NamedTuple):
    """What is signed already: the three documents, their bytes by path below ``metadata/``, and the target.

    ``log`` is the checkpoint of its log; None: it has none yet.
    """

    timestamp: Timestamp
    snapshot: Snapshot
    targets: Targets
    files: Mapping[str, bytes]
    root: IndexRoot
    log: Checkpoint | None = None


class SignedFiles(NamedTuple):
    """What to write below the index, in this order. ``version`` is the timestamp's.

    ``log_key`` is the key that signs the log's checkpoint, as programs that read signed notes take it.
    """

    files: Mapping[str, bytes]
    version: int
    expires: datetime
    only_timestamp: bool
    log_key: str | None = None


def read_published(read: Read, keys: SigningKeys, where: str) -> Published | None:
    """Return what is signed at ``where`` by any of our roots, whether it has expired or not; None: nothing is.

    Raises :class:`TrustError` for what is signed by others, damaged or incomplete.
    """
    if read(f"{METADATA}/timestamp.json") is None:
        return None
    files: dict[str, bytes] = {}
    roots = [root.signed for root in keys.roots()]

    def document(name: str, kind: type[_Role]) -> _Role:
        content = read(f"{METADATA}/{name}")
        if content is None:
            raise TrustError(f"{METADATA}/{name} is missing", place=where, remedy=_DAMAGED)
        files[name] = content
        return _verified(content, kind, roots, f"{where}: {METADATA}/{name}")

    timestamp = document("timestamp.json", Timestamp)
    snapshot = document(f"{timestamp.snapshot_meta.version}.snapshot.json", Snapshot)
    targets = document(f"{snapshot.meta['targets.json'].version}.targets.json", Targets)
    target = targets.targets[ROOT_DOCUMENT]
    path = f"{target.hashes['sha256']}.{ROOT_DOCUMENT}"
    content = read(path)
    if content is None:
        raise TrustError(f"{path} is missing", place=where, remedy=_DAMAGED)
    try:
        target.verify_length_and_hashes(content)
    except LengthOrHashMismatchError:
        raise TrustError(f"{path} is not what was signed", place=where, remedy=_DAMAGED) from None
    return Published(timestamp, snapshot, targets, files, index_root_from_json(content, path), _log_of(target, where))


def check_checkpoint(read: Read, keys: SigningKeys, previous: Published, where: str) -> None:
    """Raise :class:`LogForkError` unless ``log/checkpoint``, where there is one, is of the log that is signed.

    It may be one publication behind, never ahead. Raises :class:`TrustError` where none of our keys has signed it.
    """
    note = read(f"{LOG}{CHECKPOINT}")
    if note is None or previous.log is None:
        return
    known = {bytes.fromhex(key.keyval["public"]): key for root in keys.roots() for key in root.signed.keys.values()}
    try:
        found = open_checkpoint(note.decode(), known, lambda key, *signed: _is_good(known[key], *signed))
    except ValueError as error:
        message = f"{LOG}{CHECKPOINT} is not what was signed ({error})"
        raise TrustError(message, place=where, remedy=_DAMAGED) from None
    if found.origin != previous.log.origin or found.size > previous.log.size:
        message = (
            f"{LOG}{CHECKPOINT} is of {found.origin} with {found.size} entries, and the signed metadata names "
            f"{previous.log.origin} with {previous.log.size}"
        )
        raise LogForkError(message, place=where, remedy="somebody else may be publishing: find out who, and sign again "
                           "when both are of one history")  # fmt: skip
    PublishedLog(previous.log, read, where).check_follows(found.size, found.root)


def check_goes_on(own: Published, live: Published, read: Read, where: str) -> None:
    """Raise :class:`RollbackError` or :class:`LogForkError` unless ``live`` is ``own`` or came after it."""
    if own.timestamp.version > live.timestamp.version:
        message = f"published is version {live.timestamp.version}, and here is signed version {own.timestamp.version}"
        raise RollbackError(message, place=where, remedy="publish what was signed here before; if it was given up, "
                            "remove its metadata folder, or add --accept-fork")  # fmt: skip
    if own.log is not None:
        if live.log is None:
            raise LogForkError("it has no log any more", place=where, remedy=_DAMAGED)
        PublishedLog(live.log, read, where).check_follows(own.log.size, own.log.root)


def _is_good(key: Key, signature: bytes, message: bytes) -> bool:
    try:
        key.verify_signature(Signature(key.keyid, signature.hex()), message)
    except (UnverifiedSignatureError, VerificationError):
        return False
    return True


def _log_of(target: TargetFile, where: str) -> Checkpoint | None:
    note = (target.custom or {}).get("log")
    if note is None:
        return None
    try:
        return read_checkpoint(note)
    except (ValueError, AttributeError):
        raise TrustError("its signed targets name a log that cannot be read", place=where, remedy=_DAMAGED) from None


def check_follows(previous: Published, content: bytes, is_ancestor: IsAncestor, where: str) -> None:
    """Raise :class:`RollbackError` unless what is to be signed follows from what is published at ``where``."""
    ours = index_root_from_json(content, ROOT_DOCUMENT)
    if ours.name != previous.root.name:
        message = f"that is the registry {previous.root.name}, and this one is {ours.name}"
        raise RollbackError(message, place=where, remedy="give the address of this registry with --previous")
    if previous.root.revision == ours.revision:
        return
    known = is_ancestor(previous.root.revision, ours.revision)
    if known:
        return
    pair = f"{previous.root.revision[:12]}, and this index is of {ours.revision[:12]}"
    if known is None:
        message = f"published is {pair}: nothing here can tell whether that comes after it"
        raise RollbackError(message, place=where, remedy="name the registry's git repository with --registry")
    message = f"published is {pair}, which does not come after it"
    raise RollbackError(message, place=where, remedy="build from the newest commit; if history was rewritten on "
                        "purpose, add --accept-fork")  # fmt: skip


def sign(
    content: bytes,
    keys: SigningKeys,
    previous: Published | None,
    now: datetime,
    lifetimes: Lifetimes,
    *,
    log: Checkpoint | None = None,
) -> SignedFiles:
    """Return the metadata for a ``registry.json`` with these bytes and a ``log`` (default: the one it has).

    Where they are what is published, and its targets and snapshot still hold, only the timestamp is new. Every version
    is greater than any before it. Raises :class:`MolthubError` for an expired root or a missing key.
    """
    root = keys.newest_root().signed
    if root.is_expired(now):
        remedy = "bring the root key and make the next one: molthub sign rotate"
        raise MolthubError(f"the root has expired at {root.expires:%Y-%m-%d}", place=str(keys.folder), remedy=remedy)
    signer = keys.online(root)
    files = {f"{number}.root.json": found for number, found in keys.root_files().items()}
    version = 1 + max((previous.timestamp.version, previous.snapshot.version, previous.targets.version)
                      if previous else (0,))  # fmt: skip
    checkpoint = log or (previous.log if previous else None)
    note = _note(checkpoint, signer) if checkpoint else None
    custom = {"custom": {"log": note}} if note else {}
    target = TargetFile(len(content), {"sha256": sha256(content).hexdigest()}, ROOT_DOCUMENT, custom)
    kept = previous is not None and _still_holds(previous, target, root, now)
    if previous is not None and kept:
        files |= {name: found for name, found in previous.files.items() if name != "timestamp.json"}
        snapshot_version = previous.snapshot.version
    else:
        targets = Targets(version=version, expires=now + lifetimes.others, targets={ROOT_DOCUMENT: target})
        snapshot = Snapshot(
            version=version, expires=now + lifetimes.others, meta={"targets.json": MetaFile(version=version)}
        )
        files[f"{version}.targets.json"] = _signed(targets, signer)
        files[f"{version}.snapshot.json"] = _signed(snapshot, signer)
        snapshot_version = version
    timestamp = Timestamp(version, None, now + lifetimes.timestamp, MetaFile(version=snapshot_version))
    files["timestamp.json"] = _signed(timestamp, signer)
    placed = {f"{METADATA}/{name}": found for name, found in files.items()}
    if checkpoint and note:
        placed[f"{LOG}{CHECKPOINT}"] = note.encode()
    log_key = verifier_key(checkpoint.origin, _public(signer)) if checkpoint else None
    return SignedFiles(placed, version, timestamp.expires, kept, log_key)


def _note(checkpoint: Checkpoint, signer: Signer) -> str:
    return signed_checkpoint(checkpoint, _public(signer), lambda text: bytes.fromhex(signer.sign(text).signature))


def _public(signer: Signer) -> bytes:
    return bytes.fromhex(signer.public_key.keyval["public"])


def _signed(signed: _Role, signer: Signer) -> bytes:
    document = Metadata(signed)
    document.sign(signer)
    return document.to_bytes()


def _still_holds(previous: Published, target: TargetFile, root: Root, now: datetime) -> bool:
    """Whether what is published says what we would say, by keys that still count and for a while yet."""
    if previous.targets.targets[ROOT_DOCUMENT] != target:
        return False
    if min(previous.targets.expires, previous.snapshot.expires) - now < RENEWED_BEFORE:
        return False
    try:
        for name, found in previous.files.items():
            if name.endswith("snapshot.json"):
                _verified(found, Snapshot, [root], name)
            elif name.endswith("targets.json"):
                _verified(found, Targets, [root], name)
    except TrustError:
        return False
    return True


def _verified(content: bytes, kind: type[_Role], roots: list[Root], place: str) -> _Role:
    """Return a document that one of ``roots`` (the newest is asked first) has signed. Raises :class:`TrustError`."""
    try:
        document: Metadata[_Role] = Metadata.from_bytes(content)
    except DeserializationError as error:
        raise TrustError(f"it is no TUF metadata ({error})", place=place, remedy=_DAMAGED) from None
    if not isinstance(document.signed, kind):
        raise TrustError(f"it is no {kind.type}", place=place, remedy=_DAMAGED)
    for root in reversed(roots):
        try:
            root.verify_delegate(kind.type, document.signed_bytes, document.signatures)
        except (RepositoryError, ValueError):
            continue
        return document.signed
    raise TrustError("it is signed by none of the keys of these roots", place=place, remedy=_FOREIGN)


_DAMAGED = "what is published there is damaged; look at the host, and sign again over a copy that verifies"
_FOREIGN = "give the folder of keys that belongs to this registry, with all its *.root.json"
