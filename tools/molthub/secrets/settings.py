"""What ``secrets.yaml`` says: which providers there are, who is asked for which bot, what secrets are called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.model import Json
from molthub.secrets.resolver import Names

BUILT_IN = ("environment", "credentials", "directory")
"""Providers that are there without being declared, in the order in which they are asked where none is given."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One provider: its kind, and the options of that kind as they were written."""

    kind: str
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    """What holds for every bot, for a fleet's, or for one. Without ``order`` the wider section's counts."""

    order: tuple[str, ...] | None = None
    names: Names = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file. ``where`` is its path, empty where there is none. ``watch``: notice secrets that changed.

    ``bots_have_folders``: in the directory that need not be declared, some bots have secrets of their own.
    """

    where: str = ""
    providers: Mapping[str, Declared] = field(default_factory=dict)
    all_bots: Section = field(default_factory=Section)
    fleets: Mapping[str, Section] = field(default_factory=dict)
    bots: Mapping[str, Section] = field(default_factory=dict)
    watch: bool = False
    bots_have_folders: bool = False

    @property
    def tells_bots_apart(self) -> bool:
        """Whether it makes a difference for which bot a secret is asked."""
        options = (option for declared in self.providers.values() for option in declared.options.values())
        is_placed = any(isinstance(option, str) and "{" in option for option in options)
        return bool(self.fleets or self.bots) or is_placed or self.bots_have_folders

    def for_bot(self, bot: str | None) -> Section:
        """Return what holds for ``<fleet>/<bot>``: the nearest order, and names by the nearest section.

        Without a bot only what holds for every bot counts.
        """
        found = [self.all_bots]
        if bot is not None:
            found += [self.fleets.get(bot.partition("/")[0], Section()), self.bots.get(bot, Section())]
        order: tuple[str, ...] | None = None
        names: dict[str, str | Mapping[str, str]] = {}
        for section in found:
            order = section.order if section.order is not None else order
            names |= section.names
        return Section(BUILT_IN if order is None else order, names)

    def declared(self, provider: str) -> Declared:
        """Return what a provider is; those that are built in need not be written down."""
        return self.providers.get(provider) or Declared(provider)
