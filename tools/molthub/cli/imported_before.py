"""What a registry imported before: where its skills and packs came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from molthub.client.wanted import parse_wanted
from molthub.errors import NotFoundError
from molthub.model import Project, VersionRecord
from molthub.registry.catalog import Catalog
from molthub.registry.upstreams.upstream import Upstream, upstream_of
from molthub.versions import sort_key


class ImportedProject(NamedTuple):
    """A skill or pack with imported versions, lowest first, each with where it came from."""

    kind: str
    name: str
    versions: tuple[tuple[VersionRecord, Upstream], ...]

    @property
    def shown(self) -> str:
        """The name as people write it."""
        return f"pack/{self.name}" if self.kind == "pack" else self.name

    @property
    def newest(self) -> tuple[VersionRecord, Upstream]:
        """The highest imported version."""
        return self.versions[-1]


def imported_projects(catalog: Catalog, names: Sequence[str] = ()) -> list[ImportedProject]:
    """Return what was imported, all or what is named. Raises :class:`NotFoundError` for a name that was not."""
    found = list(_all(catalog))
    if not names:
        return found
    chosen = []
    for text in names:
        wanted = parse_wanted(text)
        one = next((project for project in found if (project.kind, project.name) == (wanted.kind, wanted.name)), None)
        if one is None:
            remedy = f"say where from: molthub import {text} --from URL"
            raise NotFoundError(f"nothing of {wanted.shown} was imported into this registry", remedy=remedy)
        chosen.append(one)
    return chosen


def imported_before(catalog: Catalog, text: str) -> tuple[Upstream, str, str | None]:
    """Return where ``NAME[@V]`` came from, its name here and the version that is wanted. Raises as above."""
    project = imported_projects(catalog, [text])[0]
    return project.newest[1], project.name, parse_wanted(text).range


def _all(catalog: Catalog) -> Iterator[ImportedProject]:
    for skill in catalog.skills.values():
        yield from _one("skill", skill.name, skill.project)
    for pack in catalog.packs.values():
        yield from _one("pack", pack.name, pack.project)


def _one(kind: str, name: str, project: Project) -> Iterator[ImportedProject]:
    records = ((record, upstream_of(record)) for record in project.versions.values() if record.removed is None)
    imported = [(record, upstream) for record, upstream in records if upstream is not None]
    if imported and project.status != "removed":
        order = (lambda pair: int(pair[0].number)) if kind == "pack" else (lambda pair: sort_key(pair[0].number))
        yield ImportedProject(kind, name, tuple(sorted(imported, key=order)))
