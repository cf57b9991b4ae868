"""Bring an index's folder up to a commit, at the cost of what changed since the build before.

The same function of the commit as :func:`molthub.index.build.build_index`, in other steps: each skill is made by itself
(:mod:`molthub.index.skill_rows`), then packs and fleets (:mod:`molthub.index.around_skills`), then the documents that
hold rows of many, then the root. A first build makes every skill; a later one those whose trees differ from what the
state remembers. What is on the disk is compared, or trusted where the state was left complete: a file that somebody
edits by hand is noticed when it is a root, shard, search list or list, and else mended by a build without the state.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import molthub
from molthub.errors import MolthubError, Problem
from molthub.index.around_skills import AroundSkills, make_around, outline_of, problems_of
from molthub.index.build import GENERATOR, build_index, root_documents
from molthub.index.folder import MARKER, ROOT_DOCUMENT, STATE, opened_for_build
from molthub.index.incremental.changed_skills import judge_changed, make_changed, problems_beside
from molthub.index.incremental.leftovers import remove_leftovers
from molthub.index.incremental.shared_documents import write_list_views, write_search_lists, write_shards, write_shelf
from molthub.index.incremental.underway import Underway, Wanted, stamp
from molthub.index.listings import Listed
from molthub.index.publish import publish
from molthub.index.retention import is_kept, touch_old_root
from molthub.index.standing import Standing, check_removal, standing
from molthub.index.state import FORMAT, State
from molthub.index.write_files import plain_umask, settle
from molthub.registry.catalog import read_catalog, read_registry
from molthub.registry.source import Source
from molthub.registry.trees.git_source import ROOT_FILE, GitSource
from molthub.registry.trees.skill_folders import skill_folders
from molthub.registry.trees.tree_walk import FOLDERS

__all__ = ["Updated", "Wanted", "update", "update_whole"]


@dataclass(frozen=True)
class Updated:
    """What a build did. ``unresolved`` are the bots that do not resolve."""

    revision: str
    counts: Mapping[str, int]
    problems: tuple[Problem, ...]
    unresolved: tuple[str, ...]
    written: int
    unchanged: int
    removed: int
    fleets: bool

    @property
    def complete(self) -> bool:
        """Whether everything that is declared is in the index."""
        return not self.unresolved and not any(problem.severity == "error" for problem in self.problems)


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
    with State(out / STATE, _identity(wanted)) as state:
        return _Update(Underway(source, out, wanted, state)).run()


def update_whole(source: Source, out: Path, wanted: Wanted) -> Updated:
    """Bring the index in ``out`` up to the files of any source, by making and comparing all of it.

    Raises as :func:`update` does.
    """
    catalog = read_catalog(source)
    with wanted.progress("building", len(catalog.skills)) as step:
        index = build_index(catalog, source, fleets=wanted.fleets, progress=step, upstreams=wanted.upstreams)
    if not index.complete and not index.holds_anything:
        raise _nothing(source, index.problems)
    before = standing(out)
    check_removal("skills", before.skills, catalog.skills.keys(), wanted.max_delete)
    check_removal("bots", before.bots, catalog.bots.keys() if wanted.fleets else before.bots, wanted.max_delete)
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


def _nothing(source: Source, problems: tuple[Problem, ...]) -> MolthubError:
    message = "nothing could be built, and nothing was written"
    remedy = "mend what is named above, or run: molthub check"
    return MolthubError(message, place=source.where, remedy=remedy, problems=problems)


def _identity(wanted: Wanted) -> str:
    """Return what a state must come from to be believed: this program, to the time of its files, and these wishes."""
    program = Path(molthub.__file__).parent
    files = sorted(file for file in program.rglob("*") if file.suffix not in ("", ".pyc"))
    stamps = [(str(file.relative_to(program)), *stamp(file)) for file in files]
    built_by = sha256(repr(stamps).encode()).hexdigest()
    return f"{GENERATOR} {built_by}, format {FORMAT}, fleets {wanted.fleets}"


class _Update:
    """One update, in its steps."""

    def __init__(self, underway: Underway) -> None:
        self.underway = underway
        self.source, self.out, self.state = underway.source, underway.out, underway.state
        self.max_delete = underway.wanted.max_delete

    def run(self) -> Updated:
        """Do it."""
        underway, state = self.underway, self.state
        done = state.fact("revision") == self.source.revision and not state.fact("unfetched")
        if self._stands() and done and not self._outlived():
            return self._result(AroundSkills(**state.fact("around")), removed=0)
        folders = skill_folders(self.source)
        before = self._before()
        check_removal("skills", before.skills, folders.trees.keys(), self.max_delete)
        state.begin()
        state.remember("strays", [problem.to_json() for problem in problems_beside(folders)])
        make_changed(underway, folders)
        offered = state.offered() if underway.whole or underway.changed else before.skills
        check_removal("skills", before.skills, offered, self.max_delete)
        judged = judge_changed(underway)
        around = self._around(before, judged=judged)
        self._refuse_nothing(around)
        self._write_root(around)
        removed = remove_leftovers(underway, around.removed)
        state.remember("revision", self.source.revision)
        state.complete()
        return self._result(around, removed=removed)

    # --- what is there ----------------------------------------------------------------------------------------------

    def _stands(self) -> bool:
        """Whether the folder is as the state says: complete, and no document of it touched since."""
        return self.state.known and all(
            stamp(self.out / path) == (size, time) for path, size, time in self.state.documents()
        )

    def _outlived(self) -> bool:
        """Whether blobs are there that no root keeps any longer."""
        return any(not is_kept(self.out / root) for root in self.state.retired())

    def _before(self) -> Standing:
        """Return what the folder offers now. A state that cannot be believed is forgotten: then everything is made."""
        registry_file = _registry_file(self.source)
        if self._stands() and self.state.fact("registry file") == registry_file:
            self.underway.old_root = self.state.fact("root")
            return Standing(self.state.offered(), AroundSkills(**self.state.fact("around")).bots)
        registry = read_registry(self.source.part(without=frozenset(FOLDERS)))
        self.underway.whole = True
        self.state.forget()
        fresh = {entry.name for entry in self.out.iterdir()} <= {MARKER, STATE, f"{STATE}-journal"}
        self.underway.fresh = fresh
        self.state.remember("registry file", registry_file)
        self.state.remember("registry", asdict(registry))
        return Standing() if fresh else standing(self.out)

    # --- packs and fleets -------------------------------------------------------------------------------------------

    def _around(self, before: Standing, *, judged: bool) -> AroundSkills:
        """Return what stands around the skills: as it was where nothing it was made from changed, or made again."""
        underway, fleets = self.underway, self.underway.wanted.fleets
        known = None if underway.whole else AroundSkills(**self.state.fact("around"))
        same = known is not None and not judged and known.outline == outline_of(self.source, fleets=fleets)
        if (
            known is not None
            and same
            and known.holds(self.state, underway.changed, names_changed=underway.names_changed)
        ):
            return known
        around, rows, files = make_around(
            self.source, self.state, underway.publishers, fleets=fleets, upstreams=underway.wanted.upstreams
        )
        check_removal("bots", before.bots, around.bots, self.max_delete)
        self._put_packs(known.packs if known else (), rows)
        underway.stale.update(known.paths if known else ())
        underway.write(files)
        self.state.remember("around", asdict(around))
        return around

    def _put_packs(self, before: Iterable[str], rows: Iterable[Listed]) -> None:
        state, underway = self.state, self.underway
        old = {name: (state.shard_row("pack", name), state.rows_of("pack", name)) for name in before}
        for name in old:
            underway.note_archives("pack", name)
            state.drop_rows("pack", name)
        for row in rows:
            state.put_rows(row)
        for name in old.keys() | {row.name for row in rows}:
            shard, lists = old.get(name, (None, {}))
            if state.shard_row("pack", name) != shard:
                underway.shards.add(("pack", name))
            after = state.rows_of("pack", name)
            underway.lists.update(of for of in lists.keys() | after.keys() if lists.get(of) != after.get(of))

    # --- the root ---------------------------------------------------------------------------------------------------

    def _write_root(self, around: AroundSkills) -> None:
        """Write what holds rows of many, then the views that list everything, the root last."""
        underway = self.underway
        shards, search = write_shards(underway), write_search_lists(underway)
        publishers: str = self.state.fact("publisher directory") or ""
        revision, registry = self.source.revision, underway.registry
        files = root_documents(registry, revision, shards, search, around.fleets, publishers=publishers)
        root = {ROOT_DOCUMENT: files.pop(ROOT_DOCUMENT)}
        underway.write(files, document=True)
        write_list_views(underway)
        write_shelf(underway)
        if underway.written:
            settle()
            touch_old_root(self.out)
        underway.write(root, document=True)
        name = next(iter(files))
        if underway.old_root not in ("", name):
            underway.stale.add(underway.old_root)
            self.state.drop_document(underway.old_root)  # its time now says when it was replaced
        self.state.remember("root", name)

    # --- what is said of it -----------------------------------------------------------------------------------------

    def _refuse_nothing(self, around: AroundSkills) -> None:
        """Refuse to write an index without anything in it, where something that should be in it is broken."""
        skills, versions = self.state.count()
        complete = not any(problem.severity == "error" for problem in self._problems(around))
        if not complete and not ((skills and versions) or around.counts["packVersions"] or around.counts["bots"]):
            raise _nothing(self.source, self._problems(around))

    def _problems(self, around: AroundSkills) -> tuple[Problem, ...]:
        strays = [Problem(**problem) for problem in self.state.fact("strays") or ()]
        found = dict.fromkeys((*strays, *self.state.problems(), *problems_of(around)))
        return tuple(sorted(found, key=lambda problem: (problem.file or "", problem.line or 0)))

    def _result(self, around: AroundSkills, *, removed: int) -> Updated:
        skills, versions = self.state.count()
        return Updated(
            revision=self.source.revision,
            counts={"skills": skills, "versions": versions, **around.counts},
            problems=self._problems(around),
            unresolved=tuple(around.unresolved),
            written=self.underway.written,
            unchanged=self.underway.unchanged,
            removed=removed,
            fleets=self.underway.wanted.fleets,
        )


def _registry_file(source: GitSource) -> str:
    return next(entry.handle for entry in source.entries(source.root) if entry.name == ROOT_FILE)
