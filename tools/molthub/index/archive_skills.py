"""Skills of the catalog, archived and checked against their recorded digests.

A version that cannot be offered as it was recorded is left out and named in a problem; all others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from molthub import versions
from molthub.documents import file_entry, tree_digest
from molthub.index.archives import fits
from molthub.index.releases import Archived, problem_at, removal, tombstones
from molthub.index.signatures import list_of_signatures, offers_signed, with_signature
from molthub.model import Skill, SkillEntry, SkillManifest, SkillRelease, SkillVersion, VersionRecord
from molthub.publisher_signatures import Release
from molthub.registry.source import Source
from molthub.registry.upstreams.content import NO_UPSTREAMS, Content, Upstreams, content_of
from molthub.registry.upstreams.upstream import OWN_FILES, Imported, upstream_of

if TYPE_CHECKING:  # an update makes skills without a catalog
    from molthub.registry.catalog import Catalog


def archive_skills(
    catalog: Catalog,
    source: Source,
    archived: Archived,
    progress: Callable[[int], None] = lambda _steps: None,
    upstreams: Upstreams = NO_UPSTREAMS,
) -> None:
    """Archive every skill of ``catalog`` into ``archived``, and tell ``progress`` of each.

    A skill of which nothing is left has no entry. What ``upstreams`` do not bring is left out.
    """
    upstreams.bring([imported for skill in catalog.skills.values() for imported in _imported(skill)])
    for skill in catalog.skills.values():
        archive_skill(skill, catalog.broken, source, archived, upstreams)
        progress(1)


def _imported(skill: Skill) -> Iterator[Imported]:
    """Yield what is wanted of upstreams: nothing for what was removed."""
    for version in skill.versions.values():
        imported = imported_of(version)
        if imported is not None and version.record is not None and removal(skill.project, version.record) is None:
            yield imported


def imported_of(version: SkillVersion) -> Imported | None:
    """Return what is wanted of a version's upstream, or None: it has none."""
    upstream = upstream_of(version.record) if version.record is not None else None
    if version.record is None or upstream is None:
        return None
    return Imported(version.name, version.version, version.record.digest, upstream)


def archive_skill(
    skill: Skill,
    broken: Collection[str],
    source: Source,
    archived: Archived,
    upstreams: Upstreams = NO_UPSTREAMS,
) -> None:
    """Archive one skill, whose files are in ``source``; ``broken`` holds what the catalog could not read."""
    releases = {
        record.number: SkillRelease(artifact, record.published, record.yanked, record.quarantined, reason)
        for record, artifact, reason in tombstones(skill.name, skill.project)
    }
    _report_missing(skill, broken, archived)
    for number, version in skill.versions.items():
        if number not in releases:
            release = _release(skill, version, source, archived, upstreams)
            if release is not None:
                releases[number] = release
    if releases:
        archived.skills[skill.name] = _entry(skill, _with_signatures(skill.name, releases, archived))


def _with_signatures(name: str, releases: dict[str, SkillRelease], archived: Archived) -> dict[str, SkillRelease]:
    keys = {number: f"skill/{name}@{number}" for number in releases}
    file = list_of_signatures(f"skill/{name}", keys.values(), archived)
    if not file:
        return releases
    return {
        number: replace(release, artifact=with_signature(release.artifact, keys[number], file, archived))
        for number, release in releases.items()
    }


def _report_missing(skill: Skill, broken: Collection[str], archived: Archived) -> None:
    """Report numbers that are recorded but not there. What could not be read was reported by the catalog."""
    project = skill.project
    for number, record in project.versions.items():
        gone = number not in skill.versions and removal(project, record) is None
        if gone and f"skill/{skill.name}@{number}" not in broken:
            message = f"{skill.name} {number} is recorded, but its folder is not there: it is left out of the index"
            remedy = "restore the folder, or say in project.yaml why the version was removed"
            archived.problems.append(problem_at(record.at or project.file, "MH406", message, remedy))


def _release(
    skill: Skill, version: SkillVersion, source: Source, archived: Archived, upstreams: Upstreams
) -> SkillRelease | None:
    record = version.record
    if record is None:
        message = f"{skill.name} {version.version} is not recorded in project.yaml: it is left out of the index"
        archived.problems.append(problem_at(version.folder, "MH405", message, "molthub fmt records it"))
        return None
    content = _checked_content(version, record, source, archived, upstreams)
    if content is None:
        return None
    signable = Release("skill", skill.name, version.version, record.digest, sum(entry.size for entry, _ in content))
    if not offers_signed(signable, skill.project, record, source, archived):
        return None
    key = (skill.name, version.version)
    archived.contents[key] = content
    archived.manifests[key] = version.manifest
    return SkillRelease(
        artifact=archived.add_archive(skill.name, version.version, record.digest, content),
        published=record.published,
        yanked=record.yanked,
        quarantined=record.quarantined,
        dependencies=version.manifest.dependencies,
        needs=version.manifest.needs,
    )


def _checked_content(
    version: SkillVersion, record: VersionRecord, source: Source, archived: Archived, upstreams: Upstreams
) -> Content | None:
    """Read a version's files; None where they are not to be had or not as recorded, or an archive cannot hold them."""
    content = whole_content(version, source, upstreams)
    if content is None:
        _report_unfetched(version, record, archived, upstreams)
        return None
    unfit = [entry.path for entry, _bytes in content if not fits(entry.path)]
    if unfit:
        message = f"{version.name} {version.version} is left out of the index: the path {unfit[0]} is too long"
        remedy = "an archive holds paths of 100 bytes, or 155 before a slash and 100 behind it"
        archived.problems.append(problem_at(f"{version.folder}/{unfit[0]}", "MH011", message, remedy))
        return None
    digest = tree_digest(entry for entry, _bytes in content)
    if digest != record.digest:
        message = (
            f"{version.name} {version.version} is left out of the index: "
            f"its files are {digest}, recorded is {record.digest}"
        )
        remedy = "restore the files that were published, and publish the changed ones under a new number"
        archived.problems.append(problem_at(record.at or version.folder, "MH404", message, remedy))
        return None
    return content


def _report_unfetched(version: SkillVersion, record: VersionRecord, archived: Archived, upstreams: Upstreams) -> None:
    imported = imported_of(version)
    if imported is not None:
        archived.unfetched.append(imported)
        why = upstreams.problem(imported)
        message = f"{version.name} {version.version} is left out of the index: {why.message}"
        archived.problems.append(problem_at(record.at or version.folder, why.id, message, why.remedy))


def whole_content(version: SkillVersion, source: Source, upstreams: Upstreams) -> Content | None:
    """Read a version's files, those of an imported one with what ``upstreams`` brought; None where they did not."""
    imported = imported_of(version)
    if imported is None:
        return read_content(source, version.folder, version.files)
    own = read_content(source, version.folder, tuple(path for path in version.files if path in OWN_FILES))
    return content_of(imported, own, upstreams)


def read_content(source: Source, folder: str, paths: tuple[str, ...]) -> Content:
    """Read the files below ``folder``, in the order that archives and digests have."""
    content = []
    for path in sorted(paths, key=str.encode):
        place = f"{folder}/{path}"
        read = source.read(place)
        content.append((file_entry(path, read, executable=source.files[place].executable), read))
    return tuple(content)


def _entry(skill: Skill, releases: dict[str, SkillRelease]) -> SkillEntry:
    manifest = _speaking_manifest(skill, releases)
    return SkillEntry(
        name=skill.name,
        status=skill.project.status,
        description=manifest.description if manifest else "",
        releases=releases,
        tags=manifest.tags if manifest else (),
        license=manifest.license if manifest else "",
        owners=skill.project.owners,
        reason=skill.project.reason,
    )


def _speaking_manifest(skill: Skill, releases: dict[str, SkillRelease]) -> SkillManifest | None:
    """Return the manifest that speaks for the skill: of the latest version, or else of the highest one."""
    kept = [number for number in releases if number in skill.versions]
    available = [number for number in kept if releases[number].available]
    number = versions.latest(available) or max(available or kept, key=versions.sort_key, default=None)
    return skill.versions[number].manifest if number is not None else None
