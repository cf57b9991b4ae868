"""JSON Schemas of what routes answer in JSON (2020-12), as components of an OpenAPI document.

What the read path publishes has schemas of its own, which are referred to; views that other people specified are bound
as far as their clients read them. Readers ignore keys that they do not know, so nothing forbids more.
"""

from __future__ import annotations

from molthub import schema_files
from molthub.model import Json

TEXT: Json = {"type": "string"}
HEX: Json = {"$ref": f"{schema_files.BASE_URL}common{schema_files.SUFFIX}#/$defs/hex"}
DIGEST: Json = {"$ref": f"{schema_files.BASE_URL}common{schema_files.SUFFIX}#/$defs/digest"}
TIME: Json = {"$ref": f"{schema_files.BASE_URL}common{schema_files.SUFFIX}#/$defs/time"}
NUMBER_OR_NULL: Json = {"type": ["integer", "null"], "minimum": 1}
TEXT_OR_NULL: Json = {"type": ["string", "null"]}
COUNT: Json = {"type": "integer", "minimum": 0}


def answers() -> dict[str, Json]:
    """Return every component by name."""
    skill, pack = _entry("skills"), _entry("packs")
    version = next(iter(skill["properties"]["versions"]["patternProperties"].values()))
    return {
        "Error": _object({"error": _object({"message": TEXT})}),
        "Health": _object({"status": {"const": "ok"}, "registry": TEXT, "skills": COUNT, "skillPacks": COUNT}),
        "Tags": _object({"tags": {"type": "object", "additionalProperties": _list(TEXT)}}),
        "Skills": _object({"skills": _list(_row({"tags": _list(TEXT), "latest": TEXT_OR_NULL}))}),
        "Skill": _with(skill, {"name": TEXT, "latest": TEXT_OR_NULL}),
        "SkillVersion": _with(version, {"name": TEXT, "version": TEXT}, _of_version()),
        "SkillPacks": _object({"skillPacks": _list(_row({"displayName": TEXT, "latest": NUMBER_OR_NULL}))}),
        "SkillPack": _with(pack, {"name": TEXT, "latest": NUMBER_OR_NULL}),
        "PackBots": _object({"pack": TEXT, "bots": _list(_object({"botId": TEXT, **_ATTACHED}))}),
        "FleetBots": _object({"fleet": TEXT, "bots": _list(_bot())}),
        "Found": _found(),
        "SimpleList": _object({"meta": _META, "projects": _list(_object({"name": TEXT}))}),
        "SimpleProject": _project(),
        "Discovery": _discovery(),
        "SkillFiles": _object({key: _list(TEXT) for key in ("files", "references", "scripts", "assets")}),
        "ClawhubSkill": _clawhub(),
        "ClawhubLatest": _object({"match": {"type": "null"}, "latestVersion": _object({"version": TEXT})}),
        "Marketplace": _marketplace(),
        "NpmPackage": _npm_package(),
        "McpServers": _object({"servers": _list(_mcp_server()), "metadata": _object({"count": COUNT})}),
        "McpServer": _mcp_server(),
    }


def _object(required: dict[str, Json], optional: dict[str, Json] | None = None) -> dict[str, Json]:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


def _list(items: Json) -> dict[str, Json]:
    return {"type": "array", "items": items}


def _with(schema: Json, required: dict[str, Json], optional: dict[str, Json] | None = None) -> dict[str, Json]:
    """Return a published document's schema with further members."""
    properties = {**schema["properties"], **required, **(optional or {})}
    return {**schema, "properties": properties, "required": [*schema.get("required", ()), *required]}


def _entry(kind: str) -> dict[str, Json]:
    """Return the schema of an entry of a shard: a skill's or a pack's."""
    entry: dict[str, Json] = next(iter(schema_files.load("shard")["properties"][kind]["patternProperties"].values()))
    return entry


def _row(more: dict[str, Json]) -> dict[str, Json]:
    return _object({"name": TEXT, "status": TEXT, "description": TEXT, **more})


def _of_version() -> dict[str, Json]:
    file = _object({"path": TEXT, "size": COUNT, "sha256": HEX, "executable": {"type": "boolean"}})
    texts = ("description", "author", "license", "homepage", "repository", "url")
    lists = ("tags", "keywords", "capabilities")
    scripts = _list(_object({"path": TEXT, "description": TEXT}))
    return dict.fromkeys(texts, TEXT) | {key: _list(TEXT) for key in lists} | {"scripts": scripts, "files": _list(file)}


_ATTACHED: dict[str, Json] = {
    "version": NUMBER_OR_NULL,
    "attachedAt": TEXT_OR_NULL,
    "envOverrides": {"type": "object", "additionalProperties": TEXT_OR_NULL},
}


def _bot() -> dict[str, Json]:
    head = {"botId": TEXT, "name": TEXT, "platform": TEXT, "labels": {"type": "object", "additionalProperties": TEXT}}
    digest = {"anyOf": [DIGEST, {"type": "null"}]}
    packs = _list(_object({"pack": TEXT, **_ATTACHED}))
    return _object({**head, "resolved": {"type": "boolean"}, "digest": digest, "packs": packs})


def _found() -> dict[str, Json]:
    row = _row({"kind": {"enum": ["skill", "pack"]}, "latest": TEXT_OR_NULL, "mcpServers": _list(TEXT)})
    mended = {"type": "object", "additionalProperties": TEXT}
    head = {"query": TEXT, "total": COUNT, "complete": {"type": "boolean"}, "mended": mended}
    return _object({**head, "results": _list(row)})


# --- views that others specified -------------------------------------------------------------------------------------

_META = _object({"api-version": {"const": "1.4"}})


def _project() -> dict[str, Json]:
    file = {"filename": TEXT, "url": TEXT, "hashes": _object({"sha256": HEX}), "size": COUNT, "upload-time": TIME}
    status = _object({"status": TEXT}, {"reason": TEXT})
    files = _list(_object({**file, "yanked": {"type": ["boolean", "string"]}}))
    return _object({"meta": _META, "name": TEXT, "project-status": status, "versions": _list(TEXT), "files": files})


def _discovery() -> dict[str, Json]:
    name = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64}
    description = {"type": "string", "minLength": 1, "maxLength": 1024}
    head = {"name": name, "type": {"const": "archive"}, "description": description, "url": TEXT, "digest": DIGEST}
    entry = _object(head, {"version": TEXT, "files": _list(TEXT), "molthub": _object({"name": TEXT, "digest": DIGEST})})
    return _object({"$schema": TEXT, "skills": _list(entry)})


def _clawhub() -> dict[str, Json]:
    skill = {"slug": TEXT, "displayName": TEXT, "summary": TEXT, "createdAt": COUNT, "updatedAt": COUNT}
    latest = _object({"version": TEXT, "createdAt": COUNT, "changelog": TEXT})
    return _object({"skill": _object(skill), "latestVersion": latest, "owner": _object({"handle": TEXT_OR_NULL})})


def _marketplace() -> dict[str, Json]:
    source = {"source": {"const": "npm"}, "package": TEXT, "version": TEXT, "registry": TEXT}
    plugin = _object({"name": TEXT, "description": TEXT, "version": TEXT, "source": _object(source)})
    return _object({"name": TEXT, "owner": _object({"name": TEXT}), "plugins": _list(plugin)})


def _npm_package() -> dict[str, Json]:
    dist = _object({"tarball": TEXT, "integrity": {"type": "string", "pattern": "^sha512-"}})
    version = _object({"name": TEXT, "version": TEXT, "dist": dist})
    versions = {"type": "object", "additionalProperties": version}
    return _object({"name": TEXT, "dist-tags": _object({"latest": TEXT}), "versions": versions})


def _mcp_server() -> dict[str, Json]:
    server = {"name": TEXT, "description": {"type": "string", "maxLength": 100}, "version": TEXT}
    return _object({"server": _object(server), "_meta": {"type": "object"}})
