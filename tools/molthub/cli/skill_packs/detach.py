"""``molthub skill-packs detach``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from molthub.cli import completing
from molthub.cli.committing import Editing, editing_options
from molthub.cli.skill_packs.bot_outcomes import bots_status, named_bots, need_one_place, show_bots
from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus

if TYPE_CHECKING:
    from molthub.registry.catalog import Catalog


@click.command()
@click.argument("pack", metavar="PACK", shell_complete=completing.packs)
@click.option(
    "--bot", multiple=True, metavar="[FLEET/]BOT", shell_complete=completing.bots, help="A bot to detach it from."
)
@click.option(
    "--bots", multiple=True, metavar="BOT,...", shell_complete=completing.listed(completing.bots), help="Several bots."
)
@click.option("--fleet", metavar="FLEET", shell_complete=completing.fleets, help="Take the fleet's attachment away.")
@click.option("--selector", multiple=True, metavar="LABEL=VALUE,...", help="The fleet's attachment for these labels.")
@editing_options
@common_options
def detach(
    console: Console,
    *,
    pack: str,
    bot: tuple[str, ...],
    bots: tuple[str, ...],
    fleet: str | None,
    selector: tuple[str, ...],
    editing: Editing,
) -> ExitStatus:
    """Detach a pack from bots, or from a fleet.

    Where the bot has it by its fleet, profile or an overlay, the bot gets `enabled: false` for it, and the others keep
    it.

    \b
    Examples:
      molthub skill-packs detach standard-dev --bot prod/ada
      molthub skill-packs detach standard-dev --bots bot-1,bot-2 --dry-run
      molthub skill-packs detach standard-dev --fleet prod

    Exit status: 0 done, 4 some bots were refused (each is named), 1 all were.
    """
    from molthub.registry.authoring.attach import detach_from_bots
    from molthub.registry.authoring.pack_shown import known_pack
    from molthub.registry.catalog import read_catalog

    names = named_bots(bot, bots)
    need_one_place(names, fleet, selector)
    source = editing.checkout.source
    catalog = read_catalog(source)
    name = known_pack(catalog, pack).name
    if fleet is not None:
        return _from_fleet(console, editing, catalog, fleet=fleet, pack=name, selector=selector)
    edited = detach_from_bots(source, catalog, names, name)
    show_bots(console, edited.outcomes, name)
    done = edited.successful
    message = f"Detach {name} from {done[0].bot if len(done) == 1 else counted(len(done), 'bot')}" if done else ""
    editing.finish(console, edited.files, message, after=f"molthub skill-packs sync {name}")
    console.json(edited.bulk_answer())
    return bots_status(edited)


def _from_fleet(
    console: Console, editing: Editing, catalog: Catalog, *, fleet: str, pack: str, selector: tuple[str, ...]
) -> ExitStatus:
    from molthub.registry.authoring.attach import detach_from_fleet
    from molthub.registry.authoring.bot_choice import label_pairs
    from molthub.registry.resolving.bot_layers import has_pack

    when = label_pairs(selector) if selector else None
    edited = detach_from_fleet(editing.checkout.source, catalog, fleet, pack, when)
    lost = [outcome.bot for outcome in edited.outcomes]
    kept = [path for path, bot in catalog.bots.items()
            if bot.fleet == fleet and path not in lost and has_pack(catalog, bot, pack)]  # fmt: skip
    console.result(f"{console.style('-', fg='red')} {pack} on the fleet {fleet}")
    console.result(f"  gone from {counted(len(lost), 'bot')}" + (f": {', '.join(lost)}" if lost else ""))
    if kept:
        console.result(f"  kept by another layer on {counted(len(kept), 'bot')}: {', '.join(kept)}")
    message = f"Detach {pack} from the fleet {fleet}"
    editing.finish(console, edited.files, message, after=f"molthub skill-packs sync {pack}")
    shown = {"pack": pack, "fleet": fleet, "bots": lost, "kept": kept}
    console.json({**shown, **editing.to_json()})
    return ExitStatus.DONE
