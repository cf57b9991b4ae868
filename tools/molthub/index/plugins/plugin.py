"""What every kind of plugin is made of: one version of a pack, with the files of its skills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.model import Json, bare_name
from molthub.registry.upstreams.content import Content


@dataclass(frozen=True)
class Plugin:
    """One version of a pack. ``skills`` are by full name; ``servers`` as :func:`pack_servers` has them.

    ``homepage`` is the pack's page, or empty where the registry does not say where it is published.
    """

    name: str
    number: int
    title: str
    description: str
    owner: str
    digest: str
    homepage: str
    skills: Mapping[str, Content] = field(default_factory=dict)
    servers: Mapping[str, Json] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The pack's number as other programs count: ``3`` is 3.0.0, for every number may change everything."""
        return f"{self.number}.0.0"

    @property
    def clashing(self) -> tuple[str, ...]:
        """The skills that share a bare name with another one: a plugin has one folder for both, so neither is in it."""
        same = Counter(bare_name(name) for name in self.skills)
        return tuple(sorted(name for name in self.skills if same[bare_name(name)] > 1))

    def skill_files(self) -> dict[str, tuple[bytes, bool]]:
        """Return the skills' files as they stand in a plugin: path -> bytes, and whether it may be executed."""
        left_out = self.clashing
        return {
            f"skills/{bare_name(name)}/{entry.path}": (content, entry.executable)
            for name, files in sorted(self.skills.items())
            if name not in left_out
            for entry, content in files
        }


PluginFiles = dict[str, tuple[bytes, bool]]
"""The files of a plugin by path: their bytes, and whether they may be executed."""
