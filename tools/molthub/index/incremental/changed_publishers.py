"""Publishers that are not as the state remembers them: their keys are written, and what they signed is judged again."""

from __future__ import annotations

import json
from collections.abc import Iterable

from molthub.index.incremental.underway import Underway
from molthub.index.publishers import Publishers, publisher_files, tree_of


def signed_by_changed(underway: Underway) -> set[str]:
    """Read the publishers of the commit, and return the signed skills that those who changed have a say in."""
    state, source = underway.state, underway.source
    known = state.fact("publishers")
    before = Publishers.from_json(known["said"]) if known else Publishers("", {})
    if before.tree == tree_of(source):
        underway.publishers = before
        return set()
    after = underway.publishers = Publishers.read(source)
    directory, files = publisher_files(after.keys(source))
    underway.write(files)
    underway.stale.update(known["files"] if known else ())
    trees = {entry.name: entry.handle for entry in source.entries(after.tree)} if after.tree else {}
    state.remember("publishers", {"said": after.to_json(), "trees": trees, "files": sorted(files)})
    state.remember("publisher directory", directory)
    changed = trees.items() ^ (known["trees"].items() if known else set())
    concerned = _concerned(before, after, (name for name, _tree in changed))
    rows = state.rows.of_list("watched").items()
    return {name for name, watched in rows if not concerned.isdisjoint(json.loads(watched))}


def _concerned(before: Publishers, after: Publishers, changed: Iterable[str]) -> set[str]:
    """Return whose signatures must be judged again: publishers by name, scopes as ``@scope``."""
    names = set(changed)
    said = [publishers.known[name] for name in names for publishers in (before, after) if name in publishers.known]
    return names | {f"@{scope}" for publisher in said for scope in publisher.scopes}
