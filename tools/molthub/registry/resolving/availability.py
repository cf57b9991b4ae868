"""Which versions may be picked: "latest" of a skill, the newest of a pack, and what stands against a version. Pure."""

from __future__ import annotations

from molthub.errors import Problem, Severity
from molthub.model import Pack, PackVersion, Project, Skill, VersionRecord
from molthub.registry.catalog import Catalog
from molthub.registry.reading.references import add_it, reference_key
from molthub.registry.trees.tree_rules import shown

_CLOSED = ("quarantined", "removed")


def available(project: Project) -> tuple[str, ...]:
    """Return the recorded numbers that a range or "latest" may pick, in the order of ``project.yaml``."""
    if project.status in _CLOSED:
        return ()
    return tuple(number for number, record in project.versions.items() if record.available)


def available_versions(skill: Skill) -> tuple[str, ...]:
    """Return the versions of a skill that a range or "latest" may pick."""
    return available(skill.project)


def newest_number(pack: Pack) -> int | None:
    """Return the number that an attachment without a version means: the newest that is not withdrawn."""
    return max((int(number) for number in available(pack.project)), default=None)


def latest_pack(pack: Pack) -> PackVersion | None:
    """Return the version that an attachment without a version means; None too when that one cannot be read."""
    number = newest_number(pack)
    return None if number is None else pack.versions.get(number)


def withdrawn(what: str, project: Project, record: VersionRecord | None, at: str) -> Problem | None:
    """Return the finding on using a version by its number: yanked warns, quarantined and removed are errors."""
    for status in _CLOSED:
        reason = getattr(record, status) if record is not None else None
        if reason is not None or project.status == status:
            why = reason or project.reason or "the whole project is"
            return placed("MH211", f"{what} is {status}: {why}", "choose another version", at)
    if record is not None and record.yanked is not None:
        message = f"{what} is yanked: {record.yanked}"
        return placed("MH211", message, "choose another version when you can", at, warning=True)
    return None


def pick_pack(catalog: Catalog, name: str, number: int | None, at: str) -> tuple[PackVersion | None, list[Problem]]:
    """Return the pack version that an attachment at ``at`` means, and what is to be said about it."""
    pack = catalog.packs.get(name)
    if pack is None:
        return None, [missing(catalog, f"pack/{name}", None if number is None else str(number), at)]
    chosen = newest_number(pack) if number is None else number
    what = f"pack/{name}@{chosen}"
    if chosen is None or (number is not None and str(number) not in pack.project.versions):
        return None, [_no_such_number(catalog, pack, number, at)]
    finding = withdrawn(what, pack.project, pack.project.versions[str(chosen)], at)
    if finding is not None and finding.severity == "error":
        return None, [finding]
    version = pack.versions.get(chosen)
    if version is None:
        file = catalog.broken.get(what, f"packs/{name}/{chosen}.yaml")
        return None, [placed("MH210", f"{what} cannot be read", f"mend {shown(file)}", at)]
    return version, [finding] if finding is not None else []


def _no_such_number(catalog: Catalog, pack: Pack, number: int | None, at: str) -> Problem:
    if number is None:
        status = pack.project.status
        why = f"it is {status}" if status in _CLOSED else "every version is withdrawn, or none is recorded yet"
        return placed(
            "MH211", f"no version of the pack {pack.name} can be picked: {why}", "molthub fmt records one", at
        )
    known = catalog.dangling.get(reference_key(at, f"pack/{pack.name}", str(number)))
    there_are = f"there are {', '.join(pack.project.versions)}"
    return known or placed("MH201", f"pack {pack.name} has no version {number}", there_are, at)


def missing(catalog: Catalog, target: str, wanted: str | None, at: str) -> Problem:
    """Return the finding on a reference to what does not exist, or exists but cannot be read."""
    if target in catalog.broken:
        return placed("MH210", f"{target} cannot be read", f"mend {catalog.broken[target]}", at)
    known = catalog.dangling.get(reference_key(at, target, wanted))
    kind, _, name = target.partition("/")
    return known or placed("MH203", f"{kind} {name} is not in this registry", add_it(kind), at)


def placed(problem_id: str, message: str, remedy: str, at: str, *, warning: bool = False) -> Problem:
    """Return a finding at ``file:line``, or at a file as a whole."""
    file, _, line = at.rpartition(":")
    severity: Severity = "warning" if warning else "error"
    if not line.isdecimal():
        return Problem(problem_id, message, remedy, severity, file=at or None)
    return Problem(problem_id, message, remedy, severity, file=file, line=int(line))
