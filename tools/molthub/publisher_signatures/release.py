"""What is signed, who signed, and when a signature is demanded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from molthub.documents import canonical
from molthub.model import Json

FORMAT = "molthub.release/1"
NAMESPACE = "molthub-release"
"""What an SSH signature must be made for (``ssh-keygen -Y sign -n``), so that one for git or mail is not taken here."""

MAX_SIGNATURE = 64 * 1024


class Release(NamedTuple):
    """What a signature speaks of. ``kind`` is skill or pack; ``size`` is the sum of the sizes of its files."""

    kind: str
    name: str
    version: str
    digest: str
    size: int

    @property
    def key(self) -> str:
        """``skill/git@1.2.0`` or ``pack/dev@3``: what it is called in lists of signatures."""
        return f"{self.kind}/{self.name}@{self.version}"

    @property
    def file(self) -> str:
        """Where its signature stands in a registry."""
        return f"{self.kind}s/{self.name}/{self.version}.sig"

    def manifest(self) -> bytes:
        """Return the bytes that are signed (RFC 8785)."""
        return canonical(
            {
                "format": FORMAT,
                "type": self.kind,
                "name": self.name,
                "version": self.version,
                "digest": self.digest,
                "size": self.size,
            }
        )


class Signer(NamedTuple):
    """Who signed: the key's fingerprint, and the time that the signature claims (None: it claims none, as SSH's)."""

    fingerprint: str
    signed: datetime | None


Demand = bool | str
"""Of what a policy demands a signature: of everything, of nothing, or of what was published since a time."""


def demanded_by(policy: Mapping[str, Json]) -> Demand:
    """Return what the ``policy`` of ``registry.yaml``, or the root of an index, demands."""
    return policy.get("signedSince", True) if policy.get("requireSignatures") else False


def demands(demand: Demand, published: str) -> bool:
    """Whether a signature is demanded of what was published then."""
    return demand if isinstance(demand, bool) else time_of(published) >= time_of(demand)


def time_of(text: str) -> datetime:
    """Return an RFC 3339 time."""
    return datetime.fromisoformat(text).astimezone(UTC)
