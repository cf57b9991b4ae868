"""One update of an index from the commit before: what changed, what follows from it, the root, what is left over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from molthub.index.around_skills import AroundSkills, outline_of
from molthub.index.folder import MARKER, ROOT_DOCUMENT, STATE
from molthub.index.incremental.changed_skills import changed_skills, judge_changed, make_changed
from molthub.index.incremental.fleets import update_fleets
from molthub.index.incremental.leftovers import remove_leftovers
from molthub.index.incremental.outcome import Updated, nothing_to_write, outcome, problems_so_far, stands
from molthub.index.incremental.search_lists import write_search_lists
from molthub.index.incremental.shared_documents import write_shards, write_views
from molthub.index.incremental.underway import Underway
from molthub.index.listings import Listed
from molthub.index.retention import root_path, touch_old_root
from molthub.index.root_document import root_documents
from molthub.index.standing import Standing, check_removal, standing
from molthub.index.views import Files
from molthub.index.write_files import settle
from molthub.registry.trees.git_source import ROOT_FILE, GitSource
from molthub.registry.trees.tree_walk import FOLDERS

Made = tuple[list[Listed], Files]
"""The rows of packs, and their files."""


class OneUpdate:
    """One update, in its steps."""

    def __init__(self, underway: Underway) -> None:
        self.underway = underway
        self.source, self.out, self.state = underway.source, underway.out, underway.state
        self.max_delete = underway.wanted.max_delete

    def run(self) -> Updated:
        """Do it."""
        underway, state = self.underway, self.state
        before = self._before()
        changed = changed_skills(underway)
        offered = len(before.skills) if underway.whole else state.rows.count("api/skill")
        gone = before.skills - changed.trees.keys() | {name for name in changed.gone if state.rows.offers(name)}
        check_removal("skills", gone, offered, self.max_delete)
        state.begin()
        make_changed(underway, changed)
        check_removal("skills", self._withdrawn(before), offered, self.max_delete)
        judged = judge_changed(underway)
        around, made = self._around(judged=judged)
        fleets = update_fleets(underway, around.packs, before.bots, judged=judged) if underway.wanted.fleets else {}
        if made is not None:
            self._keep(around, made)
        self._refuse_nothing(around)
        self._write_root(fleets)
        removed = remove_leftovers(underway, around.removed)
        state.remember("revision", self.source.revision)
        state.complete()
        written = (underway.written, underway.unchanged, removed)
        return outcome(state, self.source.revision, written, fleets=underway.wanted.fleets)

    # --- what is there ----------------------------------------------------------------------------------------------

    def _before(self) -> Standing:
        """Return what the folder offers, where the state does not say it: then everything is made."""
        registry_file = _registry_file(self.source)
        if stands(self.state, self.out) and self.state.fact("registry file") == registry_file:
            self.underway.old_root = self.state.fact("root")
            return Standing()
        from molthub.registry.catalog import read_registry

        registry = read_registry(self.source.part(without=frozenset(FOLDERS)))
        self.underway.whole = True
        self.state.forget()
        fresh = {entry.name for entry in self.out.iterdir()} <= {MARKER, STATE, f"{STATE}-journal"}
        self.underway.fresh = fresh
        self.state.remember("registry file", registry_file)
        self.state.remember("registry", asdict(registry))
        return Standing() if fresh else standing(self.out)

    def _withdrawn(self, before: Standing) -> Iterable[str]:
        """Return the skills that were offered and are no longer."""
        if self.underway.whole:
            return before.skills - self.state.rows.offered()
        skills = [said for (kind, _name), said in self.underway.entries.items() if kind == "skill"]
        return [said.name for said in skills if "api/skill" in said.rows and not self.state.rows.offers(said.name)]

    # --- packs ------------------------------------------------------------------------------------------------------

    def _around(self, *, judged: bool) -> tuple[AroundSkills, Made | None]:
        """Return the packs as they were where nothing they were made from changed, or as they were made again."""
        underway, known = self.underway, self._known()
        same = known is not None and not judged and known.outline == outline_of(self.source, fleets=False)
        names_changed = underway.names_changed
        if known is not None and same and known.asked.holds(self.state, underway.changed, names_changed=names_changed):
            return known, None
        from molthub.index.make_around import make_around  # what makes packs is loaded where they are

        around, rows, files = make_around(
            self.source,
            self.state,
            underway.publishers,
            upstreams=underway.wanted.upstreams,
            views=underway.wanted.views,
        )
        return around, (rows, files)

    def _known(self) -> AroundSkills | None:
        return None if self.underway.whole else AroundSkills.from_json(self.state.fact("around"))

    def _keep(self, around: AroundSkills, made: Made) -> None:
        """Write packs that were made, and remember them in place of those that were known."""
        known, (rows, files) = self._known(), made
        self._put_packs(known.packs if known else (), rows)
        self.underway.stale.update(known.paths if known else ())
        self.underway.write(files)
        self.state.remember("around", around.to_json())

    def _put_packs(self, before: Iterable[str], rows: Iterable[Listed]) -> None:
        now = list(rows)
        for name in {*before, *(row.name for row in now)}:
            self.underway.note("pack", name)
            self.state.drop_rows("pack", name)
        self.state.put_rows(now)

    def _refuse_nothing(self, around: AroundSkills) -> None:
        """Refuse to write an index without anything in it, where something that should be in it is broken."""
        skills, versions = self.state.count()
        if not ((skills and versions) or around.counts["packVersions"] or self.state.bots.count()):
            problems = problems_so_far(self.state)
            if any(problem.severity == "error" for problem in problems):
                raise nothing_to_write(self.source, problems)

    def _standing_root(self) -> bytes:
        """Return the root that clients see until now; empty where there is none."""
        try:
            return (self.out / ROOT_DOCUMENT).read_bytes()
        except FileNotFoundError:
            return b""

    # --- the root ---------------------------------------------------------------------------------------------------

    def _write_root(self, fleets: Mapping[str, str]) -> None:
        """Write what holds rows of many, then the views that list everything, the root last."""
        underway = self.underway
        shards, search = write_shards(underway), write_search_lists(underway)
        publishers: str = self.state.fact("publisher directory") or ""
        revision, registry = self.source.revision, underway.registry
        files = root_documents(registry, revision, shards, search, fleets, publishers=publishers)
        root = {ROOT_DOCUMENT: files.pop(ROOT_DOCUMENT)}
        underway.write(files, document=True)
        write_views(underway)
        if underway.written:
            settle(self.out, None if underway.whole else underway.paths)
            if root_path(root[ROOT_DOCUMENT]) != root_path(self._standing_root()):
                touch_old_root(self.out)
        underway.write(root, document=True)
        name = next(iter(files))
        if underway.old_root not in ("", name):
            underway.stale.add(underway.old_root)
            self.state.files.drop_document(underway.old_root)  # its time now says when it was replaced
        self.state.remember("root", name)


def _registry_file(source: GitSource) -> str:
    return next(entry.handle for entry in source.entries(source.root) if entry.name == ROOT_FILE)
