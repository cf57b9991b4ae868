"""What the tests of bots on other machines share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reconciler.world import World
from tests.remote.inside import Inside, inside


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return an empty world: an index, the controller's target and state."""
    return World(tmp_path)


@pytest.fixture
def controlled(world: World) -> Iterator[Inside]:
    """Return a controller in this process, with one bot that lives elsewhere."""
    world.site.bot("prod/ada", {"env/LEVEL": "debug"})
    world.site.publish()
    with inside(world) as found:
        found.token_file("prod/ada", found.enrol("prod/ada"))
        found.look()
        yield found
