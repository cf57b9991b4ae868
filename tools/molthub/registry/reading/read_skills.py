"""Read publishers and skills: projects, versions, and what each version says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from molthub.documents import MAX_SKILL_NAME, SKILL_NAME
from molthub.errors import ManifestError, Problem
from molthub.model import (
    EnvNeed,
    Needs,
    Project,
    Publisher,
    RevokedKey,
    Script,
    Skill,
    SkillManifest,
    SkillVersion,
    VersionRecord,
    bare_name,
)
from molthub.registry.manifest import Manifest
from molthub.registry.reading import frontmatter
from molthub.registry.reading.content import check_limits
from molthub.registry.reading.gathered import Reading, Reference
from molthub.registry.reading.plain_yaml import read_plain
from molthub.registry.reading.skill_needs import SaidNeeds, said_needs
from molthub.versions import is_range, is_version
from molthub.yaml_text import parse

_SAYS_NEEDS = re.compile(rb"(?:mcp-servers|env|requires|primaryEnv|\bos)[\"']?[ \t]*:")
_NEEDS_KEYS = frozenset({"mcp-servers", "env", "bins", "any-bins", "os"})
_SILENT = SaidNeeds()
_NOTHING = Needs()

_FENCE = re.compile(rb"\n---[ \t]*(?:[\r\n]|\Z)")


def read_publishers(reading: Reading) -> dict[str, Publisher]:
    """Read ``publishers/<name>/publisher.yaml``; the keys beside it are read when something is verified."""
    names: set[str] = set()
    for steps in reading.below("publishers"):
        if len(steps) == 2 and (steps[1] == "publisher.yaml" or steps[1].endswith(_KEYS)):  # noqa: PLR2004 (name/file)
            names.add(steps[0])
        else:
            reading.stray("/".join(["publishers", *steps]))
    found: dict[str, Publisher] = {}
    for name in sorted(names):
        key = f"publisher/{name}"
        manifest = reading.manifest("publisher", f"publishers/{name}/publisher.yaml", key)
        if manifest is not None and reading.named(manifest, ("name",), name, key):
            value = manifest.value
            scopes, logins = tuple(value.get("scopes", ())), tuple(value.get("github", ()))
            revoked = tuple(RevokedKey(**key) for key in value.get("revokedKeys", ()))
            found[name] = Publisher(name, scopes, value.get("displayName", ""), logins, revoked)
    return found


_KEYS = (".asc", ".pub", ".pem")
"""What may stand beside ``publisher.yaml``: keys of OpenPGP and SSH, and those of model signatures."""


def read_skills(reading: Reading) -> dict[str, Skill]:
    """Read ``skills/[@scope/]<name>``."""
    found: dict[str, Skill] = {}
    for name, files in sorted(_by_skill(reading).items()):
        folder = f"skills/{name}"
        manifest = reading.manifest("skill-project", f"{folder}/project.yaml", f"skill/{name}")
        project = read_project(manifest) if manifest is not None else unwritten_project(reading, folder)
        records = project.versions if project is not None else {}
        versions = [
            _read_version(reading, name, number, paths, records.get(number)) for number, paths in sorted(files.items())
        ]
        if project is not None:
            _check_builds(reading, project)
            found[name] = Skill(
                name, project, {version.version: version for version in versions if version is not None}
            )
    return found


def _by_skill(reading: Reading) -> dict[str, dict[str, list[str]]]:
    """Return the files of every version of every skill, relative to its folder; name what belongs to none."""
    skills: dict[str, dict[str, list[str]]] = {}
    misnamed: set[str] = set()
    folder, files = "", list[str]()  # the version whose files come one after another
    for path in reading.paths_below("skills"):
        if folder and path.startswith(folder):
            files.append(path[len(folder) :])
            continue
        steps = path.split("/")
        depth = 2 if steps[0].startswith("@") else 1
        name, rest = "/".join(steps[:depth]), steps[depth:]
        if not rest:
            reading.stray("/".join(["skills", *steps]))
            continue
        if not is_skill_name(name):
            misnamed.add(f"skills/{name}")
            continue
        versions = skills.setdefault(name, {})
        if len(rest) == 1:
            if rest[0] != "project.yaml" and not (rest[0].endswith(".sig") and is_version(rest[0][:-4])):
                reading.stray(f"skills/{name}/{rest[0]}")
        elif is_version(rest[0]):
            folder, files = f"{name}/{rest[0]}/", versions.setdefault(rest[0], [])
            files.append("/".join(rest[1:]))
        else:
            misnamed.add(f"skills/{name}/{rest[0]}")
    for path in sorted(misnamed):
        reading.add(_misnamed(path))
    return skills


def is_skill_name(name: str) -> bool:
    """Whether a skill may have this full name."""
    return SKILL_NAME.match(name) is not None and len(bare_name(name)) <= MAX_SKILL_NAME


def _misnamed(path: str) -> Problem:
    last = path.rpartition("/")[2]
    if is_version(last) or is_skill_name(path.removeprefix("skills/").rpartition("/")[0]):
        message, remedy = f"the folder {last} is no version", "name it after its version, for example 1.0.0"
    else:
        message = f"the folder {last} is no skill name"
        remedy = "use lower-case letters, digits and single hyphens, at most 64 characters"
    return Problem("MH103", message, remedy, file=path)


def read_project(manifest: Manifest) -> Project:
    """Return a skill's or pack's ``project.yaml`` as a noun."""
    value = manifest.value
    records = {
        number: VersionRecord(
            number=number,
            published=entry["published"],
            digest=entry["digest"],
            yanked=entry.get("yanked"),
            quarantined=entry.get("quarantined"),
            removed=entry.get("removed"),
            upstream=entry.get("upstream"),
            place=manifest.place(("versions", number)),
        )
        for number, entry in value["versions"].items()
    }
    owners = tuple(value.get("owners", ()))
    return Project(owners, value.get("status", "active"), records, value.get("reason"), manifest.file)


def unwritten_project(reading: Reading, folder: str) -> Project | None:
    """Return an empty project where ``project.yaml`` is yet to be written; None where there is one that is wrong."""
    file = f"{folder}/project.yaml"
    missing = not reading.holds(file) and file not in reading.source.refused
    return Project((), "active", {}, file=file) if missing else None


def _check_builds(reading: Reading, project: Project) -> None:
    """Refuse versions that differ only in build metadata: neither is newer (SemVer 2.0, section 10)."""
    seen: dict[str, str] = {}
    for number in project.versions:
        other = seen.setdefault(number.partition("+")[0], number)
        if other != number:
            message = f"the versions {other} and {number} differ only in build metadata"
            remedy = "give one of them another number"
            file, _, line = project.versions[number].at.rpartition(":")
            reading.add(Problem("MH103", message, remedy, file=file, line=int(line)))


# --- one version ---------------------------------------------------------------------------------------------------


def _read_version(
    reading: Reading, name: str, number: str, files: list[str], record: VersionRecord | None
) -> SkillVersion | None:
    folder, key = f"skills/{name}/{number}", f"skill/{name}@{number}"
    refused = reading.refused_below(folder)
    if refused is not None:
        reading.broken[key] = refused
    if "SKILL.md" not in files:
        remedy = "every version holds a SKILL.md"
        reading.add(Problem("MH104", "SKILL.md is missing", remedy, file=f"{folder}/SKILL.md"), key)
    for problem in check_limits([reading.source.files[f"{folder}/{path}"].size for path in files], folder):
        reading.add(problem, key)
    manifest = reading.manifest("skill", f"{folder}/skill.yaml", key)
    if manifest is None:
        return None
    right_name = reading.named(manifest, ("name",), name, key)
    right_number = reading.named(manifest, ("version",), number, key)
    package = _package(reading, manifest, folder, key)
    if key in reading.broken or not (right_name and right_number):
        return None
    return SkillVersion(name, number, package, folder, tuple(files), record)


def _package(reading: Reading, manifest: Manifest, folder: str, key: str) -> SkillManifest:
    value = manifest.value
    return SkillManifest(
        name=value["name"],
        version=value["version"],
        description=value["description"],
        tags=tuple(value.get("tags", ())),
        keywords=tuple(value.get("keywords", ())),
        capabilities=tuple(value.get("capabilities", ())),
        author=value.get("author", ""),
        license=value.get("license", ""),
        homepage=value.get("homepage", ""),
        repository=value.get("repository", ""),
        dependencies=_dependencies(reading, manifest, key),
        scripts=tuple(Script(script["path"], script.get("description", "")) for script in value.get("scripts", ())),
        needs=_declared_needs(reading, manifest, f"{folder}/SKILL.md"),
    )


def _dependencies(reading: Reading, manifest: Manifest, key: str) -> dict[str, str]:
    """Return a skill's dependencies from either form: a map, or a list of one-key maps."""
    declared = manifest.value.get("dependencies", {})
    found: dict[str, str] = {}
    for pointer, name, wanted in _dependency_items(declared):
        if name in found:
            reading.add(manifest.problem("MH003", pointer, f"{name} stands here a second time", "keep one"), key)
        elif not is_range(wanted):
            remedy = "write it as npm does, for example ^1.2"
            reading.add(manifest.problem("MH101", pointer, "this is no version range", remedy), key)
        else:
            found[name] = wanted
            reading.refer([Reference(f"skill/{name}", wanted, manifest.file, pointer, manifest.file)])
    return found


def _dependency_items(declared: Any) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    if isinstance(declared, Mapping):
        for name, wanted in declared.items():
            yield ("dependencies", name), name, wanted
        return
    for index, item in enumerate(declared):
        for name, wanted in item.items():
            yield ("dependencies", index, name), name, wanted


def _declared_needs(reading: Reading, manifest: Manifest, skill_md: str) -> Needs:
    """Return what a skill needs: from skill.yaml, and wherever that is silent from SKILL.md."""
    value = manifest.value
    said = _SILENT
    if reading.holds(skill_md):
        head = _frontmatter(reading.text(skill_md), skill_md)
        said = said_needs(head) if head else _SILENT
    if said is _SILENT and value.keys().isdisjoint(_NEEDS_KEYS):  # of most skills, of which there may be many
        return _NOTHING
    needs = Needs(
        mcp_servers=tuple(value["mcp-servers"]) if "mcp-servers" in value else said.mcp_servers or (),
        env=tuple(_env_need(need) for need in value["env"]) if "env" in value else said.env or (),
        bins=tuple(value["bins"]) if "bins" in value else said.bins or (),
        any_bins=tuple(tuple(group) for group in value["any-bins"]) if "any-bins" in value else said.any_bins or (),
        systems=tuple(value["os"]) if "os" in value else said.systems or (),
        skills=said.skills or (),
        settings=said.settings or (),
    )
    known = {*needs.bins, *(name for group in needs.any_bins for name in group)}
    return replace(needs, installs=tuple(one for one in said.installs if one[0] in known)) if said.installs else needs


def _env_need(need: Mapping[str, Any]) -> EnvNeed:
    return EnvNeed(need["name"], need.get("secret", False), need.get("required", False), need.get("description", ""))


def _frontmatter(content: bytes, file: str) -> Mapping[str, Any]:
    """Return SKILL.md's frontmatter, as far as it can be read: what is wrong with it, the check says."""
    closed = _FENCE.search(content)
    if not _SAYS_NEEDS.search(content, 0, closed.start() if closed else len(content)):
        return {}
    parts = frontmatter.split(content.decode("utf-8-sig", "replace"))
    try:
        value = _said(parts.yaml, file) if parts is not None else None
    except ManifestError:
        return {}
    return value if isinstance(value, dict) else {}


def _said(text: str, file: str) -> Any:
    plain = read_plain(text.encode())
    return plain if plain is not None else parse(text, file).value
