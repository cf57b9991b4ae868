"""One round of taking away what serves nobody: what is found, what was taken, what had to be left, and why."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from molthub.atomic import remove_tree
from molthub.client.cache import Store
from molthub.client.index_cache import timestamp
from molthub.errors import MolthubError, Problem
from molthub.model import Json
from molthub_reconciler.problems import problem_of
from molthub_reconciler.pruning.leftovers import (
    WORDS,
    KnownTarget,
    Leftover,
    known_targets,
    of_indexes,
    of_store,
    of_target,
    size_of,
)
from molthub_reconciler.pruning.states import known_states
from molthub_reconciler.records.state import TargetState

FORMAT = "molthub.prune-result/1"
HEADERS = ("what", "number", "size")
DAY = 24 * 3600.0
LEAST_AGE = 2 * DAY
"""The store takes note of use once a day: what is younger may be about to be used."""
USUAL_AGE = 30 * DAY


@dataclass(frozen=True, slots=True)
class Machine:
    """Where molthub keeps things on this machine: one ``state`` folder, the ``store``, the ``cache`` around it.

    Other state folders count as well, where they are known to the store.
    """

    state: Path
    store: Store
    cache: Path

    def targets(self) -> list[KnownTarget]:
        """Return the targets on record in all state folders. Raises :class:`OSError`."""
        return known_targets({self.state, *known_states(self.store)})


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was taken away, or with ``dry_run`` would be; ``kept`` archives and their bytes stay in the store."""

    taken: tuple[Leftover, ...] = ()
    problems: tuple[Problem, ...] = ()
    kept: int = 0
    kept_bytes: int = 0
    older_than: float = USUAL_AGE
    dry_run: bool = False
    at: str = ""

    @property
    def size(self) -> int:
        """The bytes of all that was taken."""
        return sum(one.size for one in self.taken)

    def to_json(self) -> dict[str, Json]:
        """Return the document ``molthub.prune-result/1``."""
        taken = [{"kind": one.kind, "path": str(one.path), "bytes": one.size} for one in self.taken]
        return {
            "format": FORMAT,
            "at": self.at,
            "dryRun": self.dry_run,
            "olderThanSeconds": int(self.older_than),
            "summary": {"removed": len(taken), "bytes": self.size, "kept": self.kept, "keptBytes": self.kept_bytes},
            "removed": taken,
            "problems": [problem.to_json() for problem in self.problems],
        }

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield a row for each kind of thing, under :data:`HEADERS`."""
        number, size = Counter[str](), Counter[str]()
        for one in self.taken:
            number[one.kind] += 1
            size[one.kind] += one.size
        yield from ((words, str(number[kind]), shown_size(size[kind])) for kind, words in WORDS.items() if number[kind])


def prune(
    machine: Machine, *, older_than: float, now: float, dry_run: bool = False, forget_gone: bool = False
) -> Pruned:
    """Take away what nothing refers to. ``older_than`` are seconds, at least :data:`LEAST_AGE`; ``now`` is since 1970.

    Records of targets whose folder is gone go only with ``forget_gone``: a disk may just not be there. What another
    process works on is left, and told. Raises :class:`OSError` where it cannot be known what is in use.
    """
    targets = machine.targets()
    gone = [target for target in targets if target.is_gone]
    left = [target for target in targets if not (forget_gone and target.is_gone)]
    result = Pruned(older_than=older_than, dry_run=dry_run, at=timestamp())
    for target in targets:
        forget = forget_gone and target.is_gone
        result = _of_target(result, target, now - older_than, now, forget=forget)
    result = _of_machine(result, machine, left, now - older_than)
    if not forget_gone:
        result = replace(result, problems=(*result.problems, *map(_gone, gone)))
    kept = list(machine.store.archives())
    dropped = {one.path for one in result.taken} if dry_run else set()
    kept = [archive for archive in kept if machine.store.path(archive.digest) not in dropped]
    return replace(result, kept=len(kept), kept_bytes=sum(archive.size for archive in kept))


def prune_caches(machine: Machine, *, older_than: float, now: float) -> Pruned:
    """Do the part of :func:`prune` that touches no target: the store and what was fetched of indexes."""
    result = Pruned(older_than=older_than, at=timestamp())
    return _of_machine(result, machine, machine.targets(), now - older_than)


def _of_machine(result: Pruned, machine: Machine, targets: Collection[KnownTarget], oldest: float) -> Pruned:
    try:
        found = [*of_store(machine.store, targets, oldest), *of_indexes(machine.cache, oldest)]
    except OSError as error:  # what cannot be read may name anything: nothing is taken
        return replace(result, problems=(*result.problems, problem_of(error)))
    return _taken(result, found, machine.store)


def _of_target(result: Pruned, target: KnownTarget, oldest: float, now: float, *, forget: bool) -> Pruned:
    """Deal with one target while no pass works on it; one that does not say which it is is left as it is."""
    if not target.address:
        return result
    state = TargetState(target.folder.parent.parent, target.address)
    try:
        with contextlib.nullcontext() if result.dry_run else state.lock():
            if forget:
                found = [Leftover("target", target.folder, size_of(target.folder))]
            else:
                found = list(of_target(target, oldest, now))
            return _taken(result, found, None)
    except (MolthubError, OSError) as error:
        return replace(result, problems=(*result.problems, _busy(target, error)))


def _taken(result: Pruned, found: Collection[Leftover], store: Store | None) -> Pruned:
    taken, problems = list(result.taken), list(result.problems)
    for one in found:
        try:
            if result.dry_run or _take(one, store):
                taken.append(one)
        except OSError as error:
            problems.append(problem_of(error, str(one.path)))
    return replace(result, taken=tuple(taken), problems=tuple(problems))


def _take(one: Leftover, store: Store | None) -> bool:
    """Take one thing away. False: somebody wants it again."""
    if one.archive is not None and store is not None:
        return store.drop_unused(one.archive)
    remove_tree(one.path)
    if one.kind == "bot":
        with contextlib.suppress(OSError):
            one.path.parent.rmdir()
    return True


def _gone(target: KnownTarget) -> Problem:
    message = f"the folder of these bots is not there: {target.address}"
    remedy = "its records stay, and the skills that they name; `molthub prune --forget-gone` takes them away"
    return Problem("MH737", message, remedy, "warning", file=str(target.folder))


def _busy(target: KnownTarget, error: MolthubError | OSError) -> Problem:
    why = error.message if isinstance(error, MolthubError) else problem_of(error).message
    remedy = "nothing of it was taken away; run it again later"
    return Problem("MH738", f"left out: {why}", remedy, "warning", file=target.address or str(target.folder))


def shown_size(size: float) -> str:
    """Return a number of bytes as people read it."""
    if size < _KILO:
        return f"{size:.0f} B"
    for unit in ("kB", "MB"):
        size /= _KILO
        if size < _KILO:
            return f"{size:.1f} {unit}"
    return f"{size / _KILO:.1f} GB"


_KILO = 1000
