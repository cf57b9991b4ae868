"""The search lists of an index: one list while it is small, else lists by the beginnings of words, and a directory.

The words of all rows are read as a tree of letters. A beginning that at most 500 rows have needs no longer one: its
rows stand in one list, together with those of its neighbours as far as 500 reach. A beginning that more rows have gets
a list of its best 100, and its longer ones theirs. So every list is small, whatever the words are, a rare word is
answered completely and a common one by its best rows. Of two common words, names that are made of both are found by
the whole name, which is a word of its own in the tree, and by a list that pairs have which stand in several names or
their tags. A row stands in as many lists as it has words that tell it from others.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from molthub.documents import canonical, hex_of, search_directory_to_json, search_from_json, search_to_json
from molthub.index.archives import compress
from molthub.index.views import with_rows
from molthub.model import SearchDirectory, SearchRow, bare_name
from molthub.search_lists import DIRECTORY, ONE_LIST, facet
from molthub.search_text import Place, is_meant, tokens, words_by_place

Files = dict[str, bytes]

SMALL = 2000
"""Up to so many rows stand in one list: 330 KB compressed, which answer every query completely."""

MAX_ROWS = 500
"""How many rows each of several lists holds at most: 50 KB compressed."""

BEST_ROWS = 100
"""How many rows are kept of a word that more than :data:`MAX_ROWS` have."""

MIN_PAIR = 5
"""How many names and tags must hold two common words for the pair to have a list."""

_PLACES = len(Place)


class SearchList(NamedTuple):
    """A search list that was written: its hex name, the SHA-256 of what it holds, and the rows that stand in it.

    ``rows`` are ``<kind>/<name>``, each with a line feed before and behind it. The directory has none.
    """

    name: str
    content: str
    rows: str


class SearchFiles:
    """Packs search lists into ``files``, those apart that are ``known`` by what they hold."""

    def __init__(self, files: Files, known: Iterable[SearchList] = ()) -> None:
        self.files = files
        self.lists: dict[str, SearchList] = {}
        self._known = {one.content: one.name for one in known}

    def add(self, content: bytes, rows: str) -> str:
        """Add a list, of which ``rows`` says what :class:`SearchList` does, and return its hex name."""
        digest = hex_of(content)
        name = self._known.get(digest)
        if name is None:
            packed = compress(content)
            name = hex_of(packed)
            self.files[f"search/{name}.json.gz"] = packed
        self.lists[name] = SearchList(name, digest, rows)
        return name


def write_search(skills: Mapping[str, bytes], packs: Mapping[str, bytes], files: SearchFiles | Files) -> dict[str, str]:
    """Add the search lists to ``files`` and return their hex names by key. Rows come as canonical JSON, by name."""
    packed = files if isinstance(files, SearchFiles) else SearchFiles(files)
    encoded = {("skill", name): row for name, row in skills.items()}
    encoded |= {("pack", name): row for name, row in packs.items()}
    if len(encoded) <= SMALL:
        return {ONE_LIST: packed.add(_list(skills.values(), packs.values()), _keys(encoded))}
    rows = search_from_json(_list(skills.values(), packs.values()), "search")
    directory = _Lists(rows, encoded, packed).directory()
    return {DIRECTORY: packed.add(canonical(search_directory_to_json(directory)), "")}


def _keys(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(("\n", *(f"{kind}/{name}\n" for kind, name in rows)))


def _list(skills: Iterable[bytes], packs: Iterable[bytes]) -> bytes:
    return with_rows({"format": search_to_json([])["format"]}, {"skills": skills, "packs": packs})


def stands_alike(before: bytes, now: bytes) -> bool:
    """Whether a row is found by the same words as before: then it stands in the same lists, at the same places."""
    old, new = json.loads(before), json.loads(now)
    return bool({**old, **_NOT_SOUGHT} == {**new, **_NOT_SOUGHT})


_NOT_SOUGHT = {"latest": "", "platforms": ""}
"""What rows say and no list is cut by."""


class _Lists:
    """Cuts rows into lists. A row is its number in the order of names; a word's rows are ordered best first."""

    def __init__(self, rows: Sequence[SearchRow], encoded: Mapping[tuple[str, str], bytes], files: SearchFiles) -> None:
        self._rows = sorted(rows, key=lambda row: (row.name, row.kind != "skill"))
        self._files = files
        self._encoded = [encoded[row.kind, row.name] for row in self._rows]
        self._bare = sorted((bare_name(row.name), number) for number, row in enumerate(self._rows))
        self._ranks, self._named = self._read_words()
        self._words = sorted(self._ranks)
        self._whole: dict[str, int] = {}
        self._best: dict[str, tuple[int, int]] = {}
        self._lists: list[str] = []

    def directory(self) -> SearchDirectory:
        """Write every list and return where what stands."""
        self._cut(0, len(self._words), "")
        self._write_pairs()
        size = len(self._rows)
        meant = [
            word for word in self._words if is_meant(word, len(self._ranks[word]), size, named=word in self._named)
        ]
        words = {word: len(self._ranks[word]) for word in meant}
        return SearchDirectory(size, tuple(self._lists), self._whole, self._best, words)

    def _read_words(self) -> tuple[dict[str, array[int]], set[str]]:
        """Return the rows of each word, each as place x number of rows + row, and the words of names and tags."""
        ranks: dict[str, array[int]] = {}
        named: set[str] = set()
        for number, row in enumerate(self._rows):
            seen: set[str] = set()
            for place, text in words_by_place(row):
                new = set(tokens(text)) - seen
                seen |= new
                if place <= Place.TAG:
                    named |= new
                for word in new:
                    ranks.setdefault(word, array("Q")).append(place * len(self._rows) + number)
            for word in (bare_name(row.name), *_facets(row)):
                if word not in seen:
                    ranks.setdefault(word, array("Q")).append(Place.NAME_BEGIN * len(self._rows) + number)
        return {word: array("Q", sorted(found)) for word, found in ranks.items()}, named

    # --- the tree of letters ---------------------------------------------------------------------------------------

    def _cut(self, start: int, end: int, prefix: str) -> None:
        """Write the lists of the words ``[start:end]``, which begin with ``prefix`` and are too many for one."""
        key = _common_beginning(self._words[start], self._words[end - 1]) if prefix else ""
        self._best[key] = self._write(self._best_of(start, end, key)), self._count(start, end)
        packing = _Packing(self._write)
        for first, last, longer in self._longer(start, end, key):
            rows = self._rows_of(first, last)
            if rows is None:
                self._cut(first, last, longer)
            else:
                packing.add(longer, rows)
        self._whole |= packing.done()

    def _longer(self, start: int, end: int, prefix: str) -> Iterator[tuple[int, int, str]]:
        """Yield the ranges of words that begin alike one letter further. The word that ends here is in none."""
        at = start + (self._words[start] == prefix)
        while at < end:
            longer = self._words[at][: len(prefix) + 1]
            last = bisect_left(self._words, longer[:-1] + chr(ord(longer[-1]) + 1), at, end)
            yield at, last, longer
            at = last

    def _rows_of(self, start: int, end: int) -> set[int] | None:
        """Return the rows that have any of these words, or None for more than one list holds."""
        found: set[int] = set()
        for word in self._words[start:end]:
            found.update(rank % len(self._rows) for rank in self._ranks[word][: MAX_ROWS + 1])
            if len(found) > MAX_ROWS:
                return None
        return found

    def _count(self, start: int, end: int) -> int:
        if start == 0 and end == len(self._words):
            return len(self._rows)
        size = len(self._rows)
        return len({rank % size for word in self._words[start:end] for rank in self._ranks[word]})

    def _best_of(self, start: int, end: int, prefix: str) -> Iterable[int]:
        """Return the rows that a query for ``prefix`` ranks first."""
        if not prefix:
            return range(BEST_ROWS)
        found: dict[int, None] = dict.fromkeys(self._names_beginning(prefix))
        size = len(self._rows)
        for place in range(_PLACES):
            if len(found) >= BEST_ROWS:
                break
            ranks = (self._ranks[word] for word in self._words[start:end])
            slices = (some[bisect_left(some, place * size) : bisect_left(some, (place + 1) * size)] for some in ranks)
            found |= dict.fromkeys(sorted({rank - place * size for some in slices for rank in some[:BEST_ROWS]}))
        return list(found)[:BEST_ROWS]

    def _names_beginning(self, prefix: str) -> list[int]:
        start = bisect_left(self._bare, (prefix,))
        return [number for name, number in self._bare[start : start + BEST_ROWS] if name.startswith(prefix)]

    # --- pairs of words --------------------------------------------------------------------------------------------

    def _write_pairs(self) -> None:
        """Write a list of the best rows for each two common words that a row has in its name and tags."""
        common = {word for word, ranks in self._ranks.items() if len(ranks) > MAX_ROWS}
        pairs: dict[str, list[int]] = {}
        for number, row in enumerate(self._rows):
            name = common.intersection(tokens(row.name))
            words = name.union(common.intersection(word for tag in row.tags for word in tokens(tag.lower())))
            for pair in combinations(sorted(words), 2):
                outside = sum(word not in name for word in pair)
                pairs.setdefault(" ".join(pair), []).append(outside * len(self._rows) + number)
        packing = _Packing(self._write)
        pairs = {key: ranks for key, ranks in sorted(pairs.items()) if len(ranks) >= MIN_PAIR}
        for key, ranks in pairs.items():
            packing.add(key, {rank % len(self._rows) for rank in sorted(ranks)[:BEST_ROWS]})
        self._best |= {key: (place, len(pairs[key])) for key, place in packing.done().items()}

    # --- one list --------------------------------------------------------------------------------------------------

    def _write(self, numbers: Iterable[int]) -> int:
        """Write the list of these rows and return its number."""
        parts: dict[str, list[bytes]] = {"skill": [], "pack": []}
        ordered = sorted(numbers)
        for number in ordered:
            parts[self._rows[number].kind].append(self._encoded[number])
        keys = ((self._rows[number].kind, self._rows[number].name) for number in ordered)
        self._lists.append(self._files.add(_list(parts["skill"], parts["pack"]), _keys(keys)))
        return len(self._lists) - 1


def _common_beginning(first: str, last: str) -> str:
    shorter = min(len(first), len(last))
    return first[: next((at for at in range(shorter) if first[at] != last[at]), shorter)]


def _facets(row: SearchRow) -> Iterator[str]:
    yield from (facet("owner", name) for name in row.owners)
    yield from (facet("mcp", name) for name in row.mcp_servers)
    yield facet("status", row.status)


class _Packing:
    """Puts the rows of neighbouring keys into one list as long as they fit."""

    def __init__(self, write: Callable[[Iterable[int]], int]) -> None:
        self._write = write
        self._keys: list[str] = []
        self._rows: set[int] = set()
        self._places: dict[str, int] = {}

    def add(self, key: str, rows: set[int]) -> None:
        """Put the rows of one key into the current list, or into a new one."""
        if len(self._rows | rows) > MAX_ROWS:
            self._flush()
        self._keys.append(key)
        self._rows |= rows

    def done(self) -> dict[str, int]:
        """Write what is left and return the list of each key."""
        self._flush()
        return self._places

    def _flush(self) -> None:
        if self._keys:
            self._places |= dict.fromkeys(self._keys, self._write(self._rows))
        self._keys, self._rows = [], set()
