"""``molthub rollout simulate``."""

from __future__ import annotations

import json
from collections.abc import Callable, Container
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options, counted
from molthub.contexts.context_file import chosen_context, need
from molthub.errors import ExitStatus, UsageError
from molthub.windows import WindowError
from molthub_reconciler.places import context_option

if TYPE_CHECKING:
    from molthub.model import FleetState
    from molthub_reconciler.rollout.replay import Known
    from molthub_reconciler.rollout.simulate import Simulation
    from molthub_reconciler.rollout.simulated import Ran

_TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]


@click.command()
@click.argument("fleet")
@click.option("--registry", "--index", "index", metavar="INDEX", help="The index: a URL, or a built folder.")
@click.option("--bots", type=click.IntRange(1, 100_000), metavar="N", help="So many bots, like those of the fleet.")
@click.option("--fail", multiple=True, metavar="WAVE", help="The change breaks the bots of this wave (repeatable).")
@click.option("--fail-rate", type=click.FloatRange(0, 1), default=0.0, metavar="SHARE",
              help="This share of the bots fails with the change.")  # fmt: skip
@click.option("--offline", type=click.FloatRange(0, 1), default=0.0, metavar="SHARE",
              help="This share is off, and comes back within an hour.")  # fmt: skip
@click.option("--refuse", multiple=True, metavar="GATE", help="This gate fails (repeatable); others pass.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which bots fail and are off.")
@click.option("--runs", type=click.IntRange(1, 10_000), default=1, metavar="N",
              help="Run it with so many seeds, from --seed on, and say how often it ends how.")  # fmt: skip
@click.option("--at", "start", type=click.DateTime(_TIMES), metavar="TIME",
              help="When it begins, as the fleet's windows count (UTC unless said; default: now).")  # fmt: skip
@click.option("--interval", type=click.IntRange(1, 3600), default=60, show_default=True, metavar="S",
              help="Seconds between two looks.")  # fmt: skip
@click.option("--history", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help='How bots were, a JSON line each: {"at": SECONDS, "bot": NAME, "health": "failed"}.')  # fmt: skip
@context_option
@common_options
def simulate(
    console: Console, *, fleet: str, index: str | None, context: str | None, bots: int | None,
    fail: tuple[str, ...], fail_rate: float, offline: float, refuse: tuple[str, ...], seed: int, runs: int,
    start: datetime | None, interval: int, history: Path | None,
) -> ExitStatus:  # fmt: skip
    """Print what a change of every bot would do, step by step, in made-up time. Nothing is changed.

    The fleet's own policy and windows are followed, by the very steps that a controller makes. A bot is healthy one
    look after it was changed, unless it fails. Gates are not asked: they pass, or fail where --refuse names them.
    With --runs, chance has its say: how often does the change go through, and how many bots does it reach if not?

    \b
    Examples:
      molthub rollout simulate prod --registry site
      molthub rollout simulate prod --registry site --bots 10000 --fail-rate 0.01 --offline 0.05
      molthub rollout simulate prod --registry site --bots 500 --fail canary --json
      molthub rollout simulate prod --registry site --bots 1000 --fail-rate 0.002 --runs 100
      molthub rollout simulate prod --registry site --at 2026-11-20T16:50
      molthub rollout history prod --export > last-night.jsonl
      molthub rollout simulate prod --registry site --history last-night.jsonl

    \b
    Exit status:
      0  the change went through, each time
      4  it was taken back, or stopped, or waits
    """
    from molthub.documents.rollouts import rollout_from_json
    from molthub_reconciler.rollout.simulate import Invented, Simulation, made_up

    place = chosen_context(context, {"index": index})
    need(place, "index")
    found = _fleet_of(str(place.index), fleet)
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
    begins = (start or datetime.now(UTC)).replace(second=0, microsecond=0)
    begins = begins.replace(tzinfo=UTC) if begins.tzinfo is None else begins

    def simulation(number: int) -> Simulation:
        chance = replace(invented, seed=seed + number)
        return Simulation(policy, labels, chance, interval, fleet, found.windows, begins)

    try:
        return _one(console, simulation(0)) if runs == 1 else _many(console, fleet, simulation, runs)
    except WindowError as error:
        raise UsageError(str(error), place=f"fleet {fleet}", remedy="mend the windows of the fleet") from None


def _one(console: Console, made: Simulation) -> ExitStatus:
    """Tell one run step by step, and then what an operator decides by."""
    from dataclasses import asdict

    from molthub_reconciler.rollout.simulated import clock, ran_of, said_of_run, spans_of, step_rows

    bots, moments = len(made.labels), list(made.run())
    ran, waves = ran_of(made, moments), spans_of(made, moments)
    told = {key: value for key, value in ran.to_json().items() if key != "outcome"}
    console.json({"fleet": made.fleet, "bots": bots, "outcome": ran.outcome, **told,
                  "waves": [one._asdict() for one in waves], "steps": [asdict(one) for one in moments]})  # fmt: skip
    console.table(("time", "changed", "given", "unavailable", "off", ""), step_rows(moments, bots))
    console.result()
    rows = ((one.wave, str(one.bots), clock(one.began), "" if one.over is None else clock(one.over)) for one in waves)
    console.table(("wave", "bots", "begins", "is over"), rows)
    console.result(said_of_run(ran, str(made.policy.max_unavailable)))
    why = f": {ran.why}" if ran.outcome in ("waiting", "stopped") else ""
    console.result(f"{counted(bots, 'bot')}, {ran.outcome} after {clock(ran.took)}{why}")
    return ExitStatus.DONE if ran.outcome == "done" else ExitStatus.PARTLY_DONE


def _many(console: Console, fleet: str, simulation: Callable[[int], Simulation], runs: int) -> ExitStatus:
    """Tell how many runs are spread, and which one to look at."""
    from molthub_reconciler.rollout.simulated import clock, outcome_rows, ran_of, spread_rows, worst_of

    ran: list[Ran] = []
    with console.progress("simulating", runs) as advance:
        for number in range(runs):
            made = simulation(number)
            ran.append(ran_of(made, list(made.run())))
            advance(1)
    bots, worst = len(made.labels), worst_of(ran)
    console.json({"fleet": fleet, "bots": bots, "runs": [one.to_json() for one in ran]})
    console.table(("outcome", "runs", "share"), outcome_rows(ran))
    console.result()
    console.table(("", "median", "95%", "worst"), spread_rows(ran))
    why = f": {worst.why}" if worst.why else ""
    said = f"{worst.outcome} after {clock(worst.took)}, reached {worst.reached}{why}"
    console.result(f"{runs} runs of {counted(bots, 'bot')}; the worst is --seed {worst.seed}: {said}")
    return ExitStatus.DONE if all(one.outcome == "done" for one in ran) else ExitStatus.PARTLY_DONE


def _history(file: Path, bots: Container[str]) -> tuple[Known, ...]:
    """Read how bots were. Raises :class:`UsageError` with the line that says nothing."""
    from molthub_reconciler.rollout.replay import known_of

    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            one = known_of(json.loads(line))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UsageError("this is no line of history", place=f"{file}:{number}", remedy=_LINE) from None
        if one.bot not in bots:
            raise UsageError(f"there is no bot {one.bot}", place=f"{file}:{number}", remedy=_BOT)
        found.append(one)
    return tuple(found)


_LINE = 'write {"at": 120, "bot": "ada", "health": "failed"}; the others are healthy, waiting and apart'
_BOT = "name a bot of the fleet; with --bots N they are ada-0, ada-1 and so on"


def _known(what: str, named: tuple[str, ...], known: list[str]) -> None:
    for name in named:
        if name not in known:
            raise UsageError(f"there is no {what} {name!r}", remedy=f"there is {', '.join(known) or 'none'}")


def _fleet_of(index: str, fleet: str) -> FleetState:
    from molthub.client.index import Index
    from molthub.client.paths import index_cache

    with Index.open(index, cache=index_cache(index) if "://" in index else None) as opened:
        return opened.fleet(fleet)
