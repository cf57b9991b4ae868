"""Packs as they are named and shown: the version that a text means, and what it holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from molthub.errors import NotFoundError
from molthub.model import Json, Locked, Pack, PackVersion, SkillUse
from molthub.registry.authoring.bot_choice import nearest
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import latest_pack


def known_pack(catalog: Catalog, name: str) -> Pack:
    """Return the pack of that name. Raises :class:`NotFoundError`."""
    if name in catalog.packs:
        return catalog.packs[name]
    remedy = nearest(name, catalog.packs) or "see molthub skill-packs list"
    raise NotFoundError(f"there is no pack {name} in this registry", remedy=remedy)


def find_version(catalog: Catalog, text: str) -> PackVersion:
    """Return the version that ``standard-dev`` or ``standard-dev@3`` means. Raises :class:`NotFoundError`."""
    name, _, number = text.partition("@")
    pack = known_pack(catalog, name)
    if number in ("", "latest"):
        version = latest_pack(pack)
    else:
        version = pack.versions.get(int(number)) if number.isdecimal() else None
    if version is None:
        remedy = f"there are {', '.join(map(str, pack.versions))}" if pack.versions else "it has no versions yet"
        raise NotFoundError(f"the pack {name} has no version {number or 'that is not withdrawn'}", remedy=remedy)
    return version


def is_builtin(catalog: Catalog, pack: Pack) -> bool:
    """Whether a pack comes with the registry: its owner is among the pack's owners."""
    return catalog.registry.owner in pack.project.owners


def pack_to_json(catalog: Catalog, pack: Pack, version: PackVersion) -> dict[str, Json]:
    """Return a pack version for ``--json``."""
    layer, record = version.layer, version.record
    shown: dict[str, Any] = {
        "pack": pack.name,
        "version": version.number,
        "displayName": version.display_name,
        "description": version.description,
        "status": pack.project.status,
        "owners": list(pack.project.owners),
        "builtin": is_builtin(catalog, pack),
        "labels": dict(version.labels),
        "published": record.published if record is not None else None,
        "digest": record.digest if record is not None else None,
        "yanked": record.yanked if record is not None else None,
        "extends": [use.name if use.version is None else f"{use.name}@{use.version}" for use in layer.packs],
        "skills": [_skill_to_json(use) for use in layer.skills],
        "mcps": [{"name": use.name, **use.fields, **_switched_off(use.enabled)} for use in layer.mcps],
        "envVars": {use.key: use.value for use in layer.env},
        "resolved": {name: lock_to_json(lock) for name, lock in version.resolved.items()},
        "versions": sorted(pack.versions),
    }
    return {key: value for key, value in shown.items() if value not in (None, "", [], {})}


def _skill_to_json(use: SkillUse) -> Json:
    """Return ``git@^1.2``; a skill with settings, or one that is taken away, is a map."""
    if use.enabled and not use.config:
        return use.name if use.version is None else f"{use.name}@{use.version}"
    version = {"version": use.version} if use.version is not None else {}
    config = {"config": dict(use.config)} if use.config else {}
    return {"name": use.name, **version, **config, **_switched_off(use.enabled)}


def _switched_off(enabled: bool) -> dict[str, Json]:
    return {} if enabled else {"enabled": False}


def lock_to_json(lock: Locked) -> Mapping[str, Json]:
    """Return one lock."""
    return {"version": lock.version, "digest": lock.digest}
