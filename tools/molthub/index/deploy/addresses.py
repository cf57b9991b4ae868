"""Which place an address means."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from molthub.errors import UsageError
from molthub.index.deploy.places import Place

_REMOTE_SHELL = re.compile(r"(?:[^/@:]+@)?[^/@:]{2,}:")


def open_place(address: str, *, live: Callable[[str], bytes] | None = None) -> Place:
    """Return the place that an address means: ``s3://``, ``rsync://``, ``user@host:path``, or a folder.

    ``live`` reads what is published now, where the folder will take its place as a whole. Raises :class:`UsageError`.
    """
    scheme, separator, _ = address.partition("://")
    if live is not None:
        if separator or is_rsync(address):
            raise UsageError("--live goes with a folder that is uploaded as a whole", place=address)
        from molthub.index.deploy.whole_folder import WholeFolder

        return WholeFolder(Path(address), live)
    if separator and scheme == "s3":
        from molthub.index.deploy.object_store import ObjectStorePlace

        return ObjectStorePlace(address)
    if is_rsync(address):
        from molthub.index.deploy.rsync import RsyncPlace

        return RsyncPlace(address)
    if separator:
        remedy = "give a folder, s3://BUCKET/PREFIX, rsync://HOST/MODULE or USER@HOST:PATH"
        raise UsageError(f"cannot send an index over {scheme}", place=address, remedy=remedy)
    from molthub.index.deploy.folder import FolderPlace

    return FolderPlace(Path(address))


def is_rsync(address: str) -> bool:
    """Whether an address is one that only rsync knows (rsync(1): a colon before the first slash, or its scheme)."""
    return address.startswith("rsync://") or ("://" not in address and _REMOTE_SHELL.match(address) is not None)
