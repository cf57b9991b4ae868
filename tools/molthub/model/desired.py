"""Desired state, as an index publishes it: fleets, bots, and where each value comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from molthub.model import Json
from molthub.model.content import Artifact


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    """How a fleet or bot is kept in sync. None means: not said here (a bot inherits its fleet's)."""

    mode: Literal["correct", "detect"] | None = None
    prune: bool | None = None
    orphans: Literal["keep", "delete"] | None = None
    interval: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """One layer's word on a key. Only where ``has_value`` did the layer set (or, with None, take away) a value."""

    layer: str
    at: str
    value: Json = None
    has_value: bool = False
    via: str | None = None


@dataclass(frozen=True, slots=True)
class AttachedPack:
    """A pack as it reached a bot."""

    version: int
    attached_at: str | None = None


@dataclass(frozen=True, slots=True)
class DesiredState:
    """One bot's desired state: the document ``molthub.bot/1``.

    ``desired`` is flat: ``skill/<name>`` -> digest, ``mcp/<name>`` -> server, ``env/<KEY>`` -> text, ``config/<skill>``
    -> object. ``digest`` is over ``desired`` alone. ``skills`` maps a digest to how it is fetched. In ``origins`` the
    first entry of a key won and the rest were overridden, highest first. Not ``resolved``: only ``problems`` speak.
    """

    fleet: str
    bot: str
    platform: str
    home: str
    agent: str
    labels: Mapping[str, str]
    sync: SyncPolicy
    resolved: bool = True
    problems: tuple[Json, ...] = ()
    digest: str | None = None
    packs: Mapping[str, AttachedPack] = field(default_factory=dict)
    desired: Mapping[str, Json] = field(default_factory=dict)
    skills: Mapping[str, Artifact] = field(default_factory=dict)
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    template: bool = False

    @property
    def path(self) -> str:
        """``<fleet>/<bot>``."""
        return f"{self.fleet}/{self.bot}"


@dataclass(frozen=True, slots=True)
class BotRef:
    """A bot in its fleet's document: its file's hex name and the digest of its desired state (None: not resolved)."""

    file: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class FleetState:
    """One fleet's document ``molthub.fleet/1``."""

    fleet: str
    labels: Mapping[str, str]
    sync: SyncPolicy
    bots: Mapping[str, BotRef]
    rollout: Mapping[str, Json] | None = None
    windows: tuple[Json, ...] = ()
