"""Bring an index's folder up to a commit, at the cost of what changed since the build before.

The same function of the commit as :func:`molthub.index.build.build_index`, in other steps: each skill is made by itself
(:mod:`molthub.index.skill_rows`), then packs and fleets (:mod:`molthub.index.make_around`), then the documents that
hold rows of many, then the root. A first build makes every skill; a later one those whose trees differ from what the
state remembers. What is on the disk is compared, or trusted where the state was left complete: a file that somebody
edits by hand is noticed when it is a root, shard, search list or list, and else mended by a build without the state.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from molthub.index.folder import STATE, opened_for_build
from molthub.index.incremental.identity import identity
from molthub.index.incremental.outcome import Updated, nothing_to_write, outcome, stands
from molthub.index.incremental.wanted import Wanted
from molthub.index.retention import is_kept
from molthub.index.state.state import State
from molthub.index.write_files import plain_umask
from molthub.registry.source import Source
from molthub.registry.trees.git_source import GitSource

__all__ = ["Updated", "Wanted", "update", "update_whole"]


def update(source: GitSource, out: Path, wanted: Wanted) -> Updated:
    """Bring the index in ``out`` up to the commit of ``source``.

    Raises :class:`MolthubError` where ``out`` is not an index's folder, another build is writing there, nothing can be
    offered at all, or more would be taken away than ``wanted`` allows; then nothing that a client follows has changed.
    """
    with plain_umask(), opened_for_build(out):
        try:
            return _update(source, out, wanted)
        except sqlite3.DatabaseError:
            # A disk or a person damaged the state, which showed only when that place was read: do without it.
            (out / STATE).unlink(missing_ok=True)
            return _update(source, out, wanted)


def _update(source: GitSource, out: Path, wanted: Wanted) -> Updated:
    with State(out / STATE, identity(wanted)) as state:
        done = state.fact("revision") == source.revision and not state.fact("unfetched")
        if done and stands(state, out) and not _outlived(state, out):
            return outcome(state, source.revision, (0, 0, 0), fleets=wanted.fleets)
        # What makes things is not loaded where nothing is to be made.
        from molthub.index.incremental.one_update import OneUpdate
        from molthub.index.incremental.underway import Underway

        return OneUpdate(Underway(source, out, wanted, state)).run()


def _outlived(state: State, out: Path) -> bool:
    """Whether blobs are there that no root keeps any longer."""
    return any(not is_kept(out / root) for root in state.files.retired())


def update_whole(source: Source, out: Path, wanted: Wanted) -> Updated:
    """Bring the index in ``out`` up to the files of any source, by making and comparing all of it.

    Raises as :func:`update` does.
    """
    from molthub.index.build import build_index
    from molthub.index.publish import publish
    from molthub.index.standing import check_removal, standing
    from molthub.registry.catalog import read_catalog

    catalog = read_catalog(source)
    with wanted.progress("building", len(catalog.skills)) as step:
        index = build_index(
            catalog,
            source,
            fleets=wanted.fleets,
            progress=step,
            upstreams=wanted.upstreams,
            views=wanted.views,
            bounds=wanted.bounds,
        )
    if not index.complete and not index.holds_anything:
        raise nothing_to_write(source, index.problems)
    before = standing(out)
    check_removal("skills", before.skills - catalog.skills.keys(), len(before.skills), wanted.max_delete)
    if wanted.fleets:
        check_removal("bots", before.bots - catalog.bots.keys(), len(before.bots), wanted.max_delete)
    with wanted.progress("writing", len(index.files)) as step:
        done = publish(index, out, progress=step)
    return Updated(
        revision=index.revision,
        counts=index.counts,
        problems=index.problems,
        unresolved=index.unresolved,
        written=len(done.written),
        unchanged=done.unchanged,
        removed=len(done.removed),
        fleets=wanted.fleets,
    )
