"""``molthub rollout``: how far changes are, what people say to them, and what would happen."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Container
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.console import Console, common_options, counted
from molthub.contexts.context_file import need
from molthub.errors import ExitStatus, NotFoundError, UsageError
from molthub_reconciler.places import context_option, said_place, state_option, target_option, target_state

if TYPE_CHECKING:
    from molthub.model import FleetState, Json
    from molthub_reconciler.rollout.records import RolloutState, Wish
    from molthub_reconciler.rollout.simulate import Known
    from molthub_reconciler.state import TargetState

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


@click.group()
def rollout() -> None:
    """How a change reaches a fleet in waves: look, pause, promote, take back, simulate.

    \b
    Examples:
      molthub rollout status --target ./bots
      molthub rollout pause prod --target ./bots
      molthub rollout simulate prod --registry site --bots 10000 --fail-rate 0.01
    """


def _place_options(command: Wrapped) -> Wrapped:
    """Add the options that say where bots are; the command gets ``target`` and ``state``."""

    @context_option
    @target_option
    @state_option
    @functools.wraps(command)
    def with_place(
        *args: Any, context: str | None, target: Path | None, state: Path | None, **kwargs: Any
    ) -> Any:  # fmt: skip
        found = said_place(context, None, target, state)
        need(found, "target")
        return command(*args, target=Path(str(found.target)), state=Path(found.state) if found.state else None,
                       **kwargs)  # fmt: skip

    return common_options(with_place)  # type: ignore[return-value] # functools.wraps keeps the signature for click


@rollout.command()
@click.argument("fleet", required=False)
@_place_options
def status(console: Console, *, fleet: str | None, target: Path, state: Path | None) -> ExitStatus:
    """Say how far each fleet's change is, what stopped it, and how the last ones ended.

    \b
    Examples:
      molthub rollout status --target ./bots
      molthub rollout status prod --target /srv/bots --json

    \b
    Exit status:
      0  nothing is going on
      1  what is remembered cannot be read
      3  a change is on its way, or waits for a person
      4  what git asks for failed, and is not given
    """
    from molthub_reconciler.rollout.kept import read_state
    from molthub_reconciler.rollout.told import one_line

    place = target_state(target, state)
    found = {name: read_state(place, name) for name in _fleets(place, fleet)}
    console.json({"rollouts": [_shown(place, one) for one in found.values()]})
    if not found:
        console.result("no rollouts here")
    for name, one in found.items():
        console.result(f"{name}: {one_line(one)}")
        if one.step is not None:
            rows = [(wave, str(len(bots)), _count(one, bots), "now" if number == one.step.wave else "")
                    for number, (wave, bots) in enumerate(one.step.waves)]  # fmt: skip
            console.table(("wave", "bots", "given", ""), rows)
        for ended in reversed(one.history[-3:]):
            why = f": {ended.why}" if ended.why else ""
            console.result(f"  {_time(ended.ended)} {ended.id[:15]} {ended.outcome}, {counted(ended.bots, 'bot')}{why}")
        waiting = _wishes(place, name)
        if waiting:
            console.result(f"  asked for, and not done yet: {', '.join(waiting)}")
    if any(one.step is not None or one.held for one in found.values()):
        return ExitStatus.PENDING
    return ExitStatus.PARTLY_DONE if any(one.bad for one in found.values()) else ExitStatus.DONE


def _wish_command(wish: Wish, text: str, said: str) -> click.Command:
    @click.argument("fleet")
    @_place_options
    def command(console: Console, *, fleet: str, target: Path, state: Path | None) -> ExitStatus:
        from molthub_reconciler.rollout.kept import ask_for
        from molthub_reconciler.rollout.records import Wished

        place = target_state(target, state)
        _fleets(place, fleet)
        ask_for(place, fleet, Wished(wish))
        console.json({"fleet": fleet, "asked": wish})
        console.result(f"{fleet}: {said}")
        console.say(f"next: molthub rollout status {fleet} --target {target}")
        return ExitStatus.DONE

    example = f"\n\n\b\nExamples:\n  molthub rollout {wish} prod --target ./bots"
    command.__doc__ = f"{text}{example}"
    return click.command(wish)(command)


_PAUSE = """Hold a fleet's rollout where it is: nobody is changed until it is resumed.

Whoever has the change keeps it, and bots are kept in sync as they are."""
_UNDO = """Take the last change back that went through (or the one on its way).

Bots go back to what they had before it, and stay there until git asks for something else."""
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


@rollout.command()
@click.argument("fleet")
@click.option("--registry", "index", required=True, metavar="INDEX", help="The index: a URL, or a built folder.")
@click.option("--bots", type=click.IntRange(1, 100_000), metavar="N", help="So many bots, like those of the fleet.")
@click.option("--fail", multiple=True, metavar="WAVE", help="The change breaks the bots of this wave (repeatable).")
@click.option("--fail-rate", type=click.FloatRange(0, 1), default=0.0, metavar="SHARE",
              help="This share of the bots fails with the change.")  # fmt: skip
@click.option("--offline", type=click.FloatRange(0, 1), default=0.0, metavar="SHARE",
              help="This share is off, and comes back within an hour.")  # fmt: skip
@click.option("--refuse", multiple=True, metavar="GATE", help="This gate fails (repeatable); others pass.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which bots fail and are off.")
@click.option("--interval", type=click.IntRange(1, 3600), default=60, show_default=True, metavar="S",
              help="Seconds between two looks.")  # fmt: skip
@click.option("--history", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help='How bots were, a JSON line each: {"at": SECONDS, "bot": NAME, "health": "failed"}.')  # fmt: skip
@common_options
def simulate(
    console: Console, *, fleet: str, index: str, bots: int | None, fail: tuple[str, ...], fail_rate: float,
    offline: float, refuse: tuple[str, ...], seed: int, interval: int, history: Path | None,
) -> ExitStatus:  # fmt: skip
    """Print what a change of every bot would do, step by step, in made-up time. Nothing is changed.

    The fleet's own policy is followed, by the very steps that a controller makes. A bot is healthy one look after it
    was changed, unless it fails. Gates are not asked: they pass, or fail where --refuse names them.

    \b
    Examples:
      molthub rollout simulate prod --registry site
      molthub rollout simulate prod --registry site --bots 10000 --fail-rate 0.01 --offline 0.05
      molthub rollout simulate prod --registry site --bots 500 --fail canary --json
      molthub rollout simulate prod --registry site --history last-night.jsonl

    \b
    Exit status:
      0  the change went through
      4  it was taken back, or stopped
    """
    from dataclasses import asdict

    from molthub.documents.rollouts import rollout_from_json
    from molthub_reconciler.rollout.simulate import Invented, Simulation, made_up

    found = _fleet_of(index, fleet)
    policy = rollout_from_json(found.rollout or {}, f"fleet {fleet}")
    labels = {name: ref.labels for name, ref in found.bots.items() if not ref.template}
    if bots is not None:
        labels = made_up(bots, labels)
    if not labels:
        raise UsageError(f"the fleet {fleet} has no bots", remedy="give a number: --bots 100")
    _known("wave", fail, [wave.name for wave in policy.waves] + ["rest"])
    _known("gate", refuse, [gate.name for gate in policy.gates])
    known = _history(history, labels) if history is not None else ()
    invented = Invented(frozenset(fail), fail_rate, offline, frozenset(refuse), seed, known)
    made = Simulation(policy, labels, invented, interval, fleet)
    moments = list(made.run())
    lines = [asdict(moment) for moment in moments]
    console.json({"fleet": fleet, "bots": len(labels), "outcome": made.outcome, "steps": lines})
    rows = [(_clock(one.at), f"+{one.given}" if one.given else f"-{one.taken_back}" if one.taken_back else "",
             str(one.new), str(one.unavailable), str(one.off), one.said) for one in moments]  # fmt: skip
    console.table(("time", "changed", "given", "unavailable", "off", ""), rows)
    after = _clock(moments[-1].at if moments else 0)
    console.result(f"{counted(len(labels), 'bot')}, {made.outcome} after {after}")
    return ExitStatus.DONE if made.outcome == "done" else ExitStatus.PARTLY_DONE


def _history(file: Path, bots: Container[str]) -> tuple[Known, ...]:
    """Read how bots were. Raises :class:`UsageError` with the line that says nothing."""
    from molthub_reconciler.rollout.simulate import Known

    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            said = json.loads(line)
            one = Known(int(said["at"]), str(said["bot"]), said["health"])
        except (ValueError, KeyError, TypeError):
            raise UsageError("this is no line of history", place=f"{file}:{number}", remedy=_LINE) from None
        if one.health not in _HEALTHS or one.bot not in bots:
            what = "bot" if one.bot not in bots else "health"
            raise UsageError(f"there is no such {what}", place=f"{file}:{number}", remedy=_LINE)
        found.append(one)
    return tuple(found)


_HEALTHS = ("healthy", "failed", "waiting", "apart")
_LINE = 'write {"at": 120, "bot": "ada", "health": "failed"}; the others are healthy, waiting and apart'


def _known(what: str, named: tuple[str, ...], known: list[str]) -> None:
    for name in named:
        if name not in known:
            raise UsageError(f"there is no {what} {name!r}", remedy=f"there is {', '.join(known) or 'none'}")


def _fleet_of(index: str, fleet: str) -> FleetState:
    from molthub.client.index import Index
    from molthub.client.paths import index_cache

    with Index.open(index, cache=index_cache(index) if "://" in index else None) as opened:
        return opened.fleet(fleet)


def _fleets(place: TargetState, fleet: str | None) -> list[str]:
    """Return the fleets that have rollouts here. Raises :class:`NotFoundError` for one that has none."""
    known = sorted(path.name[len("rollout-") : -len(".json")] for path in place.folder.glob("rollout-*.json"))
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
    from molthub_reconciler.rollout.documents import state_to_json
    from molthub_reconciler.rollout.told import one_line

    wishes = _wishes(place, state.fleet)
    return {**state_to_json(state), "said": one_line(state), "asked": wishes}


def _count(state: RolloutState, bots: tuple[str, ...]) -> str:
    target = state.step.target if state.step is not None else {}
    return str(sum(bot in state.assigned and state.assigned[bot].document == target.get(bot) for bot in bots))


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _time(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
