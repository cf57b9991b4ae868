"""What tests with agent programs share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.http_mcp_server import HttpServer, http_mcp_server
from tests.reconciler.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return an empty index, and a target for bots."""
    return World(tmp_path)


@pytest.fixture
def http() -> Iterator[HttpServer]:
    """Run an MCP server over HTTP on loopback."""
    with http_mcp_server() as server:
        yield server
