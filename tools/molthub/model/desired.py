"""Desired state, as an index publishes it: fleets, bots, and where each value comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from molthub.model import Json
from molthub.model.content import Artifact, Needs

Mode = Literal["correct", "detect"]


@dataclass(frozen=True, slots=True)
class KeyRule:
    """What holds for the keys, or parts of keys, that ``match``: a pattern (:mod:`molthub.key_patterns`).

    A rule of ``sync.keys`` has a ``mode``, one of ``sync.ignore`` has none. ``reason`` is for people. ``at`` is where
    it stands in the registry, at author time.
    """

    match: str
    mode: Mode | None = None
    reason: str = ""
    at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Suspension:
    """Whether nothing is to be changed, why, since and until when (RFC 3339).

    ``active=False`` ends a fleet's for one bot. Without ``until`` it lasts until it is taken out of git.
    """

    active: bool = True
    reason: str = ""
    since: str | None = None
    until: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it holds at ``now`` (with a time zone); an end that cannot be read has not come."""
        try:
            return self.active and (self.until is None or now < datetime.fromisoformat(self.until))
        except (ValueError, TypeError):
            return self.active


@dataclass(frozen=True, slots=True)
class Window:
    """When changes may be made (``allow``) or may not (``deny``): for ``duration`` from each time of ``schedule`` on.

    ``schedule`` is a cron expression of five fields in ``time_zone``, ``duration`` is ``30m``, ``8h``, ``2d``.
    """

    kind: Literal["allow", "deny"]
    schedule: str
    duration: str
    time_zone: str = "UTC"
    reason: str = ""
    at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    """How a fleet or bot is kept in sync. None means: not said here (a bot inherits its fleet's).

    ``keys`` are nearest first: the first rule that matches says the mode of a key. ``windows`` are a fleet's; its bots'
    documents hold them too.
    """

    mode: Mode | None = None
    prune: bool | None = None
    orphans: Literal["keep", "delete"] | None = None
    interval: str | None = None
    revoked: Literal["report", "remove"] | None = None
    suspend: Suspension | None = None
    keys: tuple[KeyRule, ...] = ()
    ignore: tuple[KeyRule, ...] = ()
    windows: tuple[Window, ...] = ()


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
    first entry of a key won and the rest were overridden, highest first. ``needs`` says by its full name what a
    skill needs beside its files, where it needs anything. Not ``resolved``: only ``problems`` speak.
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
    needs: Mapping[str, Needs] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """``<fleet>/<bot>``."""
        return f"{self.fleet}/{self.bot}"


@dataclass(frozen=True, slots=True)
class BotRef:
    """A bot in its fleet's document: its file's hex name and the digest of its desired state (None: not resolved).

    ``labels`` are those that a rollout's waves name. A ``template`` is no bot of its own.
    """

    file: str
    digest: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
    template: bool = False


@dataclass(frozen=True, slots=True)
class FleetState:
    """One fleet's document ``molthub.fleet/1``."""

    fleet: str
    labels: Mapping[str, str]
    sync: SyncPolicy
    bots: Mapping[str, BotRef]
    rollout: Mapping[str, Json] | None = None
    windows: tuple[Window, ...] = ()
