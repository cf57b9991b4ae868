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

    @property
    def can_be_given(self) -> bool:
        """Whether a program can be given it: no zero byte, and nothing that only JSON can spell (a lone surrogate)."""
        try:
            return b"\0" not in self._text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return False

    @property
    def is_utf8(self) -> bool:
        """Whether it may be kept: bytes that are no UTF-8 come from the environment alone."""
        return self.can_be_given and not any("\ud800" <= letter <= "\udfff" for letter in self._text)

    def __repr__(self) -> str:
        return "SecretValue(***)"

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret's value is not written anywhere")
