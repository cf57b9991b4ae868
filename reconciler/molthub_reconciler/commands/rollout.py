"""``molthub rollout``: how far changes are, and what people say to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.command_group import CommandGroup
from molthub.console import Console, counted
from molthub.errors import ExitStatus, NotFoundError
from molthub_reconciler.places import elsewhere, remembered
from molthub_reconciler.rollout.history_command import history
from molthub_reconciler.rollout.options import fleet_argument, place_options
from molthub_reconciler.rollout.simulate_command import simulate
from molthub_reconciler.rollout.watched import LEAST, looking_there, shown, watched

if TYPE_CHECKING:
    from molthub.model import Json
    from molthub_reconciler.records.state import TargetState
    from molthub_reconciler.rollout.records import RolloutState, Wish, Wished


@click.group(cls=CommandGroup)
def rollout() -> None:
    """How a change reaches a fleet in waves: look, pause, promote, take back, simulate.

    \b
    Examples:
      molthub rollout status --target ./bots
      molthub rollout status prod --watch
      molthub rollout pause prod --target ./bots
      molthub rollout simulate prod --registry site --bots 10000 --fail-rate 0.01
    """


rollout.add_command(history)
rollout.add_command(simulate)


@rollout.command()
@fleet_argument(required=False)
@click.option("--watch", is_flag=True,
              help="Go on telling until nothing goes on, or it waits for a person.")  # fmt: skip
@click.option("--interval", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, metavar="S",
              help="Seconds between two looks of --watch.")  # fmt: skip
@place_options
def status(
    console: Console, *, fleet: str | None, watch: bool, interval: float, context: str | None, target: Path | None,
    state: Path | None,
) -> ExitStatus:  # fmt: skip
    """Say how far each fleet's change is, whom it waits for, what stopped it, and how the last ones ended.

    With --watch there is a line whenever it gets further; with --json each is a JSON document of its own.

    \b
    Examples:
      molthub rollout status --target ./bots
      molthub rollout status prod --watch
      molthub rollout status prod --target /srv/bots --json

    \b
    Exit status:
      0  nothing is going on
      1  what is remembered cannot be read
      3  a change is on its way, or waits for a person
      4  what git asks for failed, and is not given
    """
    controller = elsewhere(context, target, state) if watch else None
    if watch and controller is not None:
        found = watched(console, looking_there(controller, fleet, console.warn), max(interval, LEAST))
    elif watch:
        place = remembered(context, target, state)
        found = watched(console, lambda: [(one, _wishes(place, one.fleet)) for one in _all(place, fleet)], interval)
    else:
        place = remembered(context, target, state)
        found = _all(place, fleet)
        console.json({"rollouts": [_shown(place, one) for one in found]})
        if not found:
            console.result("no rollouts here")
        for one in found:
            _print(console, place, one)
    if any(one.step is not None or one.held for one in found):
        return ExitStatus.PENDING
    return ExitStatus.PARTLY_DONE if any(one.bad for one in found) else ExitStatus.DONE


def _all(place: TargetState, fleet: str | None) -> list[RolloutState]:
    from molthub_reconciler.rollout.kept import read_state

    return [read_state(place, name) for name in _fleets(place, fleet)]


def _print(console: Console, place: TargetState, state: RolloutState) -> None:
    from molthub_reconciler.rollout.told import one_line, whom_it_waits_for

    console.result(f"{state.fleet}: {one_line(state)}")
    if state.step is not None:
        rows = [(wave, str(len(bots)), _count(state, bots), "now" if number == state.step.wave else "")
                for number, (wave, bots) in enumerate(state.step.waves)]  # fmt: skip
        console.table(("wave", "bots", "given", ""), rows)
    for line in whom_it_waits_for(state):
        console.result(f"  {line}")
    for ended in reversed(state.history[-3:]):
        why = f": {ended.why}" if ended.why else ""
        console.result(f"  {_time(ended.ended)} {ended.id[:15]} {ended.outcome}, {counted(ended.bots, 'bot')}{why}")
    waiting = _wishes(place, state.fleet)
    if waiting:
        console.result(f"  asked for, and not done yet: {', '.join(waiting)}")


def _wish_command(wish: Wish, text: str, said: str) -> click.Command:
    @fleet_argument()
    @place_options
    def command(
        console: Console, *, fleet: str, context: str | None, target: Path | None, state: Path | None
    ) -> ExitStatus:
        from molthub_reconciler.rollout.kept import ask_for

        place = remembered(context, target, state)
        (found,) = _all(place, fleet)
        ask_for(place, fleet, _in_view_of(found, wish))
        console.json({"fleet": fleet, "asked": wish})
        console.result(f"{fleet}: {said}")
        where = f" --target {target}" if target is not None else f" --context {context}" if context else ""
        console.say(f"next: molthub rollout status {fleet}{where}")
        return ExitStatus.DONE

    example = f"\n\n\b\nExamples:\n  molthub rollout {wish} prod --target ./bots"
    command.__doc__ = f"{text}{example}"
    return click.command(wish)(command)


def _in_view_of(state: RolloutState, wish: Wish) -> Wished:
    """Return what is asked for of the change at hand. Raises :class:`NotFoundError` where there is none."""
    from molthub_reconciler.rollout.records import Wished

    step = state.step
    if wish in ("promote", "abort") and (step is None or step.reverting):
        remedy = "molthub rollout undo takes back what went through" if step is None else "it is taken back already"
        raise NotFoundError("no change is on its way", place=state.fleet, remedy=remedy)
    has_before = any(state.good.get(bot) not in (None, one) for bot, one in state.before.items())
    if wish == "undo" and step is None and not has_before:
        remedy = (
            "only the last change that went through can be undone, once; `molthub rollback` brings single bots back"
        )
        raise NotFoundError("there is no change to take back", place=state.fleet, remedy=remedy)
    if wish in ("pause", "resume"):
        return Wished(wish)
    if step is None:
        return Wished(wish, state.history[-1].id if state.history else "")
    return Wished(wish, step.id, step.wave if wish == "promote" else None)


_PAUSE = """Hold a fleet's rollout where it is: nobody is changed until it is resumed.

Whoever has the change keeps it, and bots are kept in sync as they are. That holds for a change that is taken back,
too."""
_UNDO = """Take the last change back that went through (or the one on its way).

Bots go back to what they had before it, as few at a time as a change reaches them, and stay there until git asks for
something else: `revert` the commit, and nothing is left to be held back."""
for _wish, _text, _said in (
    ("pause", _PAUSE, "is held at the next look"),
    ("resume", "Go on with a fleet's rollout, after `pause` or after it stopped itself.", "goes on at the next look"),
    ("promote", "Let the wave at hand be over: without the rest of its soak time and its gates.",
     "goes on to its next wave at the next look"),
    ("abort", "Take a change back from everybody, and do not try it again until git asks for another one.",
     "is taken back from the next look on"),
    ("undo", _UNDO, "goes back to what it had, from the next look on"),
):  # fmt: skip
    rollout.add_command(_wish_command(_wish, _text, _said))  # type: ignore[arg-type] # the names are literals


def _fleets(place: TargetState, fleet: str | None) -> list[str]:
    """Return the fleets that have rollouts here. Raises :class:`NotFoundError` for one that has none."""
    from molthub_reconciler.rollout.kept import fleets_of

    known = fleets_of(place)
    if fleet is None:
        return known
    if fleet not in known:
        remedy = f"there are rollouts of {', '.join(known)}" if known else "a reconcile of it begins one"
        raise NotFoundError(f"there is no rollout of a fleet {fleet} here", place=place.address, remedy=remedy)
    return [fleet]


def _wishes(place: TargetState, fleet: str) -> list[str]:
    from molthub_reconciler.rollout.kept import wishes_of

    return [wished.wish for wished in wishes_of(place, fleet).values()]


def _shown(place: TargetState, state: RolloutState) -> Json:
    return shown(state, _wishes(place, state.fleet))


def _count(state: RolloutState, bots: tuple[str, ...]) -> str:
    target = state.step.target if state.step is not None else {}
    return str(sum(bot in state.assigned and state.assigned[bot].document == target.get(bot) for bot in bots))


def _time(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
