"""The files of imported versions, brought from wherever they are to be had by digest.

Looked for in this order: the user's store, the index that is being built over, ``--previous``, the upstream itself. The
last is asked by a process of its own (:mod:`molthub.cli.upstream_child`), one for each address, which is ended when it
takes too long.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from molthub.cli.upstream_orders import USUAL, Delivery, Limits, Order, Place, error_from_json
from molthub.client.cache import Store, default_store
from molthub.client.parallel import in_threads
from molthub.errors import IntegrityError, NotFoundError, Problem, UpstreamError
from molthub.model import FileEntry
from molthub.registry.upstreams.allowed import shown
from molthub.registry.upstreams.upstream import Imported

Content = tuple[tuple[FileEntry, bytes], ...]
Outcome = Delivery | UpstreamError | None
"""What came of an order; None: an index that was asked for what it holds does not hold it."""

_LAST_SECONDS = 5.0
AT_ONCE = 4
"""How many upstreams are asked at a time."""


@dataclass
class UpstreamFiles:
    """Brings the files of imported versions into the store at ``root``. The registry's port ``Upstreams``.

    ``held`` are indexes that may hold a version already: their addresses, in the order they are asked. ``notes`` say of
    those that could not be read why.
    """

    root: Path
    held: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    limits: Limits = USUAL
    notes: list[str] = field(default_factory=list)
    reasons: dict[tuple[str, str], Problem] = field(default_factory=dict)

    say: Callable[[str], None] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "say": None}  # other processes do not talk

    @classmethod
    def of_user(
        cls,
        allowed: Iterable[str],
        seconds: float,
        *,
        held: Iterable[str] = (),
        say: Callable[[str], None] | None = None,
    ) -> UpstreamFiles:
        """Use the user's own store."""
        return cls(default_store().root, tuple(held), tuple(allowed), Limits(seconds), say=say)

    def files(self, digest: str) -> Content | None:
        """Return the files with this digest, verified; None where nobody has brought them yet."""
        try:
            found = Store(self.root).content(digest)
        except (NotFoundError, IntegrityError):
            return None
        return tuple(sorted(found, key=lambda pair: pair[0].path.encode()))

    def bring(self, wanted: Sequence[Imported]) -> None:
        """Bring the files of all of these, as far as that is possible."""
        missing = self._missing(wanted)
        for location in self.held:
            if missing:
                self._take_held(location, missing)
                missing = self._missing(missing)
        groups: dict[Place, list[Imported]] = {}
        for imported in missing:
            place = Place(imported.upstream.kind, imported.upstream.location, self.allowed)
            groups.setdefault(place, []).append(imported)
        in_threads(lambda group: self._ask(*group), list(groups.items()), AT_ONCE)

    def problem(self, imported: Imported) -> Problem:
        """Return why the files of one were not brought."""
        return self.reasons.get(
            (imported.name, imported.version),
            Problem("MH901", f"{imported.upstream.shown} was not fetched", "run it again"),
        )

    def _missing(self, wanted: Iterable[Imported]) -> list[Imported]:
        store = Store(self.root)
        return [one for one in wanted if not (store.has(one.digest) or store.has(one.upstream.digest))]

    def _take_held(self, location: str, wanted: Sequence[Imported]) -> None:
        """Take from an index what it holds by digest; what it does not have is no fault of it."""
        orders = [Order(imported.name, imported.version, digest=imported.digest) for imported in wanted]
        answers = [answer for _, answer in fetched(Place("index", location, None), orders, self.root, self.limits)]
        failures = [answer for answer in answers if isinstance(answer, UpstreamError)]
        if failures:
            self.notes.append(f"not everything could be read from {shown(location)}: {failures[0]}")

    def _ask(self, place: Place, wanted: Sequence[Imported]) -> None:
        if self.say is not None:
            self.say(f"fetching {len(wanted)} imported version{'s' * (len(wanted) > 1)} from {shown(place.location)}")
        orders = [
            Order(_name_there(one), one.version, one.upstream.path, one.upstream.commit, one.upstream.digest)
            for one in wanted
        ]
        for number, answer in fetched(place, orders, self.root, self.limits):
            if isinstance(answer, UpstreamError):
                one = wanted[number]
                where = "" if answer.place in ("", place.location) else f" ({answer.place})"
                message = f"{one.upstream.shown}: {answer.message}{where}"
                self.reasons[one.name, one.version] = Problem(answer.problem_id or "MH901", message, answer.remedy)


def _name_there(imported: Imported) -> str:
    """Return what an index calls it, as people write it."""
    upstream = imported.upstream
    return f"pack/{upstream.name}" if upstream.path.startswith("packs/") else upstream.name


# --- the process that fetches --------------------------------------------------------------------------------------


def fetched(place: Place, orders: Sequence[Order], store: Path, limits: Limits) -> Iterator[tuple[int, Outcome]]:
    """Yield what came of each order: a process fetches them; it and all that it started ends when it is too slow."""
    with tempfile.TemporaryDirectory(prefix="molthub-upstream-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "molthub.cli.upstream_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
        )
        try:
            request = {"place": place, "orders": orders, "store": str(store.resolve()), "limits": limits}
            with suppress(BrokenPipeError), process.stdin as stdin:  # type: ignore[union-attr] # it is a pipe
                stdin.write(json.dumps(request).encode())
            if (yield from _answers(process, place, len(orders), limits)):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LAST_SECONDS)
        finally:
            _end(process)


def _answers(
    process: subprocess.Popen[bytes], place: Place, count: int, limits: Limits
) -> Generator[tuple[int, Outcome], None, bool]:
    """Yield what the process says of each order; whether it said something of all."""
    waiting = set(range(count))
    lines = _Lines(process.stdout)  # type: ignore[arg-type] # it is a pipe
    while waiting:
        line = lines.next(limits.seconds)
        if not line:
            message = f"it took longer than {limits.seconds:g} seconds and was stopped" if line is None else _DIED
            remedy = "try again; --upstream-timeout allows more" if line is None else "try again"
            where = shown(place.location)
            yield from ((n, UpstreamError(message, place=where, remedy=remedy)) for n in sorted(waiting))
            return False
        answer = json.loads(line)
        waiting.discard(answer["order"])
        if "error" in answer:
            yield answer["order"], error_from_json(answer["error"])
        elif answer["delivery"] is None:
            yield answer["order"], None
        else:
            digest, commit, left_out = answer["delivery"]
            yield answer["order"], Delivery(digest, commit, tuple(left_out))
    return True


_DIED = "fetching it ended unexpectedly: it may be larger than is fetched"


class _Lines:
    """Lines from a pipe, each waited for no longer than is said."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def _read(self, pipe: IO[bytes]) -> None:
        with suppress(ValueError, OSError):  # it was closed in the meantime
            for line in pipe:
                self._lines.put(line)
        self._lines.put(b"")

    def next(self, seconds: float) -> bytes | None:
        """Return the next line; None when it did not come in time, empty when there is none."""
        try:
            return self._lines.get(timeout=seconds)
        except queue.Empty:
            return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and everything that it started. One that has ended by itself has left nothing behind."""
    if process.returncode is None:  # until it was waited for, its number is nobody else's
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
    with process:
        pass
