"""What a query means: which rows it finds, in which order, and what a misspelled word was meant to be.

A query is a list of terms; a row is found when every term is found in it, at the beginning of a word. Rows come back
best first: a term that is the name counts more than one that begins it, then a word of the name, a tag, a word of the
description, a keyword or a word of a heading. A term that nothing holds is taken for the nearest word that something
does hold, one edit away.

The client, the server's ``?q=`` and the page of an index follow these rules; the page does in JavaScript, so nothing
here uses what JavaScript has in another form (``str.lower``, not ``casefold``). Pure: rows in, rows out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from molthub.model import SearchRow, bare_name

SHORTEST_MENDED = 4
"""A shorter term has too many neighbours to guess at."""

_TOKEN = re.compile(r"[0-9a-z]+[+#]*|[^\W_](?=(.{0,2}))", re.DOTALL)
_MENDABLE = re.compile(rf"[a-z]{{{SHORTEST_MENDED},}}\Z")
_MEANT = re.compile(r"[a-z]{3,}\Z")


class Place(IntEnum):
    """Where a term was found, best first."""

    NAME = 0
    NAME_BEGIN = 1
    NAME_WORD = 2
    TAG = 3
    DESCRIPTION = 4
    WORD = 5


@dataclass(frozen=True, slots=True)
class Filters:
    """What rows must have besides the words of the query: all of these tags and servers, one of the others.

    A skill that says nothing of platforms is for each of them.
    """

    tags: tuple[str, ...] = ()
    mcp_servers: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()

    def keep(self, row: SearchRow) -> bool:
        """Whether a row passes."""
        return (
            _lower(self.tags) <= _lower(row.tags)
            and _lower(self.mcp_servers) <= _lower(row.mcp_servers)
            and (not self.owners or not _lower(self.owners).isdisjoint(_lower(row.owners)))
            and (not self.platforms or not row.platforms or not _lower(self.platforms).isdisjoint(row.platforms))
            and (not self.statuses or row.status in self.statuses)
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a query, best first.

    ``total`` is how many rows there are; not ``complete``: at least so many, of which only the best are in ``rows``.
    ``mended`` maps each term that nothing holds to the word that was looked for instead.
    """

    rows: tuple[SearchRow, ...]
    total: int
    complete: bool = True
    mended: Mapping[str, str] | None = None


def find_in(rows: Sequence[SearchRow], query: str, filters: Filters | None = None) -> Found:
    """Search in all rows there are. Without a term every row that passes the filters is found, by name."""
    query, mended = mend(rows, query)
    found = rank(rows, query, filters)
    return Found(found, len(found), mended=mended)


def rank(rows: Iterable[SearchRow], query: str, filters: Filters | None = None) -> tuple[SearchRow, ...]:
    """Return the rows that hold every term of ``query``, best first, equals by name, and nothing mended."""
    terms = terms_of(query)
    found = []
    for row in rows:
        if filters is None or filters.keep(row):
            weight = _weight(row, terms)
            if weight is not None:
                found.append((weight, row.name, row.kind != "skill", row))
    found.sort(key=lambda entry: entry[:3])
    return tuple(row for *_order, row in found)


def terms_of(query: str) -> tuple[str, ...]:
    """Return the terms of a query: its words in lower case, each once."""
    return tuple(dict.fromkeys(query.lower().split()))


def tokens(text: str) -> list[str]:
    """Return what a row with this text can be found by: its words.

    Only ASCII letters and digits join words, and end with signs as ``c++`` does. Any other letter begins one, for
    scripts without spaces are searched anywhere; three characters of such a word are enough to look it up.
    """
    return [match[0] + (match[1] or "") for match in _TOKEN.finditer(text)]


def words_by_place(row: SearchRow) -> tuple[tuple[Place, str], ...]:
    """Return the texts of a row in lower case, each with the place that a term found in it has."""
    return (
        (Place.NAME_WORD, row.name),
        (Place.TAG, "\n".join(row.tags).lower()),
        (Place.DESCRIPTION, row.description.lower()),
        (Place.WORD, "\n".join(row.words).lower()),
    )


def _weight(row: SearchRow, terms: Sequence[str]) -> int | None:
    """Return how far a row is from what was asked for, or None: it lacks a term."""
    if not terms:
        return 0
    texts = words_by_place(row)
    # Most rows lack a term: the cheap look comes first.
    if not all(any(term in text for _place, text in texts) for term in terms):
        return None
    weight = 0
    for term in terms:
        place = _place(row, texts, term)
        if place is None:
            return None
        weight += place
    # "code review" asks for code-review too.
    return 0 if "-".join(terms) in (row.name, bare_name(row.name)) else weight


def _place(row: SearchRow, texts: Iterable[tuple[Place, str]], term: str) -> Place | None:
    bare = bare_name(row.name)
    if term in (row.name, bare):
        return Place.NAME
    if row.name.startswith(term) or bare.startswith(term):
        return Place.NAME_BEGIN
    return next((place for place, text in texts if begins_word(text, term)), None)


def begins_word(text: str, term: str) -> bool:
    """Whether ``term`` stands in ``text`` where no ASCII letter or digit is before it."""
    at = text.find(term)
    while at > 0 and text[at - 1] in _JOINED:
        at = text.find(term, at + 1)
    return at >= 0


_JOINED = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")


def _lower(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(text.lower() for text in texts)


# --- misspelled words ----------------------------------------------------------------------------------------------


def mend(rows: Sequence[SearchRow], query: str) -> tuple[str, dict[str, str]]:
    """Return the query with each term that no row holds replaced by the nearest word, and what was replaced."""
    missing = [term for term in terms_of(query) if is_mendable(term) and not holds(rows, term)]
    return mend_terms(query, missing, vocabulary(rows)) if missing else (query, {})


def mend_terms(query: str, missing: Iterable[str], words: Mapping[str, int]) -> tuple[str, dict[str, str]]:
    """Return the query with the terms ``missing`` replaced as far as ``words`` has near ones, and what was replaced."""
    mended = {term: word for term in missing if (word := nearest(term, words))}
    return " ".join(mended.get(term, term) for term in terms_of(query)), mended


def is_mendable(term: str) -> bool:
    """Whether a term is a word that may be a misspelling of another."""
    return _MENDABLE.match(term) is not None


def holds(rows: Iterable[SearchRow], term: str) -> bool:
    """Whether any row holds the term."""
    return any(begins_word(text, term) for row in rows for _place, text in words_by_place(row))


def vocabulary(rows: Sequence[SearchRow]) -> dict[str, int]:
    """Return the words that a misspelled one may have meant, with how many rows have them.

    They are those of names and tags, and what more than one row in a thousand says.
    """
    counts: Counter[str] = Counter()
    named: set[str] = set()
    for row in rows:
        texts = [(place, set(filter(_MEANT.match, tokens(text)))) for place, text in words_by_place(row)]
        named.update(*(words for place, words in texts if place <= Place.TAG))
        counts.update(set().union(*(words for _place, words in texts)))
    return {word: count for word, count in counts.items() if is_meant(word, count, len(rows), named=word in named)}


def is_meant(word: str, count: int, rows: int, *, named: bool) -> bool:
    """Whether a word that ``count`` of all rows have belongs to the vocabulary."""
    return (named or count > rows // 1000) and _MEANT.match(word) is not None


def nearest(term: str, words: Mapping[str, int]) -> str | None:
    """Return the word one edit away that most rows have: a letter more, less, another, or two that changed places.

    The first letter is taken as typed. A word that only begins so (``kubrne`` for kubernetes) comes behind.
    """
    near = []
    for word, count in words.items():
        if word[0] == term[0] and len(word) >= len(term) - 1:
            whole = one_edit(term, word)
            if whole or any(one_edit(term, word[:end]) for end in range(len(term) - 1, len(term) + 2)):
                near.append((not whole, -count, word))
    return min(near)[2] if near else None


def one_edit(term: str, word: str) -> bool:
    """Whether two words differ by one edit, after Damerau."""
    if abs(len(term) - len(word)) > 1 or term == word:
        return False
    shorter = min(len(term), len(word))
    head = next((at for at in range(shorter) if term[at] != word[at]), shorter)
    tail = next((at for at in range(shorter - head) if term[-1 - at] != word[-1 - at]), shorter - head)
    left, right = term[head : len(term) - tail], word[head : len(word) - tail]
    return max(len(left), len(right)) == 1 or (len(left) == 2 and left == right[::-1])  # noqa: PLR2004 (two letters)
