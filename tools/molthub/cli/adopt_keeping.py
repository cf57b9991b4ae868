"""The secrets of adopted bots: which bots have the same value, and keeping them with this machine's providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from molthub.console import counted
from molthub.errors import MolthubError

if TYPE_CHECKING:
    from molthub.adopting.adopted import Adopted
    from molthub.adopting.literals import Needed
    from molthub.console import Console
    from molthub.model import Json
    from molthub.secrets.provider import Keeping
    from molthub.secrets.settings import Settings
    from molthub.secrets.value import SecretValue


@dataclass(frozen=True)
class FoundSecret:
    """One name: the ``bots`` that need it, where the first of them has it, and the bots that have each value."""

    name: str
    bots: tuple[str, ...]
    first: Needed
    values: tuple[tuple[SecretValue, tuple[str, ...]], ...]

    @property
    def is_shared(self) -> bool:
        """Whether one value is good for all."""
        return len(self.values) == 1

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints: bots by the values that they share, never a value."""
        return {"name": self.name, "bots": list(self.bots), "sameValue": [list(bots) for _, bots in self.values]}


def found_secrets(bots: Sequence[Adopted]) -> list[FoundSecret]:
    """Return the secrets of the bots by name."""
    needed: dict[str, dict[str, Needed]] = {}
    for bot in bots:
        for one in bot.read.secrets:
            needed.setdefault(one.name, {}).setdefault(bot.path, one)
    return [
        FoundSecret(name, tuple(of_bots), next(iter(of_bots.values())), _by_value(of_bots))
        for name, of_bots in sorted(needed.items())
    ]


def _by_value(of_bots: Mapping[str, Needed]) -> tuple[tuple[SecretValue, tuple[str, ...]], ...]:
    groups: dict[str, tuple[SecretValue, list[str]]] = {}
    for path, one in of_bots.items():
        if one.value is not None:
            groups.setdefault(one.value.reveal(), (one.value, []))[1].append(path)
    return tuple((value, tuple(paths)) for value, paths in groups.values())


@dataclass
class Kept:
    """What became of the secrets, each a secret, a bot (empty: for all), and where or why.

    ``unchanged`` were kept already, ``hidden`` are answered for by a provider that is asked before.
    """

    places: list[tuple[str, str, str]] = field(default_factory=list)
    unchanged: int = 0
    refused: list[tuple[str, str, MolthubError]] = field(default_factory=list)
    hidden: list[tuple[str, str, str]] = field(default_factory=list)

    def tell(self, console: Console) -> None:
        """Say it."""
        for name, bot, where in self.places:
            console.result(f"kept {name}{_for(bot)} in {where}")
        if self.unchanged:
            console.say(f"{counted(self.unchanged, 'secret')} kept already")
        for name, bot, provider in self.hidden:
            console.warn(f"{provider} has another {name}{_for(bot)}, and is asked first: bots get that value")
        for name, bot, error in self.refused:
            console.warn(f"{name}{_for(bot)} is not kept: {error}{f' ({error.remedy})' if error.remedy else ''}")

    def to_json(self) -> list[Json]:
        """Return the shape that ``--json`` prints."""
        return [{"name": name, **({"bot": bot} if bot else {}), "where": where} for name, bot, where in self.places]


def _for(bot: str) -> str:
    return f" for {bot}" if bot else ""


def keep_secrets(secrets: Sequence[FoundSecret]) -> Kept:
    """Keep every value where its bots find it: once for all that share it, else for each bot.

    Raises :class:`MolthubError` for settings that cannot be read.
    """
    from molthub.secrets.read_settings import read_settings

    settings, kept = read_settings(), Kept()
    is_apart = replace(settings, bots_have_folders=False).tells_bots_apart
    for secret in secrets:
        alone = not secret.is_shared or is_apart or _is_taken(settings, secret)
        for value, bots in secret.values:
            for bot in bots if alone else (None,):
                _keep(settings, secret.name, bot, value, kept)
    return kept


def _is_taken(settings: Settings, secret: FoundSecret) -> bool:
    """Whether the place for all bots has another value."""
    from molthub.secrets.assemble import resolver_for

    known = resolver_for(settings, None).resolve([secret.name]).values.get(secret.name)
    return known is not None and any(value.reveal() != known.reveal() for value, _ in secret.values)


def _keep(settings: Settings, name: str, bot: str | None, value: SecretValue, kept: Kept) -> None:
    from molthub.cli.kept_secrets import keepers_of
    from molthub.secrets.assemble import resolver_for

    try:
        resolver = resolver_for(settings, bot)
        known = resolver.resolve([name]).values.get(name)
        if known is not None and known.reveal() == value.reveal():
            kept.unchanged += 1
            return
        provider, own = keepers_of(resolver, name, None, settings.where)[0]
        kept.places.append((name, bot or "", cast("Keeping", provider).keep(own, value)))
        found = resolver.resolve([name])
        counts = found.values.get(name)
        if counts is not None and counts.reveal() != value.reveal():
            kept.hidden.append((name, bot or "", found.providers[name]))
    except MolthubError as error:
        kept.refused.append((name, bot or "", error))
