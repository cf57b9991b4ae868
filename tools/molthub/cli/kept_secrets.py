"""``molthub secrets list``, ``set`` and ``unset``: what is kept with the providers, without a value being shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from molthub.cli.secrets_options import (
    bot_option,
    complete_provider,
    complete_secret,
    read,
    resolvers,
    settings_option,
)
from molthub.console import Console, common_options
from molthub.errors import ExitStatus, MolthubError, NotFoundError, Problem, UsageError

if TYPE_CHECKING:
    from molthub.model import Json
    from molthub.secrets.provider import Keeping, Listing, Provider
    from molthub.secrets.resolver import Resolver
    from molthub.secrets.settings import Settings
    from molthub.secrets.value import SecretValue

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


def _secret_argument(command: Wrapped) -> Wrapped:
    return click.argument("name", shell_complete=complete_secret)(command)


def _provider_option(help_: str) -> Callable[[Wrapped], Wrapped]:
    return click.option("--provider", "wanted", metavar="NAME", shell_complete=complete_provider, help=help_)


@click.command("list")
@bot_option
@settings_option
@common_options
def list_secrets(console: Console, *, bot: str | None, settings: Path | None) -> ExitStatus:
    """List the names that are kept, where a provider can tell: directories, files, Secrets of Kubernetes, Vault.

    \b
    Examples:
      molthub secrets list
      molthub secrets list --bot prod/ada --json
    """
    held = read(settings)
    names = {
        (provider, called): name
        for name, ids in held.for_bot(bot).names.items()
        for provider, called in ([(None, ids)] if isinstance(ids, str) else ids.items())
    }
    found: list[dict[str, str]] = []
    silent: list[str] = []
    failed: list[Problem] = []
    for provider in resolvers(held)(bot).providers:
        if not hasattr(provider, "ids"):
            silent.append(provider.name)
            continue
        try:
            kept = cast("Listing", provider).ids()
        except MolthubError as error:
            message = f"{provider.name}: {error}"
            failed.append(Problem(error.problem_id or "MH731", message, error.remedy, severity="warning"))
            continue
        for own in kept:
            name = names.get((provider.name, own)) or names.get((None, own)) or own
            found.append({"provider": provider.name, "id": own, "name": name})
    console.table(("secret", "provider", "kept as"), [(kept["name"], kept["provider"], kept["id"]) for kept in found])
    problems = [one.to_json() for one in failed]
    known = {"format": "molthub.secrets-list/1", "secrets": found, "askedByName": silent, "problems": problems}
    console.json(known)
    if silent:
        console.say(f"asked by name alone: {', '.join(silent)}")
    for one in failed:
        console.warn(f"{one.message}{f' ({one.remedy})' if one.remedy else ''}")
    return ExitStatus.PARTLY_DONE if failed else ExitStatus.DONE


@click.command("set")
@_secret_argument
@click.argument("value", nargs=-1, type=click.UNPROCESSED, metavar="")
@_provider_option("Keep it there (default: the first that keeps secrets, but for files).")
@bot_option
@settings_option
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
    """Keep a secret: in a directory, a file, the system's keyring, a Secret of Kubernetes, or Vault.

    The value is asked for, or read from stdin; one line end at its end is not the secret's.

    \b
    Examples:
      molthub secrets set github_token
      pass show github | molthub secrets set github_token --bot prod/ada
      molthub secrets set db_password --provider vault < password.txt
    """
    if value:  # it is not repeated
        remedy = "it is asked for; or give it on stdin"
        raise UsageError("a value on the command line is seen by everybody who may list processes", remedy=remedy)
    _check_name(name)
    held = read(settings)
    resolver = resolvers(held)(bot)
    provider, own = keepers_of(resolver, name, wanted, held.where)[0]
    where = cast("Keeping", provider).keep(own, _typed(name))
    console.result(f"{name} is kept in {where}")
    if bot is not None and _is_for_all(held, bot, name, provider.name):
        remedy = "a place with {fleet}/{bot} in secrets.yaml keeps them apart: docs/SECRETS.md"
        console.warn(f"every bot that asks {provider.name} gets this value, not {bot} alone ({remedy})")
    answering = _say_what_counts(console, resolver, name, provider)
    console.json(_kept(name, provider, where, answering, is_kept=True))


@click.command("unset")
@_secret_argument
@_provider_option("Take it away there (default: the first that keeps secrets and has it, but for files).")
@bot_option
@settings_option
@common_options
def unset_secret(console: Console, *, name: str, wanted: str | None, bot: str | None, settings: Path | None) -> None:
    """Take a secret away from where `molthub secrets set` keeps it.

    Programs that run have it still: revoke it where it was issued, too.

    \b
    Examples:
      molthub secrets unset github_token
      molthub secrets unset github_token --provider vault --bot prod/ada
    """
    _check_name(name)
    held = read(settings)
    resolver = resolvers(held)(bot)
    keepers = keepers_of(resolver, name, wanted, held.where)
    for provider, own in keepers:
        where = cast("Keeping", provider).forget(own)
        if where is not None:
            break
    else:
        looked = ", ".join(f"{provider.name} ({provider.where})" for provider, _ in keepers)
        raise NotFoundError(f"there is no {name} in {looked}", remedy="molthub secrets list")
    console.result(f"{name} is no longer in {where}")
    answering = _say_what_counts(console, resolver, name, None)
    console.json(_kept(name, provider, where, answering, is_kept=False))


def _kept(name: str, provider: Provider, where: str, answering: str | None, *, is_kept: bool) -> dict[str, Json]:
    """Return the document ``molthub.secret-kept/1``."""
    known: dict[str, Json] = {"format": "molthub.secret-kept/1", "name": name, "provider": provider.name}
    return {**known, "where": where, "kept": is_kept, "answeredBy": answering}


def _is_for_all(held: Settings, bot: str, name: str, provider: str) -> bool:
    """Whether what was kept for a bot is what every bot would find."""
    declared = held.declared(provider)
    is_placed = any(isinstance(option, str) and "{" in option for option in declared.options.values())
    has_folders = declared.kind == "directory" and not declared.options
    is_called_otherwise = held.for_bot(bot).names.get(name) != held.for_bot(None).names.get(name)
    return not (is_placed or has_folders or is_called_otherwise)


def _check_name(name: str) -> None:
    from molthub.references.secrets import reference
    from molthub.secrets.settings_text import SECRET_NAME

    if not SECRET_NAME.match(name):
        # what was typed may be the value
        raise UsageError(
            "that is no secret's name", remedy="write github_token for ${secrets.github_token}: a-z, 0-9, _, . and -"
        )
    reference(name)


def keepers_of(resolver: Resolver, name: str, wanted: str | None, settings: str) -> list[tuple[Provider, str]]:
    """Return the providers that a secret may be put into, and what each calls it; at least one.

    Raises :class:`UsageError`, :class:`NotFoundError`.
    """
    found = [provider for provider in resolver.providers if wanted in (None, provider.name)]
    if not found:
        known = ", ".join(provider.name for provider in resolver.providers) or "none"
        raise NotFoundError(f"no provider {wanted} is asked here", remedy=f"asked are: {known}")
    keeping = [one for one in found if hasattr(one, "keep") and (wanted or not cast("Keeping", one).only_if_named)]
    if not keeping:
        remedy = "a file is written where --provider names it; variables and programs of your own are not"
        raise UsageError(f"{', '.join(provider.name for provider in found)}: nothing can be kept there", remedy=remedy)
    keepers = [(provider, own) for provider in keeping if (own := resolver.id_at(provider, name)) is not None]
    if not keepers:
        remedy = "name another with --provider, or change `names`"
        asked = ", ".join(provider.name for provider in keeping)
        raise UsageError(f"{name} is not asked of {asked}", place=settings, remedy=remedy)
    return keepers


def _say_what_counts(console: Console, resolver: Resolver, name: str, kept: Provider | None) -> str | None:
    """Say who answers for a secret now, where that is another provider than the one just written to; return who."""
    has_it = resolver.resolve([name]).providers.get(name)
    if has_it is None and kept is None:
        console.say("no provider has it now; next: molthub secrets check")
    elif kept is None or has_it not in (None, kept.name):
        console.warn(f"{has_it} has {name}, and is asked{' first' if kept else ''}: bots get that value")
    else:
        console.say("next: molthub secrets check")
    return has_it


def _typed(name: str) -> SecretValue:
    """Return the value from the terminal or stdin. Raises :class:`UsageError` for one that cannot be kept as text."""
    from molthub.secrets.value import SecretValue

    try:
        if sys.stdin.isatty():
            text = str(click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True))
        else:
            text = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = "\0"
    value = SecretValue(text)
    if not text or not value.is_utf8:
        problem = "the value is no UTF-8 text" if text else "the value is empty"
        raise UsageError(problem, remedy="nothing was changed")
    return value
