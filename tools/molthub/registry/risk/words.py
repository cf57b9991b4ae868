"""Lists of words, written as text. Pure."""

from __future__ import annotations


def words_in(text: str) -> frozenset[str]:
    """Return the words of ``text``, as whitespace parts them."""
    return frozenset(text.split())


def byte_words_in(text: str) -> frozenset[bytes]:
    """Return the words of ``text`` in UTF-8, as a file's words are."""
    return frozenset(text.encode().split())
