"""Times whole processes: wall seconds, CPU seconds and peak memory, the median of several runs."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One timed work: medians of wall and CPU seconds (user and system), the highest peak memory in MiB."""

    wall: float
    cpu: float
    peak: float


def timed(
    command: Sequence[str],
    *,
    runs: int = 5,
    before: Callable[[], None] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    expect: Sequence[int] = (0,),
) -> Figure:
    """Run a command several times, ``before`` each, and return its figure. An unexpected exit status ends the bench."""
    figures = []
    for _ in range(runs):
        if before is not None:
            before()
        figures.append(_once(command, environment, folder, expect))
    return Figure(median(f.wall for f in figures), median(f.cpu for f in figures), max(f.peak for f in figures))


def _once(
    command: Sequence[str], environment: Mapping[str, str] | None, folder: Path | None, expect: Sequence[int]
) -> Figure:
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, cwd=folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code not in expect:
        raise SystemExit(f"{' '.join(command)} ended with {code}: {said.decode(errors='replace')[-2000:]}")
    return Figure(wall, usage.ru_utime + usage.ru_stime, _mebibytes(usage))


def _mebibytes(usage: resource.struct_rusage) -> float:
    per_mebibyte = 1024 * 1024 if os.uname().sysname == "Darwin" else 1024
    return usage.ru_maxrss / per_mebibyte
