"""From what was asked for to exact versions: the adapter of :mod:`molthub.solve` over an index. Pure.

A range never picks a yanked version; an exact request may, and is told so. Quarantined and removed ones are refused. A
pack is not solved again: it brings the versions that it is locked to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from molthub.client.wanted import Wanted, weightier
from molthub.errors import MolthubError, NotFoundError, Problem, ResolutionError
from molthub.model import Artifact, PackEntry, PackRelease, SkillEntry, SkillRelease
from molthub.versions import highest, is_prerelease, sort_key

_SHOWN_VERSIONS = 10


class Shelves(Protocol):
    """What resolving asks of an index."""

    def skill(self, name: str) -> SkillEntry:
        """Return a skill; raises :class:`NotFoundError`."""
        ...

    def pack(self, name: str) -> PackEntry:
        """Return a pack; raises :class:`NotFoundError`."""
        ...


class Chosen(NamedTuple):
    """An exact version. ``requested`` is the request that it answers, None for a dependency."""

    artifact: Artifact
    requested: str | None


class Choice(NamedTuple):
    """Everything that a list of requests comes to."""

    versions: tuple[Chosen, ...]
    warnings: tuple[Problem, ...] = ()


class _Gathered:
    """Versions by (name, version); what was asked for by name counts more than what came along."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], Chosen] = {}
        self.warnings: list[Problem] = []

    def add(self, artifact: Artifact, requested: str | None) -> None:
        key = (artifact.name, artifact.version)
        known = self.versions.get(key)
        self.versions[key] = Chosen(artifact, weightier(known.requested if known else None, requested))


def choose(wanted: Sequence[Wanted], shelves: Shelves, hosts: Mapping[str, str] | None = None) -> Choice:
    """Return the exact versions of all requests and their dependencies.

    ``hosts`` are the applications that run here, with their versions. Raises :class:`NotFoundError` or
    :class:`ResolutionError` that names every request that cannot be met, with the chain.
    """
    gathered = _Gathered()
    refused: list[MolthubError] = []
    skills: list[Wanted] = []
    for request in sorted(wanted, key=lambda request: request.kind == "pack"):
        try:
            if request.kind == "pack":
                _take_pack(request, shelves.pack(request.name), gathered)
            else:
                _check_request(request, shelves.skill(request.name), gathered)
                skills.append(request)
        except (NotFoundError, ResolutionError) as error:
            refused.append(error)
    if refused:
        raise _all(refused)
    for group in _groups(skills):
        if not _take_alone(group, shelves, gathered):
            _solve(group, shelves, hosts or {}, gathered)
    return Choice(tuple(gathered.versions[key] for key in sorted(gathered.versions)), tuple(gathered.warnings))


def pick_pack(request: Wanted, entry: PackEntry) -> tuple[int, PackRelease]:
    """Return the number and release that a request means. Raises :class:`NotFoundError`."""
    _refuse_status(f"SkillPack {entry.name}", entry.status, entry.reason)
    if request.range is None:
        number = max((number for number, release in entry.releases.items() if release.available), default=None)
        if number is None:
            raise NotFoundError(f"every version of pack/{entry.name} was withdrawn")
        return number, entry.releases[number]
    release = entry.releases.get(int(request.range))
    if release is None:
        numbers = ", ".join(map(str, sorted(entry.releases)))
        raise NotFoundError(f"pack/{entry.name} has no version {request.range}", remedy=f"it has {numbers}")
    _refuse_withdrawn(request.text, release)
    return int(request.range), release


def pick_skill(entry: SkillEntry, wanted: str | None) -> str:
    """Return the version to show for a request: also one that was withdrawn, if it is named or nothing else is left."""
    if wanted in entry.releases:
        return str(wanted)
    found = highest(_available(entry), wanted)
    if found is None and wanted is None:
        found = max(entry.releases, key=sort_key, default=None)
    if found is None:
        raise _no_version(Wanted("skill", entry.name, wanted, f"{entry.name}@{wanted}"), entry)
    return found


def _take_pack(request: Wanted, entry: PackEntry, gathered: _Gathered) -> None:
    number, release = pick_pack(request, entry)
    if release.yanked is not None:
        gathered.warnings.append(_yanked(f"pack/{entry.name}@{number}", release.yanked))
    for name in sorted(release.skills):
        gathered.add(release.skills[name], request.text)


def _check_request(request: Wanted, entry: SkillEntry, gathered: _Gathered) -> None:
    """Refuse a request that no solving could meet, in words that say why."""
    _refuse_status(entry.name, entry.status, entry.reason)
    if entry.status != "active":
        reason = f": {entry.reason}" if entry.reason else ""
        gathered.warnings.append(Problem("MH211", f"{entry.name} is {entry.status}{reason}", severity="warning"))
    if request.exact:
        release = entry.releases.get(str(request.range))
        if release is None:
            raise _no_version(request, entry)
        _refuse_withdrawn(f"{entry.name}@{request.range}", release)
        if release.yanked is not None:
            gathered.warnings.append(_yanked(f"{entry.name}@{request.range}", release.yanked))
    elif highest(_available(entry), request.range) is None:
        raise _no_version(request, entry)


def _take_alone(group: Sequence[Wanted], shelves: Shelves, gathered: _Gathered) -> bool:
    """Take the highest version of each request if none has a dependency: then there is nothing to solve."""
    taken = []
    for request in group:
        entry = shelves.skill(request.name)
        version = request.range if request.exact else highest(_available(entry), request.range)
        taken.append((entry.releases[str(version)], request.text))
    if any(release.dependencies for release, _ in taken):
        return False
    for release, text in taken:
        gathered.add(release.artifact, text)
    return True


def _solve(group: Sequence[Wanted], shelves: Shelves, hosts: Mapping[str, str], gathered: _Gathered) -> None:
    from molthub.solve import Candidate, Requirement, solve

    exact = {(request.name, request.range) for request in group if request.exact}
    unknown: list[str] = []

    def candidates(name: str) -> list[Candidate]:
        try:
            entry = shelves.skill(name)
        except NotFoundError:
            unknown.append(name)
            return []
        if entry.status in ("quarantined", "removed"):
            return []
        return [
            Candidate(name, version, release.dependencies)
            for version, release in entry.releases.items()
            if release.available or (name, version) in exact
        ]

    asked = {request.name: request.text for request in group}
    requirements = [Requirement(request.name, request.range, "you asked for it") for request in group]
    try:
        solved = solve(requirements, candidates, hosts=dict(hosts))
    except ResolutionError as error:
        raise _explained(error, unknown) from None
    for name, candidate in solved.items():
        gathered.add(shelves.skill(name).releases[candidate.version].artifact, asked.get(name))


def _explained(error: ResolutionError, unknown: Iterable[str]) -> ResolutionError:
    """Say what an unknown name may be: only registries know which dependencies are applications."""
    names = sorted(set(unknown))
    if not names:
        return error
    remedy = "; ".join(
        f"if {name} is an application that runs here, say its version: --host {name}=1.2.3" for name in names
    )
    return ResolutionError(error.message, place=error.place, remedy=remedy, problems=error.problems)


def _groups(requests: Iterable[Wanted]) -> list[list[Wanted]]:
    """Split requests so that no group names a skill twice: its two versions are meant to stand side by side."""
    groups: list[list[Wanted]] = []
    for request in requests:
        fitting = next((group for group in groups if all(other.name != request.name for other in group)), None)
        if fitting is None:
            groups.append([request])
        else:
            fitting.append(request)
    return groups


def _available(entry: SkillEntry) -> list[str]:
    return [version for version, release in entry.releases.items() if release.available]


def _no_version(request: Wanted, entry: SkillEntry) -> NotFoundError:
    versions = sorted(_available(entry), key=sort_key, reverse=True)
    if request.range is None and versions and all(map(is_prerelease, versions)):
        shown = ", ".join(versions[:_SHOWN_VERSIONS])
        return NotFoundError(f"{entry.name} has only pre-releases", remedy=f"name one of them: {shown}")
    if not versions:
        return NotFoundError(f"every version of {entry.name} was withdrawn", remedy=f"see `skills info {entry.name}`")
    what = "version" if request.exact else "version that fits"
    more = ", ..." if len(versions) > _SHOWN_VERSIONS else ""
    remedy = f"it has {', '.join(versions[:_SHOWN_VERSIONS])}{more}"
    return NotFoundError(f"{entry.name} has no {what} {request.range}", remedy=remedy)


def _refuse_status(shown: str, status: str, reason: str | None) -> None:
    if status in ("quarantined", "removed"):
        raise NotFoundError(f"{shown} is {status}{': ' + reason if reason else ''}", remedy="choose another one")


def _refuse_withdrawn(shown: str, release: SkillRelease | PackRelease) -> None:
    for word, reason in (("removed", release.removed), ("quarantined", release.quarantined)):
        if reason is not None:
            raise NotFoundError(f"{shown} was {word}: {reason}", remedy="choose another version")


def _yanked(shown: str, reason: str) -> Problem:
    return Problem("MH607", f"{shown} was yanked: {reason}", "choose another version if you can", severity="warning")


def _all(refused: Sequence[MolthubError]) -> MolthubError:
    """Return one error for all refused requests: itself if there is one."""
    if len(refused) == 1:
        return refused[0]
    problems = [Problem("MH606", error.message, error.remedy) for error in refused]
    return NotFoundError(f"{len(refused)} of the requests cannot be met", problems=problems)
