"""What bots tell and what people are told, as a rollout sees it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from molthub.errors import Problem
from molthub_reconciler.report import BotReport, RolloutReport
from molthub_reconciler.rollout.moving import document_of, is_available
from molthub_reconciler.rollout.records import Ask, Assigned, Health, RolloutState, Told, Why
from molthub_reconciler.rollout.seen import bots_behind_windows

_APART: Mapping[str, Why] = {
    "suspended": "suspended", "orphaned": "orphaned", "rolled-back": "rolled-back", "offline": "offline",
    "unresolved": "unresolved", "conflict": "conflict",
}  # fmt: skip
_HELD: Mapping[str, Why] = {"suspended": "suspended", "window": "window", "detect": "detect", "fight": "fight"}
_HEALTHY = frozenset({"in-sync", "revoked"})
"""What was withdrawn and stays by policy is what git asks for."""
_PASSING = frozenset({"MH601", "MH602", "MH604"})
_DIGITS = 15


def told_of(report: BotReport, given: Assigned | None) -> Told:
    """Return what a bot's report means. It is on ``given``: the pass acted upon that; without, the bot had to wait.

    A bot on another machine says itself what it acted upon.
    """
    health, why = health_of(report)
    if given is None:
        return Told("apart", why=why) if health == "apart" and why != "suspended" else Told("waiting")
    generation = given.generation if report.generation is None else report.generation
    return Told(health, report.observed, generation, why)


def health_of(report: BotReport) -> tuple[Health, Why]:
    """Return how a bot is by its report, and why it is apart or would not be changed."""
    why = _APART.get(report.state) or _HELD.get(report.held or "", "")
    if why:
        return "apart", why
    if report.state in _HEALTHY:
        return "healthy", _HELD.get(report.kept or "", "")
    errors = {problem.id for problem in report.problems if problem.severity == "error"}
    if errors and errors <= _PASSING:
        return "waiting", ""  # a host that does not answer says nothing of the change; the deadline does
    return "failed" if report.state == "failed" or report.held is not None else "waiting", ""


def phase_of(state: RolloutState, ask: Ask) -> str:
    """Return the phase as Flagger's webhooks name it."""
    if state.step is None or ask.stage == "post-rollout":
        return "Succeeded" if state.history and state.history[-1].outcome == "done" else "Failed"
    if state.step.reverting:
        return "Failed"
    return "Waiting" if ask.stage == "confirm-rollout" else "Progressing"


def said_of(state: RolloutState, problem: Problem | None = None) -> Problem | None:
    """Say in one line how far a fleet's rollout is; None: nothing is going on and nothing stopped."""
    if problem is not None:
        return problem
    look = f"molthub rollout status {state.fleet}"
    line = one_line(state)
    if state.step is None and not state.bad:
        return Problem("MH726", f"{state.fleet}: {line}", look, "warning") if state.held else None
    has_stopped = state.step is None or bool(state.step.why) or state.held
    return Problem("MH726" if has_stopped else "MH725", f"{state.fleet}: {line}", look, "warning")


def report_of(state: RolloutState) -> RolloutReport | None:
    """Return how far a fleet is, as a report says it; None: it never had a change."""
    step, said = state.step, one_line(state)
    if step is not None:
        word = "held" if state.held else "going-back" if step.reverting else "stopped" if step.why else "in-wave"
        wave = step.waves[step.wave].wave if step.wave < len(step.waves) and not step.reverting else ""
        return RolloutReport(state.fleet, word, step.id, wave, said)
    if not state.history:
        return RolloutReport(state.fleet, "held", said=said) if state.held else None
    last = state.history[-1]
    return RolloutReport(state.fleet, "held" if state.held else last.outcome, last.id, "", said)


def one_line(state: RolloutState) -> str:
    """Return how far a fleet's rollout is, in words."""
    step, held = state.step, ", held by a person" if state.held else ""
    if step is None:
        if state.bad:
            why = next(iter(state.bad.values()))[1]
            return f"what git asks for is not given to {_bots(len(state.bad))}: {why}{held}"
        return f"nothing is going on{held}"
    name = step.id[:_DIGITS]
    if step.reverting:
        return f"{name} is taken back: {step.why or 'git asks for something else'}{held}"
    has_it = sum(state.assigned[bot].document == found for bot, found in step.target.items() if bot in state.assigned)
    if step.wave >= len(step.waves):
        where = "after its last wave"
    else:
        where = f"wave {step.waves[step.wave].wave} ({step.wave + 1} of {len(step.waves)})"
    stopped = f", stopped: {step.why}" if step.why else ""
    return f"{name} in {where}, {has_it} of {_bots(len(step.target))} given{stopped}{held}"


def _bots(count: int) -> str:
    return "1 bot" if count == 1 else f"{count} bots"


_NAMED = 3
_SAID: Mapping[Why, str] = {
    "offline": "off", "window": "outside of its window", "suspended": "suspended", "detect": "only watched",
    "rolled-back": "rolled back by a person", "orphaned": "declared no more", "unresolved": "without a document",
    "conflict": "in conflict with its owner's", "fight": "undone by somebody again and again",
}  # fmt: skip


def whom_it_waits_for(state: RolloutState) -> list[str]:
    """Say whom the wave at hand waits for, and who does not have the change for a reason of its own."""
    lines = []
    step = state.step
    if step is not None and not step.reverting and step.unready:
        lines.append(f"waits for {_some(sorted(step.unready))}")
    windows = _windows_waited_for(state)
    if windows:
        lines.append(f"waits for {_bots(len(windows))}: outside of {'its' if len(windows) == 1 else 'their'} window")
    goals = step.target if step is not None and not step.reverting else state.good
    reached = {bot for _, bots in step.waves[: step.wave + 1] for bot in bots} if step is not None else goals.keys()
    left: dict[Why, list[str]] = {}
    for bot in sorted(reached & goals.keys()):
        told, given = state.told.get(bot), state.assigned.get(bot)
        has_it = given is not None and given.document == goals[bot] and told is not None and told.health == "healthy"
        if (
            bot not in windows
            and told is not None
            and told.why
            and not has_it
            and (step is not None or told.health == "apart")
        ):
            left.setdefault(told.why, []).append(bot)
    lines += [f"does not wait for {_some(bots)}: {_SAID[why]}" for why, bots in sorted(left.items())]
    return lines


def _windows_waited_for(state: RolloutState) -> frozenset[str]:
    """Return the bots whose windows the wave at hand waits for; none where they are fewer than those that are well."""
    step = state.step
    if step is None or step.reverting or not step.opened or step.wave >= len(step.waves):
        return frozenset()
    closed = frozenset(bots_behind_windows(state, step))
    bots = step.waves[step.wave].bots
    well = sum(document_of(state, bot) == step.target[bot] and is_available(state, bot) for bot in bots)
    return closed if len(closed) > well else frozenset()


def _some(bots: list[str]) -> str:
    more = f" and {len(bots) - _NAMED} more" if len(bots) > _NAMED else ""
    return f"{', '.join(bots[:_NAMED])}{more}"
