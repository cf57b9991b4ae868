"""How large search lists are."""

from __future__ import annotations

from typing import NamedTuple


class Bounds(NamedTuple):
    """How large lists are.

    Up to ``small`` rows stand in one list (2,000 are 330 KB compressed). Else a list has ``rows`` at most, and ``best``
    are kept of a key that more rows have. A ``pair`` of words must stand together in so many names and tags to have a
    list; it is no more than ``best``.
    """

    small: int = 2000
    rows: int = 500
    best: int = 100
    pair: int = 5


USUAL = Bounds()
