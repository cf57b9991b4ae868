"""The search lists of an index, brought up to date: what changed is cut again, or everything where much did."""

from __future__ import annotations

from dataclasses import asdict

from molthub.index.incremental.underway import Underway
from molthub.index.search_cut.changed_cut import changed_cut
from molthub.index.search_cut.layout import Layout, parts
from molthub.index.search_cut.recut import ChangedRow
from molthub.index.search_cut.row_words import RowWords
from molthub.index.search_cut.search_files import Files, rows_of, write_directory, write_lists, write_one_list
from molthub.index.search_cut.whole_cut import whole_cut
from molthub.model import SearchRow
from molthub.search_lists import DIRECTORY, ONE_LIST

_FEW = 100
"""So many rows are cut again by themselves: then cutting all rows is no slower."""


def write_search_lists(underway: Underway) -> dict[str, str]:
    """Write the search lists of which a row changed, and return those that the root names by key."""
    state, known = underway.state, underway.state.fact("search") or {}
    changed = [] if underway.whole else _changed_rows(underway)
    if not (underway.whole or changed):
        return dict(known)
    before = {*state.search.lists().values(), *known.values()}
    files: Files = {}
    size = state.rows.count("search/skill") + state.rows.count("search/pack")
    if size <= underway.wanted.bounds.small:
        named = _one_list(underway, files)
    elif underway.whole or DIRECTORY not in known or len(changed) > _FEW:
        named = _cut_all(underway, files)
    else:
        named = _cut_changed(underway, changed, files)
    underway.write(files, document=True)
    after = {*state.search.lists().values(), *named.values()}
    underway.stale.update(f"search/{name}.json.gz" for name in before - after)
    state.remember("search", named)
    return named


def _changed_rows(underway: Underway) -> list[ChangedRow]:
    found = []
    for before, now in underway.differences():
        of = f"search/{before.kind}"
        old, new = before.rows.get(of), now.rows.get(of)
        if old != new:
            found.append(ChangedRow(*(_words(before.kind, row) for row in (old, new))))
    return found


def _words(kind: str, row: bytes | None) -> RowWords | None:
    if row is None:
        return None
    (found,) = rows_of([row], []) if kind == "skill" else rows_of([], [row])
    return RowWords(found)


def _one_list(underway: Underway, files: Files) -> dict[str, str]:
    state = underway.state
    state.search.forget()
    state.remember("search layout", None)
    skills, packs = (state.rows.of_list(f"search/{kind}").values() for kind in ("skill", "pack"))
    return {ONE_LIST: write_one_list(skills, packs, files)}


def _cut_all(underway: Underway, files: Files) -> dict[str, str]:
    """Cut all rows, and remember how."""
    state = underway.state
    state.search.forget()
    skills, packs = (state.rows.of_list(f"search/{kind}") for kind in ("skill", "pack"))
    rows: list[SearchRow] = list(rows_of(skills.values(), packs.values()))
    cut = whole_cut(rows, underway.wanted.bounds)
    found = parts(cut.layout, underway.wanted.bounds)
    members = cut.members.__getitem__
    lists = write_lists(found, members, lambda row: (packs if row[1] else skills)[row[0]], files)
    state.search.put_members(cut.members)
    state.search.put_words(cut.words)
    state.search.put_lists(lists)
    state.remember("search layout", asdict(cut.layout))
    return {DIRECTORY: write_directory(cut.layout, found, lists, files)}


def _cut_changed(underway: Underway, changed: list[ChangedRow], files: Files) -> dict[str, str]:
    """Cut what changed, and write the lists of which a row came, went or changed."""
    state, bounds = underway.state, underway.wanted.bounds
    before = Layout(**state.fact("search layout"))
    recut = changed_cut(before, changed, state.search, bounds)
    state.search.put_members(recut.members, recut.gone)
    old, found, lists = parts(before, bounds), parts(recut.layout, bounds), state.search.lists()
    again = {
        label: keys
        for label, keys in found.items()
        if old.get(label) != keys or not recut.dirty.isdisjoint(keys)
    }  # fmt: skip
    written = write_lists(again, lambda key: state.search.members(key) or [], state.search.content, files)
    state.search.put_lists(written, old.keys() - found.keys())
    state.remember("search layout", asdict(recut.layout))
    return {DIRECTORY: write_directory(recut.layout, found, lists | written, files)}
