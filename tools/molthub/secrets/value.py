"""A secret's value: it goes where it is meant to go, and nowhere by accident."""

from __future__ import annotations

from typing import NoReturn


class SecretValue:
    """A secret's value. It is not printed, formatted, compared with text or pickled; :meth:`reveal` gives it out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the value, for the program that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "SecretValue(***)"

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret's value is not written anywhere")
