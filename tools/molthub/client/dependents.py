"""Who among the installed needs whom."""

from __future__ import annotations

from collections.abc import Iterable

from molthub.client.installed_state import declared_dependencies
from molthub.client.lockfile import InstalledVersion
from molthub.client.skills_folder import SkillsFolder
from molthub.errors import MolthubError
from molthub.versions import matches


def dependents(entry: InstalledVersion, staying: Iterable[InstalledVersion], folder: SkillsFolder) -> list[str]:
    """Return the installed skills that would miss ``entry``: none that stays fits what they want instead."""
    others = list(staying)
    alternatives = [other.version for other in others if other.name == entry.name and other != entry]
    needing = []
    for other in others:
        if other.name == entry.name:
            continue
        wanted = declared_dependencies(other, folder).get(entry.name)
        if wanted is None or not _fits(entry.version, wanted):
            continue
        if not any(_fits(version, wanted) for version in alternatives):
            needing.append(str(other))
    return needing


def _fits(version: str, wanted: str) -> bool:
    try:
        return matches(version, wanted)
    except MolthubError:
        return False
