"""Bots that are written together: each announces what it needs, all is written, each takes note.

To make one edited file last takes as long as to make many last at once (:mod:`.syncing`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from molthub.errors import MolthubError, Problem
from molthub_reconciler.one_bot import BotPass
from molthub_reconciler.targets.base import Step, Target

_DAMAGED = "MH603"

Failures = dict[str, MolthubError | OSError]
"""What kept bots from being worked on as a whole, by bot."""


def bring(target: Target, works: Iterable[BotPass]) -> Failures:
    """Write what bots need. No two of them share a home."""
    return _written(target, works, BotPass.announce, BotPass.settle)


def take_away(target: Target, works: Iterable[BotPass]) -> Failures:
    """Take away what bots are to have no more. No two of them share a home."""
    return _written(target, works, BotPass.removing, BotPass.settle_removed)


def _written(
    target: Target,
    works: Iterable[BotPass],
    steps_of: Callable[[BotPass], list[Step]],
    settle: Callable[[BotPass], None],
) -> Failures:
    failed: Failures = {}
    asked: list[tuple[BotPass, list[Step]]] = []
    for work in works:
        with _told_apart(work, failed):
            asked.append((work, steps_of(work)))
    _apply(target, [(work, steps) for work, steps in asked if steps])
    for work, _steps in asked:
        with _told_apart(work, failed):
            settle(work)
    return failed


@contextlib.contextmanager
def _told_apart(work: BotPass, failed: Failures) -> Iterator[None]:
    try:
        yield
    except (MolthubError, OSError) as error:
        failed[work.subject.bot] = error


def _apply(target: Target, asked: Sequence[tuple[BotPass, list[Step]]]) -> None:
    """Do the steps; a skill that turns out to be damaged in the store is fetched anew, once."""
    outcomes = _try(target, asked)
    again: list[tuple[BotPass, list[Step]]] = []
    for (work, steps), failed in zip(asked, outcomes, strict=True):
        # The store dropped it: fetched anew, it may be whole.
        damaged = [step for step in steps if step.key in failed and failed[step.key].id == _DAMAGED]
        for step in damaged:
            work.around.supply.forget(work.desired.desired[step.key])
        work.note([step for step in steps if step not in damaged], _but(failed, damaged))
        if damaged:
            again.append((work, damaged))
    for (work, steps), failed in zip(again, _try(target, again), strict=True):
        work.note(steps, failed)


def _try(target: Target, asked: Sequence[tuple[BotPass, list[Step]]]) -> list[dict[str, Problem]]:
    missing = [work.missing(steps) for work, steps in asked]
    had = [[step for step in steps if step.key not in gone] for (_, steps), gone in zip(asked, missing, strict=True)]
    failed = target.apply([(work.home, steps) for (work, _), steps in zip(asked, had, strict=True)]) if asked else []
    return [gone | dict(found) for gone, found in zip(missing, failed, strict=True)]


def _but(failed: Mapping[str, Problem], damaged: Iterable[Step]) -> dict[str, Problem]:
    left_out = {step.key for step in damaged}
    return {key: problem for key, problem in failed.items() if key not in left_out}
