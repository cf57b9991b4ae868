"""Whether one commit of a registry leads to another."""

from __future__ import annotations

from pathlib import Path

from molthub.registry.trees.git_source import open_repository, repository_path


def is_ancestor(directory: Path, older: str, newer: str) -> bool | None:
    """Return whether ``newer`` comes after ``older`` in the repository around ``directory``.

    None where that cannot be told: no repository is there, or it does not hold ``newer``, or it is shallow.
    """
    if repository_path(directory) is None:
        return None
    repository = open_repository(directory)
    if newer not in repository:
        return None
    if older not in repository:
        return None if repository.is_shallow else False
    found: bool = repository.descendant_of(newer, older)
    return found
