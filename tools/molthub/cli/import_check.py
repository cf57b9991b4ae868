"""``molthub import --check``: what upstreams have that is newer than what is here, and what they withdrew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from molthub.cli.import_reading import Source, open_index, read_repository
from molthub.cli.imported_before import ImportedProject, imported_projects
from molthub.cli.upstreams import UpstreamFiles
from molthub.client.index import Index
from molthub.console import Console
from molthub.errors import ExitStatus, MolthubError, NotFoundError
from molthub.model import PackRelease, SkillRelease, VersionRecord
from molthub.registry.catalog import Catalog
from molthub.registry.upstreams.upstream import Upstream
from molthub.versions import latest, sort_key


class Moved(NamedTuple):
    """One thing that an upstream has done. ``what``: newer, withdrawn, changed, gone or unknown."""

    name: str
    here: str
    what: str
    message: str
    remedy: str = ""


def check_upstreams(console: Console, catalog: Catalog, names: Sequence[str], upstreams: UpstreamFiles) -> ExitStatus:
    """Ask the upstreams of everything that was imported, or of ``names``, and tell. Nothing is written."""
    projects = imported_projects(catalog, names)
    found: list[Moved] = []
    failures: list[Moved] = []
    asking = _Asking(upstreams)
    with console.progress("asking upstreams", len(projects)) as done:
        for project in projects:
            try:
                found += asking.moved(project)
            except MolthubError as error:
                failures.append(Moved(project.shown, project.newest[0].number, "unknown", str(error), error.remedy))
            done(1)
    for moved in (*found, *failures):
        console.result(f"{moved.name} {moved.here}: {moved.message}")
        if moved.remedy:
            console.result(f"  {moved.remedy}")
    if not found and not failures:
        console.result(f"{len(projects)} imported, nothing newer upstream")
    console.json(_as_json(len(projects), (*found, *failures)))
    if failures:
        return ExitStatus.FAILED if len(failures) == len(projects) else ExitStatus.PARTLY_DONE
    return ExitStatus.PENDING if found else ExitStatus.DONE


def _as_json(count: int, moved: Sequence[Moved]) -> dict[str, Any]:
    return {"format": "molthub.import-check/1", "imported": count, "upstream": [one._asdict() for one in moved]}


@dataclass
class _Asking:
    """Asks upstreams, each index opened once."""

    upstreams: UpstreamFiles
    indexes: dict[str, Index] = field(default_factory=dict)

    def moved(self, project: ImportedProject) -> list[Moved]:
        upstream = project.newest[1]
        return list(self._git(project) if upstream.kind == "git" else self._index(project))

    def _git(self, project: ImportedProject) -> Iterator[Moved]:
        record, upstream = project.newest
        found = read_repository(Source("git", upstream.location, "HEAD"), upstream.path, self.upstreams)
        if found.upstream.digest != upstream.digest:
            message = f"its folder has changed by commit {found.upstream.commit[:12]}"
            remedy = f"molthub import {project.name} brings it; if its own version stayed the same, with --bump patch"
            yield Moved(project.shown, record.number, "newer", message, remedy)

    def _index(self, project: ImportedProject) -> Iterator[Moved]:
        record, upstream = project.newest
        if upstream.location not in self.indexes:
            self.indexes[upstream.location] = open_index(upstream.location, self.upstreams.allowed)
        try:
            releases, status, newest = _entry(self.indexes[upstream.location], upstream)
        except NotFoundError:
            remedy = "nothing needs to be done: what is here stays"
            yield Moved(project.shown, record.number, "gone", f"{upstream.location} no longer has it", remedy)
            return
        if status in ("quarantined", "removed"):
            yield _withdrawn(project, record, f"the whole project is {status} there")
        elif newest is not None and _is_newer(project.kind, newest, record.number):
            name = project.shown
            yield Moved(name, record.number, "newer", f"{newest} is there", f"molthub import {name}@{newest}")
        for own, origin in project.versions:
            yield from _of_version(project, own, origin, releases.get(own.number))


def _of_version(
    project: ImportedProject, own: VersionRecord, origin: Upstream, release: SkillRelease | PackRelease | None
) -> Iterator[Moved]:
    if release is None:
        return
    if release.artifact.digest != origin.digest:
        message, remedy = "it has other content there under this number", "tell whoever runs that registry"
        yield Moved(project.shown, own.number, "changed", message, remedy)
    for word, reason, known in (
        ("removed", release.removed, own.removed or own.quarantined),
        ("quarantined", release.quarantined, own.quarantined),
        ("yanked", release.yanked, own.yanked or own.quarantined),
    ):
        if reason is not None and known is None:
            yield _withdrawn(project, own, f"it was {word} there: {reason}", word)
            return


def _withdrawn(project: ImportedProject, own: VersionRecord, message: str, word: str = "quarantined") -> Moved:
    how = "" if word == "yanked" else " --quarantine"
    remedy = f"skills unpublish {project.shown}@{own.number}{how} --reason '...'"
    return Moved(project.shown, own.number, "withdrawn", message, remedy)


def _entry(index: Index, upstream: Upstream) -> tuple[dict[str, SkillRelease | PackRelease], str, str | None]:
    """Return the releases by number, the status and the newest available number of what was imported."""
    if upstream.path.startswith("packs/"):
        pack = index.pack(upstream.name)
        number = max((number for number, release in pack.releases.items() if release.available), default=None)
        packs: dict[str, SkillRelease | PackRelease] = {str(key): value for key, value in pack.releases.items()}
        return packs, pack.status, str(number) if number is not None else None
    skill = index.skill(upstream.name)
    newest = latest(number for number, release in skill.releases.items() if release.available)
    return dict(skill.releases), skill.status, newest


def _is_newer(kind: str, there: str, here: str) -> bool:
    if kind == "pack":
        return int(there) > int(here)
    return bool(sort_key(there) > sort_key(here))
