"""What an update did, or found done already: told from the state alone, so that telling it costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from molthub.errors import MolthubError, Problem
from molthub.index.state.state import State
from molthub.registry.source import Source


@dataclass(frozen=True)
class Updated:
    """What a build did. ``unresolved`` are the bots that do not resolve."""

    revision: str
    counts: Mapping[str, int]
    problems: tuple[Problem, ...]
    unresolved: tuple[str, ...]
    written: int
    unchanged: int
    removed: int
    fleets: bool

    @property
    def complete(self) -> bool:
        """Whether everything that is declared is in the index."""
        return not self.unresolved and not any(problem.severity == "error" for problem in self.problems)


def nothing_to_write(source: Source, problems: tuple[Problem, ...]) -> MolthubError:
    """Return the error for a registry of which nothing can be offered."""
    message = "nothing could be built, and nothing was written"
    remedy = "mend what is named above, or run: molthub check"
    return MolthubError(message, place=source.where, remedy=remedy, problems=problems)


def stands(state: State, out: Path) -> bool:
    """Whether the folder is as the state says: complete, and no document of it touched since."""
    return state.known and all(stamp(out / path) == (size, time) for path, size, time in state.files.documents())


def stamp(file: Path) -> tuple[int, int]:
    """Return a file's size and time in nanoseconds; -1 and 0 where there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def outcome(state: State, revision: str, files: tuple[int, int, int], *, fleets: bool) -> Updated:
    """Return what an update came to. ``files`` are how many were written, left as they are, and removed."""
    skills, versions = state.count()
    counts = state.fact("around")["counts"]
    around_bots = state.fact("around bots")
    counts |= {"fleets": len(around_bots["documents"]) if around_bots else 0, "bots": state.bots.count()}
    written, unchanged, removed = files
    return Updated(
        revision=revision,
        counts={"skills": skills, "versions": versions, **counts},
        problems=problems_so_far(state),
        unresolved=tuple(state.bots.unresolved()),
        written=written,
        unchanged=unchanged,
        removed=removed,
        fleets=fleets,
    )


def problems_so_far(state: State) -> tuple[Problem, ...]:
    """Return everything that was found wrong, by place."""
    around_bots = state.fact("around bots")
    said = [*(state.fact("strays") or ()), *state.fact("around")["problems"]]
    said += around_bots["problems"] if around_bots else ()
    known = (Problem(**problem) for problem in said)
    found = dict.fromkeys((*state.skills.problems(), *known, *state.bots.problems()))
    return tuple(sorted(found, key=lambda problem: (problem.file or "", problem.line or 0)))
