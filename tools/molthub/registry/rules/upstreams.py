"""Imported versions: the folder keeps two files, and they are the upstream's own.

Offline only the folder can be judged. With ``upstreams`` the bytes are compared: SKILL.md is the upstream's to the
byte; skill.yaml is too, but for the name and number that it may have here, and may be made here where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from molthub.documents import tree_digest
from molthub.errors import Problem
from molthub.model import Project, Skill, VersionRecord
from molthub.registry.catalog import Catalog
from molthub.registry.manifest import read_manifest
from molthub.registry.reading.version_files import Folders
from molthub.registry.source import Source
from molthub.registry.upstreams.content import Content, Upstreams, overlaid
from molthub.registry.upstreams.upstream import OWN_FILES, Imported, Upstream, upstream_of

_OWN = "git rm it: what is not SKILL.md or skill.yaml comes from the upstream when the index is built"
_RESTORE = "take the change back; who wants another text publishes a copy under another name"
_RENAMED = {"name": None, "version": None}


def check_imports(catalog: Catalog, source: Source, folders: Folders, upstreams: Upstreams | None) -> Iterator[Problem]:
    """Yield what is wrong with imported versions that are not merged yet (without a base: all)."""
    wanted = list(_imported(catalog, folders))
    for imported, record in wanted:
        yield from _shape(imported, record)
        if not imported.name.startswith("pack/"):
            yield from _folder(imported, source, folders)
    if upstreams is None:
        return
    upstreams.bring([replace(imported, digest=imported.upstream.digest) for imported, _record in wanted])
    for imported, record in wanted:
        yield from _compared(imported, record, catalog, source, upstreams)


def imported_count(catalog: Catalog, folders: Folders) -> int:
    """Return how many imported versions a check is about."""
    return sum(1 for _ in _imported(catalog, folders))


def _imported(catalog: Catalog, folders: Folders) -> Iterator[tuple[Imported, VersionRecord]]:
    for skill in catalog.skills.values():
        for imported, record in _of("", skill.name, skill.project):
            if not folders.is_merged(skill.name, record.number):
                yield imported, record
    for pack in catalog.packs.values():
        for imported, record in _of("pack/", pack.name, pack.project):
            if not folders.is_merged_file(f"packs/{pack.name}/{record.number}.yaml"):
                yield imported, record


def _of(prefix: str, name: str, project: Project) -> Iterator[tuple[Imported, VersionRecord]]:
    for number, record in project.versions.items():
        upstream = upstream_of(record)
        if upstream is not None and record.removed is None and project.status != "removed":
            yield Imported(f"{prefix}{name}", number, record.digest, upstream), record


# --- what can be told offline --------------------------------------------------------------------------------------


def _shape(imported: Imported, record: VersionRecord) -> Iterator[Problem]:
    upstream, is_pack = imported.upstream, imported.name.startswith("pack/")
    if is_pack and upstream.kind == "git":
        yield _at(record, "a pack is imported from an index, not from a repository", "take `upstream` away")
    elif upstream.kind == "index" and upstream.path.startswith("packs/") != is_pack:
        message = f"the upstream's path is {upstream.path}, which is no {'pack' if is_pack else 'skill'}"
        yield _at(record, message, "import it anew: molthub import")
    elif _is_renamed(imported) and upstream.digest == record.digest:
        message = f"it is called {upstream.name} there, so its digest cannot be the same"
        yield _at(record, message, "import it anew: molthub import")


def _is_renamed(imported: Imported) -> bool:
    return imported.upstream.kind == "index" and imported.upstream.name != imported.name.removeprefix("pack/")


def _folder(imported: Imported, source: Source, folders: Folders) -> Iterator[Problem]:
    for path in folders.files(imported.name, imported.version):
        if path not in OWN_FILES:
            file = f"skills/{imported.name}/{imported.version}/{path}"
            message = "the folder of an imported version keeps SKILL.md and skill.yaml alone"
            yield Problem("MH904", message, _OWN, file=file, line=1 if file in source.files else None)


def _at(record: VersionRecord, message: str, remedy: str, problem_id: str = "MH904") -> Problem:
    file, _, line = record.at.rpartition(":")
    return Problem(problem_id, message, remedy, file=file, line=int(line))


# --- what takes the upstream's bytes -------------------------------------------------------------------------------


def _compared(
    imported: Imported, record: VersionRecord, catalog: Catalog, source: Source, upstreams: Upstreams
) -> Iterator[Problem]:
    content = upstreams.files(imported.upstream.digest)
    if content is None:
        why = upstreams.problem(imported)
        yield _at(record, f"not compared: {why.message}", why.remedy, why.id)
        return
    theirs = {entry.path: read for entry, read in content}
    if imported.name.startswith("pack/"):
        yield from _pack_file(imported, record, theirs, source)
        return
    skill = catalog.skills.get(imported.name)
    own = _own(skill, imported, source)
    whole = overlaid(content, own)
    if tree_digest(entry for entry, _read in whole) != record.digest:
        message = "its files with those of its upstream are not what is recorded"
        yield _at(record, message, "import it anew: molthub import", "MH902")
    yield from _own_files(imported, theirs, own)
    yield from _risks(imported, whole, skill)


def _own(skill: Skill | None, imported: Imported, source: Source) -> Content:
    from molthub.documents import file_entry

    folder = f"skills/{imported.name}/{imported.version}"
    version = skill.versions.get(imported.version) if skill is not None else None
    paths = [path for path in version.files if path in OWN_FILES] if version is not None else []
    found = ((f"{folder}/{path}", path) for path in sorted(paths))
    return tuple(
        (file_entry(path, read, executable=source.files[place].executable), read)
        for place, path in found
        for read in [source.read(place)]
    )


def _own_files(imported: Imported, theirs: Mapping[str, bytes], own: Content) -> Iterator[Problem]:
    folder = f"skills/{imported.name}/{imported.version}"
    ours = {entry.path: read for entry, read in own}
    if "SKILL.md" in ours and ours["SKILL.md"] != theirs.get("SKILL.md"):
        message = f"it is not the SKILL.md of {imported.upstream.shown}"
        yield Problem("MH904", message, _RESTORE, file=f"{folder}/SKILL.md")
    their_yaml, our_yaml = theirs.get("skill.yaml"), ours.get("skill.yaml")
    if our_yaml is not None and their_yaml not in (None, our_yaml) and not _only_renamed(their_yaml or b"", our_yaml):
        message = f"it says other than the skill.yaml of {imported.upstream.shown}"
        yield Problem("MH904", message, _RESTORE, file=f"{folder}/skill.yaml")


def _only_renamed(theirs: bytes, ours: bytes) -> bool:
    """Whether two manifests differ in name and version alone."""
    manifests = [read_manifest("skill", content, "skill.yaml")[0] for content in (theirs, ours)]
    values = [{**found.value, **_RENAMED} if found is not None else None for found in manifests]
    return values[0] is not None and values[0] == values[1]


def _pack_file(
    imported: Imported, record: VersionRecord, theirs: Mapping[str, bytes], source: Source
) -> Iterator[Problem]:
    name = imported.name.removeprefix("pack/")
    file = f"packs/{name}/{imported.version}.yaml"
    there = theirs.get(f"{imported.version}.yaml")
    here = source.read(file) if file in source.files else None
    if here is None or here == there:
        return
    manifests = [read_manifest("skillpack", content or b"", file)[0] for content in (there, here)]
    values = [None if found is None else {**found.value, "metadata": None} for found in manifests]
    if not _is_renamed(imported) or values[0] is None or values[0] != values[1]:
        yield _at(record, f"its file is not that of {_shown(imported.upstream)}", _RESTORE)


def _shown(upstream: Upstream) -> str:
    return f"pack/{upstream.shown}"


def _risks(imported: Imported, whole: Content, skill: Skill | None) -> Iterator[Problem]:
    """Yield the risks in what comes from the upstream; those of the folder's own files are found without it."""
    from molthub.registry.risk import scan_skill  # its patterns are compiled when something is to be scanned

    version = skill.versions.get(imported.version) if skill is not None else None
    declared = None if version is None else {need.name for need in version.manifest.needs.env}
    for finding in scan_skill({entry.path: read for entry, read in whole}, environment=declared):
        if finding.path not in OWN_FILES:
            problem = finding.problem(f"skills/{imported.name}/{imported.version}")
            yield replace(problem, line=None, column=None, message=f"{problem.message} (line {problem.line})")
