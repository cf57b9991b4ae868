"""What the reconciler's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from molthub.model import Json
from tests.reconciler.site import DOCKER, GIT
from tests.reconciler.world import World

SERVER = {"command": "npx", "args": ["-y", "server-github"], "env": {"TOKEN": "${secrets.token}", "LEVEL": "debug"}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return an empty world."""
    return World(tmp_path)


@pytest.fixture
def desired(world: World) -> dict[str, Json]:
    """Return a desired state of every kind of key; its two skills are known to the world's site."""
    return {
        "config/docker": {"registry": "local"},
        "env/LEVEL": "debug",
        "env/TOKEN": "${secrets.token}",
        "mcp/github": SERVER,
        "skill/docker": world.site.skill("docker", "2.0.1", DOCKER),
        "skill/git": world.site.skill("git", "1.2.0", GIT),
    }
