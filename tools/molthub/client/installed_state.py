"""What really stands on disk of the versions that ``index.json`` lists."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from molthub.client.cache import Store, read_tree
from molthub.client.differences import Difference, differences
from molthub.client.lockfile import InstalledVersion, in_order
from molthub.client.skills_folder import SkillsFolder
from molthub.documents import tree_digest
from molthub.errors import IntegrityError, ManifestError, NotFoundError
from molthub.model import FileEntry


class OnDisk(NamedTuple):
    """One installed version as it is found. ``differences`` is empty where the store no longer has its list."""

    entry: InstalledVersion
    state: Literal["intact", "modified", "missing"]
    differences: tuple[Difference, ...] = ()


def look(entry: InstalledVersion, folder: SkillsFolder, store: Store) -> OnDisk:
    """Hash the files of one installed version and compare."""
    exec_from = _expected(entry.digest, store) if os.name == "nt" else ()
    try:
        found = read_tree(folder.place(entry.name, entry.version), exec_from=exec_from)
    except (FileNotFoundError, NotADirectoryError):
        return OnDisk(entry, "missing")
    if tree_digest(found) == entry.digest:
        return OnDisk(entry, "intact")
    expected = _expected(entry.digest, store)
    return OnDisk(entry, "modified", differences(expected, found) if expected else ())


def look_at_all(entries: Iterable[InstalledVersion], folder: SkillsFolder, store: Store) -> list[OnDisk]:
    """Hash several installed versions, in order."""
    return [look(entry, folder, store) for entry in in_order(entries)]


def declared_dependencies(entry: InstalledVersion, folder: SkillsFolder) -> Mapping[str, str]:
    """Return the dependencies that an installed version's ``skill.yaml`` declares; none if it cannot be read."""
    from molthub.yaml_text import parse

    path = folder.place(entry.name, entry.version) / "skill.yaml"
    try:
        value = parse(path.read_bytes(), str(path)).value
        declared = value.get("dependencies") or {}
    except (OSError, ManifestError, AttributeError):
        return {}
    return _as_map(declared)


def _as_map(declared: Any) -> dict[str, str]:
    """Read dependencies in either form: a map, or a list of maps with one key."""
    items = [declared] if isinstance(declared, dict) else declared if isinstance(declared, list) else []
    return {str(name): str(wanted) for item in items if isinstance(item, dict) for name, wanted in item.items()}


def _expected(digest: str, store: Store) -> tuple[FileEntry, ...]:
    try:
        return store.files(digest)
    except (NotFoundError, IntegrityError):
        return ()
