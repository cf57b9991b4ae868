"""One step of a rollout: what each bot is kept at from now on. Pure: same inputs, same outputs.

The laws, whatever fails and in whatever order it is told:

- A bot that is healthy is changed only while fewer than ``max_unavailable`` of those that can be reached are not.
- A wave is over only by reports on the very assignments that were made in it: never by an older one.
- What fails in the first wave reaches nobody else. What failed is not given again to a bot until git asks for another.
- Bots that are apart hold nothing up, and have the change waiting for them when they are back.
- It ends: every bot that can be reached is healthy or has failed within the deadline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from molthub.documents import digest_of
from molthub.model.rollouts import Members, Rollout, members
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
    Wish,
)
from molthub_reconciler.rollout.waves import advanced, failed, going_step

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
    wishes: tuple[Wish, ...] = ()
    look: bool = True


class Stepped(NamedTuple):
    """What came of a step: ``state``, which says what each bot is ``assigned``, and the gates to ``ask`` now."""

    state: RolloutState
    ask: tuple[Ask, ...] = ()


def step(state: RolloutState, inputs: Inputs) -> Stepped:
    """Return the next state. Ask what ``ask`` names, and step again with the answers; a wave waits for them."""
    state = _taken_in(state, inputs)
    for wish in inputs.wishes:
        state = _wished(state, wish, inputs)
    state = _not_superseded(state, inputs)
    ask: tuple[Ask, ...] = ()
    afterwards: tuple[Ask, ...] = ()
    for _ in range(_AT_ONCE):
        if state.step is None:
            state = _without_rollout(state, inputs)
        if state.step is None and not state.held:
            state = _begun(state, inputs)
        if state.step is None:
            break
        state, ask = advanced(state, inputs.policy, inputs.answers, look=inputs.look)
        if state.step is None or not _is_over(state.step, state):
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
    return replace(state, clock=max(state.clock, inputs.now), good=good, assigned=assigned, bad=bad, told=told,
                   before=before, step=going)  # fmt: skip


def _wished(state: RolloutState, wish: Wish, inputs: Inputs) -> RolloutState:
    """Do what a person asked for; what does not fit the moment changes nothing."""
    going = state.step
    if wish == "pause":
        return replace(state, held=True)
    if wish == "undo" and going is None:
        return _undone(state, inputs)
    state = replace(state, held=False)
    if going is None or going.reverting:
        return state
    if wish in ("abort", "undo"):
        return failed(state, "stopped by a person", revert=True)
    again = replace(going, why="", unready={}, failures={}, moved=state.clock)
    if wish == "promote":
        again = replace(again, wave=going.wave + 1, opened=False, since=None, passed=frozenset())
    return replace(state, step=again)


def _undone(state: RolloutState, inputs: Inputs) -> RolloutState:
    """Go back to what was before the last change that went through."""
    back = {bot: found for bot, found in state.before.items() if bot in state.good and state.good[bot] != found}
    if not back:
        return state
    bad = {bot: (state.good[bot].digest, "undone by a person") for bot in back}
    target = {bot: state.good[bot] for bot in back}
    undoing = Step(_id(target), target, (Members("all", tuple(back)),), state.clock, opened=True, moved=state.clock,
                   reverting=True, why="undone by a person", outcome="undone")  # fmt: skip
    asked_again = {bot: found for bot, found in bad.items() if inputs.desired[bot].digest == found[0]}
    return replace(state, good={**state.good, **back}, before={}, bad={**state.bad, **asked_again}, step=undoing)


def _not_superseded(state: RolloutState, inputs: Inputs) -> RolloutState:
    """End a change of which git now asks something else; what its open wave was given is taken back."""
    going = state.step
    if going is None or going.reverting:
        return state
    if all(inputs.desired[bot].digest == found.digest for bot, found in going.target.items()):
        return state
    proven = {bot for _, bots in going.waves[: going.wave] for bot in bots}
    again = _changed(state, inputs)
    back = {
        bot: found
        for bot, found in going.target.items()
        if bot in state.good and _document(state, bot) == found and (bot not in proven or bot not in again)
    }
    reverting = replace(going, target=back, reverting=True, outcome="superseded", unready={})
    return replace(state, step=reverting)


def _without_rollout(state: RolloutState, inputs: Inputs) -> RolloutState:
    """Give new bots of a fleet that runs well what git asks for: there is nothing that they could break."""
    if not state.good or state.bad or _changed(state, inputs).keys() & state.good.keys():
        return state
    new = {bot: found for bot, found in inputs.desired.items() if bot not in state.good}
    return replace(_given(state, new), good={**state.good, **new})


def _begun(state: RolloutState, inputs: Inputs) -> RolloutState:
    """Begin the change that git asks for, if there is one."""
    target = _changed(state, inputs)
    if not target:
        return state
    labels = {bot: inputs.labels.get(bot, {}) for bot in target}
    waves = tuple(wave for wave in members(inputs.policy.waves, labels) if wave.bots)
    return replace(state, step=Step(_id(target), target, waves, state.clock, moved=state.clock))


def _changed(state: RolloutState, inputs: Inputs) -> dict[str, Document]:
    """Return what is to be rolled out: new documents that did not fail. New bots wait while one that failed is asked.

    A bot that did not get its turn before has nothing good; its document comes from what failed for the others.
    """
    return {
        bot: found
        for bot, found in inputs.desired.items()
        if bot not in state.bad
        and (
            (bot in state.good and state.good[bot].digest != found.digest) or (bot not in state.good and not state.bad)
        )
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
        bot: Assigned(newer[bot], given.generation)
        if bot in newer and given.document.digest == newer[bot].digest
        else given
        for bot, given in state.assigned.items()
    }
    return replace(state, good={**state.good, **newer}, assigned=assigned)


def _is_over(going: Step, state: RolloutState) -> bool:
    if going.reverting:
        return all(_document(state, bot) == state.good.get(bot) for bot in going.target)
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


def _given(state: RolloutState, documents: Mapping[str, Document]) -> RolloutState:
    fresh = {bot: found for bot, found in documents.items() if _document(state, bot) != found}
    if not fresh:
        return state
    generation = state.generation + 1
    assigned = {**state.assigned, **{bot: Assigned(found, generation) for bot, found in fresh.items()}}
    return replace(state, assigned=assigned, generation=generation)


def _document(state: RolloutState, bot: str) -> Document | None:
    return state.assigned[bot].document if bot in state.assigned else None


def _id(target: Mapping[str, Document]) -> str:
    return digest_of({bot: found.digest for bot, found in target.items()})


def waiting(state: RolloutState, bots: Iterable[str]) -> frozenset[str]:
    """Return those of ``bots`` that have no document yet: their turn comes."""
    return frozenset(bot for bot in bots if bot not in state.assigned)
