"""``molthub rollout history``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console
from molthub.errors import ExitStatus, NotFoundError
from molthub_reconciler.places import remembered
from molthub_reconciler.rollout.options import fleet_argument, place_options

if TYPE_CHECKING:
    from molthub_reconciler.rollout.records import RolloutState
    from molthub_reconciler.rollout.replay import Span

HEADERS = ("ended", "change", "how", "bots", "took", "why")


@click.command()
@fleet_argument()
@click.option("--export", is_flag=True, help="Print how each bot was in a change, as `simulate --history` reads it.")
@click.option(
    "--change", metavar="ID", default="", help="Which change to --export (its first digits; default: the last)."
)
@place_options
def history(
    console: Console, *, fleet: str, export: bool, change: str, context: str | None, target: Path | None,
    state: Path | None,
) -> ExitStatus:  # fmt: skip
    """Say how the last changes of a fleet ended, newest first, or how its bots were in one of them.

    \b
    Examples:
      molthub rollout history prod --target ./bots
      molthub rollout history prod --export > last-night.jsonl
      molthub rollout simulate prod --registry site --history last-night.jsonl
    """
    from molthub_reconciler.rollout.kept import fleets_of, read_state

    place = remembered(context, target, state)
    if fleet not in fleets_of(place):
        remedy = "molthub rollout status names the fleets that have one"
        raise NotFoundError(f"there is no rollout of a fleet {fleet} here", place=place.address, remedy=remedy)
    known = read_state(place, fleet)
    if export:
        from molthub_reconciler.rollout.replay import lines_of

        span = _span(known, change)
        passes = {bot: place.passes(f"{fleet}/{bot}") for bot in known.told}
        lines = list(lines_of(passes, span))
        for line in lines:
            click.echo(json.dumps(line, ensure_ascii=False))
        if not lines:
            console.say("every bot was well all the while: there is nothing to say of any")
        return ExitStatus.DONE
    rows = [(_time(one.ended), one.id[:15], one.outcome, str(one.bots), _lasted(one.ended - one.began), one.why)
            for one in reversed(known.history)]  # fmt: skip
    console.json({"fleet": fleet, "history": [one._asdict() for one in reversed(known.history)]})
    console.table(HEADERS, rows)
    if not rows:
        console.result("no change of this fleet has ended yet")
    return ExitStatus.DONE


def _span(state: RolloutState, change: str) -> Span:
    """Return when a change was on its way. Raises :class:`NotFoundError`."""
    from molthub_reconciler.rollout.replay import Span

    wanted = change.removeprefix("sha256:")
    spans = [(one.id, Span(one.began, one.ended)) for one in state.history]
    if state.step is not None:
        spans.append((state.step.id, Span(state.step.began, state.clock)))
    found = [span for name, span in spans if name.removeprefix("sha256:").startswith(wanted)]
    if not found:
        remedy = f"molthub rollout history {state.fleet} lists them"
        raise NotFoundError(f"there is no change {change}".rstrip(), place=state.fleet, remedy=remedy)
    return found[-1]


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _lasted(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
