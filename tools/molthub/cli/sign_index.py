"""Signing an index: what was published before is read and checked, then what is signed now is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from molthub.cli.sign_log import log_to_json, show_log
from molthub.console import Console
from molthub.errors import UsageError, missing_extra

if TYPE_CHECKING:
    from molthub.index.release_log import LogUpdate
    from molthub.index.sign import Published, SignedFiles
    from molthub.index.signing_keys import SigningKeys

_ROOT_WARNING_DAYS = 30


def open_keys(folder: Path | None) -> SigningKeys:
    """Return the folder of keys. Raises :class:`UsageError` where none is named, or the extra ``sign`` is missing."""
    if folder is None:
        raise UsageError("no keys are named", remedy="give --keys DIR, or set MOLTHUB_KEYS")
    try:
        from molthub.index.signing_keys import SigningKeys
    except ModuleNotFoundError as error:
        raise missing_extra("sign", "molthub sign") from error
    return SigningKeys(folder)


def what_is_published(keys: SigningKeys, previous: str | None, out: Path) -> Published | None:
    """Return what is signed at ``previous``, else in ``out``, with its log checked; None: nothing is."""
    from molthub.index.sign import check_checkpoint, read_published

    where = previous or str(out)
    read = reader_of(where)
    before = read_published(read, keys, where)
    if before is not None:
        check_checkpoint(read, keys, before, where)
    return before


def reader_of(where: str) -> Callable[[str], bytes | None]:
    """Return how files of the index at ``where`` are read, verified by nothing; None for one that is not there."""
    from molthub.client.index import Index
    from molthub.client.index_files import MAX_DOCUMENT

    index = Index.open(where)
    return lambda path: index.file(path, MAX_DOCUMENT)


def check_follows_published(console: Console, before: Published, content: bytes, registry: Path, where: str) -> None:
    """Raise :class:`MolthubError` where the commit that is published does not lead to that of ``content``."""
    from molthub.index.sign import check_follows
    from molthub.registry.trees.ancestry import is_ancestor

    def comes_after(older: str, newer: str) -> bool | None:
        if "folder-" in (older[:7], newer[:7]):
            console.warn("an index of a folder has no history, so its commit is not compared with what is published")
            return True
        return is_ancestor(registry, older, newer)

    check_follows(before, content, comes_after, where)


def sign_and_write(
    console: Console,
    keys: SigningKeys,
    before: Published | None,
    content: bytes,
    *,
    out: Path,
    expires: timedelta,
    log: LogUpdate | None = None,
) -> None:
    """Sign ``content``, which is registry.json, and write the metadata and the log; tell what was written."""
    from molthub.index.publish_metadata import publish_metadata
    from molthub.index.release_log import outgrown
    from molthub.index.sign import Lifetimes
    from molthub.index.sign import sign as sign_root

    if before is not None and before.timestamp.is_expired(now()):
        console.warn(
            f"what is published expired at {before.timestamp.expires:%Y-%m-%dT%H:%M:%SZ}: nothing refreshed it, or an "
            "old copy was served here"
        )
    checkpoint = log.checkpoint if log else None
    signed = sign_root(content, keys, before, now(), Lifetimes(timestamp=expires), log=checkpoint)
    files = log.files if log else {}
    written = publish_metadata(signed.files, out, files, outgrown(checkpoint) if checkpoint else ())
    warn_of_root(console, keys)
    _show(console, signed, written, out, log)


def warn_of_root(console: Console, keys: SigningKeys) -> None:
    """Warn where the root expires soon."""
    from molthub.index.signing_keys import days_left

    left = days_left(keys.newest_root().signed.expires, now())
    if left < _ROOT_WARNING_DAYS:
        console.warn(f"the root expires in {left} days: bring the root key and run molthub sign rotate")


def _show(console: Console, signed: SignedFiles, written: tuple[str, ...], out: Path, log: LogUpdate | None) -> None:
    expires = f"{signed.expires:%Y-%m-%dT%H:%M:%SZ}"
    shown = {"index": str(out), "version": signed.version, "expires": expires, "written": list(written)}
    console.json(shown | ({"log": log_to_json(log, signed.log_key)} if log else {}))
    what = "timestamp" if signed.only_timestamp else "index"
    console.result(f"{out}: {what} signed as version {signed.version}, good until {expires}")
    if log is not None and log.added:
        show_log(console, log, signed.log_key)


def now() -> datetime:
    """Return the time to whole seconds, as metadata tells it (TUF 1.0, section 4.2.1)."""
    return datetime.now(UTC).replace(microsecond=0)
