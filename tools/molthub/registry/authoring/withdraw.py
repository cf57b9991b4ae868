"""Taking versions and projects back: what project.yaml then says, and what goes. Pure but for what the source reads.

A version is *yanked* (ranges no longer pick it; who names it exactly still gets it, with a warning: PEP 592),
*quarantined* (nobody gets it until it was judged) or *removed* (its content goes for good; the entry stays, and the
number is never used again). A project is *deprecated*, *archived*, *quarantined* or *removed* as a whole (PEP 792).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, NamedTuple

from molthub.errors import NotFoundError, RegistryError, UsageError
from molthub.model import Pack, Project, Skill
from molthub.registry import edit
from molthub.registry.catalog import Catalog
from molthub.registry.source import Source

Word = Literal["yanked", "quarantined", "removed"]
Status = Literal["archived", "deprecated", "quarantined", "removed"]
_UNDONE_BY: Mapping[str, str] = {"archived": "archive", "deprecated": "deprecate", "quarantined": "unpublish"}


class Target(NamedTuple):
    """What is taken back: one version, or with ``number`` None a whole project."""

    kind: Literal["skill", "pack"]
    name: str
    number: str | None = None

    @property
    def key(self) -> str:
        """The project as packs lock it: ``git``, ``pack/standard-dev``."""
        return f"pack/{self.name}" if self.kind == "pack" else self.name

    @property
    def folder(self) -> str:
        """The project's folder, ending in ``/``."""
        return f"{self.kind}s/{self.name}/"

    def __str__(self) -> str:
        return self.key if self.number is None else f"{self.key} {self.number}"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An edit: ``files`` maps paths to new texts, None for what goes. Nothing changes where it is empty.

    ``done`` is what the target then is: ``yanked``, ``no longer yanked``, ``deprecated``, ``active again``.
    """

    target: Target
    done: str
    files: Mapping[str, bytes | None]


def withdraw(source: Source, catalog: Catalog, target: Target, word: Word, reason: str) -> Withdrawal:
    """Yank, quarantine or remove a version; quarantine or remove a project.

    Raises :class:`NotFoundError` where there is no such thing, :class:`RegistryError` where it is gone for good.
    """
    project = _project(catalog, target)
    if target.number is None:
        if word == "yanked":
            remedy = f"name it, as in {target}@{'3' if target.kind == 'pack' else '1.2.0'}, or use skills deprecate"
            raise UsageError("one version is yanked, not a whole project", remedy=remedy)
        return Withdrawal(target, word, _whole(source, project, target, word, reason))
    record = project.versions[target.number]
    if record.removed is not None and word != "removed":
        raise _gone_for_good(target, project.file)
    files: dict[str, bytes | None] = {}
    if getattr(record, word) != reason and not (word == "removed" and record.removed is not None):
        text = source.read(project.file).decode()
        edited = edit.set_value(text, ("versions", target.number, word), reason, file=project.file)
        files[project.file] = edited.encode()
    if word == "removed":
        files |= _content(source, target)
    return Withdrawal(target, word, files)


def restore(source: Source, catalog: Catalog, target: Target, word: Word | None) -> Withdrawal:
    """Take a yank or a quarantine back: the one that ``word`` names, or the only one there is. Raises as above."""
    project = _project(catalog, target)
    if target.number is None:
        return reactivate(source, catalog, target, "quarantined")
    record = project.versions[target.number]
    if record.removed is not None or word == "removed":
        raise _gone_for_good(target, project.file)
    chosen = word or ("quarantined" if record.yanked is None and record.quarantined is not None else "yanked")
    files: dict[str, bytes | None] = {}
    if getattr(record, chosen) is not None:
        text = source.read(project.file).decode()
        edited = edit.remove(text, ("versions", target.number, chosen), file=project.file)
        files[project.file] = edited.encode()
    return Withdrawal(target, f"no longer {chosen}", files)


def set_status(source: Source, catalog: Catalog, target: Target, status: Status, reason: str | None) -> Withdrawal:
    """Deprecate or archive a project. Raises as above, and where it is quarantined."""
    project = _project(catalog, target)
    if project.status in ("quarantined", "removed"):
        raise _is_otherwise(target, project)
    return Withdrawal(target, status, _with_status(source, project, status, reason))


def reactivate(source: Source, catalog: Catalog, target: Target, status: Status) -> Withdrawal:
    """Make a project active again that is ``status``. Raises as above, and where it is something else."""
    project = _project(catalog, target)
    if project.status not in (status, "active"):
        raise _is_otherwise(target, project)
    files = _with_status(source, project, "active", None) if project.status == status else {}
    return Withdrawal(target, "active again", files)


def _project(catalog: Catalog, target: Target) -> Project:
    shelf: Mapping[str, Skill] | Mapping[str, Pack] = catalog.skills if target.kind == "skill" else catalog.packs
    broken = catalog.broken.get(f"{target.kind}/{target.name}")
    if broken is not None:
        raise RegistryError("it cannot be read", place=broken, remedy="run molthub check, and mend it first")
    if target.name not in shelf:
        near = get_close_matches(target.name, shelf, n=1)
        remedy = f"did you mean {target._replace(name=near[0]).key}?" if near else "packs are named pack/NAME"
        raise NotFoundError(f"there is no {target.kind} {target.name} in this registry", remedy=remedy)
    project = shelf[target.name].project
    if target.number is not None and target.number not in project.versions:
        remedy = f"there are {', '.join(project.versions)}" if project.versions else "it has no versions yet"
        raise NotFoundError(f"{target.kind} {target.name} has no version {target.number}", remedy=remedy)
    return project


def _gone_for_good(target: Target, file: str) -> RegistryError:
    remedy = "publish the next version; a removed number is never used again"
    return RegistryError(f"{target} was removed for good", place=file, remedy=remedy)


def _is_otherwise(target: Target, project: Project) -> RegistryError:
    if project.status == "removed":
        return _gone_for_good(target, project.file)
    remedy = f"skills {_UNDONE_BY[project.status]} {target} --undo takes that back"
    return RegistryError(f"{target} is {project.status}", place=project.file, remedy=remedy)


def _content(source: Source, target: Target) -> dict[str, None]:
    """Return the files of one version, and its signature, as gone."""
    single = (f"{target.folder}{target.number}.yaml", f"{target.folder}{target.number}.sig")
    inside = f"{target.folder}{target.number}/"
    return {path: None for path in source.files if path in single or path.startswith(inside)}


def _whole(
    source: Source, project: Project, target: Target, word: Literal["quarantined", "removed"], reason: str
) -> dict[str, bytes | None]:
    if project.status == "removed" and word != "removed":
        raise _gone_for_good(target, project.file)
    files = _with_status(source, project, word, reason if project.status != "removed" else project.reason)
    if word != "removed":
        return files
    before = source.read(project.file)
    text = (files.get(project.file) or before).decode()
    for number, record in project.versions.items():
        if record.removed is None:
            text = edit.set_value(text, ("versions", number, "removed"), reason, file=project.file)
        files |= _content(source, target._replace(number=number))
    return files | ({project.file: text.encode()} if text.encode() != before else {})


def _with_status(source: Source, project: Project, status: str, reason: str | None) -> dict[str, bytes | None]:
    """Return project.yaml with another status. A reason that was given for the old one goes with it."""
    text = edited = source.read(project.file).decode()
    if project.status != status:
        edited = edit.set_value(edited, ("status",), status, file=project.file)
    if reason is not None and reason != project.reason:
        edited = edit.set_value(edited, ("reason",), reason, file=project.file)
    elif reason is None and project.reason is not None and project.status != status:
        edited = edit.remove(edited, ("reason",), file=project.file)
    return {project.file: edited.encode()} if edited != text else {}
