"""Pins: a bot that was rolled back stays at an older document until git has asked for something newer.

Without one, the next pass would apply what was just rolled back. Pure; the state folder keeps them
(:mod:`molthub_reconciler.records.state`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from molthub.documents import canonical_plain
from molthub.documents.reading import load_document, reading
from molthub.model import Json

FILE = "pin.json"


@dataclass(frozen=True, slots=True)
class Pin:
    """To what one bot is pinned: a document that was kept, by its hex name, and the ``digest`` of its desired state.

    ``instead_of`` is the digest that git asked for when the bot was rolled back, ``revisions`` are all revisions of
    the index that had been seen by then, and ``revision`` is the one under which the document was last acted upon.
    """

    document: str
    digest: str
    at: str
    instead_of: str | None = None
    revision: str | None = None
    revisions: tuple[str, ...] = ()

    def holds(self, digest: str | None, revision: str | None) -> bool:
        """Whether the bot stays as it is, although the index asks for ``digest`` at ``revision``.

        A copy of the index that is older than the rollback (a cache, a mirror that lags) says nothing new, so it must
        not take the pin away; nor does a bot that does not resolve.
        """
        return digest in (None, self.instead_of) or revision in self.revisions

    def to_json(self) -> dict[str, Json]:
        """Return what a report says of it."""
        return {
            "document": self.document,
            "digest": self.digest,
            "at": self.at,
            "insteadOf": self.instead_of,
            "revision": self.revision,
        }


def pin_to_bytes(pin: Pin) -> bytes:
    """Return the document ``molthub.pin/1``."""
    return canonical_plain({"format": "molthub.pin/1", **pin.to_json(), "revisions": list(pin.revisions)})


def pin_from_bytes(content: bytes, where: str) -> Pin | None:
    """Read ``molthub.pin/1``; None where there is none. Raises :class:`FormatError`.

    A pin that cannot be read must not be taken for none: that would bring back what was rolled back.
    """
    return reading(_pin, load_document(content, "pin", where), where) if content else None


def _pin(document: dict[str, Any]) -> Pin:
    return Pin(
        document=str(document["document"]),
        digest=str(document["digest"]),
        at=str(document["at"]),
        instead_of=document["insteadOf"],
        revision=document["revision"],
        revisions=tuple(document["revisions"]),
    )
