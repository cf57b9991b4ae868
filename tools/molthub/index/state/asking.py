"""Asking a database for one value."""

from __future__ import annotations

import sqlite3
from typing import Any


def one(database: sqlite3.Connection, query: str, value: str) -> Any:
    """Return the first column of the first row; None where there is none."""
    found = database.execute(query, (value,)).fetchone()
    return found[0] if found else None
