"""The port to an index: one verb, ``get``, whatever is behind it.

A fetcher brings bytes and claims nothing about them; :mod:`molthub.client.verify` judges. What it does promise is that
it ends: every answer is limited in size and time.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from molthub.errors import FormatError

OK = 200
NOT_MODIFIED = 304
NOT_FOUND = 404


class Fetched(NamedTuple):
    """An answer. ``status`` is 200, 304 (unchanged since the ETag that was sent) or 404; only 200 has content."""

    status: int
    content: bytes = b""
    etag: str | None = None


class Fetcher(Protocol):
    """Where an index is read from. ``where`` names it in messages, without credentials."""

    where: str

    def get(self, path: str, *, etag: str | None = None, limit: int) -> Fetched:
        """Return the file at ``path``, or 304 when it still is the one of ``etag``. May be called by several threads.

        Raises :class:`UnreachableError`, or :class:`FormatError` for more than ``limit`` bytes.
        """
        ...

    def close(self) -> None:
        """Let go of connections. A closed fetcher opens new ones when it is used again."""
        ...


def too_large(where: str, limit: int) -> FormatError:
    """Return the error for an answer beyond its limit."""
    return FormatError(
        f"the answer is larger than {limit} bytes",
        place=where,
        remedy="check the address: what answers there is no molthub index, or it is damaged",
    )
