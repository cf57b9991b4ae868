"""Packs of the catalog, archived, with the skills they are locked to.

A pack is all or nothing: where one of its locked skills cannot be fetched, the pack version is not offered either.
"""

from __future__ import annotations

from molthub.documents import file_entry, tree_digest
from molthub.index.releases import Archived, latest_pack, problem_at, tombstones
from molthub.index.signatures import list_of_signatures, offers_signed, with_signature
from molthub.model import Artifact, Locked, Pack, PackEntry, PackRelease, PackVersion
from molthub.publisher_signatures import Release
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.pack_servers import pack_servers
from molthub.registry.source import Source

BASE = "pack/"
"""What the keys of base packs begin with in ``resolved``; all other keys are skills."""


def archive_packs(catalog: Catalog, source: Source, archived: Archived) -> None:
    """Archive every pack of ``catalog`` into ``archived``, whose skills are there already."""
    for pack in catalog.packs.values():
        releases = {
            int(record.number): PackRelease(
                artifact, record.published, {}, (), (), record.yanked, record.quarantined, reason
            )
            for record, artifact, reason in tombstones(pack.name, pack.project)
        }
        for number, version in pack.versions.items():
            if number not in releases:
                release = _release(catalog, pack, version, source, archived)
                if release is not None:
                    releases[number] = release
        if releases:
            entry = archived.packs[pack.name] = _entry(pack, releases)
            newest = latest_pack(entry)
            if newest is not None:
                archived.servers[pack.name] = pack_servers(catalog, pack.versions[newest])


def _release(
    catalog: Catalog, pack: Pack, version: PackVersion, source: Source, archived: Archived
) -> PackRelease | None:
    record, what = version.record, f"{BASE}{pack.name} {version.number}"
    if record is None:
        message = f"{what} is not recorded in project.yaml: it is left out of the index"
        archived.problems.append(problem_at(version.file, "MH405", message, "molthub fmt records it"))
        return None
    read = source.read(version.file)
    content = ((file_entry(f"{version.number}.yaml", read, executable=False), read),)
    digest = tree_digest(entry for entry, _bytes in content)
    if digest != record.digest:
        message = f"{what} is left out of the index: its file is {digest}, recorded is {record.digest}"
        remedy = "restore what was published, and write the changes with: molthub skill-packs update " + pack.name
        archived.problems.append(problem_at(record.at or version.file, "MH404", message, remedy))
        return None
    skills, withdrawn = _locked_skills(version, what, archived)
    signable = Release("pack", pack.name, str(version.number), digest, len(read))
    if skills is None or not offers_signed(signable, pack.project, record, source, archived):
        return None
    keys = {name: f"skill/{name}@{artifact.version}" for name, artifact in skills.items()}
    file = list_of_signatures(signable.key, (signable.key, *keys.values()), archived)
    artifact = archived.add_archive(pack.name, str(version.number), digest, content)
    return PackRelease(
        artifact=with_signature(artifact, signable.key, file, archived),
        published=record.published,
        skills={name: with_signature(locked, keys[name], file, archived) for name, locked in skills.items()},
        mcps=tuple(sorted(_servers(catalog, version))),
        env_vars=tuple(sorted(_env_keys(catalog, version))),
        yanked=record.yanked,
        quarantined=record.quarantined or withdrawn,
    )


def _locked_skills(
    version: PackVersion, what: str, archived: Archived
) -> tuple[dict[str, Artifact] | None, str | None]:
    """Return the locked skills, and why the pack must be quarantined: one of them was removed, or is itself.

    None in place of the skills: the pack cannot be offered, and a problem says so.
    """
    found: dict[str, Artifact] = {}
    withdrawn = None
    for name, locked in version.resolved.items():
        if name.startswith(BASE):
            continue
        artifact = archived.artifact(name, locked.version)
        if artifact is None and archived.was_removed(name, locked.version):
            withdrawn = withdrawn or f"It is locked to {name} {locked.version}, which was withdrawn."
        elif artifact is None or artifact.digest != locked.digest:
            _report_lock(version, what, name, locked, archived)
            return None, None
        else:
            found[name] = artifact
    missing = [use.name for use in version.layer.skills if use.enabled and use.name not in version.resolved]
    if missing:
        message = f"{what} is left out of the index: it is not locked to its skill {missing[0]}"
        remedy = "molthub fmt completes a version that is not merged yet; molthub skill-packs update writes the next"
        archived.problems.append(problem_at(version.file, "MH206", message, remedy))
        return None, None
    return found, withdrawn


def _report_lock(version: PackVersion, what: str, name: str, locked: Locked, archived: Archived) -> None:
    message = (
        f"{what} is left out of the index: it is locked to {name} {locked.version} ({locked.digest}), "
        "which this index does not offer"
    )
    remedy = "mend that version, or write the pack's next one: molthub skill-packs update " + version.name
    archived.problems.append(problem_at(version.file, "MH206", message, remedy))


def _bases(catalog: Catalog, version: PackVersion) -> list[PackVersion]:
    found = []
    for name, locked in version.resolved.items():
        base = catalog.packs.get(name.removeprefix(BASE)) if name.startswith(BASE) else None
        if base is not None and locked.version.isdecimal() and int(locked.version) in base.versions:
            found.append(base.versions[int(locked.version)])
    return found


def _servers(catalog: Catalog, version: PackVersion) -> set[str]:
    """Return the MCP servers of a pack and its bases, which ``resolved`` names with the bases of bases."""
    names = {use.name for base in _bases(catalog, version) for use in base.layer.mcps if use.enabled}
    names |= {use.name for use in version.layer.mcps if use.enabled}
    return names - {use.name for use in version.layer.mcps if not use.enabled}


def _env_keys(catalog: Catalog, version: PackVersion) -> set[str]:
    keys = {use.key for base in _bases(catalog, version) for use in base.layer.env if use.value is not None}
    keys |= {use.key for use in version.layer.env if use.value is not None}
    return keys - {use.key for use in version.layer.env if use.value is None}


def _entry(pack: Pack, releases: dict[int, PackRelease]) -> PackEntry:
    kept = [number for number in releases if number in pack.versions]
    newest = pack.versions[max([n for n in kept if releases[n].available] or kept)] if kept else None
    return PackEntry(
        name=pack.name,
        status=pack.project.status,
        display_name=newest.display_name if newest else "",
        releases=releases,
        description=newest.description if newest else "",
        owners=pack.project.owners,
        reason=pack.project.reason,
    )
