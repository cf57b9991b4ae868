"""Plain strings that patterns are looked for at, told apart quickly by the words that a text holds. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from molthub.registry.risk.visible import beyond_ascii

_WORD_BYTES = bytes(
    ord(letter.lower()) if letter.isascii() and letter.isalnum() else ord(" ") for letter in map(chr, range(256))
)


Parts = tuple[str, frozenset[bytes], bytes]
"""An anchor with its runs of letters and digits, and its bytes beyond ASCII: a text that lacks one lacks the anchor."""


def words_of(content: bytes) -> frozenset[bytes]:
    """Return the runs of ASCII letters and digits in ``content``, in lower case."""
    return frozenset(content.translate(_WORD_BYTES).split())


def possible(anchors: tuple[str, ...], words: frozenset[bytes]) -> Iterator[Parts]:
    """Yield those of ``anchors`` whose longest word is one of ``words``, or that hold no word."""
    by_word, all_words = _by_word(anchors)
    yield from by_word.get(b"", ())
    for word in all_words & words:  # of two sets, the smaller one is walked
        yield from by_word[word]


@cache
def _by_word(anchors: tuple[str, ...]) -> tuple[dict[bytes, list[Parts]], frozenset[bytes]]:
    parts: dict[bytes, list[Parts]] = {}
    for anchor in anchors:
        code = anchor.encode()
        runs = words_of(code)
        longest = max(sorted(runs), key=len, default=b"")
        parts.setdefault(longest, []).append((anchor, runs, beyond_ascii(code)))
    return parts, frozenset(parts)
