"""``molthub secrets``: which secrets bots need, which are there, and who is asked for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from molthub.cli.kept_secrets import list_secrets, set_secret, unset_secret
from molthub.cli.secrets_options import bot_option, read, resolvers, settings_option
from molthub.command_group import CommandGroup
from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, UsageError, said_once

if TYPE_CHECKING:
    from molthub.secrets.bots import BotSecrets
    from molthub.secrets.provider import Keeping, Provider

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(cls=CommandGroup)
def secrets() -> None:
    """Say which secrets bots need and which of them are there; put one there, take one away. No value is ever shown.

    \b
    Examples:
      molthub secrets check                              the bot whose home this is
      molthub secrets check prod --index site            every bot of a fleet
      molthub secrets set github_token                   asks for the value
      molthub secrets unset github_token
    """


for _command in (list_secrets, set_secret, unset_secret):
    secrets.add_command(_command)


@secrets.command()
@click.argument("bots", nargs=-1, metavar="[FLEET | FLEET/BOT]...")
@click.option("--all", "everyone", is_flag=True, help="Every bot of the index or folder.")
@click.option("--registry", "--index", "index", metavar="URL|DIR", help="The bots that this index declares.")
@click.option("--target", type=_FOLDER, help="The bots whose homes are in this folder: DIR/<fleet>/<home>.")
@click.option("--home", type=_FOLDER, help="The bot whose home this is (default: $HOME).")
@click.option("--context", metavar="NAME", help="Bots of `molthub context`; those named are the current one's.")
@settings_option
@common_options
def check(
    console: Console,
    *,
    bots: tuple[str, ...],
    everyone: bool,
    index: str | None,
    target: Path | None,
    home: Path | None,
    context: str | None,
    settings: Path | None,
) -> ExitStatus:
    """Say which secrets of bots resolve, by which provider, and who needs those that do not.

    It asks as the user who types it, on this machine: run it where and as whom the bots run. Without an index, a folder
    or a context it looks at the manifest in this home.

    \b
    Examples:
      molthub secrets check
      molthub secrets check prod/ada --registry https://skills.example.com/
      molthub secrets check prod --context staging
      molthub secrets check --all --target ~/bots --json

    \b
    Exit status:
      0  all resolve
      1  nothing could be looked at
      3  some are missing
      4  of some bots it is not known what they need
    """
    from molthub.secrets.check import HEADERS, check_secrets, problems, rows

    index, target = _place(bots, index, target, home, context, everyone=everyone)
    found = _bots(bots, index, target, home, everyone=everyone)
    told = check_secrets(found, resolvers(read(settings)))
    table = list(rows(told))
    if table:
        console.table(HEADERS, table)
    console.json(told.to_json())
    if not console.as_json:
        console.problems(said_once(problems(told)))
    missing = sum(len(bot.missing) for bot in told.bots)
    known = sum(len(bot.secrets) for bot in told.bots)
    console.say(f"{counted(len(told.bots), 'bot')}, {counted(known, 'secret')}, {missing} missing")
    return told.exit_status


def _place(
    bots: Sequence[str],
    index: str | None,
    target: Path | None,
    home: Path | None,
    context: str | None,
    *,
    everyone: bool,
) -> tuple[str | None, Path | None]:
    """Return the index or folder of the bots: of the options, else of a context, where bots are named."""
    from molthub.contexts.context_file import chosen_context

    is_elsewhere = home is None and (everyone or bool(bots))
    if index is not None or target is not None or not (context or is_elsewhere):
        return index, target
    if home is not None:
        raise UsageError("these are different places to look at", remedy="give one of --context and --home")
    place = chosen_context(context, {})
    if place.index is not None:
        return place.index, None
    return None, Path(place.target) if place.target and "://" not in place.target else None


def _bots(
    chosen: Sequence[str], index: str | None, target: Path | None, home: Path | None, *, everyone: bool
) -> Iterator[BotSecrets]:
    from molthub.platforms.base import MANIFEST_FILE
    from molthub.secrets.bots import at_home, in_homes, in_index

    if sum(place is not None for place in (index, target, home)) > 1:
        raise UsageError("these are different places to look at", remedy="give one of --registry, --target and --home")
    for name in chosen:
        if name.count("/") > 1 or not all(name.split("/")):
            raise UsageError(f"{name!r} names no bot and no fleet", remedy="write FLEET/BOT, or FLEET")
    if index is not None or target is not None:
        if bool(chosen) == everyone:
            raise UsageError("which bots?", remedy="name bots (FLEET/BOT) or fleets, or give --all")
        if index is not None:
            return in_index(index, chosen)
        return in_homes(target or Path(), chosen)
    if everyone or len(chosen) > 1 or not all("/" in name for name in chosen):
        remedy = "give --registry INDEX or --target DIR; without them it is the bot whose home this is"
        raise UsageError("where are these bots?", remedy=remedy)
    return iter([at_home((home or Path.home()) / MANIFEST_FILE, chosen[0] if chosen else None)])


# --- providers -----------------------------------------------------------------------------------------------------


@secrets.command()
@bot_option
@settings_option
@common_options
def providers(console: Console, *, bot: str | None, settings: Path | None) -> None:
    """List the providers in the order in which they are asked.

    \b
    Examples:
      molthub secrets providers
      molthub secrets providers --bot prod/ada
    """
    held = read(settings)
    asked = resolvers(held)(bot).providers
    kinds = {one.name: held.declared(one.name).kind for one in asked}
    rows = [
        (str(number), one.name, kinds[one.name], _can_be_set(one), one.where) for number, one in enumerate(asked, 1)
    ]
    console.table(("asked", "provider", "kind", "can be set", "where"), rows)
    found = [{"name": one.name, "kind": kinds[one.name], **_keeping(one), "where": one.where} for one in asked]
    console.json({"format": "molthub.secrets-providers/1", "settings": held.where or None, "providers": found})
    console.say(f"as {held.where} says" if held.where else "no secrets.yaml: this is what holds without one")


def _keeping(provider: Provider) -> dict[str, bool]:
    keeps = hasattr(provider, "keep")
    return {"keeps": keeps, "ifNamed": keeps and cast("Keeping", provider).only_if_named}


def _can_be_set(provider: Provider) -> str:
    known = _keeping(provider)
    return "if named" if known["ifNamed"] else "yes" if known["keeps"] else ""
