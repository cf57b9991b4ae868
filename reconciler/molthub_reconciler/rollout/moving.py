"""Who is changed now: as many as may be away at a time. Pure.

A bot that does not work has nothing to lose and is changed at once. One that works is changed only while fewer bots
than ``max_unavailable`` are away; or, where others are ill whatever is done, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from molthub.model.rollouts import Rollout
from molthub_reconciler.rollout.records import NOT_NOW, Assigned, Document, RolloutState, Step


def moved(
    state: RolloutState, policy: Rollout, goals: Mapping[str, Document], bots: Iterable[str], *, back: bool = False
) -> RolloutState:
    """Give ``bots`` their ``goals`` as far as the limits allow. Those that can take nothing now are left for later.

    On the way ``back`` they are given theirs too: what waits for them must not be what failed.
    """
    is_open = (bot for bot in bots if back or not is_closed(state, bot))
    # By name: who comes first must not depend on the order in which a state was made or read.
    moving = sorted(bot for bot in is_open if document_of(state, bot) != goals[bot])
    if not moving:
        return state
    generation = state.generation + 1
    room = _Room.of(state, policy)
    free = [bot for bot in moving if not (is_available(state, bot) and takes_changes(state, bot))]
    room.on_way.update(bot for bot in free if takes_changes(state, bot))
    given = {bot: Assigned(goals[bot], generation, state.clock) for bot in free}
    for bot in moving:
        if bot not in given and room.take(bot):
            given[bot] = Assigned(goals[bot], generation, state.clock)
    if not given:
        return state
    # What is good is not tried: who goes off with that went by chance, and takes nobody's place on the way back.
    step = state.step if state.step is None or back else _with_tried(state, state.step, given)
    return replace(state, assigned={**state.assigned, **given}, generation=generation, step=step)


def _with_tried(state: RolloutState, step: Step, given: Iterable[str]) -> Step:
    """Note who tries the change from now on."""
    return replace(step, tried=step.tried | {bot for bot in given if takes_changes(state, bot)})


def document_of(state: RolloutState, bot: str) -> Document | None:
    """Return the document that a bot is kept at."""
    given = state.assigned.get(bot)
    return None if given is None else given.document


def is_available(state: RolloutState, bot: str) -> bool:
    """Whether a bot can be reached and told, of the very assignment that it has, that it is healthy."""
    told, given = state.told.get(bot), state.assigned.get(bot)
    return (
        told is not None
        and given is not None
        and told.health == "healthy"
        and told.generation >= given.generation
        and told.observed == given.document.digest
    )


def is_reachable(state: RolloutState, bot: str) -> bool:
    """Whether a bot told anything, and is not apart."""
    told = state.told.get(bot)
    return told is not None and told.health != "apart"


def is_closed(state: RolloutState, bot: str) -> bool:
    """Whether a bot is known to take nothing now."""
    told = state.told.get(bot)
    return told is not None and told.why in NOT_NOW


def takes_changes(state: RolloutState, bot: str) -> bool:
    """Whether a bot can be reached, and would be changed by what it is given."""
    return is_reachable(state, bot) and not state.told[bot].why


def has_failed(state: RolloutState, bot: str) -> bool:
    """Whether a bot told of the very assignment that it has, that it failed."""
    told, given = state.told.get(bot), state.assigned.get(bot)
    return told is not None and given is not None and told.health == "failed" and told.generation >= given.generation


@dataclass
class _Room:
    """How many bots are ``away``, which of them are still ``on_way`` to what they were given, and how ``most`` may."""

    away: set[str]
    on_way: set[str]
    most: int

    @classmethod
    def of(cls, state: RolloutState, policy: Rollout) -> _Room:
        """Count who can be reached, and who went off with a change that it said nothing of yet."""
        reachable = [bot for bot, told in state.told.items() if told.health != "apart"]
        away = {bot for bot in reachable if not is_available(state, bot)}
        if state.step is not None:
            away |= {bot for bot in state.step.tried if is_closed(state, bot)}
        on_way = {bot for bot in away if _is_on_way(state, policy, bot)}
        return cls(away, on_way, max(1, policy.max_unavailable.of(len(reachable))))

    def take(self, bot: str) -> bool:
        """Let a bot that works be changed, if there is room for it."""
        if len(self.away) >= self.most and self.on_way:
            return False
        self.away.add(bot)
        self.on_way.add(bot)
        return True


def _is_on_way(state: RolloutState, policy: Rollout, bot: str) -> bool:
    """Whether a bot that is away was given something lately, and may well come back with it."""
    given = state.assigned.get(bot)
    is_late = given is None or given.generation == 0 or state.clock - given.at > policy.deadline
    return not is_late and not has_failed(state, bot)
