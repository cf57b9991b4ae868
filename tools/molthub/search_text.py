"""Search by words, the same for the client, which has the search list, and the server, which answers ``?q=``.

A query is a list of terms; a row is found when every term is found in it, at the beginning of a word. Rows come back
best first: a term that is the name counts more than one that begins it, then a word of the name, a tag, a word of the
description. Pure: rows in, rows out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum

from molthub.model import SearchRow, bare_name


class Place(IntEnum):
    """Where a term was found, best first."""

    NAME = 0
    NAME_BEGIN = 1
    NAME_WORD = 2
    TAG = 3
    DESCRIPTION = 4


def rank(rows: Iterable[SearchRow], query: str) -> tuple[SearchRow, ...]:
    """Return the rows that hold every term of ``query``, best first, equals by name.

    Without a term every row is returned, by name.
    """
    terms = terms_of(query)
    patterns = [_word_begin(term) for term in terms]
    found = []
    for row in rows:
        # Most rows hold no term at all: the cheap look comes first.
        text = f"{row.name}\n{row.description}\n{' '.join(row.tags)}".casefold()
        if all(term in text for term in terms):
            places = [_place(row, term, pattern) for term, pattern in zip(terms, patterns, strict=True)]
            if None not in places:
                found.append((_weight(row, terms, places), row.name, row.kind != "skill", row))
    found.sort(key=lambda entry: entry[:3])
    return tuple(row for *_order, row in found)


def terms_of(query: str) -> tuple[str, ...]:
    """Return the terms of a query: its words without case, each once."""
    return tuple(dict.fromkeys(query.casefold().split()))


def _weight(row: SearchRow, terms: Sequence[str], places: Sequence[Place | None]) -> int:
    """Return how far a row is from what was asked for. "code review" asks for ``code-review`` too."""
    if terms and "-".join(terms) in (row.name, bare_name(row.name)):
        return 0
    return sum(place for place in places if place is not None)


def _place(row: SearchRow, term: str, pattern: re.Pattern[str]) -> Place | None:
    bare = bare_name(row.name)
    if term in (row.name, bare):
        return Place.NAME
    if row.name.startswith(term) or bare.startswith(term):
        return Place.NAME_BEGIN
    if pattern.search(row.name):
        return Place.NAME_WORD
    if any(pattern.search(tag.casefold()) for tag in row.tags):
        return Place.TAG
    return Place.DESCRIPTION if pattern.search(row.description.casefold()) else None


def _word_begin(term: str) -> re.Pattern[str]:
    # Only ASCII letters and digits join words: scripts without spaces are searched anywhere.
    return re.compile(f"(?<![0-9a-z]){re.escape(term)}")
