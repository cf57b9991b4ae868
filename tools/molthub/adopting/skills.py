"""The skills that stand in a bot's folder, and what a registry knows of them. Reads only."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from molthub.adopting.home import Left
from molthub.documents import file_entry, tree_digest
from molthub.errors import ManifestError
from molthub.model import FileEntry
from molthub.registry.authoring.loose_skills import read_skill
from molthub.registry.catalog import Catalog
from molthub.registry.source import Source

_WRITTEN_BY_PUBLISHING = "skill.yaml"
_SHOWN = 3


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
    digests = _digests(catalog)
    for path in skill_folders(folder):
        found = _judged(path, digests.get(path.name, {}), catalog, source, registry)
        if isinstance(found, KnownSkill):
            known[path.name] = found
        else:
            left.append(found)
    return known, tuple(left)


def skill_folders(folder: Path) -> tuple[Path, ...]:
    """Return the skills below ``folder``, sorted; none where there is no such folder."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else ()
    return tuple(path for path in paths if (path / "SKILL.md").is_file())


def judge_skill(path: Path, catalog: Catalog, source: Source, registry: str = ".") -> KnownSkill | Left:
    """Return the version that one skill folder is, or why it is none."""
    return _judged(path, _digests(catalog).get(path.name, {}), catalog, source, registry)


def _judged(
    path: Path, versions: Mapping[str, KnownSkill], catalog: Catalog, source: Source, registry: str
) -> KnownSkill | Left:
    key = f"skill/{path.name}"
    if path.is_symlink():
        return Left(key, "the folder is a link", "put the skill itself there")
    try:
        files = _files(path)
    except ManifestError as error:
        remedy = error.problems[0].remedy if error.problems else error.remedy
        return Left(key, f"it cannot be published: {error.message}", remedy or "mend it")
    digest = tree_digest(files)
    found = versions.get(digest) or _containing(files, versions.values(), catalog, source)
    publish = f"skills publish {shlex.quote(str(path))} --registry {shlex.quote(registry)}"
    if found is not None:
        return found
    withdrawn = _withdrawn(path.name, digest, catalog)
    if withdrawn:
        return Left(key, withdrawn, "put a version there that is not withdrawn, or let the bot keep it as its own")
    if not versions:
        return Left(key, "the registry does not have it", f"{publish}, then adopt again; or adopt with --publish")
    near, differs = _nearest(files, versions.values(), catalog, source)
    reason = (
        f"it differs from every version of {near.name} in the registry; it is nearest to {near.name}@{near.version}"
    )
    reason += f" but for {_counted(differs)}"
    remedy = (
        f"publish it as the next version ({publish} --bump patch), under a scope of your own ({publish} --name "
        f"@SCOPE/{path.name}), or take the registry's: move the folder away"
    )
    return Left(key, reason, remedy, f"{near.name}@{near.version}", differs)


def _withdrawn(name: str, digest: str, catalog: Catalog) -> str:
    """Return what became of the version that a folder holds, where it was withdrawn; else an empty text."""
    for skill in catalog.skills.values():
        if skill.bare_name == name:
            for number, record in skill.project.versions.items():
                if record.digest == digest and not record.available:
                    reason = record.quarantined or record.removed or record.yanked
                    return f"it is {skill.name}@{number}, which was withdrawn: {reason}"
    return ""


def _nearest(
    files: tuple[FileEntry, ...], versions: Collection[KnownSkill], catalog: Catalog, source: Source
) -> tuple[KnownSkill, tuple[tuple[str, str], ...]]:
    """Return the version from which a folder differs in the fewest files, the later of equal ones, and in which."""
    best: tuple[KnownSkill, tuple[tuple[str, str], ...]] | None = None
    for known in versions:
        version = catalog.skills[known.name].versions.get(known.version)
        held = {path: source.read(f"{version.folder}/{path}") for path in version.files} if version else {}
        differs = tuple(_differing(files, held))
        if best is None or len(differs) <= len(best[1]):
            best = known, differs
    assert best is not None  # noqa: S101 (there is a version)
    return best


def _differing(files: tuple[FileEntry, ...], held: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    here = {file.path: file for file in files}
    for path in sorted({*here, *held}):
        if path not in here:
            if path != _WRITTEN_BY_PUBLISHING:
                yield path, "missing"
        elif path not in held:
            yield path, "added"
        elif file_entry(path, held[path], executable=here[path].executable) != here[path]:
            yield path, "edited"


def _counted(differs: tuple[tuple[str, str], ...]) -> str:
    shown = [path if how == "edited" else f"{path} ({how})" for path, how in differs[:_SHOWN]]
    more = len(differs) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") if shown else "which files may be run"


def _digests(catalog: Catalog) -> dict[str, dict[str, KnownSkill]]:
    found: dict[str, dict[str, KnownSkill]] = {}
    for skill in catalog.skills.values():
        versions = found.setdefault(skill.bare_name, {})
        for number, record in skill.project.versions.items():
            if record.available:
                versions[record.digest] = KnownSkill(skill.name, number)
    return found


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
