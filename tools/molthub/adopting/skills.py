"""The skills that stand in a bot's folder, and what a registry knows of them. Reads only."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from molthub.adopting.home import Left
from molthub.documents import file_entry, tree_digest
from molthub.errors import ManifestError
from molthub.model import FileEntry
from molthub.registry.authoring.loose_skills import read_skill
from molthub.registry.catalog import Catalog
from molthub.registry.source import Source


@dataclass(frozen=True, slots=True)
class KnownSkill:
    """A version of the registry that holds every file of a skill folder, to the byte. ``name`` is the full name."""

    name: str
    version: str


def read_skills(
    folder: Path, catalog: Catalog, source: Source, registry: str
) -> tuple[dict[str, KnownSkill], tuple[Left, ...]]:
    """Return the known skills below ``folder`` by their bare names, and those that stay the owner's, with the choices.

    ``registry`` is how commands name the registry's checkout.
    """
    known: dict[str, KnownSkill] = {}
    left: list[Left] = []
    digests = dict(_digests(catalog))
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not (path / "SKILL.md").is_file():
            continue
        publish = f"skills publish {shlex.quote(str(path))} --registry {shlex.quote(registry)}"
        if path.is_symlink():
            left.append(Left(f"skill/{path.name}", "the folder is a link", "put the skill itself there"))
            continue
        try:
            files = _files(path)
        except ManifestError as error:
            left.append(Left(f"skill/{path.name}", f"it cannot be read as a skill: {error.message}", "mend it"))
            continue
        versions = digests.get(path.name, {})
        found = versions.get(tree_digest(files)) or _containing(files, versions.values(), catalog, source)
        if found is not None:
            known[path.name] = found
        elif versions:
            name = next(iter(versions.values())).name
            remedy = f"publish it as the next version ({publish}), or take the registry's: move the folder away"
            left.append(Left(f"skill/{path.name}", f"it differs from every version of {name} in the registry", remedy))
        else:
            remedy = f"{publish}, then adopt again"
            left.append(Left(f"skill/{path.name}", "the registry does not have it", remedy))
    return known, tuple(left)


def _digests(catalog: Catalog) -> Iterator[tuple[str, dict[str, KnownSkill]]]:
    found: dict[str, dict[str, KnownSkill]] = {}
    for skill in catalog.skills.values():
        versions = found.setdefault(skill.bare_name, {})
        for number, record in skill.project.versions.items():
            if record.yanked is None and record.quarantined is None and record.removed is None:
                versions[record.digest] = KnownSkill(skill.name, number)
    return iter(found.items())


def _files(path: Path) -> tuple[FileEntry, ...]:
    files = read_skill(path, str(path)).files.items()
    return tuple(file_entry(name, file.content, executable=file.executable) for name, file in files)


def _containing(
    files: tuple[FileEntry, ...], versions: Collection[KnownSkill], catalog: Catalog, source: Source
) -> KnownSkill | None:
    """Return the last version that holds every one of ``files`` as it is: publishing only adds some."""
    for known in reversed(tuple(versions)):
        version = catalog.skills[known.name].versions.get(known.version)
        if version is not None and {file.path for file in files} <= set(version.files):
            held = {file.path: source.read(f"{version.folder}/{file.path}") for file in files}
            if all(file_entry(file.path, held[file.path], executable=file.executable) == file for file in files):
                return known
    return None
