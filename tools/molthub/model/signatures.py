"""Publishers' keys and signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RevokedKey:
    """A key that its publisher takes back: nothing counts that it signed, or that was published ``since`` then."""

    fingerprint: str
    reason: str
    since: str | None = None


@dataclass(frozen=True, slots=True)
class PublisherKeys:
    """A publisher's public keys: the files that stand beside ``publisher.yaml``, by name, and the keys taken back."""

    name: str
    scopes: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    revoked: tuple[RevokedKey, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedVersion:
    """A publisher's signature of one version: ``signer`` is the key's fingerprint, ``signature`` as it was made."""

    publisher: str
    signer: str
    published: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class PublisherRef:
    """A publisher in the index's directory of publishers: its scopes, and the hex name of the file of its keys."""

    scopes: tuple[str, ...]
    keys: str
