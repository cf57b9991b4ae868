"""Risks in the files of skill versions that are not merged yet: what could harm those who install them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from molthub.errors import Problem
from molthub.registry.catalog import Catalog
from molthub.registry.reading.version_files import Folders
from molthub.registry.source import Source

if TYPE_CHECKING:
    from molthub.registry.risk.processes import Scanned


def check_risks(catalog: Catalog, source: Source, folders: Folders, jobs: int = 1) -> Iterator[Problem]:
    """Yield the risk findings of skill versions that are not merged yet (without a base: all), allowed ones too.

    Where they are many, up to ``jobs`` processes read them.
    """
    unmerged = [
        (skill.name, number)
        for skill in catalog.skills.values()
        for number in folders.numbers(skill.name)
        if not folders.is_merged(skill.name, number)
    ]
    if not unmerged:
        return
    from molthub.registry.risk.processes import scan_skills  # patterns are compiled when something is to be scanned

    for folder, findings in scan_skills(_to_scan(catalog, source, folders, unmerged), jobs):
        for finding in findings:
            yield finding.problem(folder)


def _to_scan(catalog: Catalog, source: Source, folders: Folders, versions: list[tuple[str, str]]) -> Iterator[Scanned]:
    from molthub.registry.risk.processes import Scanned

    for name, number in versions:
        folder = f"skills/{name}/{number}"
        files = {path: source.read(f"{folder}/{path}") for path in folders.files(name, number)}
        version = catalog.skills[name].versions.get(number)
        declared = None if version is None else frozenset(need.name for need in version.manifest.needs.env)
        yield Scanned(folder, files, declared)
