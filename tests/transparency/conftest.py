"""A signed registry with a log, and the commands to work on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.index_fixture import serve
from tests.registry.command import run_molthub, run_skills
from tests.transparency.world import Command, World, numbered


@pytest.fixture
def molthub(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run ``molthub`` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_molthub(capsys, *arguments)


@pytest.fixture
def skills(capsys: pytest.CaptureFixture[str], molthub: Command) -> Command:
    """Run ``skills`` there."""
    del molthub  # it has gone to that folder
    return lambda *arguments: run_skills(capsys, *arguments)


@pytest.fixture
def world(molthub: Command, tmp_path: Path) -> Iterator[World]:
    """Return a registry that was published once, with three versions."""
    with serve({}) as server:
        made = World(molthub, tmp_path / "world", server)
        made.begin(numbered(3))
        yield made
