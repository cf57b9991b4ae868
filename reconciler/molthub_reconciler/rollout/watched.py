"""``molthub rollout status --watch``: telling whenever a change gets further, here or through a controller."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from molthub.errors import DeniedError, FormatError, UnreachableError

if TYPE_CHECKING:
    from molthub.console import Console
    from molthub.model import Json
    from molthub_reconciler.places import Elsewhere
    from molthub_reconciler.rollout.records import RolloutState

Look = Callable[[], "Sequence[tuple[RolloutState, Sequence[str]]]"]
"""Returns how rollouts are now, each with what was asked for and is not done yet. Raises :class:`MolthubError`."""

LEAST = 2.0
"""Seconds between two looks through a controller, for which each is a process."""
_PATIENCE = 15
"""So many looks in a row may get no answer: a controller that is started anew is back earlier."""


def watched(
    console: Console, look: Look, interval: float, pause: Callable[[float], None] = time.sleep
) -> list[RolloutState]:
    """Print a line whenever a fleet gets further. Return how they are when none does any more by itself."""
    told: dict[str, str] = {}
    while True:
        found = look()
        for state, wishes in found:
            line = _line(state)
            if told.get(state.fleet) != line:
                told[state.fleet] = line
                said = json.dumps(shown(state, wishes), ensure_ascii=False, separators=(",", ":"))
                click.echo(said if console.as_json else f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}")
        if not any(_goes_on(state) or wishes for state, wishes in found):
            return [state for state, _ in found]
        pause(interval)


def looking_there(
    controller: Elsewhere, fleet: str | None, warn: Callable[[str], None], pause: Callable[[float], None] = time.sleep
) -> Look:
    """Return how to look through a controller; ``warn`` is told when that does not answer, which may pass."""
    options: Mapping[str, Json] = {"as_json": True, **({"fleet": fleet} if fleet is not None else {})}

    def look() -> Sequence[tuple[RolloutState, Sequence[str]]]:
        for failures in range(1, _PATIENCE + 1):
            try:
                return _read(controller.asked_there("rollout status", options)[1])
            except UnreachableError as error:
                if failures == _PATIENCE or isinstance(error, DeniedError):
                    raise
                if failures == 1:
                    warn(f"{error}; it is asked again")
                pause(LEAST)
        raise AssertionError  # the last failure is raised

    return look


def _read(printed: str) -> list[tuple[RolloutState, Sequence[str]]]:
    from molthub_reconciler.rollout.documents import state_from_json

    try:
        return [(state_from_json(one, "the controller"), [str(wish) for wish in one.get("asked", ())])
                for one in json.loads(printed)["rollouts"]]  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FormatError("the controller tells of its rollouts in another way",
                          remedy="use the same version of molthub on both machines") from None  # fmt: skip


def shown(state: RolloutState, wishes: Sequence[str]) -> Json:
    """Return what ``--json`` says of a rollout."""
    from molthub_reconciler.rollout.documents import state_to_json
    from molthub_reconciler.rollout.told import one_line

    return {**state_to_json(state), "said": one_line(state), "asked": list(wishes)}


def _goes_on(state: RolloutState) -> bool:
    step = state.step
    return step is not None and not state.held and (step.reverting or not step.why)


def _line(state: RolloutState) -> str:
    from molthub_reconciler.rollout.told import one_line

    ended = state.history[-1] if state.history and state.step is None else None
    how = f" ({ended.id[:15]} {ended.outcome})" if ended is not None else ""
    return f"{state.fleet}: {one_line(state)}{how}"
