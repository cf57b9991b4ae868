"""What project.yaml records, held against what stands in the tree: digests, missing entries, missing content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from molthub.documents import file_entry, tree_digest
from molthub.errors import Problem
from molthub.model import Pack, Project, Skill, VersionRecord
from molthub.registry.catalog import Catalog
from molthub.registry.reading.content import check_names
from molthub.registry.reading.version_files import Folders
from molthub.registry.source import Source

_COMPLETE = "run molthub fmt: it records versions that are not merged yet"


def check_versions(catalog: Catalog, source: Source, folders: Folders) -> Iterator[Problem]:
    """Yield what does not fit between every skill's and pack's project.yaml and the versions beside it."""
    for skill in catalog.skills.values():
        yield from _skill(skill, folders)
    for pack in catalog.packs.values():
        yield from _pack(pack, source)


def _skill(skill: Skill, folders: Folders) -> Iterator[Problem]:
    numbers = folders.numbers(skill.name)
    for number in numbers:
        folder = f"skills/{skill.name}/{number}"
        record = skill.project.versions.get(number)
        if record is None:
            yield _unrecorded(f"{skill.name} {number}", folder)
        elif record.removed is not None:
            yield _not_gone(f"{skill.name} {number}", record, folder)
            continue
        if folders.is_merged(skill.name, number):
            continue
        paths = folders.files(skill.name, number)
        faults = list(check_names(paths, folder))
        yield from faults
        if record is not None and record.upstream is None and not faults:
            yield from _digest(record, folders.digest(skill.name, number), f"{skill.name} {number}")
    yield from _without_content(skill.project, numbers, skill.name)


def _pack(pack: Pack, source: Source) -> Iterator[Problem]:
    folder = pack.project.file.rpartition("/")[0]
    prefix = f"{folder}/"
    numbers = {
        path[len(prefix) :].removesuffix(".yaml"): path
        for path in source.files
        if path.startswith(prefix) and path.endswith(".yaml") and path != pack.project.file
    }
    for number, path in numbers.items():
        record = pack.project.versions.get(number)
        if record is None:
            yield _unrecorded(f"{pack.name} {number}", path)
        elif record.removed is not None:
            yield _not_gone(f"{pack.name} {number}", record, path)
        else:
            yield from _digest(record, pack_digest(source, path), f"{pack.name} {number}")
    yield from _without_content(pack.project, numbers, pack.name)


def pack_digest(source: Source, path: str) -> str:
    """Return the digest of a pack version: of the tree that holds its one file."""
    return tree_digest([file_entry(path.rpartition("/")[2], source.read(path), executable=False)])


def _unrecorded(what: str, file: str) -> Problem:
    return Problem("MH405", f"{what} has no entry in project.yaml", _COMPLETE, file=file)


def _not_gone(what: str, record: VersionRecord, path: str) -> Problem:
    message = f"{what} was removed, and its content is still here: {record.removed}"
    remedy = f"git rm -r {path}; the entry stays, and the number is never used again"
    return Problem("MH408", message, remedy, file=path)


def _digest(record: VersionRecord, digest: str, what: str) -> Iterator[Problem]:
    if digest != record.digest:
        message = f"the content of {what} is not what is recorded: {digest} instead of {record.digest}"
        remedy = "take the change back; if the version is not merged yet, molthub fmt records it anew"
        yield _at(record, "MH404", message, remedy)


def _without_content(project: Project, numbers: Iterable[str], name: str) -> Iterator[Problem]:
    present = set(numbers)
    for number, record in project.versions.items():
        if number not in present and record.removed is None:
            message = f"{name} {number} is recorded, but nothing of it is here"
            remedy = "bring its content back; a version that shall be gone says `removed: why`"
            yield _at(record, "MH406", message, remedy)


def _at(record: VersionRecord, problem_id: str, message: str, remedy: str) -> Problem:
    file, _, line = record.at.rpartition(":")
    return Problem(problem_id, message, remedy, file=file, line=int(line))
