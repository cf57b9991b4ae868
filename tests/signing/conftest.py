"""Two people with OpenPGP keys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.signing.keys import new_key


@pytest.fixture(scope="module")
def ada() -> Any:
    """Return a publisher's key."""
    return new_key()


@pytest.fixture(scope="module")
def eve() -> Any:
    """Return somebody else's."""
    return new_key()
