"""Reconciles that end, as by kill -9, just before one of their system calls that write.

Run as a program, it reads a JSON line for each reconcile, ``{"arguments": [...], "dies_at": n, "largest": bytes}``,
makes a process for it, and answers with how many such calls there were. A process that has imported everything is
copied for each, so one takes some milliseconds. ``dies_at`` counts from 0; null lets it live. A ``write`` it dies at
leaves half its bytes. ``largest`` is the size that no file may pass, as on a full disk. Whoever runs the tests, a
reconcile may do only what the modes of files allow their owner.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

DIED = 137
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CALLS = ("rename", "remove", "mkdir", "rmdir", "chmod", "chown", "utime", "symlink", "link", "truncate")
_EVENTS = frozenset(f"os.{name}" for name in _CALLS)
_WARM = (
    "csv",
    "importlib.metadata",
    "importlib.resources",
    "molthub.platforms.config_file",
    "molthub.platforms.openclaw",
    "molthub.platforms.table_program",
    "molthub.secrets.assemble",
    "molthub_reconciler.notify.outbox",
    "molthub_reconciler.notify.settings",
    "molthub_reconciler.pruning.daily",
    "molthub_reconciler.commands.rollback",
    "molthub_reconciler.records.watched_secrets",
    "molthub_reconciler.workplace",
)


class Mortals:
    """The program, started; use it in a ``with`` block."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.reconciler.mortal"]
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def run(self, arguments: list[str], *, dies_at: int | None = None, largest: int | None = None) -> tuple[int, int]:
        """Run the command line; return its exit status (:data:`DIED`) and how many calls it came to."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"arguments": arguments, "dies_at": dies_at, "largest": largest}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["status"], answer["calls"]


class _Fate:
    """Counts the calls that write, and ends the process at one."""

    def __init__(self, dies_at: int | None, counter: int) -> None:
        self.calls = 0
        self._dies_at = dies_at
        self._counter = counter
        self._write, self._fsync = os.write, os.fsync

    def watch(self) -> None:
        sys.addaudithook(self._hear)
        os.write = self._mortal_write  # the system's calls, for which there are no audit events
        os.fsync = self._mortal_fsync

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING):
            self._one_more()

    def _mortal_write(self, descriptor: int, content: Any) -> int:
        self._one_more(lambda: self._write(descriptor, bytes(content)[: len(content) // 2]))
        return self._write(descriptor, content)

    def _mortal_fsync(self, fd: Any) -> None:
        self._one_more()
        self._fsync(fd)

    def _one_more(self, at_the_end: Any = lambda: None) -> None:
        if self.calls == self._dies_at:
            at_the_end()
            os.pwrite(self._counter, str(self.calls).encode(), 0)
            os._exit(DIED)
        self.calls += 1


_CAPABILITIES_VERSION = 0x20080522
_ABOVE_MODES = 1 << 1 | 1 << 2
"""``CAP_DAC_OVERRIDE`` and ``CAP_DAC_READ_SEARCH`` (capabilities(7))."""


def _be_nobody_special() -> None:
    """Let modes of files bind this process, also where root runs it. Where there are no capabilities, root is root."""
    library = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0 and hasattr(library, "capset"):
        head, sets = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0), (ctypes.c_uint32 * 6)()
        library.capget(head, sets)
        sets[0] &= ~_ABOVE_MODES
        library.capset(head, sets)


def _serve() -> None:
    from molthub.cli.main import molthub_group
    from molthub.console import run

    for module in _WARM:
        import_module(module)
    for line in sys.stdin:
        order = json.loads(line)
        counter = os.memfd_create("calls") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDWR)
        child = os.fork()
        if child == 0:
            silent = os.open(os.devnull, os.O_RDWR)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            _be_nobody_special()
            if order["largest"] is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest"], order["largest"]))
            fate = _Fate(order["dies_at"], counter)
            fate.watch()
            status = run(molthub_group, order["arguments"])
            os.pwrite(counter, str(fate.calls).encode(), 0)
            os._exit(status)
        _, status = os.waitpid(child, 0)
        answer = {"status": os.waitstatus_to_exitcode(status), "calls": int(os.pread(counter, 20, 0) or 0)}
        os.close(counter)
        os.write(3, (json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    os.dup2(1, 3)
    os.dup2(2, 1)  # what commands print is not an answer
    _serve()
