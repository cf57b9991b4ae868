"""What judges pages."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def axe() -> str:
    """Return the program that judges accessibility."""
    from tests.peers.npm_programs import npm_file

    return npm_file("axe-core/axe.min.js", Path(__file__).parent / "npm").read_text(encoding="utf-8")
