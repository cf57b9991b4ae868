"""The way to an index: a URL or a folder in, a :class:`~molthub.client.fetcher.Fetcher` out."""

from __future__ import annotations

import os
from pathlib import Path

from molthub.client.addresses import without_credentials
from molthub.client.fetch_folder import FolderFetcher
from molthub.client.fetcher import NOT_FOUND, NOT_MODIFIED, OK, Fetched, Fetcher, too_large
from molthub.errors import UsageError

__all__ = ["NOT_FOUND", "NOT_MODIFIED", "OK", "Fetched", "Fetcher", "open_fetcher", "too_large"]


def open_fetcher(location: str) -> Fetcher:
    """Return the fetcher for an index: a URL, a folder that ``molthub build`` wrote, or a bundle of a mirror.

    Nothing is fetched yet. Raises :class:`UsageError`; of a folder, :class:`UnreachableError` when it is not there and
    :class:`FormatError` when it is a registry that was not built. ``MOLTHUB_TIMEOUT`` says how many seconds a server
    may be silent.
    """
    scheme, separator, rest = location.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        from molthub.client.fetch_http import HttpFetcher

        return HttpFetcher(location, timeout=_timeout())
    if separator and scheme.lower() != "file":
        raise UsageError(
            f"cannot read an index over {scheme}",
            place=without_credentials(location),
            remedy="give a URL of https, or a folder",
        )
    if separator:
        from urllib.request import url2pathname

        return FolderFetcher(Path(url2pathname(rest.removeprefix("localhost"))))
    path = Path(location).expanduser()
    if path.is_file():
        from molthub.client.fetch_bundle import BundleFetcher

        return BundleFetcher(path)
    return FolderFetcher(path)


def _timeout() -> float:
    from molthub.client.fetch_http import TIMEOUT

    text = os.environ.get("MOLTHUB_TIMEOUT", "")
    try:
        seconds = float(text) if text else TIMEOUT
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        raise UsageError("MOLTHUB_TIMEOUT is no number of seconds", remedy="write MOLTHUB_TIMEOUT=20")
    return seconds


_LONGEST_TIMEOUT = 3600
