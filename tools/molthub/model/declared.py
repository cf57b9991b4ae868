"""What a registry's YAML declares, each value with the place it was written (``at``: ``file:line``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from molthub.model import Json, Status
from molthub.model.content import Needs, bare_name
from molthub.model.desired import SyncPolicy, Window
from molthub.model.layers import Layer, Locked, PackUse
from molthub.model.signatures import RevokedKey


@dataclass(frozen=True, slots=True)
class Registry:
    """``registry.yaml``. ``hosts`` are applications that skills may depend on as if they were skills."""

    name: str
    url: str
    repository: str
    owner: str
    hosts: tuple[str, ...] = ()
    policy: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publisher:
    """``publishers/<name>/publisher.yaml``: who may own scopes and skills. ``github`` names who acts for it."""

    name: str
    scopes: tuple[str, ...] = ()
    display_name: str = ""
    github: tuple[str, ...] = ()
    revoked: tuple[RevokedKey, ...] = ()


Place = Callable[[], str]
"""Says where something was written (``file:line``): nearly nobody asks, so it is looked up when somebody does."""


def nowhere() -> str:
    """Say of what nobody has written that it stands nowhere."""
    return ""


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """What ``project.yaml`` records of one number. The three reasons withdraw a version without erasing its number."""

    number: str
    published: str
    digest: str
    yanked: str | None = None
    quarantined: str | None = None
    removed: str | None = None
    upstream: Mapping[str, Json] | None = None
    place: Place = field(default=nowhere, repr=False, compare=False)

    @property
    def at(self) -> str:
        """Where its number is written."""
        return self.place()

    @property
    def available(self) -> bool:
        """Whether a range or "latest" may pick it."""
        return self.yanked is None and self.quarantined is None and self.removed is None


@dataclass(frozen=True, slots=True)
class Project:
    """``project.yaml`` of a skill or a pack: owners, status, and one record per number."""

    owners: tuple[str, ...]
    status: Status
    versions: Mapping[str, VersionRecord]
    reason: str | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """A program inside a skill, ``path`` relative to the skill's folder."""

    path: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class SkillManifest:
    """``skill.yaml``. ``dependencies`` maps a skill or a host to a range in npm's syntax."""

    name: str
    version: str
    description: str
    tags: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    author: str = ""
    license: str = ""
    homepage: str = ""
    repository: str = ""
    dependencies: Mapping[str, str] = field(default_factory=dict)
    scripts: tuple[Script, ...] = ()
    needs: Needs = field(default_factory=Needs)


@dataclass(frozen=True, slots=True)
class SkillVersion:
    """One version of a skill as it stands in the tree: ``folder`` is relative to the registry.

    ``files`` are the paths below the folder; their bytes stay in the source.
    """

    name: str
    version: str
    manifest: SkillManifest
    folder: str
    files: tuple[str, ...]
    record: VersionRecord | None


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill with all of its versions, keyed by number as written."""

    name: str
    project: Project
    versions: Mapping[str, SkillVersion]

    @property
    def bare_name(self) -> str:
        """The name without its scope: what SKILL.md, archives and agents' folders say."""
        return bare_name(self.name)


@dataclass(frozen=True, slots=True)
class PackVersion:
    """``packs/<name>/<number>.yaml``. ``layer.packs`` are its bases; keys of ``resolved``: skills, ``pack/<name>``."""

    name: str
    number: int
    layer: Layer
    display_name: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    resolved: Mapping[str, Locked] = field(default_factory=dict)
    record: VersionRecord | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Pack:
    """A SkillPack with all of its versions."""

    name: str
    project: Project
    versions: Mapping[int, PackVersion]


@dataclass(frozen=True, slots=True)
class Profile:
    """A named layer. Profile and Overlay are one type; they differ in the order they are applied in."""

    kind: Literal["Profile", "Overlay"]
    name: str
    layer: Layer
    hosts: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True)
class Fleet:
    """``fleets/<name>/fleet.yaml``: what its bots share. Its packs are attached to each bot, present and future."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    overlays: tuple[str, ...] = ()
    packs: tuple[PackUse, ...] = ()
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    rollout: Mapping[str, Json] | None = None
    windows: tuple[Window, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Bot:
    """``fleets/<fleet>/bots/<name>.yaml``. ``home`` is the folder of its target that plays that user's HOME."""

    fleet: str
    name: str
    platform: str
    layer: Layer
    home: str = ""
    agent: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    overlays: tuple[str, ...] | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    template: bool = False
    file: str = ""

    @property
    def path(self) -> str:
        """``<fleet>/<bot>``: how people and reports name it."""
        return f"{self.fleet}/{self.name}"
