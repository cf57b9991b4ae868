"""``molthub secrets``: which secrets bots need, which are there, and putting one there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, MolthubError, NotFoundError, UsageError

if TYPE_CHECKING:
    from molthub.secrets.bots import BotSecrets
    from molthub.secrets.provider import Keeping, Listing, Provider
    from molthub.secrets.resolver import Resolver
    from molthub.secrets.settings import Settings

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def secrets() -> None:
    """Say which secrets bots need, which of them are there, and put one there. No value is ever shown.

    \b
    Examples:
      molthub secrets check                              the bot whose home this is
      molthub secrets check prod --index site            every bot of a fleet
      molthub secrets set github_token                   asks for the value
    """


def _settings_option(command: Wrapped) -> Wrapped:
    return click.option(
        "--secrets",
        "settings",
        type=_FILE,
        help="The file that names the providers (default: $XDG_CONFIG_HOME/molthub/secrets.yaml).",
    )(command)


def _bot_option(command: Wrapped) -> Wrapped:
    return click.option("--bot", metavar="FLEET/BOT", help="For this bot: its order, names and places.")(command)


@secrets.command()
@click.argument("bots", nargs=-1, metavar="[FLEET | FLEET/BOT]...")
@click.option("--all", "everyone", is_flag=True, help="Every bot of the index or folder.")
@click.option("--registry", "--index", "index", metavar="URL|DIR", help="The bots that this index declares.")
@click.option("--target", type=_FOLDER, help="The bots whose homes are in this folder: DIR/<fleet>/<home>.")
@click.option("--home", type=_FOLDER, help="The bot whose home this is (default: $HOME).")
@_settings_option
@common_options
def check(
    console: Console,
    *,
    bots: tuple[str, ...],
    everyone: bool,
    index: str | None,
    target: Path | None,
    home: Path | None,
    settings: Path | None,
) -> ExitStatus:
    """Say which secrets of bots resolve, by which provider, and who needs those that do not.

    It asks as the user who types it, on this machine: run it where and as whom the bots run. Without an index or a
    folder it looks at the manifest in this home.

    \b
    Examples:
      molthub secrets check
      molthub secrets check prod/ada --registry https://skills.example.com/
      molthub secrets check --all --target ~/bots --json

    \b
    Exit status:
      0  all resolve
      1  nothing could be looked at
      3  some are missing
      4  of some bots it is not known what they need
    """
    from molthub.secrets.check import HEADERS, check_secrets, problems, rows

    found = _bots(bots, index, target, home, everyone=everyone)
    held = _read(settings)
    told = check_secrets(found, _resolvers(held))
    table = list(rows(told))
    if table:
        console.table(HEADERS, table)
    console.json(told.to_json())
    if not console.as_json:
        console.problems(problems(told))
    missing = sum(len(bot.missing) for bot in told.bots)
    known = sum(len(bot.secrets) for bot in told.bots)
    console.say(f"{counted(len(told.bots), 'bot')}, {counted(known, 'secret')}, {missing} missing")
    return told.exit_status


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
        return in_index(index, chosen) if index is not None else in_homes(cast("Path", target), chosen)
    if everyone or len(chosen) > 1 or not all("/" in name for name in chosen):
        remedy = "give --registry INDEX or --target DIR; without them it is the bot whose home this is"
        raise UsageError("where are these bots?", remedy=remedy)
    return iter([at_home((home or Path.home()) / MANIFEST_FILE, chosen[0] if chosen else None)])


def _resolvers(settings: Settings) -> Callable[[str | None], Resolver]:
    from molthub.secrets.assemble import resolver_for

    return lambda bot: resolver_for(settings, bot)


def _read(path: Path | None) -> Settings:
    from molthub.secrets.read_settings import read_settings

    return read_settings(path)


# --- what is kept --------------------------------------------------------------------------------------------------


@secrets.command("list")
@_bot_option
@_settings_option
@common_options
def list_secrets(console: Console, *, bot: str | None, settings: Path | None) -> ExitStatus:
    """List the names that are kept, where a provider can tell: directories and files.

    \b
    Examples:
      molthub secrets list
      molthub secrets list --bot prod/ada --json
    """
    held = _read(settings)
    names = {_called(called): name for name, called in held.for_bot(bot).names.items()}
    found: list[dict[str, str]] = []
    silent: list[str] = []
    failed: list[MolthubError] = []
    for provider in _resolvers(held)(bot).providers:
        if not hasattr(provider, "ids"):
            silent.append(provider.name)
            continue
        try:
            kept = cast("Listing", provider).ids()
        except MolthubError as error:
            failed.append(error)
            continue
        found += [{"provider": provider.name, "id": own, "name": names.get(own, own)} for own in kept]
    console.table(("secret", "provider", "kept as"), [(kept["name"], kept["provider"], kept["id"]) for kept in found])
    console.json({"secrets": found})
    if silent:
        console.say(f"asked by name alone: {', '.join(silent)}")
    for one in failed:
        console.warn(f"{one}{f' ({one.remedy})' if one.remedy else ''}")
    return ExitStatus.PARTLY_DONE if failed else ExitStatus.DONE


def _called(called: object) -> str:
    return called if isinstance(called, str) else ""


@secrets.command("set")
@click.argument("name")
@click.argument("value", nargs=-1, type=click.UNPROCESSED, metavar="")
@click.option("--provider", "wanted", metavar="NAME", help="Keep it there (default: the first that keeps secrets).")
@_bot_option
@_settings_option
@common_options
def set_secret(
    console: Console,
    *,
    name: str,
    value: tuple[str, ...],
    wanted: str | None,
    bot: str | None,
    settings: Path | None,
) -> None:
    """Keep a secret in a directory or the system's keyring. The value is asked for, or read from stdin.

    \b
    Examples:
      molthub secrets set github_token
      pass show github | molthub secrets set github_token --bot prod/ada
    """
    from molthub.references.secrets import reference
    from molthub.secrets.value import SecretValue

    if value:  # it is not repeated
        remedy = "it is asked for; or give it on stdin"
        raise UsageError("a value on the command line is seen by everybody who may list processes", remedy=remedy)
    _check_name(name)
    reference(name)
    held = _read(settings)
    resolver = _resolvers(held)(bot)
    provider = _keeper(resolver, name, wanted)
    own = resolver.id_at(provider, name)
    if own is None:
        remedy = "name another with --provider, or change `names`"
        raise UsageError(f"{name} is not asked of {provider.name}", place=held.where, remedy=remedy)
    where = cast("Keeping", provider).keep(own, SecretValue(_typed(name)))
    console.result(f"{name} is kept in {where}")
    console.json({"name": name, "provider": provider.name, "where": where})
    console.say("next: molthub secrets check")


def _check_name(name: str) -> None:
    from molthub.secrets.settings_text import SECRET_NAME

    if not SECRET_NAME.match(name):
        # what was typed may be the value
        raise UsageError(
            "that is no secret's name", remedy="write github_token for ${secrets.github_token}: a-z, 0-9, _, . and -"
        )


def _keeper(resolver: Resolver, name: str, wanted: str | None) -> Provider:
    """Return the provider that a secret is put into. Raises :class:`UsageError`, :class:`NotFoundError`."""
    found = [provider for provider in resolver.providers if wanted in (None, provider.name)]
    if not found:
        known = ", ".join(provider.name for provider in resolver.providers) or "none"
        raise NotFoundError(f"no provider {wanted} is asked here", remedy=f"asked are: {known}")
    keepers = [provider for provider in found if hasattr(provider, "keep") and resolver.id_at(provider, name)]
    if not keepers:
        remedy = "put it there the way its own tools do; directories and the keyring can be written from here"
        raise UsageError(f"{', '.join(provider.name for provider in found)}: nothing can be kept there", remedy=remedy)
    return keepers[0]


def _typed(name: str) -> str:
    if sys.stdin.isatty():
        value = str(click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True))
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise UsageError("the value is empty", remedy="nothing was changed")
    return value


# --- providers -----------------------------------------------------------------------------------------------------


@secrets.command()
@_bot_option
@_settings_option
@common_options
def providers(console: Console, *, bot: str | None, settings: Path | None) -> None:
    """List the providers in the order in which they are asked.

    \b
    Examples:
      molthub secrets providers
      molthub secrets providers --bot prod/ada
    """
    held = _read(settings)
    asked = _resolvers(held)(bot).providers
    kinds = {one.name: held.declared(one.name).kind for one in asked}
    rows = [
        (str(number), one.name, kinds[one.name], "yes" if hasattr(one, "keep") else "", one.where)
        for number, one in enumerate(asked, 1)
    ]
    console.table(("asked", "provider", "kind", "can be set", "where"), rows)
    found = [
        {"name": one.name, "kind": kinds[one.name], "keeps": hasattr(one, "keep"), "where": one.where} for one in asked
    ]
    console.json({"settings": held.where or None, "providers": found})
    console.say(f"as {held.where} says" if held.where else "no secrets.yaml: this is what holds without one")
