"""The port to an index: one verb, ``get``, whatever is behind it.

A fetcher brings bytes and claims nothing about them; :mod:`molthub.client.verify` judges. What it does promise is that
it ends: every answer is limited in size and time.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from molthub.errors import FormatError, UnreachableError

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


class MissingFileError(UnreachableError):
    """A file that an index names is not there, although the index answers."""


def named_file(fetcher: Fetcher, path: str, place: str, *, limit: int) -> bytes:
    """Return a file that the index names; ``place`` is what messages call it. Raises :class:`MissingFileError`."""
    answer = fetcher.get(path, limit=limit)
    if answer.status == NOT_FOUND:
        raise MissingFileError(
            "the index names this file but does not have it",
            place=place,
            remedy="it may be being published just now: try again in a minute, else tell whoever runs it",
        )
    return answer.content


def too_large(where: str, limit: int) -> FormatError:
    """Return the error for an answer beyond its limit."""
    return FormatError(
        f"the answer is larger than {limit} bytes",
        place=where,
        remedy="check the address: what answers there is no molthub index, or it is damaged",
    )
