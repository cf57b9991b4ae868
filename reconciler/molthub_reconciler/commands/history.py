"""``molthub history``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options
from molthub.errors import ExitStatus
from molthub_reconciler.commands import completing
from molthub_reconciler.places import context_option, remembered, state_option, target_option

if TYPE_CHECKING:
    from molthub_reconciler.records.state import TargetState


@click.command()
@click.argument("bot", metavar="[FLEET/]BOT", shell_complete=completing.bots)
@context_option
@target_option
@state_option
@click.option("-n", "count", type=click.IntRange(min=1), default=20, show_default=True, help="How many passes.")
@common_options
def history(
    console: Console, *, bot: str, context: str | None, target: Path | None, state: Path | None, count: int
) -> ExitStatus:
    """Show what passes changed and found on a bot, newest first, and what it can be rolled back to.

    A pass that changed nothing and found what the one before it found leaves no line.

    \b
    Examples:
      molthub history prod/ada --target ./bots
      molthub history ada --target ./bots -n 5 --json
    """
    from molthub_reconciler.records.history import (
        HEADERS,
        KEPT_HEADERS,
        history_to_json,
        kept_documents,
        kept_rows,
        rows,
    )
    from molthub_reconciler.subjects import pin_of

    known = remembered(context, target, state)
    path = bot_on_record(known, bot)
    passes, kept, pin = known.passes(path)[-count:], kept_documents(known, path), pin_of(known, path)
    console.json(history_to_json(path, passes, kept, pin.to_json() if pin is not None else None))
    console.table(HEADERS, rows(passes))
    if kept:
        console.result()
        console.result(console.style("what it can be rolled back to:", bold=True))
        console.table(KEPT_HEADERS, kept_rows(kept))
    if pin is not None:
        console.result()
        console.result(f"rolled back at {pin.at} and pinned to {pin.digest[:15]}; "
                       f"`molthub rollback --release {path}` follows git again")  # fmt: skip
    return ExitStatus.DONE


def bot_on_record(state: TargetState, bot: str) -> str:
    """Return the one bot on record that is meant by its path or its bare name.

    Raises :class:`NotFoundError`, :class:`UsageError` for the name of several.
    """
    from molthub_reconciler.subjects import the_bot

    remedy = "look whether --target and --state are those of `reconcile`"
    return the_bot(bot, state.bots(), "nothing is on record of a bot", state.address, remedy)
