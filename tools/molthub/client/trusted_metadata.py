"""The four signed documents above ``registry.json``, verified in TUF's order. Pure: bytes in, or an error out.

The Update Framework 1.0.31, section 5 (https://theupdateframework.github.io/specification/v1.0.31/), for one target
and without delegations: root -> timestamp -> snapshot -> targets. Each is accepted or refused by what was accepted
before it; nothing here reads a clock, a file or a network. Keys are ed25519.

    trusted = TrustedMetadata(root, now)      # the root that is at hand
    trusted.update_root(newer)                # as often as there is one
    trusted.update_timestamp(kept)            # what this client saw last; then what the registry says now
    trusted.update_timestamp(fetched)
    trusted.update_snapshot(...); trusted.update_targets(...)
    trusted.target("registry.json")           # length and SHA-256

Documents that were verified under the very root that was given need not be verified again: ``verified`` names them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from molthub.client.signed_metadata import (
    ROOT,
    SNAPSHOT,
    TARGETS,
    TELL,
    TIME_FORMAT,
    TIMESTAMP,
    Described,
    Signed,
    SignedDocument,
    check_described,
    described_target,
    read_metadata,
)
from molthub.errors import ExpiredError, MixedError, RollbackError, TrustError

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, signature, message) -> whether the ed25519 signature is good."""


class TrustedMetadata:
    """What is verified so far. ``root`` is taken as it is, apart from being signed by its own keys.

    ``now`` is the time that expiry is judged by. Every method raises :class:`TrustError` or one of its kinds
    (:class:`RollbackError`, :class:`ExpiredError`, :class:`MixedError`); what was accepted before stays accepted.
    """

    def __init__(self, root: bytes, now: datetime, verify: Verify, *, verified: Collection[bytes] = ()) -> None:
        self._now = now
        self._verify = verify
        self._verified = frozenset(verified)
        document = read_metadata(root, ROOT)
        self._check_signatures(root, document, document)
        self._root = document
        self._timestamp: Signed | None = None
        self._snapshot: Signed | None = None
        self._targets: Signed | None = None

    @property
    def root_version(self) -> int:
        """The version of the newest root."""
        return self._root.signed.version

    @property
    def consistent(self) -> bool:
        """Whether files are published under names that hold their version or hash (consistent snapshots)."""
        return bool(self._root.signed.value["consistent_snapshot"])

    @property
    def snapshot_described(self) -> Described:
        """What the timestamp says of the snapshot."""
        return _needed(self._timestamp).described("snapshot.json")

    @property
    def targets_described(self) -> Described:
        """What the snapshot says of the targets. Raises :class:`TrustError` where it says nothing."""
        snapshot = _needed(self._snapshot)
        if "targets.json" not in snapshot.value["meta"]:
            raise TrustError("the snapshot does not name targets.json", remedy=TELL)
        return snapshot.described("targets.json")

    def update_root(self, content: bytes) -> None:
        """Accept the next root: signed by the keys of the one before it and by its own (5.3.4, 5.3.5)."""
        document = read_metadata(content, ROOT)
        self._check_signatures(content, document, self._root)
        if document.signed.version != self.root_version + 1:
            raise RollbackError(
                f"expected version {self.root_version + 1} of the root, got {document.signed.version}", remedy=TELL
            )
        self._check_signatures(content, document, document)
        self._root = document
        self._verified = frozenset()  # what an older root's keys signed may no longer count

    def update_timestamp(self, content: bytes) -> bool:
        """Accept a timestamp that is not older than the one before it (5.4); False when it is the same version.

        One that has expired is remembered, so that nothing older is accepted after it, and then refused.
        """
        self._check_expiry(self._root.signed)
        new = self._signed(content, TIMESTAMP)
        old = self._timestamp
        if old is not None:
            if new.version == old.version:
                return False
            _check_not_older("timestamp", old.version, new.version)
            _check_not_older("snapshot", self.snapshot_described.version, new.described("snapshot.json").version)
        self._timestamp = new
        self._check_expiry(new)
        return True

    def update_snapshot(self, content: bytes, *, kept: bool = False) -> None:
        """Accept the snapshot that the timestamp names, no role in it older than before (5.5).

        ``kept``: it was accepted once, so that it may be the one before. It then guards against older ones, and is
        refused when it is not the current one.
        """
        timestamp = _needed(self._timestamp)
        self._check_expiry(timestamp)
        described = timestamp.described("snapshot.json")
        if not kept:
            check_described("snapshot.json", content, described)
        new = self._signed(content, SNAPSHOT)
        for name in self._snapshot.value["meta"] if self._snapshot else ():
            if name not in new.value["meta"]:
                raise RollbackError(f"the snapshot no longer names {name}", remedy=TELL)
            old_version = _needed(self._snapshot).described(name).version
            _check_not_older(name, old_version, new.described(name).version)
        self._snapshot = new
        self._check_snapshot_is_current()

    def update_targets(self, content: bytes) -> None:
        """Accept the targets that the snapshot names (5.6)."""
        self._check_snapshot_is_current()
        described = self.targets_described
        check_described("targets.json", content, described)
        new = self._signed(content, TARGETS)
        if new.version != described.version:
            raise MixedError(f"expected version {described.version} of targets, got {new.version}", remedy=TELL)
        self._check_expiry(new)
        self._targets = new

    def target(self, path: str) -> Described:
        """Return what the targets say of a file. Raises :class:`TrustError` when they do not name it."""
        targets = _needed(self._targets).value["targets"]
        if path not in targets:
            raise TrustError(f"the signed targets do not name {path}", remedy=TELL)
        return described_target(targets[path])

    def custom(self, path: str) -> Mapping[str, Any]:
        """Return what else the targets say of a file (TUF 1.0.31, 4.5): an object that is the registry's own."""
        found = _needed(self._targets).value["targets"].get(path, {}).get("custom")
        return found if isinstance(found, dict) else {}

    def _check_snapshot_is_current(self) -> None:
        snapshot = _needed(self._snapshot)
        self._check_expiry(snapshot)
        wanted = self.snapshot_described.version
        if snapshot.version != wanted:
            raise MixedError(f"expected version {wanted} of the snapshot, got {snapshot.version}", remedy=TELL)

    def _signed(self, content: bytes, role: str) -> Signed:
        document = read_metadata(content, role)
        if content not in self._verified:
            self._check_signatures(content, document, self._root)
        return document.signed

    def _check_signatures(self, content: bytes, document: SignedDocument, root: SignedDocument) -> None:
        """Count the role's keys in ``root`` that have signed; each key counts once (TUF 1.0.31, 4.2.1)."""
        if content in self._verified:
            return
        role = root.signed.value["roles"][document.signed.role]
        keys = root.signed.value["keys"]
        good = sum(self._has_signed(document, keyid, keys.get(keyid)) for keyid in role["keyids"])
        if good < role["threshold"]:
            message = f"{document.signed.role}.json has {good} good signatures of {role['threshold']} that it needs"
            raise TrustError(message, remedy=TELL)

    def _has_signed(self, document: SignedDocument, keyid: str, key: Any) -> bool:
        signature = document.signatures.get(keyid)
        if signature is None or key is None or (key["keytype"], key["scheme"]) != ("ed25519", "ed25519"):
            return False
        try:
            public, signature_bytes = bytes.fromhex(key["keyval"]["public"]), bytes.fromhex(signature)
        except (ValueError, TypeError):
            return False
        return self._verify(public, signature_bytes, document.message)

    def _check_expiry(self, signed: Signed) -> None:
        if self._now >= signed.expires:
            when = signed.expires.strftime(TIME_FORMAT)
            raise ExpiredError(
                f"{signed.role}.json has expired at {when}",
                remedy="somebody may be holding back newer files, or the registry is no longer signed: try again, look "
                "at this machine's clock, then ask whoever runs the registry "
                f"(molthub sign {'rotate' if signed.role == ROOT else 'refresh'})",
            )


def _check_not_older(what: str, old: int, new: int) -> None:
    if new < old:
        raise RollbackError(
            f"this client has seen version {old} of {what}, and is now offered version {new}",
            remedy="somebody may be serving an old copy; nothing was changed. If the registry was really put back, "
            "whoever runs it signs it again under a newer version (molthub sign)",
        )


def _needed(signed: Signed | None) -> Signed:
    if signed is None:
        raise RuntimeError("metadata is verified in TUF's order: root, timestamp, snapshot, targets")
    return signed
