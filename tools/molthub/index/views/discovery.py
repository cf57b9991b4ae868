"""Agent Skills Discovery 0.2.0 (https://github.com/cloudflare/agent-skills-discovery-rfc), one index per thing.

Clients of this convention install *everything* that an index lists, so each skill, each of its versions, each pack and
each of its versions has an index of its own:

    s/<skill>/.well-known/agent-skills/index.json              the latest version
    s/<skill>/<version>/.well-known/agent-skills/index.json
    p/<pack>/.well-known/agent-skills/index.json               all skills of the newest version
    p/<pack>/<number>/.well-known/agent-skills/index.json

and a registry of up to 100 skills has one at its root. The first and the third also carry ``files`` (as 0.1 did) with
the files beside the index, for clients that fetch file by file; there each skill's folder has a list of its own. Every
skill is of type ``archive``, for none is only a SKILL.md. A scoped name cannot stand in ``name``: the scope is in the
path and in ``molthub.name``. Of two skills with one bare name none is listed in a shared index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from molthub.index.releases import Archived, is_withdrawn, latest_pack, latest_skill
from molthub.index.views import Files, archive_url, as_plain_json
from molthub.model import Artifact, Json, PackEntry, SkillEntry, bare_name
from molthub.registry.upstreams.content import Content

SCHEMA = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
FOLDER = ".well-known/agent-skills"
MAX_ROOT_SKILLS = 100
MAX_DESCRIPTION = 1024
KINDS = ("references", "scripts", "assets")
"""The folders of a skill that clients tell apart."""


@dataclass(frozen=True)
class _Listed:
    """One skill of an index."""

    artifact: Artifact
    description: str
    content: Content

    @property
    def bare(self) -> str:
        return bare_name(self.artifact.name)


def skill_discovery(archived: Archived, skill: SkillEntry) -> Files:
    """Return the indexes of one skill: of each version that may be offered, and of the latest."""
    files: Files = {}
    if is_withdrawn(skill):
        return files
    for number, release in skill.releases.items():
        if release.removed is None and release.quarantined is None:
            _add(files, f"s/{skill.name}/{number}/", archived, {skill.name: release.artifact})
    latest = latest_artifact(skill)
    if latest is not None:
        _add(files, f"s/{skill.name}/", archived, {skill.name: latest}, with_files=True)
    return files


def latest_artifact(skill: SkillEntry) -> Artifact | None:
    """Return the archive that "latest" means, if there is one."""
    number = latest_skill(skill)
    return skill.releases[number].artifact if number is not None else None


def pack_discovery(archived: Archived, pack: PackEntry) -> Files:
    """Return the indexes of one pack: of each version that may be offered, and of the newest."""
    files: Files = {}
    if is_withdrawn(pack):
        return files
    for number, release in pack.releases.items():
        if release.removed is None and release.quarantined is None:
            _add(files, f"p/{pack.name}/{number}/", archived, release.skills)
    newest = latest_pack(pack)
    if newest is not None:
        _add(files, f"p/{pack.name}/", archived, pack.releases[newest].skills, with_files=True)
    return files


def root_discovery(archived: Archived, latest: Mapping[str, Artifact]) -> Files:
    """Return the root's index of the ``latest`` of all skills; none where they are too many."""
    files: Files = {}
    if len(latest) <= MAX_ROOT_SKILLS:
        _add(files, "", archived, latest, with_files=True)
    return files


def _add(
    files: Files, base: str, archived: Archived, artifacts: Mapping[str, Artifact], *, with_files: bool = False
) -> None:
    """Add the index at ``base``; ``with_files`` also what it lists, file by file."""
    page = f"{base}{FOLDER}/index.json"
    listed = [_listed(archived, artifact) for _name, artifact in sorted(artifacts.items())]
    same = Counter(one.bare for one in listed)
    entries = []
    for one in listed:
        if same[one.bare] > 1:
            continue
        entries.append(_entry(one, page, with_files=with_files))
        if with_files:
            files |= _beside(f"{base}{FOLDER}/{one.bare}", one.content)
    files[page] = as_plain_json({"$schema": SCHEMA, "skills": entries})


def _beside(folder: str, content: Content) -> Files:
    """Return a skill's files, and ``index.json`` with their names, as PyPI ``agentskills-http`` asks for it."""
    paths = [entry.path for entry, _bytes in content]
    grouped = {kind: [path.removeprefix(f"{kind}/") for path in paths if path.startswith(f"{kind}/")] for kind in KINDS}
    named = {f"{folder}/index.json": as_plain_json({"files": paths, **grouped})}
    return named | {f"{folder}/{entry.path}": read for entry, read in content}


def _listed(archived: Archived, artifact: Artifact) -> _Listed:
    key = (artifact.name, artifact.version)
    return _Listed(artifact, archived.manifests[key].description, archived.contents[key])


def _entry(one: _Listed, page: str, *, with_files: bool) -> Json:
    artifact = one.artifact
    entry: dict[str, Json] = {
        "name": one.bare,
        "type": "archive",
        "description": one.description[:MAX_DESCRIPTION] or one.bare,
        "url": archive_url(page, artifact.archive),
        "digest": f"sha256:{artifact.archive}",
        "version": artifact.version,
        "molthub": {"name": artifact.name, "digest": artifact.digest},
    }
    if with_files:
        entry["files"] = [file.path for file, _bytes in one.content]
    return entry
