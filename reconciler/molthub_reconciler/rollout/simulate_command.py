"""``molthub rollout simulate``."""

from __future__ import annotations

import json
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options, counted
from molthub.contexts.context_file import chosen_context, need
from molthub.errors import ExitStatus, UsageError
from molthub_reconciler.places import context_option

if TYPE_CHECKING:
    from molthub.model import FleetState
    from molthub_reconciler.rollout.replay import Known


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
@click.option("--interval", type=click.IntRange(1, 3600), default=60, show_default=True, metavar="S",
              help="Seconds between two looks.")  # fmt: skip
@click.option("--history", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help='How bots were, a JSON line each: {"at": SECONDS, "bot": NAME, "health": "failed"}.')  # fmt: skip
@context_option
@common_options
def simulate(
    console: Console, *, fleet: str, index: str | None, context: str | None, bots: int | None,
    fail: tuple[str, ...], fail_rate: float, offline: float, refuse: tuple[str, ...], seed: int, interval: int,
    history: Path | None,
) -> ExitStatus:  # fmt: skip
    """Print what a change of every bot would do, step by step, in made-up time. Nothing is changed.

    The fleet's own policy is followed, by the very steps that a controller makes. A bot is healthy one look after it
    was changed, unless it fails. Gates are not asked: they pass, or fail where --refuse names them.

    \b
    Examples:
      molthub rollout simulate prod --registry site
      molthub rollout simulate prod --registry site --bots 10000 --fail-rate 0.01 --offline 0.05
      molthub rollout simulate prod --registry site --bots 500 --fail canary --json
      molthub rollout history prod --export > last-night.jsonl
      molthub rollout simulate prod --registry site --history last-night.jsonl

    \b
    Exit status:
      0  the change went through
      4  it was taken back, or stopped
    """
    from dataclasses import asdict

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


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
