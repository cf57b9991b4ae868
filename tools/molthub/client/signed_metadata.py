"""What TUF's signed documents hold, read and judged by their form; signatures are judged elsewhere. Pure.

The Update Framework 1.0.31, section 4 (https://theupdateframework.github.io/specification/v1.0.31/), without
delegations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from molthub.errors import MixedError, TrustError

ROOT, TIMESTAMP, SNAPSHOT, TARGETS = "root", "timestamp", "snapshot", "targets"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
TELL = "nothing was changed; if it stays so, tell whoever runs this registry"


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


class SignedDocument(NamedTuple):
    """One file: its signed part, the bytes that were signed, and the signatures by key."""

    signed: Signed
    message: bytes
    signatures: Mapping[str, str]


def read_metadata(content: bytes, role: str) -> SignedDocument:
    """Read the metadata of a role. Raises :class:`TrustError`; whether its signatures are good is not asked here."""
    try:
        value = json.loads(content)
        signatures: dict[str, str] = {}
        for signature in value["signatures"]:
            if signature["keyid"] in signatures:
                raise ValueError("two signatures of one key")  # noqa: TRY301 (told with the other kinds below)
            signatures[_text(signature["keyid"])] = _text(signature["sig"])
        signed = value["signed"]
        return SignedDocument(_signed_part(signed, role), canonical_metadata(signed), signatures)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{role}.json is no TUF metadata ({type(error).__name__}: {error})"
        raise TrustError(message, remedy=TELL) from None


def _signed_part(value: Any, role: str) -> Signed:
    if value["_type"] != role:
        raise ValueError(f"its type is {value['_type']}")
    parts = value["spec_version"].split(".")
    if len(parts) not in (2, 3) or not all(part.isdigit() for part in parts) or parts[0] != "1":
        raise ValueError(f"specification version {value['spec_version']}")
    _CHECKS[role](value)
    expires = datetime.strptime(value["expires"], TIME_FORMAT).replace(tzinfo=UTC)
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
        described_target(described)


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


def described_target(value: Any) -> Described:
    """Return what targets say of one file. Raises KeyError, TypeError, ValueError where it says it wrongly."""
    return _described(value, versioned=False)


def _positive(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} is not a whole number above 0")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def check_described(name: str, content: bytes, described: Described) -> None:
    """Raise :class:`MixedError` unless ``content`` has the length and hashes that a signed document says."""
    if described.length is not None and len(content) != described.length:
        raise MixedError(f"expected {described.length} bytes of {name}, got {len(content)}", remedy=TELL)
    for algorithm, wanted in described.hashes.items():
        if algorithm not in _HASHES:
            raise MixedError(f"{name} is named by a hash that is not known here: {algorithm}", remedy=TELL)
        if _HASHES[algorithm](content) != wanted:
            raise MixedError(f"{name} is not the file that was signed ({algorithm} differs)", remedy=TELL)


def _sha512(content: bytes) -> str:
    from hashlib import sha512

    return sha512(content).hexdigest()


_HASHES: Mapping[str, Callable[[bytes], str]] = {
    "sha256": lambda content: sha256(content).hexdigest(),
    "sha512": _sha512,
}


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
