"""Noting what was asked while something was made: as long as the answers are the same, so is what was made.

A catalog whose mappings are :class:`Noted` tells :class:`Notes` of every question. What is made once for many is noted
with each of them (:meth:`Notes.again`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

Made = TypeVar("Made")
Value = TypeVar("Value")
Key = TypeVar("Key")


class Asked(NamedTuple):
    """One question: what ``kind`` says of ``key``, or with :data:`ALL` for its key which keys there are."""

    kind: str
    key: str


ALL = "*"
"""The key of the question which keys there are. Nothing in a registry has this name."""


class Notes:
    """What was asked so far, by what is being made at the moment."""

    def __init__(self) -> None:
        self._open: list[set[Asked]] = [set()]

    def note(self, kind: str, key: str) -> None:
        """Note one question."""
        self._open[-1].add(Asked(kind, key))

    def again(self, asked: Iterable[Asked]) -> None:
        """Note what was asked when something was made that is now used again."""
        self._open[-1].update(asked)

    def gathered(self, make: Callable[[], Made]) -> tuple[Made, frozenset[Asked]]:
        """Return what ``make`` returns, and what was asked meanwhile; whoever asked for it has asked that too."""
        self._open.append(set())
        try:
            made = make()
        finally:
            asked = self._open.pop()
        self._open[-1] |= asked
        return made, frozenset(asked)


class Noted(Mapping[Key, Value]):
    """A mapping that tells ``notes`` what it was asked: questions of ``kind``, keys written as ``name`` does."""

    def __init__(self, kind: str, values: Mapping[Key, Value], notes: Notes, name: Callable[[Key], str] = str) -> None:
        self._kind, self._values, self._notes, self._name = kind, values, notes, name

    def __getitem__(self, key: Key) -> Value:
        self._notes.note(self._kind, self._name(key))
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        self._notes.note(self._kind, self._name(key))  # type: ignore[arg-type] # whoever asks knows the kind of key
        return key in self._values

    def __iter__(self) -> Iterator[Key]:
        self._notes.note(self._kind, ALL)
        return iter(self._values)

    def __len__(self) -> int:
        self._notes.note(self._kind, ALL)
        return len(self._values)


class NotedNames(Noted[Key, Value]):
    """One in which it is another question whether something is there at all: of the kind with ``?``."""

    def __contains__(self, key: object) -> bool:
        self._notes.note(f"{self._kind}?", self._name(key))  # type: ignore[arg-type] # as above
        return key in self._values
