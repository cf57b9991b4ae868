"""The documents of publishers' signatures: the lists of signatures, the directory of publishers, and their keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from molthub.documents.names import DNS_LABEL, FINGERPRINT, TIME
from molthub.documents.reading import as_hex, as_text, as_texts, checked, load_document, reading, without_none
from molthub.model import Json, PublisherKeys, PublisherRef, RevokedKey, SignedVersion


def signatures_to_json(signed: Mapping[str, SignedVersion], of: str) -> dict[str, Json]:
    """Return ``molthub.signatures/1``: signatures by what they speak of, ``skill/git@1.2.0`` or ``pack/dev@3``.

    ``of`` says whose list it is: a skill's (``skill/git``), or that of one version of a pack.
    """
    shown = {
        key: {
            "publisher": found.publisher,
            "signer": found.signer,
            "published": found.published,
            "signature": base64.b64encode(found.signature).decode(),
        }
        for key, found in signed.items()
    }
    return {"format": "molthub.signatures/1", "of": of, "signatures": shown}


def signatures_from_json(content: bytes, where: str) -> dict[str, SignedVersion]:
    """Read ``molthub.signatures/1``. Raises :class:`FormatError`."""
    return reading(_signatures, load_document(content, "signatures", where), where)


def _signatures(document: dict[str, Any]) -> dict[str, SignedVersion]:
    return {
        as_text(key): SignedVersion(
            publisher=checked(DNS_LABEL, value["publisher"], "a publisher"),
            signer=checked(FINGERPRINT, value["signer"], "a fingerprint"),
            published=checked(TIME, value["published"], "a time"),
            signature=_bytes(value["signature"]),
        )
        for key, value in document["signatures"].items()
    }


def publishers_to_json(publishers: Mapping[str, PublisherRef]) -> dict[str, Json]:
    """Return ``molthub.publishers/1``, the directory of those who have keys."""
    shown = {name: {"scopes": list(found.scopes), "keys": found.keys} for name, found in publishers.items()}
    return {"format": "molthub.publishers/1", "publishers": shown}


def publishers_from_json(content: bytes, where: str) -> dict[str, PublisherRef]:
    """Read ``molthub.publishers/1``. Raises :class:`FormatError`."""
    return reading(_publishers, load_document(content, "publishers", where), where)


def _publishers(document: dict[str, Any]) -> dict[str, PublisherRef]:
    return {
        checked(DNS_LABEL, name, "a publisher"): PublisherRef(as_texts(value["scopes"]), as_hex(value["keys"]))
        for name, value in document["publishers"].items()
    }


def publisher_keys_to_json(keys: PublisherKeys) -> dict[str, Json]:
    """Return ``molthub.publisher-keys/1``: one publisher's key files, and the keys it took back."""
    revoked = [
        without_none({"fingerprint": key.fingerprint, "reason": key.reason, "since": key.since}) for key in keys.revoked
    ]
    return {
        "format": "molthub.publisher-keys/1",
        "publisher": keys.name,
        "scopes": list(keys.scopes),
        "files": {name: base64.b64encode(content).decode() for name, content in keys.files.items()},
        "revoked": revoked,
    }


def publisher_keys_from_json(content: bytes, where: str) -> PublisherKeys:
    """Read ``molthub.publisher-keys/1``. Raises :class:`FormatError`."""
    return reading(_publisher_keys, load_document(content, "publisher-keys", where), where)


def _publisher_keys(document: dict[str, Any]) -> PublisherKeys:
    return PublisherKeys(
        name=checked(DNS_LABEL, document["publisher"], "a publisher"),
        scopes=as_texts(document["scopes"]),
        files={as_text(name): _bytes(content) for name, content in document["files"].items()},
        revoked=tuple(_revoked(key) for key in document["revoked"]),
    )


def _revoked(key: dict[str, Any]) -> RevokedKey:
    since = checked(TIME, key["since"], "a time") if "since" in key else None
    return RevokedKey(as_text(key["fingerprint"]), as_text(key["reason"]), since)


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(as_text(value), validate=True)
    except binascii.Error:
        raise ValueError(f"{value!r} is not base64") from None
