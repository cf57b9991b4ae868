"""`molthub reconcile` as a process of its own that runs on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.reconciler.world import World

PATIENCE = 60.0
"""Seconds after which a test gives up; only a failing test ever takes so long."""


@dataclass
class Program:
    """A ``molthub reconcile`` without ``--once``, and what it said."""

    process: subprocess.Popen[str]
    log: Path

    def said(self) -> str:
        return self.log.read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def wait_for(happened: Callable[[], object], program: Program | None = None) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, program.said() if program is not None else "waited in vain"
        time.sleep(0.01)


def holds(file: Path, text: str) -> Callable[[], bool]:
    return lambda: file.exists() and text in file.read_text()


@contextmanager
def program(log: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Program]:
    """Run it; what it says goes behind what its log holds."""
    command = [sys.executable, "-u", "-m", "molthub.cli.main", "reconcile", "--interval", "1", *arguments]
    with log.open("a") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})}
        )
        try:
            yield Program(process, log)
        finally:
            process.kill()
            process.wait()


@contextmanager
def running(world: World, *options: str) -> Iterator[Program]:
    """Keep a world's bots, with a log of its own."""
    places = ["--index", str(world.site.folder), "--target", str(world.target), "--state", str(world.state)]
    log = world.folder / "log"
    log.unlink(missing_ok=True)
    with program(log, *places, *options) as started:
        yield started
