"""The index's format: the nouns of :mod:`molthub.model` as JSON documents, and back.

Every document is canonical JSON (RFC 8785) and names its format, ``molthub.<kind>/<major>``. Readers ignore keys they
do not know and refuse another kind or a higher major. Whatever is read here came from somebody else's server, so every
value that later becomes a file name, a number of bytes or a version is checked as it is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, TypeVar

from molthub.errors import FormatError
from molthub.model import (
    Artifact,
    AttachedPack,
    BotRef,
    DesiredState,
    EnvNeed,
    FileEntry,
    FleetState,
    IndexRoot,
    Json,
    Origin,
    PackEntry,
    PackRelease,
    SearchRow,
    Shard,
    SkillEntry,
    SkillRelease,
    SyncPolicy,
)

Value = TypeVar("Value")

SKILL_NAME = re.compile(r"(?:@[a-z0-9]+(?:-[a-z0-9]+)*/)?[a-z0-9]+(?:-[a-z0-9]+)*\Z")
DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
MCP_NAME = re.compile(r"[a-z0-9-]{1,63}\Z")
ENV_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
SEMVER = re.compile(
    r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\Z"
)
HEX = re.compile(r"[0-9a-f]{64}\Z")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
PLACEHOLDER = re.compile(r"\$\$|\$\{secrets\.([a-z0-9][a-z0-9_.-]*)\}")
"""Matches what a ``$`` may begin: an escape, or a secret's placeholder (its name in group 1)."""

MAX_SKILL_NAME = 64
NAMES_PER_SHARD = 128


# --- canonical bytes and digests -----------------------------------------------------------------------------------


def canonical(value: Json) -> bytes:
    """Return ``value`` as RFC 8785 canonical JSON.

    Sorting by code point is RFC 8785's order as long as keys are in the Basic Multilingual Plane; floats and other keys
    (only a skill's ``config`` may hold them) take the long way.
    """
    if _needs_care(value):
        import rfc8785

        return rfc8785.dumps(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _needs_care(value: Json) -> bool:
    if isinstance(value, float):
        return True
    if isinstance(value, dict):
        return any(not key.isascii() or _needs_care(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(_needs_care(item) for item in value)
    return False


def digest_of(value: Json) -> str:
    """Return the digest of a JSON value: of its canonical bytes."""
    return "sha256:" + sha256(canonical(value)).hexdigest()


def hex_of(content: bytes) -> str:
    """Return the SHA-256 of a file's bytes, its name in the index."""
    return sha256(content).hexdigest()


def tree_digest(files: Iterable[FileEntry]) -> str:
    """Return the digest of a version: over its files, sorted by the UTF-8 bytes of their paths."""
    ordered = sorted(files, key=lambda entry: entry.path.encode())
    return digest_of(
        [
            {"executable": entry.executable, "path": entry.path, "sha256": entry.sha256, "size": entry.size}
            for entry in ordered
        ]
    )


def file_entry(path: str, content: bytes, *, executable: bool) -> FileEntry:
    """Return the entry of one file from its bytes."""
    return FileEntry(path, hex_of(content), len(content), executable)


def shard_key(kind: str, name: str, length: int) -> str:
    """Return the key of the shard that holds ``kind`` (``skill`` or ``pack``) ``name``."""
    return hex_of(f"{kind}/{name}".encode())[:length]


# --- reading -------------------------------------------------------------------------------------------------------


def load_document(content: bytes, kind: str, where: str) -> dict[str, Any]:
    """Parse a published document and check that it is ``molthub.<kind>/1``.

    Raises :class:`FormatError`: no JSON, another kind, or a newer major.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise FormatError("the answer is not JSON", place=where, remedy=_NO_INDEX) from None
    found = document.get("format") if isinstance(document, dict) else None
    name, _, major = str(found).partition("/")
    if name != f"molthub.{kind}" or not major.isdecimal():
        raise FormatError(f"expected a molthub.{kind} document, found {found!r}", place=where, remedy=_NO_INDEX)
    if int(major) > 1:
        raise FormatError(f"the document has format {found}, this molthub reads up to /1", place=where, remedy=_NEWER)
    return document


_NO_INDEX = "check the address: a molthub index answers with JSON documents that name their format"
_NEWER = "install a newer molthub"


def _reading(read: Callable[[dict[str, Any]], Value], document: dict[str, Any], where: str) -> Value:
    """Run a reader and turn every missing or ill-typed value into one :class:`FormatError`."""
    try:
        return read(document)
    except FormatError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FormatError(f"a value is missing or of the wrong type ({error})", place=where, remedy=_NO_INDEX) from None


def _checked(pattern: re.Pattern[str], value: Any, what: str) -> str:
    if not isinstance(value, str) or not pattern.match(value):
        raise ValueError(f"{value!r} is not {what}")
    return value


def _hex(value: Any) -> str:
    return _checked(HEX, value, "a SHA-256 in hexadecimal")


def _digest(value: Any) -> str:
    return _checked(DIGEST, value, "a digest")


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a size")
    return value


def _skill_name(value: Any) -> str:
    name = _checked(SKILL_NAME, value, "a skill name")
    if len(name.rpartition("/")[2]) > MAX_SKILL_NAME:
        raise ValueError(f"{value!r} is longer than a skill name may be")
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(item) for item in value or ())


def _text_map(value: Any) -> dict[str, str]:
    return {_text(key): _text(item) for key, item in (value or {}).items()}


def _without_none(pairs: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in pairs.items() if value is not None}


def _without_empty(pairs: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in pairs.items() if value not in (None, "", (), [], {})}


# --- registry.json -------------------------------------------------------------------------------------------------


def index_root_to_json(root: IndexRoot) -> dict[str, Json]:
    """Return ``registry.json``."""
    document = {
        "format": "molthub.registry/1",
        "name": root.name,
        "url": root.url,
        "repository": root.repository,
        "revision": root.revision,
        "generator": root.generator,
        "shards": dict(root.shards),
        "search": dict(root.search),
    }
    return document | ({"fleets": dict(root.fleets)} if root.fleets else {})


def index_root_from_json(content: bytes, where: str) -> IndexRoot:
    """Read ``registry.json``. Raises :class:`FormatError`."""
    return _reading(_index_root, load_document(content, "registry", where), where)


def _index_root(document: dict[str, Any]) -> IndexRoot:
    return IndexRoot(
        name=_text(document["name"]),
        url=_text(document["url"]),
        repository=_text(document["repository"]),
        revision=_text(document["revision"]),
        generator=_text(document["generator"]),
        shards=_hex_map(document["shards"]),
        search=_hex_map(document["search"]),
        fleets=_hex_map(document.get("fleets")),
    )


def _hex_map(value: Any) -> dict[str, str]:
    return {_text(key): _hex(item) for key, item in (value or {}).items()}


# --- shards --------------------------------------------------------------------------------------------------------


def shard_to_json(shard: Shard) -> dict[str, Json]:
    """Return one shard's document; a kind that is empty is left out."""
    skills = {name: _skill_entry_to_json(entry) for name, entry in shard.skills.items()}
    packs = {name: _pack_entry_to_json(entry) for name, entry in shard.packs.items()}
    return {"format": "molthub.shard/1"} | ({"skills": skills} if skills else {}) | ({"packs": packs} if packs else {})


def shard_from_json(content: bytes, where: str) -> Shard:
    """Read a shard (unpacked). Raises :class:`FormatError`."""
    return _reading(_shard, load_document(content, "shard", where), where)


def _shard(document: dict[str, Any]) -> Shard:
    skills = (document.get("skills") or {}).items()
    packs = (document.get("packs") or {}).items()
    return Shard(
        skills={_skill_name(name): _skill_entry(name, entry) for name, entry in skills},
        packs={_checked(DNS_LABEL, name, "a pack name"): _pack_entry(name, entry) for name, entry in packs},
    )


def _skill_entry_to_json(entry: SkillEntry) -> dict[str, Json]:
    head = {
        "reason": entry.reason,
        "description": entry.description,
        "tags": list(entry.tags),
        "license": entry.license,
        "owners": list(entry.owners),
    }
    versions = {number: _release_to_json(release) for number, release in entry.releases.items()}
    return {"status": entry.status, **_without_empty(head), "versions": versions}


def _skill_entry(name: str, entry: dict[str, Any]) -> SkillEntry:
    return SkillEntry(
        name=name,
        status=entry["status"],
        description=_text(entry.get("description", "")),
        releases={_checked(SEMVER, number, "a version"): _release(name, number, release)
                  for number, release in entry["versions"].items()},
        tags=_texts(entry.get("tags")),
        license=_text(entry.get("license", "")),
        owners=_texts(entry.get("owners")),
        reason=entry.get("reason"),
    )  # fmt: skip


def _release_to_json(release: SkillRelease) -> dict[str, Json]:
    optional = {
        "yanked": release.yanked,
        "quarantined": release.quarantined,
        "removed": release.removed,
        "dependencies": dict(release.dependencies),
        "mcpServers": list(release.mcp_servers),
        "env": [env_need_to_json(need) for need in release.env],
        "bins": list(release.bins),
    }
    return {**_artifact_to_json(release.artifact), "published": release.published, **_without_empty(optional)}


def _release(name: str, number: str, release: dict[str, Any]) -> SkillRelease:
    return SkillRelease(
        artifact=_artifact(release, number, name),
        published=_text(release["published"]),
        yanked=release.get("yanked"),
        quarantined=release.get("quarantined"),
        removed=release.get("removed"),
        dependencies=_text_map(release.get("dependencies")),
        mcp_servers=_texts(release.get("mcpServers")),
        env=tuple(_env_need(need) for need in release.get("env") or ()),
        bins=_texts(release.get("bins")),
    )


def env_need_to_json(need: EnvNeed) -> dict[str, Json]:
    """Return an environment need as shards and skill.yaml hold it (the description stays in skill.yaml)."""
    return {"name": need.name, "secret": need.secret, "required": need.required}


def _env_need(need: dict[str, Any]) -> EnvNeed:
    return EnvNeed(
        name=_checked(ENV_KEY, need["name"], "an environment key"),
        secret=bool(need.get("secret", False)),
        required=bool(need.get("required", False)),
        description=_text(need.get("description", "")),
    )


def _artifact_to_json(artifact: Artifact) -> dict[str, Json]:
    return {
        "digest": artifact.digest,
        "archive": artifact.archive,
        "size": artifact.size,
        "unpacked": artifact.unpacked,
    }


def _artifact(value: dict[str, Any], version: str, name: str) -> Artifact:
    return Artifact(
        version=version,
        digest=_digest(value["digest"]),
        archive=_hex(value["archive"]),
        size=_size(value["size"]),
        unpacked=_size(value["unpacked"]),
        name=name,
    )


def _pack_entry_to_json(entry: PackEntry) -> dict[str, Json]:
    head = {
        "reason": entry.reason,
        "displayName": entry.display_name,
        "description": entry.description,
        "owners": list(entry.owners),
    }
    versions = {str(number): _pack_release_to_json(release) for number, release in entry.releases.items()}
    return {"status": entry.status, **_without_empty(head), "versions": versions}


def _pack_entry(name: str, entry: dict[str, Any]) -> PackEntry:
    return PackEntry(
        name=name,
        status=entry["status"],
        display_name=_text(entry.get("displayName", "")),
        releases={int(number): _pack_release(name, number, release) for number, release in entry["versions"].items()},
        description=_text(entry.get("description", "")),
        owners=_texts(entry.get("owners")),
        reason=entry.get("reason"),
    )


def _pack_release_to_json(release: PackRelease) -> dict[str, Json]:
    optional = {
        "mcps": list(release.mcps),
        "envVars": list(release.env_vars),
        "yanked": release.yanked,
        "quarantined": release.quarantined,
        "removed": release.removed,
    }
    skills = {
        name: {"version": artifact.version, **_artifact_to_json(artifact)} for name, artifact in release.skills.items()
    }
    head = _artifact_to_json(release.artifact) | {"published": release.published, "skills": skills}
    return {**head, **_without_empty(optional)}


def _pack_release(name: str, number: str, release: dict[str, Any]) -> PackRelease:
    return PackRelease(
        artifact=_artifact(release, number, name),
        published=_text(release["published"]),
        skills={
            _skill_name(skill): _artifact(locked, _checked(SEMVER, locked["version"], "a version"), skill)
            for skill, locked in release["skills"].items()
        },
        mcps=_texts(release.get("mcps")),
        env_vars=_texts(release.get("envVars")),
        yanked=release.get("yanked"),
        quarantined=release.get("quarantined"),
        removed=release.get("removed"),
    )


# --- search --------------------------------------------------------------------------------------------------------


def search_to_json(rows: Iterable[SearchRow]) -> dict[str, Json]:
    """Return a search list: ``skills`` and ``packs``, each sorted by name."""
    lists: dict[str, list[Json]] = {"skill": [], "pack": []}
    for row in sorted(rows, key=lambda row: row.name):
        shown = {"name": row.name, "description": row.description, "tags": list(row.tags), "latest": row.latest}
        lists[row.kind].append(_without_empty(shown))
    return {"format": "molthub.search/1", "skills": lists["skill"], "packs": lists["pack"]}


def search_from_json(content: bytes, where: str) -> tuple[SearchRow, ...]:
    """Read a search list. Raises :class:`FormatError`."""
    return _reading(_search, load_document(content, "search", where), where)


def _search(document: dict[str, Any]) -> tuple[SearchRow, ...]:
    skills = [_search_row("skill", _skill_name(row["name"]), row) for row in document.get("skills") or ()]
    packs = [_search_row("pack", _checked(DNS_LABEL, row["name"], "a pack name"), row)
             for row in document.get("packs") or ()]  # fmt: skip
    return (*skills, *packs)


def _search_row(kind: Any, name: str, row: dict[str, Any]) -> SearchRow:
    return SearchRow(
        kind=kind,
        name=name,
        description=_text(row.get("description", "")),
        latest=_text(row.get("latest", "")),
        tags=_texts(row.get("tags")),
    )


# --- fleets and bots -----------------------------------------------------------------------------------------------


def sync_to_json(sync: SyncPolicy) -> dict[str, Json]:
    """Return a sync policy: only what it says."""
    return _without_none(
        {"mode": sync.mode, "prune": sync.prune, "orphans": sync.orphans, "interval": sync.interval}
    )  # fmt: skip


def sync_from_json(value: Mapping[str, Any] | None) -> SyncPolicy:
    """Read a sync policy."""
    said = value or {}
    return SyncPolicy(said.get("mode"), said.get("prune"), said.get("orphans"), said.get("interval"))


def fleet_to_json(fleet: FleetState) -> dict[str, Json]:
    """Return the document ``molthub.fleet/1``."""
    bots = {name: _without_none({"file": ref.file, "digest": ref.digest}) for name, ref in fleet.bots.items()}
    head = {"labels": dict(fleet.labels), "sync": sync_to_json(fleet.sync), "bots": bots}
    optional = {"rollout": fleet.rollout, "windows": list(fleet.windows)}
    return {"format": "molthub.fleet/1", "fleet": fleet.fleet, **head, **_without_empty(optional)}


def fleet_from_json(content: bytes, where: str) -> FleetState:
    """Read ``molthub.fleet/1``. Raises :class:`FormatError`."""
    return _reading(_fleet, load_document(content, "fleet", where), where)


def _fleet(document: dict[str, Any]) -> FleetState:
    bots = {
        _checked(DNS_LABEL, name, "a bot name"): BotRef(_hex(ref["file"]), _digest_or_none(ref.get("digest")))
        for name, ref in document["bots"].items()
    }
    return FleetState(
        fleet=_checked(DNS_LABEL, document["fleet"], "a fleet name"),
        labels=_text_map(document.get("labels")),
        sync=sync_from_json(document.get("sync")),
        bots=bots,
        rollout=document.get("rollout"),
        windows=tuple(document.get("windows") or ()),
    )


def _digest_or_none(value: Any) -> str | None:
    return None if value is None else _digest(value)


def bot_to_json(state: DesiredState) -> dict[str, Json]:
    """Return the document ``molthub.bot/1``. A bot that does not resolve says only why."""
    head = {
        "format": "molthub.bot/1",
        "fleet": state.fleet,
        "bot": state.bot,
        "resolved": state.resolved,
        "problems": list(state.problems),
        "platform": state.platform,
        "home": state.home,
        "agent": state.agent,
        "labels": dict(state.labels),
        "sync": sync_to_json(state.sync),
    }
    head |= {"template": True} if state.template else {}
    if not state.resolved:
        return head
    return head | {
        "digest": state.digest,
        "packs": {name: _attached_to_json(pack) for name, pack in state.packs.items()},
        "desired": dict(state.desired),
        "skills": {digest: _fetch_to_json(artifact) for digest, artifact in state.skills.items()},
        "origins": {key: [_origin_to_json(origin) for origin in origins] for key, origins in state.origins.items()},
    }


def bot_from_json(content: bytes, where: str) -> DesiredState:
    """Read ``molthub.bot/1`` and check that its digest is that of its ``desired``. Raises :class:`FormatError`."""
    state = _reading(_bot, load_document(content, "bot", where), where)
    if state.resolved and digest_of(dict(state.desired)) != state.digest:
        raise FormatError("the document's digest is not that of its desired state", place=where, remedy=_NO_INDEX)
    return state


def _bot(document: dict[str, Any]) -> DesiredState:
    resolved = document["resolved"] is True
    return DesiredState(
        fleet=_checked(DNS_LABEL, document["fleet"], "a fleet name"),
        bot=_checked(DNS_LABEL, document["bot"], "a bot name"),
        platform=_text(document["platform"]),
        home=_checked(DNS_LABEL, document["home"], "a home"),
        agent=_checked(DNS_LABEL, document["agent"], "an agent"),
        labels=_text_map(document.get("labels")),
        sync=sync_from_json(document.get("sync")),
        resolved=resolved,
        problems=tuple(document.get("problems") or ()),
        digest=_digest(document["digest"]) if resolved else None,
        packs={name: AttachedPack(int(pack["version"]), pack.get("attachedAt"))
               for name, pack in (document.get("packs") or {}).items()},
        desired={_desired_key(key): value for key, value in (document.get("desired") or {}).items()},
        skills={_digest(digest): _fetch(digest, how) for digest, how in (document.get("skills") or {}).items()},
        origins={key: tuple(_origin(origin) for origin in origins)
                 for key, origins in (document.get("origins") or {}).items()},
        template=document.get("template") is True,
    )  # fmt: skip


def _desired_key(key: Any) -> str:
    kind, _, name = _text(key).partition("/")
    patterns = {"skill": SKILL_NAME, "config": SKILL_NAME, "mcp": MCP_NAME, "env": ENV_KEY}
    if kind not in patterns:
        raise ValueError(f"{key!r} is not a key of desired state")
    _checked(patterns[kind], name, f"a name for {kind}")
    return str(key)


def _attached_to_json(pack: AttachedPack) -> dict[str, Json]:
    return _without_none({"version": pack.version, "attachedAt": pack.attached_at})


def _fetch_to_json(artifact: Artifact) -> dict[str, Json]:
    head = {"name": artifact.name, "version": artifact.version, "archive": artifact.archive}
    return head | {"size": artifact.size, "unpacked": artifact.unpacked}


def _fetch(digest: str, how: dict[str, Any]) -> Artifact:
    version = _checked(SEMVER, how["version"], "a version")
    return _artifact({**how, "digest": digest}, version, _skill_name(how["name"]))


def _origin_to_json(origin: Origin) -> dict[str, Json]:
    shown: dict[str, Json] = {"layer": origin.layer, "at": origin.at}
    shown |= {"value": origin.value} if origin.has_value else {}
    return shown | ({"via": origin.via} if origin.via else {})


def _origin(value: dict[str, Any]) -> Origin:
    return Origin(
        layer=_text(value["layer"]),
        at=_text(value["at"]),
        value=value.get("value"),
        has_value="value" in value,
        via=value.get("via"),
    )
