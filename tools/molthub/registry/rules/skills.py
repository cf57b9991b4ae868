"""Every skill version's SKILL.md after the Agent Skills specification."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from molthub.errors import Problem, Severity
from molthub.model import Json, Skill, VersionRecord, bare_name
from molthub.registry.catalog import Catalog
from molthub.registry.reading.skill_spec import check_needs, check_skill_md, read_skill_md
from molthub.registry.reading.version_files import Folders
from molthub.registry.source import Source

SKILL_MD = "SKILL.md"


def check_skills(catalog: Catalog, source: Source, folders: Folders, *, strict: bool) -> Iterator[Problem]:
    """Yield what the specification says against the skill versions that are not merged yet (without a base: all)."""
    for skill in catalog.skills.values():
        for number in folders.numbers(skill.name):
            files = folders.files(skill.name, number)
            if SKILL_MD not in files or folders.is_merged(skill.name, number):
                continue
            path = f"skills/{skill.name}/{number}/{SKILL_MD}"
            content = source.read(path)
            paths = files if _is_whole(skill.project.versions.get(number)) else None
            yield from check_skill_md(content, path, name=bare_name(skill.name), strict=strict, paths=paths)
            yield from _needs(skill, number, content, path)
            yield from _scripts(skill, number, paths)
            yield from _number(content, path, number)


def _is_whole(record: VersionRecord | None) -> bool:
    """Whether all files of a version are here: those of an imported one are fetched when the index is built."""
    return record is None or record.upstream is None


def _scripts(skill: Skill, number: str, paths: Collection[str] | None) -> Iterator[Problem]:
    """Yield the scripts that skill.yaml promises and the version does not hold."""
    version = skill.versions.get(number)
    for script in version.manifest.scripts if version is not None and paths is not None else ():
        if script.path not in (paths or ()):
            message = f"skill.yaml names the script {script.path}, which the skill does not hold"
            yield Problem(
                "MH305", message, "add it, or take its entry away", file=f"skills/{skill.name}/{number}/skill.yaml"
            )


def _needs(skill: Skill, number: str, content: bytes, path: str) -> Iterator[Problem]:
    version = skill.versions.get(number)
    read, _ = read_skill_md(content, path)
    if version is not None and read is not None:
        yield from check_needs(read, version.manifest, path)


def _number(content: bytes, path: str, number: str) -> Iterator[Problem]:
    """Warn where SKILL.md names another version than its folder; no agent reads it there, but people do."""
    read, _ = read_skill_md(content, path)
    if read is None:
        return
    metadata = read.values.get("metadata")
    for pointer, said in (
        (("version",), read.values.get("version")),
        (("metadata", "version"), metadata.get("version") if isinstance(metadata, Mapping) else None),
    ):
        if isinstance(said, str) and not number.startswith(said.removeprefix("v")):
            line = read.document.key_mark(pointer).line
            message = f"SKILL.md says version {said}, and this is {number}"
            yield Problem(
                "MH103", message, "leave the version out of SKILL.md: skill.yaml says it", "warning", path, line
            )


def check_policy(catalog: Catalog, policy: Mapping[str, Json], folders: Folders) -> Iterator[Problem]:
    """Yield skill versions whose licence the registry's policy does not take, and reserved names of others."""
    licenses = policy.get("licenses")
    reserved = set(policy.get("reservedNames", ()))
    for skill in catalog.skills.values():
        for number, version in skill.versions.items():
            file = f"{version.folder}/skill.yaml"
            if licenses and version.manifest.license not in licenses and not folders.is_merged(skill.name, number):
                said = f"the licence {version.manifest.license}" if version.manifest.license else "no licence"
                message = f"{skill.name} {number} has {said}; this registry takes {', '.join(licenses)}"
                yield _policy_problem(message, "choose one of them, or change `policy.licenses`", file)
        owners = skill.project.owners
        if bare_name(skill.name) in reserved and owners and catalog.registry.owner not in owners:
            message = f"the name {skill.name} is reserved for {catalog.registry.owner}"
            yield _policy_problem(message, "choose another name", skill.project.file)


def _policy_problem(message: str, remedy: str, file: str, severity: Severity = "error") -> Problem:
    return Problem("MH107", message, remedy, severity, file=file)
