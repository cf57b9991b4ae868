"""The nouns of molthub on one page: frozen dataclasses, no I/O, no format.

They stand in the order of the data. *Declared* things are what a registry's YAML says, each value with the place it
was written (``at``: ``file:line``). *Published* things are what the index holds; :mod:`molthub.documents` turns
them into JSON and back. A bot's desired state is published as flat keys, ``skill/<name>``, ``mcp/<name>``,
``env/<KEY>``, ``config/<skill>``; observed state has the same shape, so that a plan is one comparison.

Conventions: a *digest* is ``sha256:<64 hex>`` and says what a thing is; a bare *hex* is the SHA-256 of a file's bytes
and its name in the index; sizes are bytes; times are RFC 3339 in UTC with whole seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["active", "archived", "deprecated", "quarantined", "removed"]
Json = Any
"""A JSON value: dict with text keys, list, str, int, float, bool or None."""


# --- content -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One regular file of a version. ``path`` is relative to the version's folder, with ``/``."""

    path: str
    sha256: str
    size: int
    executable: bool = False


# --- declared: the registry ----------------------------------------------------------------------------------------


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
    at: str = ""

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
class EnvNeed:
    """An environment variable that a skill reads."""

    name: str
    secret: bool = False
    required: bool = False
    description: str = ""


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
    mcp_servers: tuple[str, ...] = ()
    env: tuple[EnvNeed, ...] = ()
    bins: tuple[str, ...] = ()
    scripts: tuple[Script, ...] = ()


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


def bare_name(name: str) -> str:
    """Return a skill's name without ``@scope/``."""
    return name.rpartition("/")[2]


# --- declared: layers ----------------------------------------------------------------------------------------------


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
class SyncPolicy:
    """How a fleet or bot is kept in sync. None means: not said here (a bot inherits its fleet's)."""

    mode: Literal["correct", "detect"] | None = None
    prune: bool | None = None
    orphans: Literal["keep", "delete"] | None = None
    interval: str | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """``fleets/<name>/fleet.yaml``: what its bots share. Its packs are attached to each bot, present and future."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    overlays: tuple[str, ...] = ()
    packs: tuple[PackUse, ...] = ()
    sync: SyncPolicy = SyncPolicy()
    rollout: Mapping[str, Json] | None = None
    windows: tuple[Json, ...] = ()
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
    sync: SyncPolicy = SyncPolicy()
    template: bool = False
    file: str = ""

    @property
    def path(self) -> str:
        """``<fleet>/<bot>``: how people and reports name it."""
        return f"{self.fleet}/{self.name}"


# --- published: the index ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IndexRoot:
    """``registry.json``: where a client starts. ``shards``, ``search`` and ``fleets`` map keys to hex names."""

    name: str
    url: str
    repository: str
    revision: str
    generator: str
    shards: Mapping[str, str]
    search: Mapping[str, str]
    fleets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Artifact:
    """How to get a version and what it is. ``size`` is the archive's, ``unpacked`` the sum of the files'.

    Of a removed version only the digest is left: ``archive`` is empty.
    """

    version: str
    digest: str
    archive: str
    size: int
    unpacked: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class SkillRelease:
    """A version of a skill in a shard."""

    artifact: Artifact
    published: str
    yanked: str | None = None
    quarantined: str | None = None
    removed: str | None = None
    dependencies: Mapping[str, str] = field(default_factory=dict)
    mcp_servers: tuple[str, ...] = ()
    env: tuple[EnvNeed, ...] = ()
    bins: tuple[str, ...] = ()

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


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One line of a search list. ``latest`` is the number that "latest" means.

    ``words`` are found too, though they stand in neither name, tags nor description: keywords, words of headings.
    ``platforms`` are the agent programs that the skill says it is made for; none: for any.
    """

    kind: Literal["skill", "pack"]
    name: str
    description: str
    latest: str
    tags: tuple[str, ...] = ()
    status: Status = "active"
    owners: tuple[str, ...] = ()
    mcp_servers: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchDirectory:
    """Which search list holds what, where there are too many rows for one: the document ``molthub.search-directory/1``.

    ``lists`` are hex names, to which the numbers below point. ``whole`` maps the beginning of a word to the list with
    every row that has such a word; ``best`` maps one that too many rows have to a list of the best of them, and to how
    many there are. Both also hold pairs of words (``code review``, of names and tags alone) and what is filtered by
    (``owner/acme``). ``words`` are those that a misspelled word may have meant, with how many rows have them.
    """

    rows: int
    lists: tuple[str, ...]
    whole: Mapping[str, int]
    best: Mapping[str, tuple[int, int]]
    words: Mapping[str, int]


# --- published: desired state --------------------------------------------------------------------------------------


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
