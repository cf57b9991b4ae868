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

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from molthub.errors import ExpiredError, MixedError, RollbackError, TrustError

ROOT, TIMESTAMP, SNAPSHOT, TARGETS = "root", "timestamp", "snapshot", "targets"
Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, signature, message) -> whether the ed25519 signature is good."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_TELL = "nothing was changed; if it stays so, tell whoever runs this registry"


class Described(NamedTuple):
    """What one document says of another file: its version (metadata only), length and SHA-256 where it says them."""

    version: int
    length: int | None
    hashes: Mapping[str, str]


class Signed(NamedTuple):
    """The signed part of one document."""

    role: str
    version: int
    expires: datetime
    value: Mapping[str, Any]

    def described(self, name: str) -> Described:
        """Return what a timestamp or snapshot says of ``name``."""
        return _described(self.value["meta"][name])


class TrustedMetadata:
    """What is verified so far. ``root`` is taken as it is, apart from being signed by its own keys.

    ``now`` is the time that expiry is judged by. Every method raises :class:`TrustError` or one of its kinds
    (:class:`RollbackError`, :class:`ExpiredError`, :class:`MixedError`); what was accepted before stays accepted.
    """

    def __init__(self, root: bytes, now: datetime, verify: Verify, *, verified: Collection[bytes] = ()) -> None:
        self._now = now
        self._verify = verify
        self._verified = frozenset(verified)
        document = _read(root, ROOT)
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
            raise TrustError("the snapshot does not name targets.json", remedy=_TELL)
        return snapshot.described("targets.json")

    def update_root(self, content: bytes) -> None:
        """Accept the next root: signed by the keys of the one before it and by its own (5.3.4, 5.3.5)."""
        document = _read(content, ROOT)
        self._check_signatures(content, document, self._root)
        if document.signed.version != self.root_version + 1:
            raise RollbackError(
                f"expected version {self.root_version + 1} of the root, got {document.signed.version}", remedy=_TELL
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
                raise RollbackError(f"the snapshot no longer names {name}", remedy=_TELL)
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
            raise MixedError(f"expected version {described.version} of targets, got {new.version}", remedy=_TELL)
        self._check_expiry(new)
        self._targets = new

    def target(self, path: str) -> Described:
        """Return what the targets say of a file. Raises :class:`TrustError` when they do not name it."""
        targets = _needed(self._targets).value["targets"]
        if path not in targets:
            raise TrustError(f"the signed targets do not name {path}", remedy=_TELL)
        return _described(targets[path], versioned=False)

    def custom(self, path: str) -> Mapping[str, Any]:
        """Return what else the targets say of a file (TUF 1.0.31, 4.5): an object that is the registry's own."""
        found = _needed(self._targets).value["targets"].get(path, {}).get("custom")
        return found if isinstance(found, dict) else {}

    def _check_snapshot_is_current(self) -> None:
        snapshot = _needed(self._snapshot)
        self._check_expiry(snapshot)
        wanted = self.snapshot_described.version
        if snapshot.version != wanted:
            raise MixedError(f"expected version {wanted} of the snapshot, got {snapshot.version}", remedy=_TELL)

    def _signed(self, content: bytes, role: str) -> Signed:
        document = _read(content, role)
        if content not in self._verified:
            self._check_signatures(content, document, self._root)
        return document.signed

    def _check_signatures(self, content: bytes, document: _Document, root: _Document) -> None:
        """Count the role's keys in ``root`` that have signed; each key counts once (TUF 1.0.31, 4.2.1)."""
        if content in self._verified:
            return
        role = root.signed.value["roles"][document.signed.role]
        keys = root.signed.value["keys"]
        good = sum(self._has_signed(document, keyid, keys.get(keyid)) for keyid in role["keyids"])
        if good < role["threshold"]:
            message = f"{document.signed.role}.json has {good} good signatures of {role['threshold']} that it needs"
            raise TrustError(message, remedy=_TELL)

    def _has_signed(self, document: _Document, keyid: str, key: Any) -> bool:
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
            when = signed.expires.strftime(_TIME)
            raise ExpiredError(
                f"{signed.role}.json has expired at {when}",
                remedy="somebody may be holding back newer files, or the registry is no longer signed: try again, look "
                "at this machine's clock, then ask whoever runs the registry "
                f"(molthub sign {'rotate' if signed.role == ROOT else 'refresh'})",
            )


def check_described(name: str, content: bytes, described: Described) -> None:
    """Raise :class:`MixedError` unless ``content`` has the length and hashes that a signed document says."""
    if described.length is not None and len(content) != described.length:
        raise MixedError(f"expected {described.length} bytes of {name}, got {len(content)}", remedy=_TELL)
    for algorithm, wanted in described.hashes.items():
        if algorithm not in _HASHES:
            raise MixedError(f"{name} is named by a hash that is not known here: {algorithm}", remedy=_TELL)
        if _HASHES[algorithm](content) != wanted:
            raise MixedError(f"{name} is not the file that was signed ({algorithm} differs)", remedy=_TELL)


def _sha512(content: bytes) -> str:
    from hashlib import sha512

    return sha512(content).hexdigest()


_HASHES: Mapping[str, Callable[[bytes], str]] = {
    "sha256": lambda content: sha256(content).hexdigest(),
    "sha512": _sha512,
}


class _Document(NamedTuple):
    """One file: its signed part, the bytes that were signed, and the signatures by key."""

    signed: Signed
    message: bytes
    signatures: Mapping[str, str]


def _read(content: bytes, role: str) -> _Document:
    try:
        value = json.loads(content)
        signatures: dict[str, str] = {}
        for signature in value["signatures"]:
            if signature["keyid"] in signatures:
                raise ValueError("two signatures of one key")  # noqa: TRY301 (told with the other kinds below)
            signatures[_text(signature["keyid"])] = _text(signature["sig"])
        signed = value["signed"]
        return _Document(_signed_part(signed, role), canonical_metadata(signed), signatures)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{role}.json is no TUF metadata ({type(error).__name__}: {error})"
        raise TrustError(message, remedy=_TELL) from None


def _signed_part(value: Any, role: str) -> Signed:
    if value["_type"] != role:
        raise ValueError(f"its type is {value['_type']}")
    parts = value["spec_version"].split(".")
    if len(parts) not in (2, 3) or not all(part.isdigit() for part in parts) or parts[0] != "1":
        raise ValueError(f"specification version {value['spec_version']}")
    _CHECKS[role](value)
    expires = datetime.strptime(value["expires"], _TIME).replace(tzinfo=UTC)
    return Signed(role, _positive(value["version"]), expires, value)


def _check_root(value: Any) -> None:
    if not isinstance(value["consistent_snapshot"], bool):
        raise TypeError("consistent_snapshot")
    if set(value["roles"]) != {ROOT, TIMESTAMP, SNAPSHOT, TARGETS}:
        raise ValueError("its roles are not the four top-level ones")
    for key in value["keys"].values():
        _text(key["keytype"]), _text(key["scheme"]), _text(key["keyval"]["public"])
    for role in value["roles"].values():
        _positive(role["threshold"])
        if len(set(role["keyids"])) != len(role["keyids"]):
            raise ValueError("a key is named twice")


def _check_meta(value: Any) -> None:
    for described in value["meta"].values():
        _described(described)


def _check_timestamp(value: Any) -> None:
    _described(value["meta"]["snapshot.json"])


def _check_targets(value: Any) -> None:
    for described in value["targets"].values():
        _described(described, versioned=False)


_CHECKS: Mapping[str, Callable[[Any], None]] = {
    ROOT: _check_root,
    TIMESTAMP: _check_timestamp,
    SNAPSHOT: _check_meta,
    TARGETS: _check_targets,
}


def _described(value: Any, *, versioned: bool = True) -> Described:
    version = _positive(value["version"]) if versioned else 0
    length = value.get("length") if versioned else value["length"]
    hashes = value.get("hashes") if versioned else value["hashes"]
    if length is not None and (isinstance(length, bool) or not isinstance(length, int) or length < 0):
        raise ValueError("a length")
    if hashes is not None and not hashes:
        raise ValueError("no hashes")
    return Described(version, length, {_text(name): _text(text) for name, text in (hashes or {}).items()})


def _positive(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} is not a whole number above 0")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


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


def canonical_metadata(value: Any) -> bytes:
    """Return what is signed: OLPC canonical JSON (http://wiki.laptop.org/go/Canonical_JSON), as TUF 1.0.31, 4.2 says.

    It differs from RFC 8785 in that control characters stand for themselves. Raises ValueError for a float.
    """
    return _canonical(value).encode()


def _canonical(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(_canonical, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_canonical(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    raise ValueError(f"{value!r} cannot be signed")
