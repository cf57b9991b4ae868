"""Which files a piece of work opens, lists, makes or replaces: counted by the interpreter's own audit events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.utime"})
_watching: list[list[str]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in _EVENTS:
        _watching[-1].append(f"{event} {arguments[0]}")


sys.addaudithook(_hear)


@contextmanager
def touched() -> Iterator[list[str]]:
    """Collect what the block does to files, as ``<event> <path>``."""
    found: list[str] = []
    _watching.append(found)
    try:
        yield found
    finally:
        _watching.remove(found)
