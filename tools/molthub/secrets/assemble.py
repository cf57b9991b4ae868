"""From settings to providers that can be asked. Each kind's module is loaded where a bot's order names it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from molthub.client.paths import config_folder
from molthub.errors import UsageError
from molthub.secrets.environment import EnvironmentProvider
from molthub.secrets.provider import Provider
from molthub.secrets.read_settings import own_secrets
from molthub.secrets.resolver import Resolver
from molthub.secrets.settings import Declared, Settings

_DIRECTORY = "directory"
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
    if declared.kind not in _MAKERS:
        raise UsageError(f"this molthub knows no providers of kind {declared.kind}", remedy="install a newer molthub")
    options = {key: _placed(name, value, bot) for key, value in declared.options.items()}
    if declared.kind == _DIRECTORY and not options:
        return _own_directory(name, bot)
    return _MAKERS[declared.kind](name, options, known)


Options = Mapping[str, Any]
Environment = Mapping[str, str]


def _environment(name: str, _options: Options, environment: Environment) -> Provider:
    return EnvironmentProvider(name, environment)


def _credentials(name: str, _options: Options, environment: Environment) -> Provider | None:
    folder = environment.get(CREDENTIALS_VARIABLE)
    if not folder:
        return None
    from molthub.secrets.directory import DirectoryProvider

    return DirectoryProvider(name, Path(folder), of_system=True)


def _directory(name: str, options: Options, _environment: Environment) -> Provider:
    from molthub.secrets.directory import DirectoryProvider

    return DirectoryProvider(name, _path(options["path"]))


def _own_directory(name: str, bot: str | None) -> Provider:
    """Return the directory that is there without being declared: below it, bots may have folders of their own."""
    from molthub.secrets.directory import DirectoryProvider

    shared = own_secrets()
    return DirectoryProvider(name, shared, own=shared / bot if bot is not None else None)


def _file(name: str, options: Options, _environment: Environment) -> Provider:
    from molthub.secrets.secret_file import FileProvider

    path = _path(options["path"])
    return FileProvider(name, path, as_json=path.suffix == ".json")


def _exec(name: str, options: Options, environment: Environment) -> Provider:
    from molthub.secrets.plugin import SECONDS, PluginProvider

    seconds = float(options.get("seconds", SECONDS))
    passed = options.get("env", ())
    return PluginProvider(name, options["command"], passed=passed, seconds=seconds, environment=environment)


def _keyring(name: str, options: Options, _environment: Environment) -> Provider:
    from molthub.secrets.system_keyring import SERVICE, KeyringProvider

    return KeyringProvider(name, options.get("service", SERVICE))


def _kubernetes(name: str, options: Options, _environment: Environment) -> Provider:
    from molthub.secrets.kubernetes_secret import KubernetesProvider

    kubeconfig = _path(options["kubeconfig"]) if "kubeconfig" in options else None
    place = {"namespace": options.get("namespace"), "context": options.get("context")}
    return KubernetesProvider(name, options["secret"], kubeconfig=kubeconfig, **place)


def _vault(name: str, options: Options, environment: Environment) -> Provider:
    from molthub.secrets.vault import VaultProvider
    from molthub.secrets.vault_login import Login

    files = {key: _path(options[key]) for key in ("ca", "token-file", "account-file") if key in options}
    account = {"account_file": files["account-file"]} if "account-file" in files else {}
    login = Login(environment, options.get("role"), options.get("auth-mount"), files.get("token-file"), **account)
    said = {key: options[key] for key in ("mount", "engine", "namespace") if key in options}
    return VaultProvider(name, options["address"], options["path"], login=login, ca=files.get("ca"), **said)


_MAKERS: Mapping[str, Callable[[str, Options, Environment], Provider | None]] = {
    "environment": _environment,
    "credentials": _credentials,
    "directory": _directory,
    "file": _file,
    "exec": _exec,
    "keyring": _keyring,
    "kubernetes": _kubernetes,
    "vault": _vault,
}


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
