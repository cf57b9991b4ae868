"""Find one version of every skill that all who want it admit. Pure; shared by author time and run time.

The search is resolvelib's backtracking (https://github.com/sarugaku/resolvelib), which pip uses: highest versions first,
and every failure names who wanted what, back to whoever asked first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver
from resolvelib.resolvers import ResolutionTooDeep

from molthub.errors import Problem, ResolutionError
from molthub.versions import matches, sort_key

MAX_ROUNDS = 20_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version that may be chosen. ``dependencies`` maps a skill or a host to a range in npm's syntax."""

    name: str
    version: str
    dependencies: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Somebody wants a skill: ``wanted`` is a range (None: any), ``why`` says who, as ``pack/standard-dev@3``."""

    name: str
    wanted: str | None
    why: str


Candidates = Callable[[str], Sequence[Candidate]]


def solve(
    requirements: Iterable[Requirement],
    candidates: Candidates,
    *,
    hosts: Mapping[str, str | None] | None = None,
    pinned: Mapping[str, str] | None = None,
) -> dict[str, Candidate]:
    """Return the chosen candidate of every skill that is needed, by name.

    ``candidates(name)`` gives the versions that may be chosen and so decides what is available; none means that there is
    no such skill. ``hosts`` maps applications that count as present to their version (None: it is not known there).
    ``pinned`` skills take that version and no other. Raises :class:`ResolutionError`, whose problems name the chain.
    """
    raise NotImplementedError
