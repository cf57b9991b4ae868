"""One step of a rollout: what each bot is kept at from now on. Pure: same inputs, same outputs.

The laws, whatever fails and in whatever order it is told:

- A bot that works is changed only while fewer than ``max_unavailable`` of those that can be reached are away, or,
  where more are for other reasons, while nobody else is on the way to what it was given: also on the way back.
- A wave is over only by reports on the very assignments that were made in it: never by an older one.
- What fails in the first wave reaches nobody else. What failed is not given again to a bot until git asks for another.
- Bots that are apart hold nothing up for longer than the deadline, and catch up when they are back. Only for windows a
  wave waits, where more of its bots wait for theirs than are well.
- It ends: a bot that can be reached is healthy, or was ill for longer than the deadline in all, and has failed then.
- Nobody is changed while a person holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from molthub.documents import digest_of
from molthub.model.rollouts import Members, Rollout, members
from molthub_reconciler.rollout.moving import document_of, moved
from molthub_reconciler.rollout.records import (
    Answer,
    Ask,
    Assigned,
    Document,
    Finished,
    Outcome,
    RolloutState,
    Step,
    Told,
    Wished,
    going_step,
)
from molthub_reconciler.rollout.waves import advanced, failed, with_next_wave

HISTORY_KEPT = 20
_AT_ONCE = 3
"""What may end and begin in one step: one change is taken back, the next one begins."""


class Inputs(NamedTuple):
    """What a step is made from, beside the state.

    ``desired`` is what git asks for, ``labels`` are those by which waves choose. ``standing`` is what bots have that
    no rollout gave them: their last good documents. ``told`` are new reports, ``answers`` those of gates, ``wishes``
    what people asked for. ``look`` is false where the step is only made again with answers.
    """

    desired: Mapping[str, Document]
    policy: Rollout
    now: int
    labels: Mapping[str, Mapping[str, str]] = {}
    standing: Mapping[str, Document] = {}
    told: Mapping[str, Told] = {}
    answers: Mapping[Ask, Answer] = {}
    wishes: tuple[Wished, ...] = ()
    look: bool = True


class Stepped(NamedTuple):
    """What came of a step: ``state``, which says what each bot is ``assigned``, and the gates to ``ask`` now."""

    state: RolloutState
    ask: tuple[Ask, ...] = ()


def step(state: RolloutState, inputs: Inputs) -> Stepped:
    """Return the next state. Ask what ``ask`` names, and step again with the answers; a wave waits for them."""
    state = _taken_in(state, inputs)
    for wished in inputs.wishes:
        state = _wished(state, wished, inputs)
    if state.held:
        return Stepped(_same_lines(state, inputs))
    state = _not_superseded(state, inputs)
    ask: tuple[Ask, ...] = ()
    afterwards: tuple[Ask, ...] = ()
    for _ in range(_AT_ONCE):
        if state.step is None:
            state = _begun(_without_rollout(state, inputs), inputs)
        if state.step is None:
            state = _caught_up(state, inputs)
            break
        state, ask = advanced(state, inputs.policy, inputs.answers, look=inputs.look)
        if not _is_over(going_step(state), state):
            break
        state, ask = _ended(state), ()
        afterwards = tuple(
            Ask(gate.name, "", "post-rollout")
            for gate in inputs.policy.gates
            if gate.kind == "http" and gate.hook == "post-rollout"
        )
    return Stepped(_same_lines(state, inputs), (*afterwards, *ask))


def _taken_in(state: RolloutState, inputs: Inputs) -> RolloutState:
    """Take in what is told; forget bots that are declared no more, and what failed where git asks for another."""
    desired = inputs.desired
    standing = {bot: found for bot, found in inputs.standing.items() if bot in desired and bot not in state.good}
    assigned = {bot: found for bot, found in state.assigned.items() if bot in desired}
    assigned |= {bot: Assigned(found, 0) for bot, found in standing.items() if bot not in assigned}
    good = {bot: found for bot, found in {**state.good, **standing}.items() if bot in desired}
    bad = {bot: found for bot, found in state.bad.items() if bot in desired and desired[bot].digest == found[0]}
    told = {bot: found for bot, found in {**state.told, **inputs.told}.items() if bot in desired}
    before = {bot: found for bot, found in state.before.items() if bot in desired}
    going = state.step
    if going is not None and not going.target.keys() <= desired.keys():
        target = {bot: found for bot, found in going.target.items() if bot in desired}
        waves = tuple(Members(name, tuple(bot for bot in bots if bot in desired)) for name, bots in going.waves)
        going = replace(going, target=target, waves=waves)
    # Where the machine's clock went back, time goes on from where it was: standing still might last for years.
    ahead = max(state.ahead, state.clock - inputs.now)
    return replace(state, clock=inputs.now + ahead, ahead=ahead, good=good, assigned=assigned, bad=bad, told=told,
                   before=before, step=going)  # fmt: skip


def _wished(state: RolloutState, wished: Wished, inputs: Inputs) -> RolloutState:
    """Do what a person asked for; what does not fit the moment changes nothing."""
    wish, going = wished.wish, state.step
    if wish == "pause":
        return replace(state, held=True)
    is_of_another = wished.step and wished.step != _last_id(state)
    if is_of_another or (going is not None and wished.wave not in (None, going.wave)):
        return state
    state = replace(state, held=False)
    if going is None:
        return _undone(state, inputs) if wish == "undo" else state
    if going.reverting:
        return state
    if wish in ("abort", "undo"):
        return failed(state, "stopped by a person", revert=True)
    state = replace(state, step=replace(going, why="", unready={}, ill={}, failures={}, asked={}))
    return with_next_wave(state) if wish == "promote" else state


def _last_id(state: RolloutState) -> str:
    """Return the id of the change on its way, or else of the last one."""
    if state.step is not None:
        return state.step.id
    return state.history[-1].id if state.history else ""


def _undone(state: RolloutState, inputs: Inputs) -> RolloutState:
    """Go back to what was before the last change that went through."""
    back = {bot: found for bot, found in state.before.items() if bot in state.good and state.good[bot] != found}
    if not back:
        return state
    bad = {bot: (state.good[bot].digest, "undone by a person") for bot in back}
    target = {bot: state.good[bot] for bot in back}
    undoing = Step(_id(target), target, (Members("all", tuple(back)),), state.clock, opened=True, reverting=True,
                   why="undone by a person", outcome="undone")  # fmt: skip
    asked_again = {bot: found for bot, found in bad.items() if inputs.desired[bot].digest == found[0]}
    return replace(state, good={**state.good, **back}, before={}, bad={**state.bad, **asked_again}, step=undoing)


def _not_superseded(state: RolloutState, inputs: Inputs) -> RolloutState:
    """End a change of which git now asks something else; what its open wave was given is taken back."""
    going = state.step
    if going is None or going.reverting:
        return state
    if going.target and all(inputs.desired[bot].digest == found.digest for bot, found in going.target.items()):
        return state
    proven = {bot for _, bots in going.waves[: going.wave] for bot in bots}
    again = _changed(state, inputs)
    back = {
        bot: found
        for bot, found in going.target.items()
        if bot in state.good and document_of(state, bot) == found and (bot not in proven or bot not in again)
    }
    reverting = replace(going, target=back, reverting=True, outcome="superseded", unready={})
    return replace(state, step=reverting)


def _without_rollout(state: RolloutState, inputs: Inputs) -> RolloutState:
    """Give new bots of a fleet that runs well what git asks for: there is nothing that they could break."""
    new = _changed(state, inputs)
    if not new or not state.good or any(bot in state.good or bot in state.assigned for bot in new):
        return state
    generation = state.generation + 1
    given = {bot: Assigned(found, generation, state.clock) for bot, found in new.items()}
    return replace(state, good={**state.good, **new}, assigned={**state.assigned, **given}, generation=generation)


def _caught_up(state: RolloutState, inputs: Inputs) -> RolloutState:
    """Give what went through to those that could take nothing then, as many at a time as may be away."""
    behind = {bot: found for bot, found in state.good.items() if document_of(state, bot) != found}
    return moved(state, inputs.policy, behind, behind) if behind else state


def _begun(state: RolloutState, inputs: Inputs) -> RolloutState:
    """Begin the change that git asks for, if there is one."""
    target = _changed(state, inputs)
    if not target:
        return state
    labels = {bot: inputs.labels.get(bot, {}) for bot in target}
    waves = tuple(wave for wave in members(inputs.policy.waves, labels) if wave.bots)
    return replace(state, step=Step(_id(target), target, waves, state.clock))


def _changed(state: RolloutState, inputs: Inputs) -> dict[str, Document]:
    """Return what is to be rolled out: new documents that did not fail.

    A bot without anything good waits while others run that refused what git asks of them: its document may well hold
    what failed. Where nobody has anything good yet, there is nothing to wait for.
    """
    new_wait = bool(state.bad) and bool(state.good)
    return {
        bot: found
        for bot, found in inputs.desired.items()
        if bot not in state.bad and (state.good[bot].digest != found.digest if bot in state.good else not new_wait)
    }


def _same_lines(state: RolloutState, inputs: Inputs) -> RolloutState:
    """Follow documents that say the same in other lines: what a bot is to have did not change."""
    newer = {
        bot: found
        for bot, found in inputs.desired.items()
        if bot in state.good and state.good[bot].digest == found.digest and state.good[bot] != found
    }
    if not newer:
        return state
    assigned = {
        bot: given._replace(document=newer[bot])
        if bot in newer and given.document.digest == newer[bot].digest
        else given
        for bot, given in state.assigned.items()
    }
    return replace(state, good={**state.good, **newer}, assigned=assigned)


def _is_over(going: Step, state: RolloutState) -> bool:
    if going.reverting:
        return all(document_of(state, bot) == state.good.get(bot) for bot in going.target)
    return going.wave >= len(going.waves)


def _ended(state: RolloutState) -> RolloutState:
    going = going_step(state)
    outcome: Outcome = going.outcome if going.reverting else "done"
    ended = Finished(going.id, outcome, going.began, state.clock, len(going.target), going.why)
    state = replace(state, step=None, history=_kept(state, ended))
    if going.reverting:
        return state
    before = {bot: state.good[bot] for bot in going.target if bot in state.good}
    return replace(state, good={**state.good, **going.target}, before=before)


def _kept(state: RolloutState, ended: Finished) -> tuple[Finished, ...]:
    return (*state.history, ended)[-HISTORY_KEPT:]


def _id(target: Mapping[str, Document]) -> str:
    return digest_of({bot: found.digest for bot, found in target.items()})
