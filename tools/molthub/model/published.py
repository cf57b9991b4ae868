"""What an index holds of skills and packs: the root, and the shards below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.model import Status
from molthub.model.content import Artifact, Needs


@dataclass(frozen=True, slots=True)
class IndexRoot:
    """``registry.json``: where a client starts. ``shards``, ``search`` and ``fleets`` map keys to hex names.

    ``publishers`` is the hex name of the directory of publishers, empty where none has keys. ``demand`` says what must
    be signed: everything, nothing, or whatever was published since a time.
    """

    name: str
    url: str
    repository: str
    revision: str
    generator: str
    shards: Mapping[str, str]
    search: Mapping[str, str]
    fleets: Mapping[str, str] = field(default_factory=dict)
    publishers: str = ""
    demand: bool | str = False


@dataclass(frozen=True, slots=True)
class SkillRelease:
    """A version of a skill in a shard."""

    artifact: Artifact
    published: str
    yanked: str | None = None
    quarantined: str | None = None
    removed: str | None = None
    dependencies: Mapping[str, str] = field(default_factory=dict)
    needs: Needs = field(default_factory=Needs)

    @property
    def available(self) -> bool:
        """Whether a range or "latest" may pick it."""
        return self.yanked is None and self.quarantined is None and self.removed is None


@dataclass(frozen=True, slots=True)
class SkillEntry:
    """A skill in a shard."""

    name: str
    status: Status
    description: str
    releases: Mapping[str, SkillRelease]
    tags: tuple[str, ...] = ()
    license: str = ""
    owners: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PackRelease:
    """A version of a pack in a shard, with the skills it is locked to."""

    artifact: Artifact
    published: str
    skills: Mapping[str, Artifact]
    mcps: tuple[str, ...] = ()
    env_vars: tuple[str, ...] = ()
    yanked: str | None = None
    quarantined: str | None = None
    removed: str | None = None

    @property
    def available(self) -> bool:
        """Whether an attachment without a version may mean it."""
        return self.yanked is None and self.quarantined is None and self.removed is None


@dataclass(frozen=True, slots=True)
class PackEntry:
    """A pack in a shard."""

    name: str
    status: Status
    display_name: str
    releases: Mapping[int, PackRelease]
    description: str = ""
    owners: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Shard:
    """The skills and packs whose hashed names begin with one key."""

    skills: Mapping[str, SkillEntry] = field(default_factory=dict)
    packs: Mapping[str, PackEntry] = field(default_factory=dict)
