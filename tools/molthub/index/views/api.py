"""The REST interface's GETs as files: ``api/v1/<route>.json``, and ``api/v1/<route>/index.html`` with the same bytes.

The copies answer the bare routes (``/api/v1/skills/git``) on hosts that know nothing but files: such a host serves a
folder's ``index.html``, whatever it holds. One version has no copy (ADR 0027): its bare route is answered where rules
say that it is the file with ``.json``. ``search`` is the one route that needs a server.
"""

from __future__ import annotations

from collections.abc import Mapping

from molthub.documents import shard_to_json
from molthub.index.releases import Archived, latest_pack, latest_skill
from molthub.index.views import Files, Rows, archive_url, as_json, as_plain_json, with_rows
from molthub.model import FileEntry, Json, PackEntry, Shard, SkillEntry, SkillManifest, SkillRelease

ROOT = "api/v1"


def skill_routes(archived: Archived, skill: SkillEntry) -> Files:
    """Return the routes of one skill and of its versions."""
    files: Files = {}
    shown = _skill(skill)
    _add(files, f"skills/{skill.name}", as_plain_json(shown))
    for number, release in skill.releases.items():
        version = _version(archived, skill, number, release, shown["versions"][number])
        files[f"{ROOT}/skills/{skill.name}/{number}.json"] = as_plain_json(version)
    return files


def pack_routes(pack: PackEntry) -> Files:
    """Return the route of one pack."""
    files: Files = {}
    add_route(files, f"skill-packs/{pack.name}", _pack(pack))
    return files


def list_routes(name: str, skills: Rows, packs: Rows, tags: Mapping[str, list[str]]) -> Files:
    """Return the routes that speak of everything. ``name`` is the registry's, ``tags`` holds names by tag."""
    lists = skill_list(skills) | pack_list(packs) | tag_list(tags)
    return lists | health(name, skills=len(skills), packs=len(packs))


def skill_list(rows: Rows) -> Files:
    """Return the list of skills."""
    files: Files = {}
    _add(files, "skills", with_rows({}, {"skills": rows.values()}))
    return files


def pack_list(rows: Rows) -> Files:
    """Return the list of packs."""
    files: Files = {}
    _add(files, "skill-packs", with_rows({}, {"skillPacks": rows.values()}))
    return files


def tag_list(tags: Mapping[str, list[str]]) -> Files:
    """Return the names of skills by tag."""
    files: Files = {}
    add_route(files, "tags", {"tags": dict(tags)})
    return files


def health(name: str, *, skills: int, packs: int) -> Files:
    """Return the answer to whether the index is there. ``name`` is the registry's."""
    files: Files = {}
    add_route(files, "health", {"status": "ok", "registry": name, "skills": skills, "skillPacks": packs})
    return files


def add_route(files: Files, route: str, answer: Json) -> None:
    """Add one route's answer, under both of its names."""
    _add(files, route, as_json(answer))


def route_paths(route: str) -> tuple[str, str]:
    """Return both paths of one route's answer."""
    return f"{ROOT}/{route}.json", f"{ROOT}/{route}/index.html"


def _add(files: Files, route: str, answer: bytes) -> None:
    files |= dict.fromkeys(route_paths(route), answer)


def skill_row(skill: SkillEntry) -> bytes:
    """Return a skill's row in the list of skills."""
    row = {"name": skill.name, "status": skill.status, "description": skill.description, "tags": list(skill.tags)}
    return as_plain_json(row | {"latest": latest_skill(skill)})


def pack_row(pack: PackEntry) -> bytes:
    """Return a pack's row in the list of packs."""
    row = {"name": pack.name, "status": pack.status, "displayName": pack.display_name}
    return as_json(row | {"description": pack.description, "latest": latest_pack(pack)})


def _skill(skill: SkillEntry) -> Json:
    entry = shard_to_json(Shard(skills={skill.name: skill}))["skills"][skill.name]
    return {"name": skill.name, "latest": latest_skill(skill), **entry}


def _pack(pack: PackEntry) -> Json:
    entry = shard_to_json(Shard(packs={pack.name: pack}))["packs"][pack.name]
    return {"name": pack.name, "latest": latest_pack(pack), **entry}


def _version(
    archived: Archived, skill: SkillEntry, number: str, release: SkillRelease, shown: Mapping[str, Json]
) -> Json:
    """Return a version as the shard has it (``shown``), with what its manifest says and its files."""
    head = {"name": skill.name, "version": number, **shown}
    content = archived.contents.get((skill.name, number))
    if content is None:
        return head
    head |= _manifest(archived.manifests[skill.name, number])
    head["files"] = [_file(entry) for entry, _bytes in content]
    if release.quarantined is None and skill.status != "quarantined":
        head["url"] = archive_url(f"{ROOT}/skills/{skill.name}/{number}.json", release.artifact.archive)
    return head


def _manifest(manifest: SkillManifest) -> dict[str, Json]:
    """Return what skill.yaml says beyond what the shard holds."""
    said: dict[str, Json] = {
        "description": manifest.description,
        "tags": list(manifest.tags),
        "keywords": list(manifest.keywords),
        "capabilities": list(manifest.capabilities),
        "author": manifest.author,
        "license": manifest.license,
        "homepage": manifest.homepage,
        "repository": manifest.repository,
        "env": [
            {"name": need.name, "secret": need.secret, "required": need.required, "description": need.description}
            for need in manifest.needs.env
        ],
        "scripts": [{"path": script.path, "description": script.description} for script in manifest.scripts],
    }
    return {key: value for key, value in said.items() if value}


def _file(entry: FileEntry) -> Json:
    return {"path": entry.path, "size": entry.size, "sha256": entry.sha256, "executable": entry.executable}
