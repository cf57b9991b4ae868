"""Risks in the files of skill versions that are not merged yet: what could harm those who install them."""

from __future__ import annotations

from collections.abc import Iterator

from molthub.errors import Problem
from molthub.registry.catalog import Catalog
from molthub.registry.reading.version_files import Folders
from molthub.registry.source import Source


def check_risks(catalog: Catalog, source: Source, folders: Folders) -> Iterator[Problem]:
    """Yield the risk findings of skill versions that are not merged yet (without a base: all), allowed ones too."""
    for skill in catalog.skills.values():
        for number in folders.numbers(skill.name):
            if folders.is_merged(skill.name, number):
                continue
            from molthub.registry.risk import scan_skill  # its patterns are compiled when something is to be scanned

            folder = f"skills/{skill.name}/{number}"
            files = {path: source.read(f"{folder}/{path}") for path in folders.files(skill.name, number)}
            version = skill.versions.get(number)
            declared = None if version is None else {need.name for need in version.manifest.env}
            for finding in scan_skill(files, environment=declared):
                yield finding.problem(folder)
