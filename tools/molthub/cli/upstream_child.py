"""The process that fetches from one upstream: orders on stdin, one line for each on stdout, versions into the store.

It is a process of its own so that it can be ended: its time and the size of what it writes are limited from outside,
and whatever a hostile answer may do to it does not happen to the build. What it delivers is verified here, by digest,
and again by whoever reads the store.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from molthub.cli.upstream_orders import Delivery, Limits, Order, Place, error_to_json
from molthub.client.cache import Store
from molthub.client.fetch import open_fetcher
from molthub.client.fetch_http import HttpFetcher
from molthub.client.fetcher import Fetcher
from molthub.client.index import Index
from molthub.client.wanted import PACK_PREFIX
from molthub.documents import hex_of, tree_digest
from molthub.errors import (
    ChangedUpstreamError,
    IntegrityError,
    MolthubError,
    NotFoundError,
    RefusedUpstreamError,
    UpstreamError,
)
from molthub.index.archives import fits, pack_archive
from molthub.model import Artifact, PackRelease, SkillRelease
from molthub.registry.upstreams.allowed import check_address, shown
from molthub.registry.upstreams.git_folder import read_folder
from molthub.registry.upstreams.git_program import GitProgram

Outcome = Delivery | UpstreamError | None
_LOOK_AROUND = 0.5
_MEMORY = 4 * 1024 * 1024 * 1024


def main() -> None:
    """Do what stdin says, in the folder where this process was started."""
    request = json.load(sys.stdin)
    limits = Limits(*request["limits"])
    _limit(limits)
    if hasattr(os, "killpg"):
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    place = Place(*request["place"])
    orders = [Order(*order) for order in request["orders"]]
    store = Store(Path(request["store"]))
    for number, outcome in _outcomes(place, orders, store):
        said = {"error": error_to_json(outcome)} if isinstance(outcome, UpstreamError) else {"delivery": outcome}
        print(json.dumps({"order": number, **said}), flush=True)


def _end_with(parent: int) -> None:
    """End this process and all that it started when whoever started it is gone and can no longer do so."""
    while os.getppid() == parent:
        time.sleep(_LOOK_AROUND)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _limit(limits: Limits) -> None:
    """Let no file grow beyond what is fetched, and no answer eat the machine's memory; git inherits it."""
    try:
        import resource
    except ImportError:  # not on Windows, where the time alone is limited
        return
    for what, most in ((resource.RLIMIT_FSIZE, limits.repository), (resource.RLIMIT_AS, _MEMORY)):
        _, hard = resource.getrlimit(what)
        with suppress(ValueError, OSError):  # macOS knows the second, and does not let it be set
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _outcomes(place: Place, orders: Sequence[Order], store: Store) -> Iterator[tuple[int, Outcome]]:
    """Yield what came of each order, by its number; what fails for one may fail for all."""
    done: set[int] = set()
    try:
        if place.allowed is not None:
            check_address(place.kind, place.location, frozenset(place.allowed))
        fetch = _from_index if place.kind == "index" else _from_git
        for number, outcome in fetch(place, orders, store):
            done.add(number)
            yield number, outcome
    except MolthubError as error:
        for number in range(len(orders)):
            if number not in done:
                yield number, _as_upstream(error, place)


def _as_upstream(error: MolthubError, place: Place) -> UpstreamError:
    kind = type(error) if isinstance(error, UpstreamError) else UpstreamError
    if isinstance(error, IntegrityError):
        kind = ChangedUpstreamError
    where = error.place or shown(place.location)
    return kind(error.message, place=where, remedy=error.remedy, problems=error.problems)


# --- from an index -------------------------------------------------------------------------------------------------


def _from_index(place: Place, orders: Sequence[Order], store: Store) -> Iterator[tuple[int, Outcome]]:
    with Index(_fetcher(place)) as index:
        index.prefetch(_key(order.name) for order in orders)
        for number, order in enumerate(orders):
            try:
                artifact = _held(index, order) if place.allowed is None else _offered(index, order)
                if artifact is not None:
                    index.fetch([artifact], store)
                yield number, Delivery(artifact.digest) if artifact is not None else None
            except MolthubError as error:
                yield number, _as_upstream(error, place)


def _fetcher(place: Place) -> Fetcher:
    if place.allowed is None or not place.location.startswith("http"):
        return open_fetcher(place.location)
    return HttpFetcher(place.location, stays=True)


def _key(name: str) -> tuple[str, str]:
    return ("pack", name.removeprefix(PACK_PREFIX)) if name.startswith(PACK_PREFIX) else ("skill", name)


def _release(index: Index, order: Order) -> SkillRelease | PackRelease | None:
    kind, name = _key(order.name)
    try:
        if kind == "pack":
            return index.pack(name).releases.get(int(order.version))
        return index.skill(name).releases.get(order.version)
    except NotFoundError:
        return None


def _held(index: Index, order: Order) -> Artifact | None:
    """Return what an index has of exactly this, by digest, or None."""
    release = _release(index, order)
    fits = release is not None and release.artifact.archive and release.artifact.digest == order.digest
    return release.artifact if release is not None and fits else None


def _offered(index: Index, order: Order) -> Artifact:
    """Return what an index offers under a name and number. Raises :class:`UpstreamError`."""
    release, shown_as = _release(index, order), f"{order.name} {order.version}"
    if release is None:
        raise UpstreamError(f"{shown_as} is no longer there", remedy=_ASK)
    if order.digest and release.artifact.digest != order.digest:
        message = f"{shown_as} is {release.artifact.digest} there, recorded is {order.digest}"
        raise ChangedUpstreamError(message, remedy=_CHANGED)
    if release.removed is not None or not release.artifact.archive:
        raise UpstreamError(f"{shown_as} was removed: {release.removed}", remedy=_ASK)
    return release.artifact


_ASK = "build with --previous and the index that has it, or withdraw the version here: skills unpublish"
_CHANGED = "a published version never changes: tell whoever runs that registry, and trust neither until it is clear"


# --- from a git repository -----------------------------------------------------------------------------------------


def _from_git(place: Place, orders: Sequence[Order], store: Store) -> Iterator[tuple[int, Outcome]]:
    folder = Path("repository.git").resolve()
    folder.mkdir()
    program = GitProgram(place.location, folder, frozenset(place.allowed or ()))
    fetched: set[str] = set()
    for number, order in enumerate(orders):
        try:
            commit = program.resolve(order.revision)
            if commit not in fetched:
                program.fetch(commit)
                fetched.add(commit)
            yield number, _read(folder, commit, order, store)
        except MolthubError as error:
            yield number, _as_upstream(error, place)


def _read(folder: Path, commit: str, order: Order, store: Store) -> Delivery:
    found = read_folder(folder, commit, order.path)
    unfit = [entry.path for entry, _content in found.files if not fits(entry.path)]
    if unfit:
        message = f"the path {unfit[0]} is too long for an archive"
        raise RefusedUpstreamError(message, remedy="ask its owner to shorten it")
    digest = tree_digest(entry for entry, _content in found.files)
    if order.digest and digest != order.digest:
        message = f"{order.path or 'the folder'} at {commit[:12]} is {digest}, recorded is {order.digest}"
        raise ChangedUpstreamError(message, remedy=_NOT_THE_SAME)
    archive = pack_archive(found.files)
    unpacked = sum(entry.size for entry, _content in found.files)
    store.add(Artifact(order.version, digest, hex_of(archive), len(archive), unpacked, order.name), archive)
    return Delivery(digest, commit, found.left_out)


_NOT_THE_SAME = "a commit never changes: what was recorded is wrong; import it anew under another number"

if __name__ == "__main__":
    main()
