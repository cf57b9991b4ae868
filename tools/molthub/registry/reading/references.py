"""Judge references when everything is read: whether what is named exists, in such a version."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol, runtime_checkable

from molthub.errors import ManifestError, Problem
from molthub.model import Pack, Skill
from molthub.nearest import did_you_mean
from molthub.registry.reading.gathered import Reading, Reference
from molthub.versions import LATEST, matches
from molthub.yaml_text import Mark, parse, pointer_text


@runtime_checkable
class SomeRead(Protocol):
    """Names of which not all are gone through."""

    def every(self) -> Collection[str]:
        """Return all names."""


Key = tuple[str, str]
"""The place of a reference and what it names, ``skill/git`` or ``skill/git@^9``."""


def reference_key(at: str, target: str, wanted: str | None) -> Key:
    """Return the key under which a dangling reference is found again."""
    return at, target if wanted is None else f"{target}@{wanted}"


def dangling_references(
    reading: Reading,
    skills: Mapping[str, Skill],
    packs: Mapping[str, Pack],
    layers: Mapping[str, Collection[str]],
    hosts: Collection[str],
    *,
    broken: Mapping[str, str] | None = None,
) -> dict[Key, Problem]:
    """Return a finding for every reference to what does not exist.

    ``layers`` holds the names of profiles and overlays under their kind. What exists but is ``broken`` (as
    :class:`~molthub.registry.catalog.Catalog` says it; None: as the reading found) is no finding here.
    """
    broken = reading.broken if broken is None else broken
    names: Mapping[str, Collection[str]] = {"skill": skills, "pack": packs, **layers}
    found: dict[Key, Problem] = {}
    for reference in reading.references:
        kind, _, name = reference.target.partition("/")
        if name not in names[kind] and reference.target not in broken:
            is_host = name in hosts and reference.pointer[:1] == ("dependencies",)
            judged = None if is_host else ("MH203", *_unknown(kind, name, _named(kind, names, broken), hosts))
        else:
            judged = _version_finding(reference, skills.get(name), packs.get(name)) if reference.wanted else None
        if judged is not None:
            problem = _placed(reading, reference, *judged)
            found[reference_key(reference.at, reference.target, reference.wanted)] = problem
    return found


def _named(kind: str, names: Mapping[str, Collection[str]], broken: Iterable[str]) -> set[str]:
    known = names[kind]
    return {
        *(known.every() if isinstance(known, SomeRead) else known),
        *(key.partition("/")[2] for key in broken if key.startswith(f"{kind}/")),
    }


def add_it(kind: str) -> str:
    """Return what can be done where something of ``kind`` is not in the registry."""
    if kind == "skill":
        return "import it (molthub import NAME --from URL), publish it (skills publish FOLDER), or name another"
    return "make it (molthub skill-packs create), or name another" if kind == "pack" else "add it, or name another"


def _unknown(kind: str, name: str, known: Collection[str], hosts: Collection[str]) -> tuple[str, str]:
    remedy = did_you_mean(name, [*known, *(hosts if kind == "skill" else ())], add_it(kind))
    return f"{kind} {name} is not in this registry", remedy


def _version_finding(reference: Reference, skill: Skill | None, pack: Pack | None) -> tuple[str, str, str] | None:
    kind, _, name = reference.target.partition("/")
    wanted = reference.wanted or ""
    project = skill.project if kind == "skill" and skill else pack.project if kind == "pack" and pack else None
    if project is None:
        return None
    numbers = list(project.versions)
    exists = wanted in numbers if kind == "pack" else any(matches(number, wanted) for number in numbers)
    if exists or wanted == LATEST:
        return None
    remedy = f"there are {', '.join(numbers)}" if numbers else "it has no versions yet"
    return "MH201", f"{kind} {name} has no version {wanted}", remedy


def _placed(reading: Reading, reference: Reference, problem_id: str, message: str, remedy: str) -> Problem:
    """Read the document once more for the place: nearly no reference dangles, and keeping every document is dear."""
    try:
        mark = parse(reading.text(reference.file), reference.file).mark(reference.pointer)
    except ManifestError:
        mark = Mark(1, 1)
    at = pointer_text(reference.pointer)
    return Problem(problem_id, message, remedy, "error", reference.file, mark.line, mark.column, at)
