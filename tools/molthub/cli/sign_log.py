"""The part of ``molthub sign`` that keeps the log of published versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molthub.console import Console

if TYPE_CHECKING:
    from molthub.index.new_releases import NewReleases
    from molthub.index.release_log import LogUpdate
    from molthub.index.sign import Published
    from molthub.index.signing_keys import SigningKeys

Read = Callable[[str], bytes | None]
"""Reads a file of an index by its path; None: there is none."""

_SHOWN = 10


def continue_log(
    console: Console,
    before: Published | None,
    content: bytes,
    read: Read,
    *,
    where: str,
    out: Path,
    accept_fork: bool,
    whole: bool,
) -> LogUpdate:
    """Add to the log at ``where``, which ``read`` reads, what the index in ``out`` has and that one has not.

    Raises :class:`LogForkError` where a version that was published has other content now, unless ``accept_fork``.
    """
    from molthub.documents import index_root_from_json
    from molthub.errors import LogDamagedError
    from molthub.index.new_releases import new_releases
    from molthub.index.release_log import empty_log, extend_log, log_origin, whole_log

    root = index_root_from_json(content, str(out))
    log = before.log if before else None
    built = _files_of(out)
    differ = new_releases(before.root if before and log else None, _either(built, read), root, built)
    _judge(console, differ, where, accept_fork=accept_fork)
    added = (*differ.added, *(change.after for change in differ.changed))
    update = extend_log(log or empty_log(log_origin(root.url, root.name)), read, added, where)
    if not whole:
        return update
    try:
        files = whole_log(update.checkpoint, _either(update.files.get, _either(built, read)), where)
    except LogDamagedError:  # what lies here is of another log, or damaged
        files = whole_log(update.checkpoint, _either(update.files.get, read), where)
    return update._replace(files=files)


def check_own_copy(keys: SigningKeys, before: Published, read: Read, *, where: str, own: Read) -> None:
    """Check that what is published goes on from what was signed in this folder, which ``own`` reads, if anything was.

    Raises :class:`RollbackError`, :class:`LogForkError`.
    """
    from molthub.errors import TrustError
    from molthub.index.sign import check_goes_on, read_published

    try:
        signed = read_published(own, keys, "")
    except TrustError:
        return  # only a part of it is here
    if signed is not None:
        check_goes_on(signed, before, read, where)


def log_to_json(log: LogUpdate, key: str | None) -> dict[str, Any]:
    """Return what ``--json`` says of the log."""
    return {
        "origin": log.checkpoint.origin,
        "size": log.checkpoint.size,
        "root": log.checkpoint.root.hex(),
        "added": [str(release) for release in log.added],
        "key": key,
    }


def show_log(console: Console, log: LogUpdate, key: str | None) -> None:
    """Say what was added to the log."""
    console.say(f"log {log.checkpoint.origin}: {log.checkpoint.size} versions, {len(log.added)} of them new")
    if len(log.added) == log.checkpoint.size:
        console.say(f"its key, for programs that read signed notes: {key}")


def _judge(console: Console, differ: NewReleases, where: str, *, accept_fork: bool) -> None:
    from molthub.errors import LogForkError

    if differ.changed and not accept_fork:
        change = differ.changed[0]
        more = f", and {len(differ.changed) - 1} more like it" if len(differ.changed) > 1 else ""
        raise LogForkError(
            f"{change.before} is logged with {change.before.digest} and would now be {change.after.digest}{more}",
            place=where,
            remedy="a published version never changes: put its content back and publish the next number; if it was "
            "changed on purpose, add --accept-fork, and both stay in the log for everybody to see",
        )
    if differ.gone:
        names = ", ".join(map(str, differ.gone[:_SHOWN])) + (" and others" if len(differ.gone) > _SHOWN else "")
        console.warn(f"published before and not in this index: {names} (the log still holds them)")


def _files_of(folder: Path) -> Read:
    def read(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except FileNotFoundError:
            return None

    return read


def _either(first: Read, second: Read) -> Read:
    """Read what is named after its bytes from where it is nearer."""
    return lambda path: first(path) or second(path)
