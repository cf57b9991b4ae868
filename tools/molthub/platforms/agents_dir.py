"""agents-dir: the folder that many agent programs share, and a manifest for the ones that read their own way.

Skills go to ``.agents/skills/<skill>/``, the user folder of the Agent Skills client guide. Everything else is in
``.agents/molthub.json``: servers, environment and configuration as they were resolved, secrets as placeholders.
"""

from __future__ import annotations

from collections.abc import Mapping

from molthub.model import Json
from molthub.platforms.base import (
    Entry,
    FileFormat,
    Pointer,
    Reload,
    Source,
    Wiring,
    check_value,
    manifest_entry,
    manifest_wiring,
    skill_path,
)
from molthub.platforms.pitfalls import Pitfall
from molthub.references.secrets import value_error
from molthub.references.skill_folders import SKILL_FOLDERS, SkillFolders


class AgentsDir:
    """The platform ``agents-dir``. It has one agent; its files are only molthub's."""

    name = "agents-dir"
    bundled_skills: frozenset[str] = frozenset()
    reload = Reload("restart", "restart")
    pitfalls: tuple[Pitfall, ...] = ()

    def skills_root(self, agent: str) -> str:  # noqa: ARG002 (one folder for every agent)
        """Return ``.agents/skills``."""
        return ".agents/skills"

    def searched(self, agent: str) -> SkillFolders:  # noqa: ARG002 (one folder for every agent)
        """Return ``.agents/skills`` alone."""
        return SKILL_FOLDERS[self.name]

    def skill_folder(self, agent: str, name: str) -> str:
        """Return ``.agents/skills/<skill>``."""
        return skill_path(self.skills_root(agent), name)

    def entries(self, agent: str, key: str, value: Json) -> tuple[Entry, ...]:  # noqa: ARG002 (one manifest)
        """Return the key's place in the manifest."""
        check_value(key, value)
        return (manifest_entry(key, value),)

    def shadows(self, agent: str, key: str, value: Json) -> tuple[tuple[str, Pointer], ...]:  # noqa: ARG002
        """Return nothing."""
        return ()

    def wiring(self, agent: str, desired: Mapping[str, Json]) -> tuple[Wiring, ...]:  # noqa: ARG002 (one manifest)
        """Return the manifest's format line."""
        return manifest_wiring(desired)

    def file_format(self, file: str) -> FileFormat:  # noqa: ARG002 (all is JSON)
        """Return ``json``."""
        return "json"

    def owners_fields(self, file: str, pointer: Pointer) -> frozenset[str]:  # noqa: ARG002 (the manifest is molthub's)
        """Return none."""
        return frozenset()

    def sources(self, agent: str) -> tuple[Source, ...]:  # noqa: ARG002 (the manifest is molthub's)
        """Return none: nobody writes the manifest by hand."""
        return ()

    def read_back(self, agent: str, key: str, value: Json) -> Json:  # noqa: ARG002 (there are no sources)
        """Refuse: there is nothing to read."""
        raise value_error(key, "the shared folder has no file that is written by hand", "declare it in git")
