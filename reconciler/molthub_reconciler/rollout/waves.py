"""How a change goes from wave to wave, or back: what must be so before the next bots get it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from molthub.model.rollouts import Members, Rollout
from molthub_reconciler.rollout.asks import answered, awaited, missing
from molthub_reconciler.rollout.moving import document_of, is_closed, is_reachable, moved, takes_changes
from molthub_reconciler.rollout.records import Answer, Ask, RolloutState, going_step
from molthub_reconciler.rollout.seen import Seen, reached_by, was_ill


def advanced(
    state: RolloutState, policy: Rollout, answers: Mapping[Ask, Answer], *, look: bool = True
) -> tuple[RolloutState, tuple[Ask, ...]]:
    """Take a step as far as it goes now. Return the gates that must be asked before it can go on.

    ``look``: a new look at the fleet, at which gates of the stage ``rollout`` are asked anew.
    """
    going, ask = going_step(state), tuple[Ask, ...]()
    if not going.reverting and not going.why:
        state, stop = answered(state, policy, answers, look=look)
        if stop is not None:
            state = failed(state, stop.why, revert=stop.is_asked or policy.on_failure == "rollback")
        state, ask = _forward(state, policy)
    going = going_step(state)
    if going.reverting:
        return moved(state, policy, state.good, going.target, back=True), ()
    return awaited(state, ask), ask


def failed(state: RolloutState, why: str, *, revert: bool) -> RolloutState:
    """Stop a step: bring everybody back to what is good and remember what failed, or stay where it is."""
    going = going_step(state)
    if not revert:
        return replace(state, step=replace(going, why=why))
    bad = {bot: (found.digest, why) for bot, found in going.target.items()}
    back = {
        bot: given.document
        for bot, given in state.assigned.items()
        if bot in state.good and given.document.digest != state.good[bot].digest
    }
    reverting = replace(going, target=back, reverting=True, why=why, unready={}, outcome="rolled-back")
    return replace(state, bad={**state.bad, **bad}, step=reverting)


def _forward(state: RolloutState, policy: Rollout) -> tuple[RolloutState, tuple[Ask, ...]]:
    """Go through waves as far as it goes now."""
    while True:
        going = going_step(state)
        if going.reverting or going.why or going.wave >= len(going.waves):
            return state, ()
        state, ask = _in_wave(state, policy)
        if going_step(state).wave == going.wave:
            return state, ask


def _in_wave(state: RolloutState, policy: Rollout) -> tuple[RolloutState, tuple[Ask, ...]]:
    """Work on the wave at hand. Where nothing is left to be asked, the step is at the next one, or has stopped."""
    going = going_step(state)
    seen = Seen.of(state, policy)
    if seen.is_too_bad:  # before anybody else is given it
        said = seen.said(going.waves[going.wave].wave)
        return failed(replace(state, step=seen.noted), said, revert=policy.on_failure == "rollback"), ()
    before = () if going.opened else _before(state, policy)
    if not before:
        state = _with_a_first(replace(state, step=replace(going, opened=True)), policy)
        going = going_step(state)
        state = moved(state, policy, going.target, reached_by(going))
    wave = going.waves[going.wave].wave
    seen = Seen.of(state, policy)
    state = replace(state, step=seen.noted)
    watched = (*missing(seen.going, policy, "rollback"), *before)
    if not seen.is_ready:
        return state, watched
    since = state.clock if seen.going.since is None else seen.going.since
    state = replace(state, step=replace(going_step(state), since=since))
    ask = (*watched, *missing(seen.going, policy, "rollout", seen.ready))
    soak = next((one.soak for one in policy.waves if one.name == wave), 0)
    if ask or state.clock - since < soak:
        return state, ask
    ask = missing(seen.going, policy, "confirm-promotion")
    return (state, ask) if ask else (with_next_wave(state), ())


def with_next_wave(state: RolloutState) -> RolloutState:
    """Call the wave at hand over; who went off in it is waited for no more."""
    going = going_step(state)
    following = replace(going, wave=going.wave + 1, opened=False, since=None, unready={}, ill={}, tried=frozenset(),
                        passed=frozenset(), failures={}, asked={})  # fmt: skip
    return replace(state, step=following)


def _before(state: RolloutState, policy: Rollout) -> tuple[Ask, ...]:
    """Return what must be asked before the wave begins: first whoever confirms, then what is tried out."""
    going = going_step(state)
    return missing(going, policy, "confirm-rollout") or missing(going, policy, "pre-rollout")


def _with_a_first(state: RolloutState, policy: Rollout) -> RolloutState:
    """Let the next bot stand in for a first wave in which nobody can try the change: somebody must.

    Where somebody tried it and then could not tell how it went, one stands in, and no more: what turns bots off, or
    what none of them takes now, must not go through them all.
    """
    going = going_step(state)
    first = going.waves[0].bots
    if (
        going.wave
        or any(_is_in_play(state, policy, bot) for bot in first)
        or sum(bot in going.tried for bot in first) > 1
    ):
        return state
    later = (bot for _, bots in going.waves[1:] for bot in bots)
    found = next((bot for bot in later if takes_changes(state, bot)), None)
    if found is None:
        return state
    waves = [Members(name, tuple(bot for bot in bots if bot != found)) for name, bots in going.waves]
    waves[0] = Members(waves[0].wave, (*waves[0].bots, found))
    return replace(state, step=replace(going, waves=tuple(waves)))


def _is_in_play(state: RolloutState, policy: Rollout, bot: str) -> bool:
    """Whether a bot can try the change, or has it and may well tell how that went."""
    going = going_step(state)
    if document_of(state, bot) != going.target[bot]:
        return takes_changes(state, bot)
    is_awaited = bot in going.tried and is_closed(state, bot) and was_ill(state, bot) <= policy.deadline
    return is_reachable(state, bot) or is_awaited
