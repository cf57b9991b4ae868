"""Bring an index's folder up to a commit, at the cost of what changed since the build before.

The same function of the commit as :func:`molthub.index.build.build_index`, in other steps: each skill is made by itself
(:mod:`molthub.index.skill_rows`), then packs and fleets (:mod:`molthub.index.around_skills`), then the documents that
hold rows of many, then the root. A first build makes every skill; a later one those whose trees differ from what the
state remembers. What is on the disk is compared, or trusted where the state was left complete: a file that somebody
edits by hand is noticed when it is a root, shard, search list or list, and else mended by a build without the state.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import molthub
from molthub.documents import shard_key
from molthub.errors import MolthubError, Problem
from molthub.index.around_skills import (
    AroundSkills,
    OfferedOnDemand,
    SkillsOnDemand,
    make_around,
    outline_of,
    problems_of,
)
from molthub.index.build import GENERATOR, build_index, list_views, root_documents
from molthub.index.folder import MARKER, ROOT_DOCUMENT, STATE, opened_for_build
from molthub.index.imported import NO_UPSTREAMS, Upstreams
from molthub.index.listings import Listed, Lists
from molthub.index.pages.entry_pages import with_used_by
from molthub.index.pages.list_pages import read_rows, users_of
from molthub.index.publish import BLOB, present_files, publish
from molthub.index.retention import Kept, blobs_of_old_roots, is_kept, touch_old_root
from molthub.index.search_files import write_search
from molthub.index.shards import Kind, key_length, write_shard
from molthub.index.skill_processes import MadeSkill, Work, make_skills, skill_files
from molthub.index.skill_rows import SkillRows
from molthub.index.standing import Standing, check_removal, standing
from molthub.index.state import FORMAT, State
from molthub.index.views import Files
from molthub.index.views.discovery import MAX_ROOT_SKILLS, latest_artifact, root_discovery
from molthub.index.write_files import Writer, files_below, plain_umask, settle
from molthub.model import Registry
from molthub.registry.catalog import judge_references, read_catalog, read_registry
from molthub.registry.reading.gathered import Reading
from molthub.registry.reading.read_skills import read_skills
from molthub.registry.source import Source
from molthub.registry.trees.git_source import ROOT_FILE, GitSource
from molthub.registry.trees.skill_folders import SkillFolders, skill_folders, skill_part
from molthub.registry.trees.tree_walk import FOLDERS

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar for some work of so many steps, and is told of each step that is done."""

ROOT_SHELF = ".well-known/agent-skills"


@dataclass(frozen=True)
class Wanted:
    """How to build. ``max_delete`` is the share of skills, or of bots, that one build may take away (1: all).

    ``upstreams`` bring the files of imported versions.
    """

    fleets: bool = False
    jobs: int = 1
    max_delete: float = 1.0
    progress: Progress = lambda _what, _steps: nullcontext(lambda _done: None)
    upstreams: Upstreams = NO_UPSTREAMS


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
        return _Update(source, out, wanted, state).run()


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
    stamps = [(str(file.relative_to(program)), *_stamp(file)) for file in files]
    built_by = sha256(repr(stamps).encode()).hexdigest()
    return f"{GENERATOR} {built_by}, format {FORMAT}, fleets {wanted.fleets}"


@dataclass
class _Update:
    """One update, in its steps."""

    source: GitSource
    out: Path
    wanted: Wanted
    state: State
    whole: bool = False
    fresh: bool = False
    names_changed: bool = False
    old_root: str = ""
    written: int = 0
    unchanged: int = 0
    changed: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    shards: set[tuple[str, str]] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)

    def run(self) -> Updated:
        """Do it."""
        done = self.state.fact("revision") == self.source.revision and not self.state.fact("unfetched")
        if self._stands() and done and not self._outlived():
            return self._result(AroundSkills(**self.state.fact("around")), removed=0)
        folders = skill_folders(self.source)
        before = self._before()
        check_removal("skills", before.skills, folders.trees.keys(), self.wanted.max_delete)
        self.state.begin()
        self.state.remember("strays", [problem.to_json() for problem in _problems_of(folders)])
        self._make_skills(folders)
        offered = self.state.offered() if self.whole or self.changed else before.skills
        check_removal("skills", before.skills, offered, self.wanted.max_delete)
        judged = self._judge()
        around = self._around(before, judged=judged)
        self._refuse_nothing(around)
        self._write_root(around)
        removed = self._remove(around)
        self.state.remember("revision", self.source.revision)
        self.state.complete()
        return self._result(around, removed=removed)

    # --- what is there ----------------------------------------------------------------------------------------------

    def _stands(self) -> bool:
        """Whether the folder is as the state says: complete, and no document of it touched since."""
        return self.state.known and all(
            _stamp(self.out / path) == (size, time) for path, size, time in self.state.documents()
        )

    def _outlived(self) -> bool:
        """Whether blobs are there that no root keeps any longer."""
        return any(not is_kept(self.out / root) for root in self.state.retired())

    def _before(self) -> Standing:
        """Return what the folder offers now. A state that cannot be believed is forgotten: then everything is made."""
        registry_file = _registry_file(self.source)
        if self._stands() and self.state.fact("registry file") == registry_file:
            self.old_root = self.state.fact("root")
            return Standing(self.state.offered(), AroundSkills(**self.state.fact("around")).bots)
        registry = read_registry(self.source.part(without=frozenset(FOLDERS)))
        self.whole = True
        self.state.forget()
        self.fresh = {entry.name for entry in self.out.iterdir()} <= {MARKER, STATE, f"{STATE}-journal"}
        self.state.remember("registry file", registry_file)
        self.state.remember("registry", asdict(registry))
        return Standing() if self.fresh else standing(self.out)

    def _registry(self) -> Registry:
        said = self.state.fact("registry")
        return Registry(**{**said, "hosts": tuple(said["hosts"])})

    # --- skills -----------------------------------------------------------------------------------------------------

    def _make_skills(self, folders: SkillFolders) -> None:
        """Make the skills whose trees changed, or of which an upstream was not fetched; forget those that are gone."""
        known, again = self.state.trees(), set(self.state.fact("unfetched") or ())
        work = [(name, tree) for name, tree in folders.trees.items() if known.get(name) != tree or name in again]
        for name in sorted(known.keys() - folders.trees.keys()):
            self.names_changed |= self.state.readable(name)
            self.lists.update(self._note(name))
            self.stale.update(skill_files(self.out, name))
            self.state.drop_skill(name)
        upstreams = self.wanted.upstreams
        here = Work(self.source.path, self._registry(), self.source.revision, self.out, self.fresh, upstreams)
        waiting: list[SkillRows] = []
        with self.wanted.progress("building", len(work)) as step:
            for made in make_skills(here, work, self.source, self.wanted.jobs):
                if made.rows.unfetched:
                    waiting.append(made.rows)
                else:
                    self._take(made)
                    step(1)
            self._make_imported(replace(here, without=True), waiting, step)

    def _make_imported(self, here: Work, waiting: Iterable[SkillRows], step: Callable[[int], None]) -> None:
        """Make the skills that wait for their upstreams, and remember of which not all could be fetched."""
        skills = sorted((rows.name, rows.tree) for rows in waiting)
        here.upstreams.bring([imported for rows in waiting for imported in rows.unfetched])
        unfetched = []
        for made in make_skills(here, skills, self.source, 1):  # here alone it is known why something was not fetched
            self._take(made)
            unfetched += [made.rows.name] * bool(made.rows.unfetched)
            step(1)
        self.state.remember("unfetched", unfetched)

    def _take(self, made: MadeSkill) -> None:
        name = made.rows.name
        before = {} if self.whole else self._note(name)
        self.names_changed |= self.whole or self.state.readable(name) != made.rows.readable
        self.state.put_skill(made.rows)
        self.written += made.written
        self.unchanged += len(made.paths) - made.written
        self.paths.update(() if self.fresh else made.paths)
        if not self.whole:
            self.stale.update(made.stale)
            after = self.state.rows_of("skill", name)
            self.lists.update(of for of in before.keys() | after.keys() if before.get(of) != after.get(of))

    def _note(self, name: str) -> dict[str, bytes]:
        """Note a skill that is about to change and its blobs; return its rows as they are."""
        self.changed.add(name)
        self.shards.add(("skill", name))
        self._note_archives("skill", name)
        return self.state.rows_of("skill", name)

    def _note_archives(self, kind: Kind, name: str) -> None:
        row = self.state.shard_row(kind, name)
        for version in json.loads(row.entry)["versions"].values() if row else ():
            if "archive" in version:
                path = f"archives/{version['archive']}.tar.gz"
                self.stale.add(path)
                self.digests[path] = version["digest"]

    def _judge(self) -> bool:
        """Judge the references of skills that changed, and of those that refer to them; whether findings changed."""
        owners = self.state.referring_at_all() if self.whole else self.changed | self.state.referring(self.changed)
        owners |= self.state.dangling_names() if self.names_changed else set()
        skills, broken = SkillsOnDemand(self.source, self.state), self.state.broken()
        different = False
        for name in sorted(owners):
            references = self.state.references(name)
            if references:
                part = skill_part(self.source, name, self.state.tree(name))
                found = judge_references(part, references, skills, broken, self._registry().hosts)
                different |= self.state.put_dangling(name, found)
        return different

    # --- packs and fleets -------------------------------------------------------------------------------------------

    def _around(self, before: Standing, *, judged: bool) -> AroundSkills:
        """Return what stands around the skills: as it was where nothing it was made from changed, or made again."""
        known = None if self.whole else AroundSkills(**self.state.fact("around"))
        same = known is not None and not judged and known.outline == outline_of(self.source, fleets=self.wanted.fleets)
        if known is not None and same and known.holds(self.state, self.changed, names_changed=self.names_changed):
            return known
        around, rows, files = make_around(
            self.source, self.state, fleets=self.wanted.fleets, upstreams=self.wanted.upstreams
        )
        check_removal("bots", before.bots, around.bots, self.wanted.max_delete)
        self._put_packs(known.packs if known else (), rows)
        self.stale.update(known.paths if known else ())
        self._write(files)
        self.state.remember("around", asdict(around))
        return around

    def _put_packs(self, before: Iterable[str], rows: Iterable[Listed]) -> None:
        old = {name: (self.state.shard_row("pack", name), self.state.rows_of("pack", name)) for name in before}
        for name in old:
            self._note_archives("pack", name)
            self.state.drop_rows("pack", name)
        for row in rows:
            self.state.put_rows(row)
        for name in old.keys() | {row.name for row in rows}:
            shard, lists = old.get(name, (None, {}))
            if self.state.shard_row("pack", name) != shard:
                self.shards.add(("pack", name))
            after = self.state.rows_of("pack", name)
            self.lists.update(of for of in lists.keys() | after.keys() if lists.get(of) != after.get(of))

    # --- documents of many rows, and the root -----------------------------------------------------------------------

    def _write_root(self, around: AroundSkills) -> None:
        """Write what holds rows of many, then the views that list everything, the root last."""
        shards, search = self._write_shards(), self._write_search()
        files = root_documents(self._registry(), self.source.revision, shards, search, around.fleets)
        root = {ROOT_DOCUMENT: files.pop(ROOT_DOCUMENT)}
        self._write(files, document=True)
        if self.whole or self.lists:
            lists = self._lists()
            self._write_users(lists)
            views = list_views(self._registry(), lists)
            self._write(views, document=True)
            self.stale.update(self.state.fact("list files") or ())
            self.state.remember("list files", sorted(views))
        if self.whole or self.changed:
            self._write_shelf()
        if self.written:
            settle()
            touch_old_root(self.out)
        self._write(root, document=True)
        name = next(iter(files))
        if self.old_root not in ("", name):
            self.stale.add(self.old_root)
            self.state.drop_document(self.old_root)  # its time now says when it was replaced
        self.state.remember("root", name)

    def _write_shards(self) -> dict[str, str]:
        """Write the shards of all names that changed, and return all by key."""
        known: dict[str, str] = self.state.fact("shards") or {}
        whole = self.state.shard_keys()
        length = key_length(whole)
        keys = {key[:length] for key in whole}
        again = {shard_key(kind, name, length) for kind, name in self.shards}
        if self.whole or any(len(key) != length for key in known):
            again = keys
        named = {key: known[key] for key in keys - again}
        for key in sorted(again & keys):
            files: Files = {}
            named[key] = write_shard(self.state.shard_rows(key), files)
            self._write(files, document=True)
        self.stale.update(f"shards/{name}.json.gz" for name in known.values() if name not in named.values())
        self.state.remember("shards", named)
        return named

    def _write_search(self) -> dict[str, str]:
        """Write the search lists where a row of them changed, and return all by key."""
        known: dict[str, str] = self.state.fact("search") or {}
        if not self.whole and not self.lists & {"search/skill", "search/pack"}:
            return known
        files: Files = {}
        named = write_search(self.state.rows("search/skill"), self.state.rows("search/pack"), files)
        self.stale.update(self.state.fact("search files") or ())
        self._write(files, document=True)
        self.state.remember("search", named)
        self.state.remember("search files", sorted(files))
        return named

    def _lists(self) -> Lists:
        tags: dict[str, list[str]] = {}
        for name, row in self.state.rows("tags").items():
            for tag in json.loads(row):
                tags.setdefault(tag, []).append(name)
        pages = {
            f"{kind}/{name}": row
            for kind in ("skill", "pack")
            for name, row in self.state.rows(f"pages/{kind}").items()
        }
        rows = self.state.rows
        return Lists(rows("api/skill"), rows("api/pack"), rows("simple"), pages, tags)

    def _write_users(self, lists: Lists) -> None:
        """Write who uses a skill into its page, where that changed or the page was made again."""
        users = {
            name: [list(user) for user in found] for name, found in users_of(read_rows(lists.pages.values())).items()
        }
        before = self.state.fact("users") or {}
        touched = {name for name in users.keys() | before.keys() if users.get(name) != before.get(name)}
        if not self.whole:
            touched |= users.keys() & self.changed
        writer = Writer(self.out)
        for name in sorted(touched):
            path = f"skills/{name}/index.html"
            if name in lists.skills and (self.out / path).is_file():
                users_now = [(page, user, kind) for page, user, kind in users.get(name, ())]
                writer.put(path, with_used_by((self.out / path).read_bytes(), users_now))
        self.written += len(writer.written)
        self.state.remember("users", users)

    def _write_shelf(self) -> None:
        """Write the root's discovery index, where the registry is small enough to have one."""
        files: Files = {}
        names = self.state.latest_names(MAX_ROOT_SKILLS + 1)
        if len(names) <= MAX_ROOT_SKILLS:
            archived = OfferedOnDemand.of(self.state, SkillsOnDemand(self.source, self.state, self.wanted.upstreams))
            found = {name: latest_artifact(archived.skills[name]) for name in names}
            files = root_discovery(archived, {name: latest for name, latest in found.items() if latest is not None})
        self.stale.update(files_below(f"{self.out}/{ROOT_SHELF}", ROOT_SHELF))
        self._write(files)

    def _write(self, files: Files, *, document: bool = False) -> None:
        """Write some files. A ``document`` is remembered by its size and time, so that a change to it is noticed."""
        writer = Writer(self.out, fresh=self.fresh)
        for path in sorted(files, key=lambda path: (BLOB.match(path) is None, path)):
            writer.put(path, files[path])
            if document:
                self.state.put_document(path, *_stamp(self.out / path))
        self.paths.update(files)
        self.written += len(writer.written)
        self.unchanged += writer.unchanged

    # --- afterwards -------------------------------------------------------------------------------------------------

    def _remove(self, around: AroundSkills) -> int:
        """Remove what the index no longer holds, but for blobs that a root of the last 30 days names."""
        removed = frozenset(self.state.removed() | set(around.removed))
        if self.whole:
            stale = set() if self.fresh else present_files(self.out, self.paths) - self.paths
            kept = blobs_of_old_roots(Kept(self.paths, removed, self.wanted.fleets), self.out, stale)
        else:
            stale = self.stale - self.paths
            kept = {path: self.old_root for path in stale if BLOB.match(path) and self.digests.get(path) not in removed}
        self.state.revive(self.paths)
        self.state.retire(kept, self.digests)
        stale -= kept.keys()
        for root, paths in self.state.retired(removed).items():
            if not is_kept(self.out / root):
                stale.update(paths)
        self.state.revive(stale)
        for path in stale:
            self.state.drop_document(path)
        return len(Writer(self.out).remove(stale))

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
            written=self.written,
            unchanged=self.unchanged,
            removed=removed,
            fleets=self.wanted.fleets,
        )


def _registry_file(source: GitSource) -> str:
    return next(entry.handle for entry in source.entries(source.root) if entry.name == ROOT_FILE)


def _problems_of(folders: SkillFolders) -> list[Problem]:
    """Return what is wrong below ``skills`` outside of any skill."""
    reading = Reading(folders.strays)
    read_skills(reading)
    return reading.problems


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return -1, 0
    return found.st_size, found.st_mtime_ns
