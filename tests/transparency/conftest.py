"""A signed registry with a log, and the commands to work on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.index_fixture import serve
from tests.registry.command import Command
from tests.transparency.world import World, numbered


@pytest.fixture
def world(molthub: Command, tmp_path: Path) -> Iterator[World]:
    """Return a registry that was published once, with three versions."""
    with serve({}) as server:
        made = World(molthub, tmp_path / "world", server)
        made.begin(numbered(3))
        yield made
