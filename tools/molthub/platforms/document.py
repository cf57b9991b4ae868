"""What a text format must be able to do, so that files in it can be edited in place.

A :class:`Document` is one text. Its edits return the edited text and change nothing themselves. Pointers are the keys
that lead from the outermost object inwards; lists are not walked into.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from molthub.model import Json


class TextError(ValueError):
    """A text is not in its format; ``offset`` is the character where reading stopped."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class InTheWayError(Exception):
    """Something else than ``wanted`` (``an object``, ``a list``) stands at ``pointer``, where it has to be."""

    def __init__(self, pointer: Sequence[str], wanted: str) -> None:
        super().__init__(wanted)
        self.pointer = tuple(pointer)
        self.wanted = wanted


class UnsafeEditError(Exception):
    """The text is laid out in a way in which this one edit would touch something else; the message says what."""


class Document(Protocol):
    """One text. Every method that takes a pointer may raise :class:`UnsafeEditError`."""

    @property
    def value(self) -> Json:
        """What the text says. Raises :class:`TextError`."""
        ...

    def added(self, pointer: Sequence[str], value: Json) -> str:
        """Return the text with a member that is missing, and what is missing of the objects around it.

        Raises :class:`InTheWayError`.
        """
        ...

    def replaced(self, pointer: Sequence[str], value: Json) -> str:
        """Return the text with another value for a member that is there."""
        ...

    def appended(self, pointer: Sequence[str], item: Json) -> str:
        """Return the text with one item more at the end of a list that is there."""
        ...

    def removed(self, pointer: Sequence[str]) -> str:
        """Return the text without a member that is there."""
        ...

    def place(self, pointer: Sequence[str]) -> int:
        """Return the offset where the member at ``pointer`` begins, or the nearest one around it that is there."""
        ...

    def is_blank(self, pointer: Sequence[str]) -> bool:
        """Whether the object at ``pointer`` holds nothing, not even a comment."""
        ...
