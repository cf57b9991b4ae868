"""The search lists of an index as files: one list while it is small, else the lists of a cut, and a directory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from molthub.documents import canonical, hex_of, search_directory_to_json, search_from_json, search_to_json
from molthub.index.archives import compress
from molthub.index.search_cut.bounds import USUAL, Bounds
from molthub.index.search_cut.layout import Key, Layout, Members, Parts, directory, parts
from molthub.index.search_cut.row_words import RowId
from molthub.index.search_cut.whole_cut import ids, whole_cut
from molthub.index.views import with_rows
from molthub.model import SearchRow
from molthub.search_lists import DIRECTORY, ONE_LIST

Files = dict[str, bytes]
Contents = Callable[[RowId], bytes]
"""Returns a row as canonical JSON."""


def write_search(
    skills: Mapping[str, bytes], packs: Mapping[str, bytes], files: Files, bounds: Bounds = USUAL
) -> dict[str, str]:
    """Add the search lists to ``files`` and return their hex names by key. Rows come as canonical JSON, by name."""
    if len(skills) + len(packs) <= bounds.small:
        return {ONE_LIST: write_one_list(skills.values(), packs.values(), files)}
    cut = whole_cut(rows_of(skills.values(), packs.values()), bounds)
    found = parts(cut.layout, bounds)
    lists = write_lists(found, cut.members.__getitem__, lambda row: (packs if row[1] else skills)[row[0]], files)
    return {DIRECTORY: write_directory(cut.layout, found, lists, files)}


def write_lists(found: Parts, members: Callable[[Key], Members], contents: Contents, files: Files) -> dict[str, str]:
    """Add lists to ``files``, and return their hex names by their labels."""
    names: dict[tuple[RowId, ...], str] = {}
    written = {}
    for label, keys in found.items():
        rows = tuple(sorted({row for key in keys for row in ids(members(key))}))
        if rows not in names:
            kinds = [[contents(row) for row in rows if row[1] is pack] for pack in (False, True)]
            names[rows] = _written(list_of(*kinds), files)
        written[label] = names[rows]
    return written


def write_one_list(skills: Iterable[bytes], packs: Iterable[bytes], files: Files) -> str:
    """Add a list of all rows to ``files`` and return its hex name."""
    return _written(list_of(skills, packs), files)


def write_directory(layout: Layout, found: Parts, lists: Mapping[str, str], files: Files) -> str:
    """Add the directory to ``files`` and return its hex name."""
    return _written(canonical(search_directory_to_json(directory(layout, found, lists))), files)


def list_of(skills: Iterable[bytes], packs: Iterable[bytes]) -> bytes:
    """Return the list of these rows, not yet compressed."""
    return with_rows({"format": search_to_json([])["format"]}, {"skills": skills, "packs": packs})


def rows_of(skills: Iterable[bytes], packs: Iterable[bytes]) -> Collection[SearchRow]:
    """Read rows."""
    return search_from_json(list_of(skills, packs), "search")


def _written(content: bytes, files: Files) -> str:
    packed = compress(content)
    name = hex_of(packed)
    files[f"search/{name}.json.gz"] = packed
    return name
