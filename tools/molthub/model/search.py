"""What an index holds for searching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from molthub.model import Status


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One line of a search list. ``latest`` is the number that "latest" means.

    ``words`` are found too, though they stand in neither name, tags nor description: keywords, words of headings.
    ``platforms`` are the agent programs that the skill says it is made for; none: for any.
    """

    kind: Literal["skill", "pack"]
    name: str
    description: str
    latest: str
    tags: tuple[str, ...] = ()
    status: Status = "active"
    owners: tuple[str, ...] = ()
    mcp_servers: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchDirectory:
    """Which search list holds what, where there are too many rows for one: the document ``molthub.search-directory/1``.

    ``lists`` are hex names, to which the numbers below point. ``whole`` maps the beginning of a word to the list with
    every row that has such a word; ``best`` maps one that too many rows have to a list of the best of them, and to how
    many there are. Both also hold pairs of words (``code review``, of names and tags alone) and what is filtered by
    (``owner/acme``). ``words`` are those that a misspelled word may have meant, with how many rows have them.
    """

    rows: int
    lists: tuple[str, ...]
    whole: Mapping[str, int]
    best: Mapping[str, tuple[int, int]]
    words: Mapping[str, int]
