"""The files of an index as they are fetched: ``registry.json`` kept current, everything else named by its digest."""

from __future__ import annotations

from pathlib import Path

from molthub.client.fetch import NOT_FOUND, NOT_MODIFIED, Fetcher
from molthub.client.fetcher import named_file
from molthub.client.index_cache import IndexCache, KeptRoot
from molthub.client.trust import RootPin, Trust
from molthub.client.verify import check_hex, gunzip
from molthub.errors import DeniedError, FormatError, UnreachableError

MAX_ROOT = 8 * 1024 * 1024
MAX_DOCUMENT = 64 * 1024 * 1024
MAX_UNPACKED = 64 * 1024 * 1024


class IndexFiles:
    """What a fetcher and a cache hold of one index, verified.

    ``offline`` reads nothing but the cache. Where this user trusts a root of the registry, or ``pin`` names one,
    ``registry.json`` must be signed (:mod:`molthub.client.trust`). ``registry`` is what was last read of it, empty
    before :meth:`refresh`.
    """

    def __init__(
        self, fetcher: Fetcher, trust: Trust, *, cache: Path | None, offline: bool, pin: RootPin | None
    ) -> None:
        self.where = fetcher.where
        self.registry = b""
        self._trust, self._pin, self._offline = trust, pin, offline
        self._fetcher = fetcher
        self._cache = IndexCache(cache) if cache is not None else None
        self._etag: str | None = None

    def close(self) -> None:
        """Close connections."""
        self._fetcher.close()

    def place(self, path: str) -> str:
        """Return where a file is, for messages."""
        return f"{self.where.rstrip('/')}/{path}"

    def current(self) -> tuple[bytes, str | None]:
        """Return ``registry.json`` as it is now, and its ETag; what :meth:`accept` gets when it can be read.

        Raises :class:`UnreachableError`, :class:`FormatError` when what answers is no index, :class:`TrustError`.
        """
        kept = self._cache.root() if self._cache is not None and not self.registry else None
        signed = self._pin is not None or self._trust.root is not None
        if self._offline:
            if kept is None and not self.registry:
                raise self._not_kept("registry.json")
            content, etag = (kept.content, kept.etag) if kept else (self.registry, self._etag)
            if signed:
                self._trust.check_kept(content)
            return content, etag
        try:
            return (self._signed(kept), None) if signed else self._newer(kept)
        except UnreachableError as error:
            raise _with_offline_hint(error, kept.fetched) if kept else error from None

    def accept(self, content: bytes, etag: str | None) -> None:
        """Keep ``registry.json``, which was found to be one."""
        if self._cache is not None and not self._offline:
            kept = self._cache.root()
            if kept is None or (kept.content, kept.etag) != (content, etag):
                self._cache.keep_root(content, etag)
        self.registry, self._etag = content, etag

    def blob(self, path: str, hex_name: str) -> bytes:
        """Return the file whose SHA-256 is its name, from the cache or from the index."""
        kept = self._cache.blob(hex_name) if self._cache is not None else None
        if kept is not None:
            return kept
        content = self.named(path, limit=MAX_DOCUMENT)
        check_hex(content, hex_name, self.place(path))
        if self._cache is not None:
            self._cache.keep_blob(hex_name, content)
        return content

    def gzipped(self, folder: str, hex_name: str) -> tuple[str, bytes]:
        """Return the place of a compressed document, and what is in it."""
        path = f"{folder}/{hex_name}.json.gz"
        return self.place(path), gunzip(self.blob(path, hex_name), MAX_UNPACKED, self.place(path))

    def named(self, path: str, *, limit: int) -> bytes:
        """Return a file that the index names, verified by nothing yet."""
        if self._offline:
            raise self._not_kept(path)
        return named_file(self._fetcher, path, self.place(path), limit=limit)

    def unnamed(self, path: str, *, limit: int) -> bytes | None:
        """Return a file as it lies there, verified by nothing; None: there is none."""
        if self._offline:
            raise self._not_kept(path)
        try:
            answer = self._fetcher.get(path, limit=limit)
        except DeniedError:
            return None  # what object stores that may not be listed say of a file that is not there
        return None if answer.status == NOT_FOUND else answer.content

    def _newer(self, kept: KeptRoot | None) -> tuple[bytes, str | None]:
        """Ask only for a newer one where one is at hand."""
        content, etag = (kept.content, kept.etag) if kept else (self.registry, self._etag)
        answer = self._fetcher.get("registry.json", etag=etag if content else None, limit=MAX_ROOT)
        if answer.status == NOT_MODIFIED:
            return content, etag
        if answer.status == NOT_FOUND:
            message = "there is no registry.json, so it is no molthub index"
            raise FormatError(message, place=self.where, remedy=_CHECK)
        return answer.content, answer.etag

    def _signed(self, kept: KeptRoot | None) -> bytes:
        if self._pin is not None:
            self._trust.begin_by_pin(self._fetcher, self._pin)
        return self._trust.registry(self._fetcher, kept.content if kept else self.registry or None)

    def _not_kept(self, path: str) -> UnreachableError:
        message = "it was never fetched, so it cannot be used offline"
        return UnreachableError(message, place=self.place(path), remedy="run it once without --offline")


_CHECK = "check the address: a molthub index is what `molthub build` wrote, or where it is served"


def _with_offline_hint(error: UnreachableError, fetched: str) -> UnreachableError:
    return UnreachableError(
        error.message,
        place=error.place,
        remedy=f"{error.remedy}; or add --offline to use what was fetched {'at ' + fetched if fetched else 'before'}",
    )
