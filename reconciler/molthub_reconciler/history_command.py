"""``molthub history``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options
from molthub.contexts.context_file import need
from molthub.errors import ExitStatus, NotFoundError, UsageError
from molthub_reconciler.cli import context_option, said_place

if TYPE_CHECKING:
    from molthub_reconciler.state import TargetState


@click.command()
@click.argument("bot", metavar="[FLEET/]BOT")
@context_option
@click.option(
    "--target",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of the bots' homes: DIR/<fleet>/<home>.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where receipts are kept (default: $XDG_STATE_HOME/molthub).",
)
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
    from molthub_reconciler.history import HEADERS, KEPT_HEADERS, history_to_json, kept_documents, kept_rows, rows
    from molthub_reconciler.subjects import pin_of

    known = remembered(context, target, state)
    path = full_name(known, bot)
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


def remembered(context: str | None, target: Path | None, state: Path | None) -> TargetState:
    """Return what is remembered of the target that the options or a context name. Raises :class:`UsageError`."""
    found = said_place(context, None, target, state)
    need(found, "target")
    return target_state(Path(str(found.target)), Path(found.state) if found.state else None)


def target_state(target: Path, state: Path | None) -> TargetState:
    """Return what is remembered of a target."""
    from molthub.client.paths import state_folder
    from molthub_reconciler.state import TargetState

    return TargetState((state or state_folder()).resolve(), str(target.resolve()))


def full_name(state: TargetState, bot: str) -> str:
    """Return the one bot on record that is meant by its path or its bare name.

    Raises :class:`NotFoundError`, :class:`UsageError` for the name of several.
    """
    known = state.bots()
    found = [path for path in known if bot in (path, path.partition("/")[2])]
    if len(found) > 1:
        raise UsageError(f"{bot!r} is the name of {len(found)} bots", remedy=f"write one of {', '.join(found)}")
    if not found:
        from difflib import get_close_matches

        near = get_close_matches(bot, [*known, *(path.partition("/")[2] for path in known)], n=1)
        remedy = f"did you mean {near[0]}?" if near else "look whether --target and --state are those of `reconcile`"
        raise NotFoundError(f"nothing is on record of a bot {bot}", place=state.address, remedy=remedy)
    return found[0]
