"""Which gates a wave must ask now, and what their answers mean. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from molthub.model.rollouts import Gate, Hook, Rollout
from molthub_reconciler.rollout.records import Answer, Ask, RolloutState, Step, going_step

_ONCE: frozenset[Hook] = frozenset({"confirm-rollout", "pre-rollout", "confirm-promotion"})
_PATIENT: frozenset[Hook] = frozenset({"confirm-rollout", "confirm-promotion"})
"""Stages that are passed once for a wave; of these, those that wait for a person and never fail."""


class Stop(NamedTuple):
    """Why an answer stops a change; ``is_asked``: the gate asks to take it back, whatever policy says of failures."""

    why: str
    is_asked: bool = False


def missing(going: Step, policy: Rollout, stage: Hook, ready: Sequence[str] = ()) -> tuple[Ask, ...]:
    """Return what must still be asked in a stage of the wave at hand."""
    wave = going.waves[going.wave].wave
    asks = (ask for gate in policy.gates if gate.is_for(wave) for ask in _asks(gate, going, stage, ready))
    return tuple(ask for ask in asks if ask not in going.passed)


def _asks(gate: Gate, going: Step, stage: Hook, ready: Sequence[str]) -> Iterator[Ask]:
    wave, of_wave = going.waves[going.wave]
    if gate.kind == "http":
        if gate.hook == stage:
            yield Ask(gate.name, wave, stage)
    elif stage == "rollout":
        there = frozenset(ready)
        asked = [bot for bot in of_wave if bot in there][: gate.bots] or ready[: gate.bots]
        yield from (Ask(gate.name, wave, stage, bot) for bot in asked)


def answered(
    state: RolloutState, policy: Rollout, answers: Mapping[Ask, Answer], *, look: bool
) -> tuple[RolloutState, Stop | None]:
    """Take in what gates said. One that failed too often stops the change; so does one that asks for it."""
    going = going_step(state)
    gates = {gate.name: gate for gate in policy.gates}
    once = {name for name, gate in gates.items() if gate.kind == "scenarios"}
    passed = {ask for ask in going.passed if not look or ask.stage in _ONCE or ask.gate in once}
    failures = dict(going.failures)
    stop: Stop | None = None
    for ask, answer in _of_wave(going, answers, gates):
        if ask.stage == "rollback":
            passed.add(ask)  # asked at this look
            if answer.passed:
                stop = Stop(f"the gate {ask.gate} asked for it{_because(answer)}", is_asked=True)
        elif answer.passed:
            passed.add(ask)
            failures.pop(ask, None)
        elif ask.stage not in _PATIENT:
            failures[ask] = failures.get(ask, 0) + 1
            if failures[ask] >= gates[ask.gate].attempts:
                of = f" for {ask.bot}" if ask.bot else ""
                stop = stop or Stop(f"wave {ask.wave}: the gate {ask.gate} failed{of}{_because(answer)}")
    asked = {ask: since for ask, since in going.asked.items() if ask not in answers}
    for ask, since in asked.items():
        if state.clock - since > policy.deadline:
            stop = stop or Stop(f"wave {ask.wave}: the gate {ask.gate} was not answered for {ask.bot} in time")
    return replace(state, step=replace(going, passed=frozenset(passed), failures=failures, asked=asked)), stop


def awaited(state: RolloutState, asks: Iterable[Ask]) -> RolloutState:
    """Note which of ``asks`` wait for a bot: an agent on another machine answers at a later look, or never."""
    going = going_step(state)
    asked = {ask: going.asked.get(ask, state.clock) for ask in asks if ask.bot}
    return state if asked == going.asked else replace(state, step=replace(going, asked=asked))


def _of_wave(going: Step, answers: Mapping[Ask, Answer], gates: Mapping[str, Gate]) -> Iterator[tuple[Ask, Answer]]:
    """Yield the answers that are about the wave at hand: what a gate said of an earlier one counts no more."""
    wave = going.waves[going.wave].wave if going.wave < len(going.waves) else None
    yield from ((ask, answer) for ask, answer in answers.items() if ask.wave == wave and ask.gate in gates)


def _because(answer: Answer) -> str:
    return f": {answer.detail}" if answer.detail else ""
