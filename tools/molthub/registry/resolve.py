"""From the catalog to desired state: which skills, servers, variables and settings a bot shall have, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.model import AttachedPack, Bot, Fleet, Json, Locked, Origin, PackVersion, SyncPolicy
from molthub.registry.catalog import Catalog


@dataclass(frozen=True)
class Resolution:
    """What a bot shall be. Not ``resolved``: ``problems`` say why, and the mappings below ``sync`` are empty.

    ``desired`` is flat (see :mod:`molthub.model`), ``skills`` maps full names to what they were resolved to. In
    ``origins`` the first entry of a key won and the rest were overridden, highest first; a first entry whose value is
    None took the key away. A resolved bot may still carry warnings.
    """

    bot: Bot
    fleet: Fleet
    resolved: bool
    problems: tuple[Problem, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    packs: Mapping[str, AttachedPack] = field(default_factory=dict)
    desired: Mapping[str, Json] = field(default_factory=dict)
    skills: Mapping[str, Locked] = field(default_factory=dict)
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)


def resolve_bot(catalog: Catalog, bot: Bot) -> Resolution:
    """Resolve one bot. Never raises for what is declared: what does not fit together is in ``problems``."""
    raise NotImplementedError


def resolve_bots(catalog: Catalog) -> Mapping[str, Resolution]:
    """Resolve every bot, by ``<fleet>/<bot>``. Bots of one home that disagree do not resolve."""
    raise NotImplementedError


def check_homes(catalog: Catalog, resolutions: Iterable[Resolution]) -> tuple[Problem, ...]:
    """Return where bots that share a home disagree on servers or environment, or would be the same agent."""
    raise NotImplementedError


def resolve_pack(catalog: Catalog, pack: PackVersion) -> Mapping[str, Locked]:
    """Return what a pack version's ``resolved`` shall hold at this revision: skills, dependencies too, and base packs.

    Raises :class:`~molthub.errors.ResolutionError`.
    """
    raise NotImplementedError
