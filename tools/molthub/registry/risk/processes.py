"""The search for risks in many skill versions, in this process or in several: each version by itself."""

from __future__ import annotations

import multiprocessing
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, islice
from typing import NamedTuple

from molthub.registry.risk.finding import Finding
from molthub.registry.risk.scan import scan_skill

_AT_ONCE = 25
"""How many versions a process is given at a time."""

_WORTH_A_PROCESS = 200
"""From how many versions on starting processes (0.3 s each) pays."""


class Scanned(NamedTuple):
    """One skill version to be read: a name for it, its files, and the variables that skill.yaml names (or None)."""

    name: str
    files: Mapping[str, bytes]
    environment: Collection[str] | None


def scan_skills(versions: Iterable[Scanned], jobs: int = 1) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Yield (name, findings) of each version, in their order; ``jobs`` processes at most are used.

    Few versions are read here, since a process takes longer to start. Not more files are held than are at work.
    """
    waiting_versions = iter(versions)
    first = list(islice(waiting_versions, _WORTH_A_PROCESS)) if jobs > 1 else []
    everything = chain(first, waiting_versions)
    if len(first) < _WORTH_A_PROCESS:
        yield from map(_scan, everything)
        return
    # Processes are started anew and not forked: git's library keeps state, and not every system can fork.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        portions = iter(lambda: list(islice(everything, _AT_ONCE)), [])
        waiting = [pool.submit(_scan_some, portion) for portion in islice(portions, 2 * jobs)]
        while waiting:
            yield from waiting.pop(0).result()
            waiting += [pool.submit(_scan_some, portion) for portion in islice(portions, 1)]


def _scan(version: Scanned) -> tuple[str, tuple[Finding, ...]]:
    return version.name, scan_skill(version.files, environment=version.environment)


def _scan_some(versions: list[Scanned]) -> list[tuple[str, tuple[Finding, ...]]]:
    return [_scan(version) for version in versions]
