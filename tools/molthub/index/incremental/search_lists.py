"""The search lists of an index, brought up to date. A row that is found by the same words is replaced in its lists."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable

from molthub.documents import hex_of
from molthub.index.incremental.underway import Underway
from molthub.index.search_files import SearchFiles, SearchList, stands_alike, write_search

_FEW = 50
"""So many rows are written in place at most: then making all lists anew is no slower."""

Rows = list[tuple[str, bytes, bytes]]
"""Rows that changed: ``<kind>/<name>``, what was said and what is said."""


def write_search_lists(underway: Underway) -> dict[str, str]:
    """Write the search lists of which a row changed, and return those that the root names by key."""
    state = underway.state
    known: dict[str, str] = state.fact("search") or {}
    changed = None if underway.whole else _changed_rows(underway)
    if changed == []:
        return known
    lists = {one.name: one for one in state.search_lists()}
    files = SearchFiles({}, lists.values())
    named = None if changed is None else _in_place(underway, known, lists, changed, files)
    if named is None:
        files = SearchFiles({}, lists.values())
        named = write_search(state.rows("search/skill"), state.rows("search/pack"), files)
    underway.write(files.files, document=True)
    gone = lists.keys() - files.lists.keys()
    underway.stale.update(f"search/{name}.json.gz" for name in gone)
    state.change_search_lists(gone, (one for name, one in files.lists.items() if lists.get(name) != one))
    state.remember("search", named)
    return named


def _changed_rows(underway: Underway) -> Rows | None:
    """Return the rows that changed; None where they are many, come or go, or are found by other words."""
    changed: Rows = []
    alike = True
    for before, now in underway.differences():
        of = f"search/{before.kind}"
        old, new = before.rows.get(of), now.rows.get(of)
        if old != new:
            alike = alike and old is not None and new is not None and stands_alike(old, new)
            changed.append((f"{before.kind}/{before.name}", old or b"", new or b""))
    return changed if alike and len(changed) <= _FEW else None


def _in_place(
    underway: Underway, known: dict[str, str], lists: dict[str, SearchList], changed: Rows, files: SearchFiles
) -> dict[str, str] | None:
    """Write rows into the lists they stand in; None where a list is not what was remembered of it."""
    renamed: dict[str, str] = {}
    for one in lists.values():
        rows = [(old, new) for key, old, new in changed if f"\n{key}\n" in one.rows]
        if not rows:
            files.lists[one.name] = one
        elif not _replace(underway, one, rows, files, renamed):
            return None
    directories = [lists[name] for name in known.values() if name not in renamed]
    names = [(old.encode(), new.encode()) for old, new in renamed.items()]
    for one in directories:
        del files.lists[one.name]
        if not _replace(underway, one, names, files, renamed):
            return None
    return {key: renamed[name] for key, name in known.items()}


def _replace(
    underway: Underway,
    one: SearchList,
    pairs: Iterable[tuple[bytes, bytes]],
    files: SearchFiles,
    renamed: dict[str, str],
) -> bool:
    """Add a list with some of its bytes replaced by others; whether it is what was remembered of it."""
    try:
        content = gzip.decompress((underway.out / f"search/{one.name}.json.gz").read_bytes())
    except (OSError, EOFError, zlib.error):
        return False
    if hex_of(content) != one.content:
        return False
    for old, new in pairs:
        content = content.replace(old, new)
    renamed[one.name] = files.add(content, one.rows)
    return True
