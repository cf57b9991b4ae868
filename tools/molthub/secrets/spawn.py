"""What a program is started with, its secrets filled in. Pure but for the providers that are asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from molthub.errors import MolthubError, NotFoundError, Problem, UsageError
from molthub.model import Json
from molthub.references.secrets import placeholders, render, variable_of
from molthub.secrets.bot_manifest import BotManifest
from molthub.secrets.resolver import Missing, Resolver
from molthub.secrets.value import SecretValue

_OF_MOLTHUB = re.compile(r"MOLTHUB_(?:\w+_)?(?:TOKEN|PASSWORD|SECRET)(?:_\w+)?")
"""Variables that let molthub itself in somewhere: no server needs them."""


@dataclass(frozen=True, slots=True)
class Spawn:
    """A program, its arguments and its whole environment, which hold secrets. ``shown`` is the program as declared."""

    shown: str
    arguments: tuple[str, ...] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)


def server_spawn(
    manifest: BotManifest,
    server: str,
    arguments: Sequence[str],
    resolver: Resolver,
    environment: Mapping[str, str],
) -> Spawn:
    """Return how ``server`` is started: by ``arguments``, or without any as the manifest says.

    The environment is this process's, without what holds the secrets of others, and with the server's own. Raises
    :class:`NotFoundError`, :class:`UsageError`, and :class:`MolthubError` that names what does not resolve.
    """
    declared = manifest.servers.get(server)
    if declared is None:
        known = ", ".join(sorted(manifest.servers)) or "none"
        raise NotFoundError(f"the bot has no MCP server {server}", place=manifest.where, remedy=f"it has: {known}")
    if "url" in declared:
        remedy = "its client connects to its url; there is nothing to start"
        raise UsageError(f"the MCP server {server} runs elsewhere", place=manifest.where, remedy=remedy)
    given = list(arguments) or [declared["command"], *declared.get("args", ())]
    return _spawn(manifest, given, declared.get("env", {}), resolver, environment)


def environment_spawn(
    manifest: BotManifest, arguments: Sequence[str], resolver: Resolver, environment: Mapping[str, str]
) -> Spawn:
    """Return how the bot's own program is started: ``arguments`` as they are, with the bot's environment.

    Beside the bot's variables it gets those by which its files refer to secrets: ``GITHUB_TOKEN`` where one says
    ``${GITHUB_TOKEN}``. Raises :class:`MolthubError` that names what does not resolve.
    """
    resolved = _resolved(manifest.keys, resolver)
    references = {variable_of(name): value.reveal() for name, value in resolved.items()}
    own = {name: _filled(text, resolved) for name, text in manifest.env.items()}
    hidden = resolver.variables(())
    kept = {name: text for name, text in environment.items() if name not in hidden}
    _refuse_nul([], {**references, **own})
    return Spawn(arguments[0], tuple(arguments), {**kept, **references, **own})


def _spawn(
    manifest: BotManifest,
    given: Sequence[Json],
    own: Mapping[str, Json],
    resolver: Resolver,
    environment: Mapping[str, str],
) -> Spawn:
    resolved = _resolved([list(given), dict(own)], resolver)
    hidden = resolver.variables(manifest.secrets)
    kept = {name: text for name, text in environment.items() if name not in hidden and not _OF_MOLTHUB.fullmatch(name)}
    texts = [_filled(text, resolved) for text in given]
    filled = {name: _filled(text, resolved) for name, text in own.items()}
    _refuse_nul(texts, filled)
    return Spawn(str(given[0]), tuple(texts), {**kept, **filled})


def _resolved(value: Json, resolver: Resolver) -> Mapping[str, SecretValue]:
    """Return the values of all secrets in a value. Raises :class:`MolthubError`."""
    resolved = resolver.resolve(placeholders(value))
    if resolved.missing:
        raise unresolved(resolved.missing.values())
    return resolved.values


def unresolved(missing: Iterable[Missing]) -> MolthubError:
    """Return the error that names secrets that do not resolve, and never a value."""
    problems = [Problem("MH731", f"secret {one.name} does not resolve: {one.reason}", one.remedy) for one in missing]
    if len(problems) == 1:
        return MolthubError(problems[0].message, remedy=problems[0].remedy, problems=problems)
    message = f"{len(problems)} secrets do not resolve"
    return MolthubError(message, remedy="`molthub secrets check` says who needs them", problems=problems)


def _filled(text: Json, values: Mapping[str, SecretValue]) -> str:
    return str(render(text, lambda name: values[name].reveal(), str))


def _refuse_nul(texts: Sequence[str], filled: Mapping[str, str]) -> None:
    """Refuse what no program can be given, without showing it."""
    places = [f"argument {number}" for number, text in enumerate(texts, 1) if "\0" in text]
    places += [f"the variable {name}" for name, text in filled.items() if "\0" in text]
    if places:
        message = f"{', '.join(places)} would hold a zero byte, which no program can be given"
        raise MolthubError(message, remedy="keep the secret as text")
