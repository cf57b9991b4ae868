"""What differs between the files that should be there and those that are. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from molthub.model import FileEntry


class Difference(NamedTuple):
    """One file that is not as it was published."""

    path: str
    kind: Literal["modified", "missing", "extra"]

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"


def differences(expected: Iterable[FileEntry], found: Iterable[FileEntry]) -> tuple[Difference, ...]:
    """Compare two lists of files, by path."""
    wanted = {entry.path: entry for entry in expected}
    there = {entry.path: entry for entry in found}
    result = [Difference(path, "missing") for path in wanted.keys() - there.keys()]
    result += [Difference(path, "extra") for path in there.keys() - wanted.keys()]
    result += [Difference(path, "modified") for path in wanted.keys() & there.keys() if wanted[path] != there[path]]
    return tuple(sorted(result))
