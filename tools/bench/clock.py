"""Times whole processes: wall seconds, CPU seconds and peak memory, the median of several runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
    launched = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(launched, env={**os.environ, **(environment or {})}, cwd=folder, capture_output=True,
                          text=True, errors="replace", check=True)  # fmt: skip
    wall, cpu, peak, code = json.loads(done.stdout)
    if code not in expect:
        raise SystemExit(f"{' '.join(command)} ended with {code}: {done.stderr[-2000:]}")
    return Figure(wall, cpu, _mebibytes(peak))


# A process's peak begins with that of the one it was forked from, and this one has made up a registry: a small one
# starts what is timed.
_LAUNCHER = """
import json, os, resource, sys, time
start = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0o600)])
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
print(json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""


def _mebibytes(peak: int) -> float:
    return peak / (1024 * 1024 if os.uname().sysname == "Darwin" else 1024)
