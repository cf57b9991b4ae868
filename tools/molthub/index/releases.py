"""What the index offers of a catalog, and what "latest" means in it.

:class:`Archived` is filled by :mod:`molthub.index.archive_skills` and :mod:`molthub.index.archive_packs` and read by
everything that writes a document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

from molthub import versions
from molthub.documents import hex_of
from molthub.errors import Problem
from molthub.index.archives import pack_archive
from molthub.model import (
    Artifact,
    Json,
    PackEntry,
    Project,
    SignedVersion,
    SkillEntry,
    SkillManifest,
    SkillRelease,
    VersionRecord,
)
from molthub.registry.publisher_keys import SignatureJudge
from molthub.registry.upstreams.content import Content
from molthub.registry.upstreams.upstream import Imported


@dataclass(frozen=True)
class Archived:
    """Everything that is offered, growing while a catalog is archived.

    ``manifests`` and ``contents`` belong to the skill versions that have an archive, by name and number;
    ``archives`` are by hex. ``problems`` name every version that was left out, ``unfetched`` those among them of whose
    upstream nothing was brought. ``servers`` are the MCP servers of each pack's newest version, by the pack's name.
    ``judge`` judges publishers' signatures; those that count are in ``signed`` by what they speak of, with the bytes
    they are over, and their lists by hex.
    """

    skills: MutableMapping[str, SkillEntry] = field(default_factory=dict)
    packs: dict[str, PackEntry] = field(default_factory=dict)
    manifests: MutableMapping[tuple[str, str], SkillManifest] = field(default_factory=dict)
    contents: MutableMapping[tuple[str, str], Content] = field(default_factory=dict)
    archives: dict[str, bytes] = field(default_factory=dict)
    servers: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unfetched: list[Imported] = field(default_factory=list)
    judge: SignatureJudge = field(default_factory=SignatureJudge)
    signed: MutableMapping[str, SignedVersion] = field(default_factory=dict)
    signed_manifests: dict[str, bytes] = field(default_factory=dict)
    signatures: dict[str, bytes] = field(default_factory=dict)

    @property
    def entries(self) -> tuple[SkillEntry | PackEntry, ...]:
        """Every skill, then every pack."""
        return (*self.skills.values(), *self.packs.values())

    def add_archive(self, name: str, version: str, digest: str, content: Content) -> Artifact:
        """Archive the files of one version and return how to fetch it."""
        packed = pack_archive(content)
        name_of_file = hex_of(packed)
        self.archives[name_of_file] = packed
        unpacked = sum(entry.size for entry, _bytes in content)
        return Artifact(version, digest, name_of_file, len(packed), unpacked, name)

    def artifact(self, skill: str, version: str) -> Artifact | None:
        """Return how to fetch a skill's version, or None where there is no archive of it for anybody."""
        entry = self.skills.get(skill)
        release = entry.releases.get(version) if entry else None
        if entry is None or release is None or is_closed(entry, release) or not release.artifact.archive:
            return None
        return release.artifact

    def removed_digests(self) -> tuple[str, ...]:
        """Return the digests of removed versions, whose archives are kept for nobody."""
        releases = [release for entry in self.entries for release in entry.releases.values()]
        return tuple(release.artifact.digest for release in releases if release.removed is not None)

    def was_removed(self, skill: str, version: str) -> bool:
        """Whether nobody may have a skill's version: a tombstone is left of it, or it is in quarantine."""
        entry = self.skills.get(skill)
        release = entry.releases.get(version) if entry else None
        return entry is not None and release is not None and is_closed(entry, release)


def is_closed(entry: SkillEntry, release: SkillRelease) -> bool:
    """Whether nobody may have a version of a skill: it, or the whole skill, was removed or is in quarantine."""
    return release.removed is not None or release.quarantined is not None or is_withdrawn(entry)


def tombstones(name: str, project: Project) -> Iterator[tuple[VersionRecord, Artifact, str]]:
    """Yield what is left of each removed version: its record, its digest with nothing to fetch, and the reason."""
    for number, record in project.versions.items():
        reason = removal(project, record)
        if reason is not None:
            yield record, Artifact(number, record.digest, archive="", size=0, unpacked=0, name=name), reason


def removal(project: Project, record: VersionRecord) -> str | None:
    """Return why a version was removed, by itself or with its project, or None."""
    if record.removed is None and project.status == "removed":
        return project.reason or "The project was removed."
    return record.removed


def is_withdrawn(entry: SkillEntry | PackEntry) -> bool:
    """Whether nothing of the project may be offered (PEP 792: a quarantined project has no links)."""
    return entry.status in ("quarantined", "removed")


def latest_skill(entry: SkillEntry) -> str | None:
    """Return the number that "latest" means, or None: no release is available, or the project is withdrawn."""
    if is_withdrawn(entry):
        return None
    return versions.latest(number for number, release in entry.releases.items() if release.available)


def latest_pack(entry: PackEntry) -> int | None:
    """Return the newest available number, or None."""
    if is_withdrawn(entry):
        return None
    return max((number for number, release in entry.releases.items() if release.available), default=None)


def problem_at(at: str, id_: str, message: str, remedy: str) -> Problem:
    """Return a problem at ``file:line``, as declared things say where they stand."""
    file, _, line = at.rpartition(":")
    if file and line.isdecimal():
        return Problem(id_, message, remedy, file=file, line=int(line))
    return Problem(id_, message, remedy, file=at or None)
