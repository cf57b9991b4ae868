"""Searching in an index: which of its search lists a query needs, and what they answer.

A small index has one list of all rows, under the key ``""``. A large one has a directory, under the key
``"directory"``, and lists that hold the rows of some words each: a query reads the directory and two lists at most. A
list holds whole rows, so that the one which has fewest of them answers for all terms of the query. Only where every
term is common are lists cut to their best rows, and the answer says so.

Pure: whoever searches brings a way to read a list by its hex name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations

from molthub.documents import search_directory_from_json, search_from_json
from molthub.model import IndexRoot, SearchDirectory, SearchRow
from molthub.search_text import Filters, Found, find_in, holds, is_mendable, mend_terms, rank, terms_of, tokens

ONE_LIST = ""
DIRECTORY = "directory"

ReadList = Callable[[str], tuple[str, bytes]]
"""Returns where ``search/<hex>.json.gz`` is, for messages, and its unpacked content, by its hex name."""

_LISTS = 2


@dataclass(frozen=True, slots=True)
class _Slice:
    """One list, as far as one word goes. Not ``whole``: ``count`` rows have the word, the best are in the list."""

    list: int
    whole: bool
    count: int


def search(root: IndexRoot, read: ReadList, query: str, filters: Filters | None = None) -> Found:
    """Search in the index of ``root``. Raises what ``read`` raises, and :class:`FormatError`."""
    filters = filters or Filters()
    if DIRECTORY in root.search:
        place, content = read(root.search[DIRECTORY])
        directory = search_directory_from_json(content, place)
        return _Search(directory, read, filters).find(query)
    return find_in(all_rows(root, read), query, filters)


def all_rows(root: IndexRoot, read: ReadList) -> tuple[SearchRow, ...]:
    """Return every row of an index that has one list; of any other none."""
    return _read_list(read, root.search[ONE_LIST]) if ONE_LIST in root.search else ()


def _read_list(read: ReadList, name: str) -> tuple[SearchRow, ...]:
    place, content = read(name)
    return search_from_json(content, place)


class _Search:
    """One query in a large index."""

    def __init__(self, directory: SearchDirectory, read: ReadList, filters: Filters) -> None:
        self._directory = directory
        self._read = read
        self._filters = filters
        self._best = sorted(directory.best)
        self._words = sorted(directory.words)
        self._lists: dict[int, tuple[SearchRow, ...]] = {}

    def find(self, query: str) -> Found:
        """Answer the query."""
        query, mended = self._mended(query)
        slices = self._slices(query)
        if None in slices:
            return Found((), 0, mended=mended)
        known = [one for one in slices if one is not None]
        whole = [one for one in known if one.whole]
        if whole:
            at_hand = [one for one in whole if one.list in self._lists]
            found = rank(self._rows((at_hand or whole)[:1]), query, self._filters)
            return Found(found, len(found), mended=mended)
        wanted = _unlike([*self._together(query), *sorted(known, key=_count)])
        found = rank(self._rows(wanted[: _LISTS - len(self._lists)]), query, self._filters)
        alone = len(known) == 1 and self._filters == Filters()
        return Found(found, known[0].count if alone else len(found), complete=False, mended=mended)

    def _mended(self, query: str) -> tuple[str, dict[str, str]]:
        """Mend the first term that no row holds. To know it may take reading a list."""
        for term in terms_of(query):
            if is_mendable(term) and not self._is_known(term):
                place = self._place(term)
                if place is not None and holds(self._rows([place]), term):
                    return query, {}
                return mend_terms(query, [term], self._directory.words)
        return query, {}

    def _is_known(self, term: str) -> bool:
        at = bisect_left(self._words, term)
        return at < len(self._words) and self._words[at].startswith(term)

    def _slices(self, query: str) -> list[_Slice | None]:
        """Return the list of each word that a row must have to be found; None: there is no such row."""
        keys = [token for term in terms_of(query) for token in tokens(term)]
        keys += [token for tag in self._filters.tags for token in tokens(tag.lower())]
        keys += [facet("mcp", name) for name in self._filters.mcp_servers]
        keys += [facet("owner", name) for name in self._filters.owners if len(self._filters.owners) == 1]
        keys += [facet("status", name) for name in self._filters.statuses if self._filters.statuses == (name,)]
        return [self._place(key) for key in keys or [""]]

    def _place(self, word: str) -> _Slice | None:
        """Return the list of the rows that have a word which begins with ``word``."""
        whole, best = self._directory.whole, self._directory.best
        for end in range(len(word), -1, -1):
            if word[:end] in whole:
                return _Slice(whole[word[:end]], whole=True, count=0)
            if word[:end] in best:
                return _Slice(*_from(best[word])) if end == len(word) else self._longer(word)
        return self._longer(word)

    def _longer(self, word: str) -> _Slice | None:
        """Return the list of the shortest key that begins with ``word``: all words that begin with it have that key."""
        at = bisect_left(self._best, word)
        if at < len(self._best) and self._best[at].startswith(word):
            return _Slice(*_from(self._directory.best[self._best[at]]))
        return None

    def _together(self, query: str) -> list[_Slice]:
        """Return the list of two of the words together, the one with fewest rows, or of names made of all words."""
        words = {token for term in terms_of(query) for token in tokens(term)}
        keys = [" ".join(pair) for pair in combinations(sorted(words), 2)]
        found = [_Slice(*_from(self._directory.best[key])) for key in keys if key in self._directory.best]
        name = self._place("-".join(terms_of(query))) if len(words) > 1 and not found else None
        return sorted(found, key=_count)[:1] or ([name] if name is not None else [])

    def _rows(self, slices: Iterable[_Slice]) -> list[SearchRow]:
        """Return the rows of these lists, and of those that were read before."""
        for one in slices:
            if one.list not in self._lists:
                self._lists[one.list] = _read_list(self._read, self._directory.lists[one.list])
        return list({(row.kind, row.name): row for rows in self._lists.values() for row in rows}.values())


def facet(kind: str, name: str) -> str:
    """Return the key of what rows are filtered by. No word begins like it."""
    return f"@{kind}/{name.lower()}"


def _from(best: tuple[int, int]) -> tuple[int, bool, int]:
    return best[0], False, best[1]


def _count(one: _Slice) -> int:
    return one.count


def _unlike(slices: Iterable[_Slice]) -> list[_Slice]:
    return list({one.list: one for one in slices}.values())
