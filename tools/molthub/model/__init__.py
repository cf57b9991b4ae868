"""The nouns of molthub: frozen dataclasses, no I/O, no format.

The modules stand in the order of the data. *Declared* things are what a registry's YAML says, each value with the place
it was written (``at``: ``file:line``). *Published* things are what the index holds; :mod:`molthub.documents` turns
them into JSON and back. A bot's *desired* state is published as flat keys, ``skill/<name>``, ``mcp/<name>``,
``env/<KEY>``, ``config/<skill>``; observed state has the same shape, so that a plan is one comparison.

Conventions: a *digest* is ``sha256:<64 hex>`` and says what a thing is; a bare *hex* is the SHA-256 of a file's bytes
and its name in the index; sizes are bytes; times are RFC 3339 in UTC with whole seconds.

Import them from here. Each module is loaded when a name of it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from molthub.lazy_names import lazy_names

if TYPE_CHECKING:
    from molthub.model.content import Artifact, EnvNeed, FileEntry, Needs, SignatureRef, bare_name
    from molthub.model.declared import (
        Bot,
        Fleet,
        Pack,
        PackVersion,
        Place,
        Profile,
        Project,
        Publisher,
        Registry,
        Script,
        Skill,
        SkillManifest,
        SkillVersion,
        VersionRecord,
    )
    from molthub.model.desired import (
        AttachedPack,
        BotRef,
        DesiredState,
        FleetState,
        KeyRule,
        Mode,
        Origin,
        Suspension,
        SyncPolicy,
        Window,
    )
    from molthub.model.layers import EnvUse, Layer, Locked, McpUse, PackUse, SkillUse
    from molthub.model.published import IndexRoot, PackEntry, PackRelease, Shard, SkillEntry, SkillRelease
    from molthub.model.search import SearchDirectory, SearchRow
    from molthub.model.signatures import PublisherKeys, PublisherRef, RevokedKey, SignedVersion

Status = Literal["active", "archived", "deprecated", "quarantined", "removed"]
Json = Any
"""A JSON value: dict with text keys, list, str, int, float, bool or None."""

_MODULES = {
    "content": "Artifact EnvNeed FileEntry Needs SignatureRef bare_name",
    "declared": "Bot Fleet Pack PackVersion Place Profile Project Publisher Registry Script Skill SkillManifest "
    "SkillVersion VersionRecord",
    "layers": "EnvUse Layer Locked McpUse PackUse SkillUse",
    "published": "IndexRoot PackEntry PackRelease Shard SkillEntry SkillRelease",
    "search": "SearchDirectory SearchRow",
    "signatures": "PublisherKeys PublisherRef RevokedKey SignedVersion",
    "desired": "AttachedPack BotRef DesiredState FleetState KeyRule Mode Origin Suspension SyncPolicy Window",
}
__getattr__ = lazy_names(__name__, _MODULES)

__all__ = [
    "Artifact",
    "AttachedPack",
    "Bot",
    "BotRef",
    "DesiredState",
    "EnvNeed",
    "EnvUse",
    "FileEntry",
    "Fleet",
    "FleetState",
    "IndexRoot",
    "Json",
    "KeyRule",
    "Layer",
    "Locked",
    "McpUse",
    "Mode",
    "Needs",
    "Origin",
    "Pack",
    "PackEntry",
    "PackRelease",
    "PackUse",
    "PackVersion",
    "Place",
    "Profile",
    "Project",
    "Publisher",
    "PublisherKeys",
    "PublisherRef",
    "Registry",
    "RevokedKey",
    "Script",
    "SearchDirectory",
    "SearchRow",
    "Shard",
    "SignatureRef",
    "SignedVersion",
    "Skill",
    "SkillEntry",
    "SkillManifest",
    "SkillRelease",
    "SkillUse",
    "SkillVersion",
    "Status",
    "Suspension",
    "SyncPolicy",
    "VersionRecord",
    "Window",
    "bare_name",
]
