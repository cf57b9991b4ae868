"""The port to an index: one verb, ``get``, over HTTP or over a folder.

A fetcher brings bytes and claims nothing about them; :mod:`molthub.client.verify` judges. What it does promise is that
it ends: every answer is limited in size and time.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from molthub.errors import FormatError, UnreachableError, UsageError

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


def open_fetcher(location: str) -> Fetcher:
    """Return the fetcher for an index: a URL, or a folder that ``molthub build`` wrote.

    Nothing is fetched yet. Raises :class:`UsageError`; of a folder, :class:`UnreachableError` when it is not there and
    :class:`FormatError` when it is a registry that was not built.
    """
    scheme, separator, rest = location.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        from molthub.client.fetch_http import HttpFetcher

        return HttpFetcher(location)
    if separator and scheme.lower() != "file":
        raise UsageError(
            f"cannot read an index over {scheme}", place=location, remedy="give a URL of https, or a folder"
        )
    if separator:
        from urllib.request import url2pathname

        return FolderFetcher(Path(url2pathname(rest.removeprefix("localhost"))))
    return FolderFetcher(Path(location).expanduser())


class FolderFetcher:
    """An index in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.normpath(folder.absolute()))
        self.where = str(self.folder)
        if not folder.is_dir():
            raise UnreachableError("there is no such folder", place=str(folder), remedy=_folder_remedy(str(folder)))
        _refuse_registry(folder)

    def get(self, path: str, *, etag: str | None = None, limit: int) -> Fetched:
        """Read a file; its ETag is its hash."""
        try:
            with (self.folder / path).open("rb") as stream:
                content = stream.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return Fetched(NOT_FOUND)
        except OSError as error:
            raise UnreachableError(
                error.strerror or str(error), place=str(self.folder / path), remedy="make the file readable"
            ) from None
        if len(content) > limit:
            raise too_large(str(self.folder / path), limit)
        found = f'"{sha256(content).hexdigest()}"'
        return Fetched(NOT_MODIFIED, etag=found) if found == etag else Fetched(OK, content, found)

    def close(self) -> None:
        """Nothing is held open."""


def too_large(where: str, limit: int) -> FormatError:
    """Return the error for an answer beyond its limit."""
    return FormatError(
        f"the answer is larger than {limit} bytes",
        place=where,
        remedy="check the address: what answers there is no molthub index, or it is damaged",
    )


def _refuse_registry(folder: Path) -> None:
    sources = (folder / "registry.yaml", folder / "registry-index" / "registry.yaml")
    if any(source.is_file() for source in sources) and not (folder / "registry.json").exists():
        raise FormatError(
            "this is a registry, and what is needed here is the index that is built from it",
            place=str(folder),
            remedy=f"build it first: molthub build --registry {folder} --out site; then use --registry site",
        )


def _folder_remedy(text: str) -> str:
    first = text.split("/", 1)[0]
    if "." in first.strip("."):
        return f"if it is a web address, write https://{text}; a folder must be one that `molthub build` wrote"
    return "give a folder that `molthub build` wrote, or a URL that begins with https://"
