"""A registry of a company, and a host of repositories that it imports from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import commit, registry, skill
from tests.imports.git_host import NOTES, GitHost, commit_skills, git_host


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the checkout of a registry with one skill of its own."""
    folder = tmp_path / "company"
    commit(registry(skill("own")), folder)
    return folder


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    """Serve ``skills.git``, which holds the skill ``notes`` in ``skills/notes``."""
    root = tmp_path / "host"
    root.mkdir()
    commit_skills(root / "skills.git", NOTES)
    with git_host(root) as server:
        yield server
