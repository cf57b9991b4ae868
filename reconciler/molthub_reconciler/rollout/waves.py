"""How a change goes from wave to wave, or back: who is moved, who is ready, and what stops it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from molthub.model.rollouts import Gate, Hook, Members, Rollout
from molthub_reconciler.rollout.records import Answer, Ask, Assigned, Document, RolloutState, Step

_NOBODY = ""
_NAMED = 3
_ONCE: frozenset[Hook] = frozenset({"confirm-rollout", "pre-rollout", "confirm-promotion"})
_PATIENT: frozenset[Hook] = frozenset({"confirm-rollout", "confirm-promotion"})
"""Stages that are passed once for a wave; of these, those that wait for a person and never fail."""


def advanced(
    state: RolloutState, policy: Rollout, answers: Mapping[Ask, Answer], *, look: bool = True
) -> tuple[RolloutState, tuple[Ask, ...]]:
    """Take a step as far as it goes now. Return the gates that must be asked before it can go on.

    ``look``: a new look at the fleet, at which gates of the stage ``rollout`` are asked anew.
    """
    going = going_step(state)
    if going.reverting:
        return _moved(state, policy, going.target, state.good, patient=False), ()
    if going.why or state.held:
        return state, ()
    state = _answered(state, policy, answers, look=look)
    while (
        not going_step(state).why
        and not going_step(state).reverting
        and going_step(state).wave < len(going_step(state).waves)
    ):
        state, ask, is_promoted = _in_wave(state, policy)
        if not is_promoted:
            return state, ask
    going = going_step(state)
    if going.reverting:
        return _moved(state, policy, going.target, state.good, patient=False), ()
    return state, ()


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


def _in_wave(state: RolloutState, policy: Rollout) -> tuple[RolloutState, tuple[Ask, ...], bool]:
    """Work on the wave at hand; the last value says whether it is over and the next one begins."""
    going = going_step(state)
    wave = going.waves[going.wave].wave
    if not going.opened:
        ask = _missing(going, policy, ("confirm-rollout", "pre-rollout"))
        if ask:
            return state, ask, False
        state = replace(state, step=replace(going, opened=True))
    state = _with_a_first(state)
    state = _moved(state, policy, _reached(going_step(state)), going_step(state).target)
    seen = _Seen.of(state, policy)
    going = replace(going_step(state), unready=seen.unready, since=going_step(state).since if seen.is_ready else None)
    state = replace(state, step=going)
    if len(seen.failed) > seen.allowed:
        return failed(state, seen.said(wave), revert=policy.on_failure == "rollback"), (), True
    while_it_runs = _missing(going, policy, ("rollback",))
    if not seen.is_ready:
        return state, while_it_runs, False
    since = going.since if going.since is not None else state.clock
    state = replace(state, step=replace(going, since=since))
    ask = (*while_it_runs, *_missing(going, policy, ("rollout",), seen.ready))
    soak = next((one.soak for one in policy.waves if one.name == wave), 0)
    if ask or state.clock - since < soak:
        return state, ask, False
    ask = _missing(going, policy, ("confirm-promotion",))
    if ask:
        return state, ask, False
    over = replace(going_step(state), wave=going.wave + 1, opened=False, since=None, passed=frozenset(), failures={},
                   moved=state.clock)  # fmt: skip
    return replace(state, step=over), (), True


# --- who is moved --------------------------------------------------------------------------------------------------


def _moved(
    state: RolloutState,
    policy: Rollout,
    bots: Iterable[str],
    goals: Mapping[str, Document],
    *,
    patient: bool = True,
) -> RolloutState:
    """Give bots their documents, as far as not too many are unavailable for it.

    Without ``patient``, bots that are not back within the deadline are no longer waited for.
    """
    moving = [bot for bot in bots if bot not in state.assigned or state.assigned[bot].document != goals[bot]]
    if not moving:
        return state
    unready = dict(going_step(state).unready)
    away = {bot for bot, told in state.told.items() if told.health != "apart" and not is_available(state, bot)}
    if not patient:
        unready = {bot: unready.get(bot, state.clock) for bot in away}
        away = {bot for bot in away if state.clock - unready[bot] <= policy.deadline}
    reachable = sum(told.health != "apart" for told in state.told.values())
    most = max(1, policy.max_unavailable.of(reachable))
    generation = state.generation + 1
    given: dict[str, Assigned] = {}
    for bot in moving:
        if is_available(state, bot):
            if len(away) >= most:
                continue
            away.add(bot)
        given[bot] = Assigned(goals[bot], generation)
    if not given:
        return replace(state, step=replace(going_step(state), unready=unready))
    waiting = {bot: since for bot, since in unready.items() if bot not in given or not patient}
    going = replace(going_step(state), unready=waiting, moved=state.clock)
    return replace(state, assigned={**state.assigned, **given}, generation=generation, step=going)


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


def _reached(going: Step) -> Iterator[str]:
    """Yield the bots of the waves that began, first wave first."""
    for _, bots in going.waves[: going.wave + 1]:
        yield from bots


def _with_a_first(state: RolloutState) -> RolloutState:
    """Let the next bot that can be reached stand in for a first wave of which none can: somebody must try it."""
    going = going_step(state)
    if going.wave or any(_can_be_reached(state, bot) for bot in going.waves[0].bots):
        return state
    later = (bot for _, bots in going.waves[1:] for bot in bots if _can_be_reached(state, bot))
    first = next(later, None)
    if first is None:
        return state
    waves = [Members(name, tuple(bot for bot in bots if bot != first)) for name, bots in going.waves]
    waves[0] = Members(waves[0].wave, (*waves[0].bots, first))
    return replace(state, step=replace(going, waves=tuple(waves)))


def _can_be_reached(state: RolloutState, bot: str) -> bool:
    return bot in state.told and state.told[bot].health != "apart"


# --- who is ready --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """How the bots are that a change has reached. ``failed`` says why; ``allowed`` is how many may."""

    ready: tuple[str, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    unready: Mapping[str, int] = field(default_factory=dict)
    allowed: int = 0
    is_ready: bool = False

    @classmethod
    def of(cls, state: RolloutState, policy: Rollout) -> _Seen:
        """Look at every bot that the change has reached and that can be reached itself."""
        going = going_step(state)
        reached = [bot for bot in _reached(going) if _can_be_reached(state, bot)]
        ready, lost, unready = [], {}, {}
        for bot in reached:
            told, given = state.told[bot], state.assigned.get(bot)
            has_it = given is not None and given.document == going.target[bot]
            if has_it and is_available(state, bot):
                ready.append(bot)
            elif has_it and given is not None and told.health == "failed" and told.generation >= given.generation:
                lost[bot] = "failed"
            else:
                unready[bot] = going.unready.get(bot, state.clock)
                begun = unready[bot] if has_it else max(unready[bot], going.moved)  # in the queue while it moves on
                if state.clock - begun > policy.deadline:
                    lost[bot] = "is not healthy in time" if has_it else "had to wait too long for others"
        allowed = policy.max_failed.of(len(reached)) if going.wave else 0
        is_ready = unready.keys() <= lost.keys() and (bool(ready) or going.wave > 0)
        return cls(tuple(ready), lost, unready, allowed, is_ready)

    def said(self, wave: str) -> str:
        """Say in one line what failed."""
        named = [f"{bot} {why}" for bot, why in list(self.failed.items())[:_NAMED]]
        more = f" and {len(self.failed) - _NAMED} more" if len(self.failed) > _NAMED else ""
        return f"wave {wave}: {', '.join(named)}{more}"


# --- gates ---------------------------------------------------------------------------------------------------------


def _missing(going: Step, policy: Rollout, stages: Iterable[Hook], ready: tuple[str, ...] = ()) -> tuple[Ask, ...]:
    """Return what must still be asked in some stages of the wave at hand."""
    wave = going.waves[going.wave].wave
    asks = (ask for gate in policy.gates if gate.is_for(wave) for ask in _asks(gate, wave, stages, going, ready))
    return tuple(ask for ask in asks if ask not in going.passed)


def _asks(gate: Gate, wave: str, stages: Iterable[Hook], going: Step, ready: tuple[str, ...]) -> Iterator[Ask]:
    if gate.kind == "http":
        if gate.hook in stages:
            yield Ask(gate.name, wave, gate.hook)
    elif "rollout" in stages:
        of_wave = going.waves[going.wave].bots
        asked = [bot for bot in of_wave if bot in ready][: gate.bots] or list(ready[: gate.bots])
        yield from (Ask(gate.name, wave, "rollout", bot) for bot in asked)


def _answered(state: RolloutState, policy: Rollout, answers: Mapping[Ask, Answer], *, look: bool) -> RolloutState:
    """Take in what gates said. One that failed too often stops the change; so does one that asks for it."""
    going = going_step(state)
    gates = {gate.name: gate for gate in policy.gates}
    wave = going.waves[going.wave].wave if going.wave < len(going.waves) else _NOBODY
    once = {name for name, gate in gates.items() if gate.kind == "scenarios"}
    passed = {ask for ask in going.passed if not look or ask.stage in _ONCE or ask.gate in once}
    failures = dict(going.failures)
    for ask, answer in answers.items():
        if ask.wave != wave or ask.gate not in gates:
            continue
        if ask.stage == "rollback":
            if answer.passed:
                return failed(state, f"the gate {ask.gate} asked for it{_because(answer)}", revert=True)
            passed.add(ask)  # asked at this look
        elif answer.passed:
            passed.add(ask)
            failures.pop(ask, None)
        elif ask.stage not in _PATIENT:
            failures[ask] = failures.get(ask, 0) + 1
            if failures[ask] >= gates[ask.gate].attempts:
                of = f" for {ask.bot}" if ask.bot else ""
                why = f"wave {wave}: the gate {ask.gate} failed{of}{_because(answer)}"
                return failed(state, why, revert=policy.on_failure == "rollback")
    return replace(state, step=replace(going, passed=frozenset(passed), failures=failures))


def _because(answer: Answer) -> str:
    return f": {answer.detail}" if answer.detail else ""


def going_step(state: RolloutState) -> Step:
    """Return the step that is going on; raises ValueError where there is none."""
    if state.step is None:
        raise ValueError("no step is going on")
    return state.step
