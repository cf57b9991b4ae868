"""What the commands on secrets share: the file of settings, the bot, and what a shell completes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.errors import MolthubError

if TYPE_CHECKING:
    from molthub.secrets.resolver import Resolver
    from molthub.secrets.settings import Settings

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


def settings_option(command: Wrapped) -> Wrapped:
    """Add ``--secrets``."""
    return click.option(
        "--secrets",
        "settings",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The file that names the providers (default: $XDG_CONFIG_HOME/molthub/secrets.yaml).",
    )(command)


def bot_option(command: Wrapped) -> Wrapped:
    """Add ``--bot``."""
    return click.option("--bot", metavar="FLEET/BOT", help="For this bot: its order, names and places.")(command)


def read(path: Path | None) -> Settings:
    """Return the settings. Raises :class:`MolthubError`."""
    from molthub.secrets.read_settings import read_settings

    return read_settings(path)


def resolvers(settings: Settings) -> Callable[[str | None], Resolver]:
    """Return what gives the providers of a bot."""
    from molthub.secrets.assemble import resolver_for

    return lambda bot: resolver_for(settings, bot)


# --- completion: whatever goes wrong, nothing is offered ------------------------------------------------------------


def complete_secret(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the secrets that this home's manifest refers to, and those that ``names`` of the settings speak of."""
    from molthub.platforms.base import MANIFEST_FILE
    from molthub.secrets.bot_manifest import read_manifest

    found: set[str] = set()
    with suppress(MolthubError):
        found |= set(read_manifest(Path.home() / MANIFEST_FILE).secrets)
    with suppress(MolthubError):
        found |= set(read(context.params.get("settings")).for_bot(context.params.get("bot")).names)
    return sorted(name for name in found if name.startswith(incomplete))


def complete_provider(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the providers that are asked for the bot."""
    with suppress(MolthubError):
        order = read(context.params.get("settings")).for_bot(context.params.get("bot")).order or ()
        return [name for name in order if name.startswith(incomplete)]
    return []
