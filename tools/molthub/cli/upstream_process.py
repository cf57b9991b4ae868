"""The process that fetches from one upstream: started, told what is wanted, and ended when it is too slow."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from molthub.cli.upstream_orders import Delivery, Limits, Order, Place, error_from_json
from molthub.errors import UpstreamError
from molthub.registry.upstreams.allowed import shown

Outcome = Delivery | UpstreamError | None
"""What came of an order; None: an index that was asked for what it holds does not hold it."""

_LAST_SECONDS = 5.0


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
