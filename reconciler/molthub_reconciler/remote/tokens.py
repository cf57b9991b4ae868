"""Tokens of agents: made once and shown once; what is kept is a salted hash. Pure.

A token is 256 random bits, so a fast hash is enough: there is nothing to guess (NIST SP 800-63B, section 5.1.2.2, asks
for slow ones where a secret has less than 112 bits).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

PREFIX = "mh_"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenHash:
    """What is kept of a token. ``made`` is when (RFC 3339)."""

    salt: str
    hash: str
    made: str


def new_token() -> str:
    """Return a token."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def hashed(token: str, made: str, salt: str | None = None) -> TokenHash:
    """Return what is kept of ``token``."""
    salt = secrets.token_hex(16) if salt is None else salt
    return TokenHash(salt, hashlib.sha256(f"{salt}{token}".encode()).hexdigest(), made)


NOBODY = TokenHash("0" * 32, "0" * 64, "")
"""What is compared with where a bot has no token: takes as long, and no token has this hash."""


def is_token(token: str, kept: TokenHash | None) -> bool:
    """Whether ``token`` is the one that was kept. Takes as long whichever it is, and where none was kept."""
    known = kept or NOBODY
    found = hashed(token, "", known.salt).hash
    return hmac.compare_digest(found, known.hash) and kept is not None
