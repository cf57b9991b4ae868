"""A pack version as the JSON record that other SkillPack services keep: the way back of :mod:`pack_export`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from molthub.model import Json, PackVersion
from molthub.registry.authoring.mend import slug
from molthub.registry.authoring.pack_shown import is_builtin
from molthub.registry.catalog import Catalog


@dataclass(frozen=True, slots=True)
class PackRecord:
    """The record, and what has no place in it, each with why."""

    record: Mapping[str, Json]
    left_out: Mapping[str, str]


def pack_record(catalog: Catalog, version: PackVersion) -> PackRecord:
    """Return ``{id, name, description, workspaceId, skills, mcps, envVars, isBuiltin, version, createdAt, updatedAt}``.

    Taking it in again changes nothing: the name is the display name where that is slugged to the pack's name. Secrets
    stay placeholders.
    """
    layer, left_out = version.layer, {}
    for use in layer.packs:
        left_out[f"pack/{use.name}"] = "there are no bases there: export it too, and attach both"
    for kind, uses in (("skill", layer.skills), ("mcp", layer.mcps)):
        left_out |= {f"{kind}/{use.name}": "nothing is taken away there" for use in uses if not use.enabled}
    left_out |= {f"env/{use.key}": "nothing is taken away there" for use in layer.env if use.value is None}
    title = version.display_name if slug(version.display_name) == version.name else version.name
    if title != version.display_name and version.display_name:
        left_out["displayName"] = "another name than the pack's would be made of it there"
    skills = [_skill(use.name, use.version, dict(use.config)) for use in layer.skills if use.enabled]
    project = catalog.packs[version.name].project
    dates = sorted(record.published for record in project.versions.values())
    record: dict[str, Json] = {
        "id": version.name,
        "name": title,
        "description": version.description,
        "workspaceId": version.labels.get("workspace"),
        "skills": skills,
        "mcps": [{"name": use.name, **use.fields} for use in layer.mcps if use.enabled],
        "envVars": {use.key: use.value for use in layer.env if use.value is not None},
        "isBuiltin": is_builtin(catalog, catalog.packs[version.name]),
        "version": version.number,
        "createdAt": dates[0] if dates else None,
        "updatedAt": version.record.published if version.record is not None else None,
    }
    others = sorted(key for key in version.labels if key != "workspace")
    left_out |= {f"label {key}": "there are no labels there" for key in others}
    return PackRecord({key: value for key, value in record.items() if value not in (None, "")}, left_out)


def _skill(name: str, version: str | None, config: Mapping[str, Json]) -> Json:
    given = {"name": name, "version": version, "config": config}
    known = {key: value for key, value in given.items() if value}
    return name if known.keys() == {"name"} else known
