"""What an index no longer holds: removed, but for blobs that a root of the last 30 days names."""

from __future__ import annotations

from collections.abc import Iterable

from molthub.index.folder import BLOB
from molthub.index.incremental.underway import Underway
from molthub.index.retention import Kept, blobs_of_old_roots, is_kept
from molthub.index.write_files import Writer


def remove_leftovers(underway: Underway, removed_packs: Iterable[str]) -> int:
    """Remove the files that belong to the index no longer; return how many.

    ``removed_packs`` are the digests of removed versions of packs, whose archives are kept for nobody.
    """
    state, out = underway.state, underway.out
    removed = frozenset(state.skills.removed() | set(removed_packs))
    if underway.whole:
        from molthub.index.publish import present_files

        present = set() if underway.fresh else present_files(out, underway.paths) | state.left_behind
        stale = present - underway.paths
        kept = blobs_of_old_roots(Kept(underway.paths, removed, underway.wanted.fleets), out, stale)
    else:
        stale = underway.stale - underway.paths
        digests = underway.digests
        kept = {path: underway.old_root for path in stale if BLOB.match(path) and digests.get(path) not in removed}
    state.files.revive(underway.paths)
    state.files.retire(kept, underway.digests)
    stale -= kept.keys()
    for root, paths in state.files.retired(removed).items():
        if not is_kept(out / root):
            stale.update(paths)
    state.files.revive(stale)
    for path in stale:
        state.files.drop_document(path)
    return len(Writer(out).remove(stale))
