"""What resolving a bot gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.model import AttachedPack, Bot, Fleet, Json, Locked, Needs, Origin, SyncPolicy


@dataclass(frozen=True)
class Resolution:
    """What a bot shall be. Not ``resolved``: ``problems`` say why, and the mappings below ``sync`` are empty.

    ``desired`` is flat (see :mod:`molthub.model`), ``skills`` maps full names to what they were resolved to. In
    ``origins`` the first entry of a key won and the rest were overridden, highest first; a first entry whose value is
    None took the key away. ``needs`` says what skills need beside their files, where they do. A resolved bot may still
    carry warnings.
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
    needs: Mapping[str, Needs] = field(default_factory=dict)
