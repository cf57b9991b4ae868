"""The documents a client reads on its way to an archive: ``registry.json`` and shards."""

from __future__ import annotations

from typing import Any

from molthub.documents.names import DNS_LABEL, FINGERPRINT, SEMVER, TIME
from molthub.documents.needs import needs_from_json, needs_to_json
from molthub.documents.reading import (
    as_digest,
    as_hex,
    as_hex_map,
    as_size,
    as_skill_name,
    as_text,
    as_text_map,
    as_texts,
    checked,
    load_document,
    reading,
    without_empty,
)
from molthub.model import (
    Artifact,
    IndexRoot,
    Json,
    PackEntry,
    PackRelease,
    Shard,
    SignatureRef,
    SkillEntry,
    SkillRelease,
)


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
    signing: dict[str, Json] = {"publishers": root.publishers, "requireSignatures": bool(root.demand) or None}
    signing |= {"signedSince": root.demand} if isinstance(root.demand, str) else {}
    return document | without_empty({"fleets": dict(root.fleets), **signing})


def index_root_from_json(content: bytes, where: str) -> IndexRoot:
    """Read ``registry.json``. Raises :class:`FormatError`."""
    return reading(_index_root, load_document(content, "registry", where), where)


def _index_root(document: dict[str, Any]) -> IndexRoot:
    return IndexRoot(
        name=as_text(document["name"]),
        url=as_text(document["url"]),
        repository=as_text(document["repository"]),
        revision=as_text(document["revision"]),
        generator=as_text(document["generator"]),
        shards=as_hex_map(document["shards"]),
        search=as_hex_map(document["search"]),
        fleets=as_hex_map(document.get("fleets")),
        publishers=as_hex(document["publishers"]) if document.get("publishers") else "",
        demand=_demand(document),
    )


def _demand(document: dict[str, Any]) -> bool | str:
    """Return what must be signed."""
    if not document.get("requireSignatures"):
        return False
    return checked(TIME, document["signedSince"], "a time") if "signedSince" in document else True


def shard_to_json(shard: Shard) -> dict[str, Json]:
    """Return one shard's document; a kind that is empty is left out."""
    skills = {name: _skill_entry_to_json(entry) for name, entry in shard.skills.items()}
    packs = {name: _pack_entry_to_json(entry) for name, entry in shard.packs.items()}
    return {"format": "molthub.shard/1"} | ({"skills": skills} if skills else {}) | ({"packs": packs} if packs else {})


def shard_from_json(content: bytes, where: str) -> Shard:
    """Read a shard (unpacked). Raises :class:`FormatError`."""
    return reading(_shard, load_document(content, "shard", where), where)


def _shard(document: dict[str, Any]) -> Shard:
    skills = (document.get("skills") or {}).items()
    packs = (document.get("packs") or {}).items()
    return Shard(
        skills={as_skill_name(name): _skill_entry(name, entry) for name, entry in skills},
        packs={checked(DNS_LABEL, name, "a pack name"): _pack_entry(name, entry) for name, entry in packs},
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
    return {"status": entry.status, **without_empty(head), "versions": versions}


def _skill_entry(name: str, entry: dict[str, Any]) -> SkillEntry:
    return SkillEntry(
        name=name,
        status=entry["status"],
        description=as_text(entry.get("description", "")),
        releases={checked(SEMVER, number, "a version"): _release(name, number, release)
                  for number, release in entry["versions"].items()},
        tags=as_texts(entry.get("tags")),
        license=as_text(entry.get("license", "")),
        owners=as_texts(entry.get("owners")),
        reason=entry.get("reason"),
    )  # fmt: skip


def _release_to_json(release: SkillRelease) -> dict[str, Json]:
    optional = {
        "yanked": release.yanked,
        "quarantined": release.quarantined,
        "removed": release.removed,
        "dependencies": dict(release.dependencies),
    }
    head = {**_artifact_to_json(release.artifact), "published": release.published}
    return {**head, **without_empty(optional), **needs_to_json(release.needs)}


def _release(name: str, number: str, release: dict[str, Any]) -> SkillRelease:
    return SkillRelease(
        artifact=_release_artifact(release, number, name),
        published=as_text(release["published"]),
        yanked=release.get("yanked"),
        quarantined=release.get("quarantined"),
        removed=release.get("removed"),
        dependencies=as_text_map(release.get("dependencies")),
        needs=needs_from_json(release),
    )


def _artifact_to_json(artifact: Artifact) -> dict[str, Json]:
    if not artifact.archive:
        return {"digest": artifact.digest}
    return {
        "digest": artifact.digest,
        "archive": artifact.archive,
        "size": artifact.size,
        "unpacked": artifact.unpacked,
        **signature_ref_to_json(artifact.signature),
    }


def signature_ref_to_json(found: SignatureRef | None) -> dict[str, Json]:
    """Return what a document says of a version's signature: nothing where there is none."""
    if found is None:
        return {}
    return {"signature": {"publisher": found.publisher, "signer": found.signer, "file": found.file}}


def _signature_ref(value: dict[str, Any] | None) -> SignatureRef | None:
    if value is None:
        return None
    publisher = checked(DNS_LABEL, value["publisher"], "a publisher")
    return SignatureRef(publisher, checked(FINGERPRINT, value["signer"], "a fingerprint"), as_hex(value["file"]))


def _release_artifact(release: dict[str, Any], version: str, name: str) -> Artifact:
    """Read a release's artifact. What was removed has a digest and nothing to fetch."""
    if release.get("removed") is not None and "archive" not in release:
        return Artifact(version, as_digest(release["digest"]), archive="", size=0, unpacked=0, name=name)
    return artifact_from_json(release, version, name)


def artifact_from_json(value: dict[str, Any], version: str, name: str) -> Artifact:
    """Read how a version is fetched; raises KeyError, ValueError or TypeError."""
    return Artifact(
        version=version,
        digest=as_digest(value["digest"]),
        archive=as_hex(value["archive"]),
        size=as_size(value["size"]),
        unpacked=as_size(value["unpacked"]),
        name=name,
        signature=_signature_ref(value.get("signature")),
    )


def _pack_entry_to_json(entry: PackEntry) -> dict[str, Json]:
    head = {
        "reason": entry.reason,
        "displayName": entry.display_name,
        "description": entry.description,
        "owners": list(entry.owners),
    }
    versions = {str(number): _pack_release_to_json(release) for number, release in entry.releases.items()}
    return {"status": entry.status, **without_empty(head), "versions": versions}


def _pack_entry(name: str, entry: dict[str, Any]) -> PackEntry:
    return PackEntry(
        name=name,
        status=entry["status"],
        display_name=as_text(entry.get("displayName", "")),
        releases={int(number): _pack_release(name, number, release) for number, release in entry["versions"].items()},
        description=as_text(entry.get("description", "")),
        owners=as_texts(entry.get("owners")),
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
    return {**head, **without_empty(optional)}


def _pack_release(name: str, number: str, release: dict[str, Any]) -> PackRelease:
    return PackRelease(
        artifact=_release_artifact(release, number, name),
        published=as_text(release["published"]),
        skills={
            as_skill_name(skill): artifact_from_json(locked, checked(SEMVER, locked["version"], "a version"), skill)
            for skill, locked in release["skills"].items()
        },
        mcps=as_texts(release.get("mcps")),
        env_vars=as_texts(release.get("envVars")),
        yanked=release.get("yanked"),
        quarantined=release.get("quarantined"),
        removed=release.get("removed"),
    )
