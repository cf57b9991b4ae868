"""Tokens of agents and operators: made once and shown once; what is kept are salted hashes. Pure.

A token is 256 random bits, so a fast hash is enough: there is nothing to guess (NIST SP 800-63B, section 5.1.2.2, asks
for slow ones where a secret has less than 112 bits). Whoever has one may for a while have two: a new token that takes
over, and the old one until it is changed everywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "mh_"
OPERATOR_PREFIX = "mho_"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenHash:
    """What is kept of a token. ``made`` and ``expires`` are times (RFC 3339); without the latter it does not expire."""

    salt: str
    hash: str
    made: str
    expires: str | None = None

    def is_over(self, now: str) -> bool:
        """Whether it counts no more at ``now`` (RFC 3339 in UTC, whole seconds, as its own times are)."""
        return self.expires is not None and self.expires <= now


def new_token(operator: str = "") -> str:
    """Return a token of a bot's agent; an operator's says whose it is."""
    return (f"{OPERATOR_PREFIX}{operator}_" if operator else PREFIX) + secrets.token_urlsafe(_BYTES)


def operator_of(token: str) -> str:
    """Return the operator that a token says to be of, or nothing."""
    name, _, secret = token.removeprefix(OPERATOR_PREFIX).partition("_")
    return name if token.startswith(OPERATOR_PREFIX) and secret else ""


def hashed(token: str, made: str, salt: str | None = None, expires: str | None = None) -> TokenHash:
    """Return what is kept of ``token``."""
    salt = secrets.token_hex(16) if salt is None else salt
    return TokenHash(salt, hashlib.sha256(f"{salt}{token}".encode()).hexdigest(), made, expires)


NOBODY = TokenHash("0" * 32, "0" * 64, "")
"""What is compared with where a bot has no token: takes as long, and no token has this hash."""


def is_token(token: str, kept: Iterable[TokenHash], now: str) -> bool:
    """Whether ``token`` is one of those that were kept. Takes as long whichever it is, and where none was kept."""
    counts = False
    for known in (*kept, NOBODY):
        is_same = hmac.compare_digest(hashed(token, "", known.salt).hash, known.hash)
        counts |= is_same and known is not NOBODY and not known.is_over(now)
    return counts
