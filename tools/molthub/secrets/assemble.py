"""From settings to providers that can be asked. Each kind's module is loaded where a bot's order names it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from molthub.client.paths import config_folder
from molthub.errors import UsageError
from molthub.secrets.environment import EnvironmentProvider
from molthub.secrets.provider import Provider
from molthub.secrets.resolver import Resolver
from molthub.secrets.settings import Declared, Settings

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"


def resolver_for(settings: Settings, bot: str | None, environment: Mapping[str, str] | None = None) -> Resolver:
    """Return who is asked for the secrets of ``<fleet>/<bot>``, in order.

    Raises :class:`UsageError` where a place depends on the bot and none is given.
    """
    known = os.environ if environment is None else environment
    section = settings.for_bot(bot)
    made = (provider_of(name, settings.declared(name), bot, known) for name in section.order or ())
    return Resolver(tuple(provider for provider in made if provider is not None), section.names)


def provider_of(
    name: str, declared: Declared, bot: str | None, environment: Mapping[str, str] | None = None
) -> Provider | None:
    """Return one provider; None for the credentials of a service where the system gave none.

    Raises :class:`UsageError` where its place depends on the bot and none is given.
    """
    known = os.environ if environment is None else environment
    options = {key: _placed(name, value, bot) for key, value in declared.options.items()}
    if declared.kind == "environment":
        return EnvironmentProvider(name, known)
    if declared.kind == "credentials":
        return _credentials(name, known)
    if declared.kind == "directory":
        from molthub.secrets.directory import DirectoryProvider

        return DirectoryProvider(name, _path(options["path"]) if options else config_folder() / "secrets")
    if declared.kind == "file":
        from molthub.secrets.secret_file import FileProvider

        path = _path(options["path"])
        return FileProvider(name, path, as_json=path.suffix == ".json")
    if declared.kind == "exec":
        from molthub.secrets.plugin import SECONDS, PluginProvider

        seconds = float(options.get("seconds", SECONDS))
        return PluginProvider(
            name, options["command"], passed=options.get("env", ()), seconds=seconds, environment=known
        )
    if declared.kind == "keyring":
        from molthub.secrets.system_keyring import SERVICE, KeyringProvider

        return KeyringProvider(name, options.get("service", SERVICE))
    raise UsageError(f"this molthub knows no providers of kind {declared.kind}", remedy="install a newer molthub")


def _credentials(name: str, environment: Mapping[str, str]) -> Provider | None:
    folder = environment.get(CREDENTIALS_VARIABLE)
    if not folder:
        return None
    from molthub.secrets.directory import DirectoryProvider

    return DirectoryProvider(name, Path(folder), of_system=True)


def _path(text: str) -> Path:
    """Return a place that a setting names; one that is not absolute is below the folder of the settings."""
    return config_folder() / Path(text).expanduser()


def _placed(name: str, value: Any, bot: str | None) -> Any:
    """Return an option with ``{fleet}`` and ``{bot}`` filled in."""
    if not isinstance(value, str) or not any(word in value for word in ("{fleet}", "{bot}")):
        return value
    if bot is None:
        message = f"the secrets of provider {name} are kept for each bot, and no bot is named"
        raise UsageError(message, remedy="name it: --bot FLEET/BOT, or MOLTHUB_BOT=FLEET/BOT")
    fleet, _, own = bot.partition("/")
    return value.replace("{fleet}", fleet).replace("{bot}", own)
