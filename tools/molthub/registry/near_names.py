"""Names that people mistake for each other: look-alikes, words in another order, a slip of the finger. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_LOOK_ALIKES = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("-", ""), ("_", ""))
_ONE_SLIP, _TWO_SLIPS = 5, 11
"""How long names are of which one, or two, slips are too few to tell them apart.

Shorter ones all lie near others: of those only two swapped letters count.
"""


def skeleton(name: str) -> str:
    """Return what names have in common that look the same: ``g1t-tools`` and ``gittools`` are one."""
    for shown, meant in _LOOK_ALIKES:
        name = name.replace(shown, meant)
    return name


def is_slip(one: str, other: str) -> bool:
    """Whether one name is what a slip of the finger makes of the other; the longer both are, the more may slip."""
    length = min(len(one), len(other))
    if length < _ONE_SLIP:
        return sorted(one) == sorted(other) and distance(one, other, 1) == 1
    slips = 2 if length >= _TWO_SLIPS else 1
    return distance(one, other, slips) <= slips


def distance(one: str, other: str, limit: int) -> int:
    """Return how many slips lie between two names, or ``limit + 1`` for more than ``limit``.

    A slip is a letter too many, too few or wrong, or two neighbours swapped (Damerau's four; no part is edited twice).
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        ahead, before, row = before, row, [at] + [limit + 1] * len(other)
        for column in range(max(1, at - limit), min(len(other), at + limit) + 1):
            wrong = before[column - 1] + (letter != other[column - 1])
            row[column] = min(wrong, before[column] + 1, row[column - 1] + 1)
            swapped = at > 1 and column > 1 and letter == other[column - 2] and one[at - 2] == other[column - 1]
            if swapped:
                row[column] = min(row[column], ahead[column - 2] + 1)
        if min(row) > limit and min(before) >= limit:  # a swap reaches back over one row
            return limit + 1
    return min(row[-1], limit + 1)


class Names:
    """Known names, to be asked which of them a new one could be mistaken for."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = tuple(known)
        self._by_skeleton: dict[str, list[str]] = {}
        self._by_words: dict[tuple[str, ...], list[str]] = {}
        for name in self._known:
            self._by_skeleton.setdefault(skeleton(name), []).append(name)
            self._by_words.setdefault(_words(name), []).append(name)

    def look_alikes(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield known names that look like ``name``, itself too, with how."""
        for found in self._by_skeleton.get(skeleton(name), ()):
            yield found, "is written like" if found != name else "is named like"

    def near(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield known names that ``name`` could be mistaken for, with how; each once."""
        told = dict(self.look_alikes(name))
        yield from told.items()
        for found in self._by_words.get(_words(name), ()):
            if told.setdefault(found, "") == "":
                yield found, "has the words of"
        for found in self._known:
            if found not in told and is_slip(name, found):
                yield found, "is a slip of the finger away from"


def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted(name.replace("_", "-").split("-")))
