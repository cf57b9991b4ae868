"""Who owns what: every owner and scope has its publisher, and no scope has two."""

from __future__ import annotations

from collections.abc import Iterator

from molthub.errors import Problem
from molthub.nearest import did_you_mean
from molthub.registry.catalog import Catalog


def check_owners(catalog: Catalog) -> Iterator[Problem]:
    """Yield owners without a publisher, scopes without one or with two, and scoped projects that name owners."""
    yield from _publisher(catalog, catalog.registry.owner, "registry.yaml")
    holders: dict[str, str] = {}
    for publisher in catalog.publishers.values():
        for scope in publisher.scopes:
            other = holders.setdefault(scope, publisher.name)
            if other != publisher.name:
                message = f"the scope @{scope} belongs to {other} already"
                file = f"publishers/{publisher.name}/publisher.yaml"
                yield Problem("MH108", message, "a scope has one publisher: leave it out of one", file=file)
    for skill in catalog.skills.values():
        scoped = skill.name.startswith("@")
        scope = skill.name[1:].partition("/")[0]
        if scoped and scope not in holders and not _may_be_broken(catalog):
            message = f"the scope @{scope} belongs to no publisher"
            yield Problem("MH108", message, f"add {scope!r} to the scopes of a publisher.yaml", file=skill.project.file)
        if scoped and skill.project.owners:
            message = "a scoped skill has no owners of its own: its scope says who they are"
            yield Problem("MH108", message, "leave `owners` out", file=skill.project.file)
        if not scoped and skill.project.versions and not skill.project.owners:
            message = f"{skill.name} has no owners"
            yield Problem("MH108", message, "write `owners: [publisher]`", file=skill.project.file)
    projects = [skill.project for skill in catalog.skills.values()]
    projects += [pack.project for pack in catalog.packs.values()]
    for project in projects:
        for owner in project.owners:
            yield from _publisher(catalog, owner, project.file)


def _may_be_broken(catalog: Catalog) -> bool:
    """Whether a publisher cannot be read, so that a scope may well have one."""
    return any(key.startswith("publisher/") for key in catalog.broken)


def _publisher(catalog: Catalog, owner: str, file: str) -> Iterator[Problem]:
    if owner in catalog.publishers or f"publisher/{owner}" in catalog.broken:
        return
    remedy = did_you_mean(owner, catalog.publishers, f"add publishers/{owner}/publisher.yaml")
    yield Problem("MH108", f"the owner {owner} is no publisher of this registry", remedy, file=file)
