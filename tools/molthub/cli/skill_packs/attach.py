"""``molthub skill-packs attach``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from molthub.cli import completing
from molthub.cli.committing import Editing, editing_options
from molthub.cli.skill_packs.bot_outcomes import bots_status, named_bots, need_one_place, show_bots
from molthub.cli.skill_packs.options import now
from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from molthub.registry.authoring.attachments import Attachment
    from molthub.registry.catalog import Catalog


@click.command()
@click.argument("pack", metavar="PACK[@N]", shell_complete=completing.packs)
@click.option(
    "--bot", multiple=True, metavar="[FLEET/]BOT", shell_complete=completing.bots, help="A bot to attach it to."
)
@click.option(
    "--bots", multiple=True, metavar="BOT,...", shell_complete=completing.listed(completing.bots), help="Several bots."
)
@click.option(
    "--fleet", metavar="FLEET", shell_complete=completing.fleets, help="All bots of a fleet, also those to come."
)
@click.option("--selector", multiple=True, metavar="LABEL=VALUE,...", help="Of the fleet, only bots with these labels.")
@click.option("--env", multiple=True, metavar="KEY=VALUE", help="What a variable is on these bots (envOverrides).")
@click.option("--version", "number", type=click.IntRange(min=1), metavar="N",
              help="Stay at this version. Default: follow the newest.")  # fmt: skip
@click.option("--change", is_flag=True, help="Where a bot has it already, change the version and variables.")
@editing_options
@common_options
def attach(
    console: Console,
    *,
    pack: str,
    bot: tuple[str, ...],
    bots: tuple[str, ...],
    fleet: str | None,
    selector: tuple[str, ...],
    env: tuple[str, ...],
    number: int | None,
    change: bool,
    editing: Editing,
) -> ExitStatus:
    """Attach a pack to bots, or to a fleet.

    A fleet's attachment reaches its future bots too; what a bot says of the pack itself (a version, --env) is nearer
    and counts more. A bot is named with its fleet, or alone where only one fleet has a bot of that name. A bot that
    would not resolve any more is refused, and the others are done.

    \b
    Examples:
      molthub skill-packs attach standard-dev --fleet prod
      molthub skill-packs attach standard-dev --fleet prod --selector team=payments,tier=edge
      molthub skill-packs attach standard-dev@3 --bot prod/ada --env 'GITHUB_TOKEN=${secrets.ada_github}'
      molthub skill-packs attach standard-dev --bots bot-1,bot-2,bot-3 --json

    Exit status: 0 done, 4 some bots were refused (each is named), 1 all were.
    """
    from molthub.registry.authoring.attach import attach_to_bots
    from molthub.registry.authoring.attachments import Attachment
    from molthub.registry.authoring.bot_choice import label_pairs
    from molthub.registry.authoring.pack_items import variable
    from molthub.registry.catalog import read_catalog

    names = named_bots(bot, bots)
    need_one_place(names, fleet, selector)
    if fleet is not None and change:
        raise UsageError("--change is for bots", remedy="a fleet's version is changed by naming it: PACK@N")
    source = editing.checkout.source
    catalog = read_catalog(source)
    name, wanted = _pack(catalog, pack, number)
    overrides = dict(variable(item) for item in env)
    if fleet is not None:
        attachment = Attachment(name, wanted, label_pairs(selector))
        return _to_fleet(console, editing, catalog, fleet=fleet, attachment=attachment, env=overrides)
    attachment = Attachment(name, wanted, env=overrides, attached_at=now())
    edited = attach_to_bots(source, catalog, dict.fromkeys(names, attachment), changes=change)
    show_bots(console, edited.outcomes, f"{name}{f'@{wanted}' if wanted else ''}")
    done = edited.successful
    message = f"Attach {name} to {done[0].bot if len(done) == 1 else counted(len(done), 'bot')}" if done else ""
    editing.finish(console, edited.files, message, after=f"molthub skill-packs sync {name}")
    console.json(edited.bulk_answer())
    return bots_status(edited)


def _pack(catalog: Catalog, text: str, number: int | None) -> tuple[str, int | None]:
    """Return the pack and the version to stay at. Raises :class:`NotFoundError`."""
    from molthub.registry.authoring.pack_items import pack_and_number
    from molthub.registry.authoring.pack_shown import find_version

    name, given = pack_and_number(text)
    if given is not None and number is not None and given != number:
        raise UsageError(f"{text} and --version {number} are two versions", remedy="name one of them")
    wanted = given if given is not None else number
    find_version(catalog, name if wanted is None else f"{name}@{wanted}")
    return name, wanted


def _to_fleet(
    console: Console, editing: Editing, catalog: Catalog, *, fleet: str, attachment: Attachment, env: dict[str, str]
) -> ExitStatus:
    from molthub.registry.authoring.attach import attach_to_fleet, overlay_instead

    if env:
        raise overlay_instead(catalog, fleet, attachment, env)
    edited = attach_to_fleet(editing.checkout.source, catalog, fleet, attachment)
    name, bots = attachment.pack, [outcome.bot for outcome in edited.outcomes]
    where = " of the bots with " + ",".join(f"{key}={value}" for key, value in attachment.when.items())
    console.result(f"{console.style('+', fg='green')} {name} on the fleet {fleet}{where if attachment.when else ''}")
    console.result(f"  new on {counted(len(bots), 'bot')}" + (f": {', '.join(bots)}" if bots else ""))
    editing.finish(
        console, edited.files, f"Attach {name} to the fleet {fleet}", after=f"molthub skill-packs sync {name}"
    )
    shown = {"pack": name, "version": attachment.version, "fleet": fleet, "when": dict(attachment.when)}
    known = {key: value for key, value in shown.items() if value}
    console.json({**known, "bots": bots, **editing.to_json()})
    return ExitStatus.DONE
