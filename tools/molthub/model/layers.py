"""The layers that make up a bot's desired state: what packs, profiles, overlays and bots say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.model import Json


@dataclass(frozen=True, slots=True)
class SkillUse:
    """A layer's word on one skill. ``version`` is a range or None; ``enabled=False`` takes the skill away."""

    name: str
    version: str | None = None
    config: Mapping[str, Json] = field(default_factory=dict)
    enabled: bool = True
    at: str = ""


@dataclass(frozen=True, slots=True)
class McpUse:
    """A layer's word on one MCP server: the fields it sets (a field or env key that is None is taken away)."""

    name: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    enabled: bool = True
    at: str = ""


@dataclass(frozen=True, slots=True)
class EnvUse:
    """A layer's word on one environment variable; None takes it away."""

    key: str
    value: str | None
    at: str = ""


@dataclass(frozen=True, slots=True)
class PackUse:
    """An attachment of a pack. Without ``version`` it means the newest available one of the same commit.

    ``when`` are the labels a bot must have. ``env_overrides`` (bots only) belong to the bot's layer.
    """

    name: str
    version: int | None = None
    when: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    env_overrides: tuple[EnvUse, ...] = ()
    attached_at: str | None = None
    at: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """The four fields that packs, profiles, overlays and bots share. ``name`` is how origins call the layer."""

    name: str
    skills: tuple[SkillUse, ...] = ()
    mcps: tuple[McpUse, ...] = ()
    env: tuple[EnvUse, ...] = ()
    packs: tuple[PackUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Locked:
    """An exact version and what it is, as a pack's ``resolved`` holds it."""

    version: str
    digest: str
