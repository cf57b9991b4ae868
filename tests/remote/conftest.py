"""What the tests of bots on other machines share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reconciler.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return an empty world: an index, the controller's target and state."""
    return World(tmp_path)
