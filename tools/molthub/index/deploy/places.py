"""Where an index can be sent: the port."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

Done = Callable[[int], None]
"""Is told of so many files that are sent."""


@dataclass(frozen=True, slots=True)
class Held:
    """A file that a place holds. ``md5`` is None where the place does not tell it."""

    size: int
    modified: datetime
    md5: str | None = None


class Place(Protocol):
    """A place that is served, or that is put in its place as a whole."""

    where: str
    """The address, without credentials."""

    def files(self) -> Mapping[str, Held]:
        """Return every file that is there, by its path below the place."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises FileNotFoundError where there is none, MolthubError for anything else."""

    def changed(self, site: Path, paths: Sequence[str], held: Mapping[str, Held]) -> list[str]:
        """Return those of the site's files that the place does not hold alike."""

    def send(self, site: Path, paths: Sequence[str], done: Done) -> None:
        """Put the site's files there, each one whole or not at all. Raises MolthubError."""

    def keep(self, paths: Sequence[str]) -> list[str]:
        """Make sure that these files of older indexes stay; return those that had to be brought along."""

    def remove(self, paths: Sequence[str]) -> None:
        """Take files away. Raises MolthubError."""
