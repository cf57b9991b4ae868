"""``molthub rollback``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options
from molthub.errors import ExitStatus, NotFoundError
from molthub_reconciler.commands import completing
from molthub_reconciler.commands.asked import Asked, workplace
from molthub_reconciler.commands.history import bot_on_record
from molthub_reconciler.commands.telling import tell
from molthub_reconciler.places import (
    context_option,
    held_place,
    index_option,
    locked,
    remembered,
    root_option,
    state_option,
    target_option,
    whole_place,
)

if TYPE_CHECKING:
    from molthub_reconciler.records.state import TargetState


@click.command()
@click.argument(
    "bots", nargs=-1, required=True, metavar="[FLEET/]BOT|FLEET...", shell_complete=completing.bots_and_fleets
)
@context_option
@index_option
@target_option
@click.option("--to", metavar="REVISION|DIGEST", help="What to go back to (default: what the bot had before).")
@click.option("--release", is_flag=True, help="Let go: follow git again from the next pass on.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change no bot.")
@click.option("--allow-mass-removal", is_flag=True, help="Remove also where it is suspiciously much.")
@state_option
@root_option
@common_options
def rollback(
    console: Console,
    *,
    bots: tuple[str, ...],
    context: str | None,
    index: str | None,
    target: Path | None,
    to: str | None,
    release: bool,
    dry_run: bool,
    allow_mass_removal: bool,
    state: Path | None,
    root: Path | None,
) -> ExitStatus:
    """Bring bots back to what they had before, and keep them there until git asks for something newer.

    Name bots and whole fleets. A bot can go back to what `molthub history` lists, and to a document of the index by its
    whole name (64 digits), as long as the index has that: 30 days after git moved on. Before anything is touched, each
    skill is brought into the store; a bot of which a skill cannot be had is left as it is.
    The bot is then pinned: passes keep it at the older state, as long as git asks for what was rolled back. What git
    asks for after that is applied, and ends the pin; --release ends it at once.

    \b
    Examples:
      molthub rollback prod/ada --index site --target ./bots
      molthub rollback prod --to 8c1e40d3 --index https://skills.example.com/ --target ./bots --dry-run
      molthub rollback --release prod/ada --target ./bots

    \b
    Exit status:
      0  every bot is back
      1  no bot could be brought back
      3  with --dry-run: something would be done; or agents on other machines have not told yet that it is
      4  some bots could not be brought back
    """
    if release:
        known = remembered(context, target, state)
        with locked(known):
            return _let_go(console, bots, known)
    from molthub_reconciler.reconcile import Rules
    from molthub_reconciler.reloading import read_reload_command
    from molthub_reconciler.rollback import resolve_bots, roll_back

    there = whole_place(context, index, target, state)
    asked = Asked(there.index, there.target, (), (), (), there.state, root, require_signatures=False, accept_signers=())
    place = held_place() or workplace(asked)
    place.need_target()
    choice = resolve_bots(place, bots)
    rules = Rules(act=not dry_run, allow_mass_removal=allow_mass_removal, forced=None)
    if dry_run:
        return tell(console, replace(roll_back(place, choice, to, rules), command="plan"))
    place.reload = read_reload_command()
    with locked(place.state):
        return tell(console, roll_back(place, choice, to, rules))


def _let_go(console: Console, bots: tuple[str, ...], known: TargetState) -> ExitStatus:
    from molthub_reconciler.rollback import release

    fleets = {bot.partition("/")[0] for bot in known.bots()}
    chosen = [bot for bot in known.bots() if bot.partition("/")[0] in {*bots} & fleets]
    chosen += [bot_on_record(known, bot) for bot in bots if bot not in fleets]
    found = release(known, chosen)
    if not found:
        raise NotFoundError("none of them was rolled back", place=", ".join(bots), remedy="nothing needs to be done")
    console.json({"format": "molthub.rollback-release/1", "released": sorted(found)})
    for bot in sorted(found):
        console.result(f"{bot}: follows git again from the next pass on")
    return ExitStatus.DONE
