"""The pages that list many entries, and what a skill's page says of others: made again where their shelves changed."""

from __future__ import annotations

import json
from collections.abc import Iterable

from molthub.index.incremental.underway import Underway
from molthub.index.pages.entry_pages import with_used_by
from molthub.index.pages.list_pages import all_pages, every_label, new_versions, pages_of
from molthub.index.pages.shelves import TAG
from molthub.index.write_files import Writer
from molthub.model import bare_name

_OVERVIEWS = ""
"""What the pages that list the shelves themselves are remembered by."""


def write_pages(underway: Underway) -> None:
    """Write the pages of which anything that they show changed."""
    labels: set[str] = set()
    needed: set[str] = set()
    changed: set[str] = set()
    come_or_gone = underway.whole
    for before, now in underway.differences():
        if before.shown != now.shown:
            shown = [one for one in (before.shown, now.shown) if one is not None]
            changed.add(bare_name(before.name))
            labels.update((_OVERVIEWS, *(label for one in shown for label in json.loads(one.labels))))
            needed.update(target for one in shown for target in json.loads(one.needs))
            come_or_gone |= len(shown) == 1
    shelves = underway.state.shelves
    if underway.whole:
        labels, needed = {_OVERVIEWS, *every_label(shelves)}, set(shelves.used())
    for label in sorted(labels):
        come_or_gone |= _write_shelf(underway, label, changed)
    if labels:
        underway.write(new_versions(underway.registry, shelves), document=True)
    if come_or_gone:
        underway.write(all_pages(underway.registry, shelves, underway.state.files.list_page_paths()), document=True)
    _write_users(underway, needed | underway.changed)


def _write_shelf(underway: Underway, label: str, changed: Iterable[str]) -> bool:
    """Write the pages of one shelf whose signatures changed; return whether there are others than before.

    A page that was there is as it was where nothing ``changed`` whose name begins as those that it lists; but each page
    of a tag says how its first skill spells it.
    """
    state = underway.state
    known, now = state.files.list_pages(label), pages_of(underway.registry, state.shelves, label or None)
    for one in now:
        touched = label.startswith(TAG) or any(name.startswith(one.beginning) for name in changed)
        if one.path in known and not touched:
            continue
        signature = one.sign()
        if known.get(one.path) != signature:
            underway.write({one.path: one.make()}, document=True)
            state.files.put_list_page(one.path, label, signature)
    gone = known.keys() - {one.path for one in now}
    for path in gone:
        state.files.drop_list_page(path)
    underway.stale.update(gone)
    return known.keys() != {one.path for one in now}


def _write_users(underway: Underway, names: set[str]) -> None:
    """Write into skills' pages who uses them."""
    writer = Writer(underway.out)
    for name in sorted(names):
        page = underway.out / f"skills/{name}/index.html"
        if page.is_file():
            before = page.read_bytes()
            filled = with_used_by(before, underway.state.shelves.users(name))
            if filled != before:
                writer.put(f"skills/{name}/index.html", filled)
    underway.written += len(writer.written)
