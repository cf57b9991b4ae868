"""The skills of a commit that are not as the state remembers them: made again, or forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from molthub.errors import Problem
from molthub.index.around_skills import SkillsOnDemand
from molthub.index.incremental.changed_publishers import signed_by_changed
from molthub.index.incremental.underway import Underway
from molthub.index.skill_processes import MadeSkill, Work, make_skills, skill_files
from molthub.index.skill_rows import SkillRows
from molthub.registry.catalog import judge_references
from molthub.registry.reading.gathered import Reading
from molthub.registry.reading.read_skills import read_skills
from molthub.registry.trees.skill_folders import SkillFolders, skill_part


def make_changed(underway: Underway, folders: SkillFolders) -> None:
    """Make the skills whose trees or publishers' keys changed, or of which an upstream was not fetched.

    Those that are gone are forgotten.
    """
    state = underway.state
    known, again = state.trees(), set(state.fact("unfetched") or ()) | signed_by_changed(underway)
    work = [(name, tree) for name, tree in folders.trees.items() if known.get(name) != tree or name in again]
    for name in sorted(known.keys() - folders.trees.keys()):
        underway.names_changed |= state.readable(name)
        underway.lists.update(_note(underway, name))
        underway.stale.update(skill_files(underway.out, name))
        state.drop_skill(name)
    source, wanted = underway.source, underway.wanted
    here = Work(
        registry=source.path,
        said=underway.registry,
        publishers=underway.publishers,
        revision=source.revision,
        out=underway.out,
        fresh=underway.fresh,
        upstreams=wanted.upstreams,
    )
    waiting: list[SkillRows] = []
    with wanted.progress("building", len(work)) as step:
        for made in make_skills(here, work, source, wanted.jobs):
            if made.rows.unfetched:
                waiting.append(made.rows)
            else:
                _take(underway, made)
                step(1)
        _make_imported(underway, replace(here, without=True), waiting, step)


def _make_imported(underway: Underway, here: Work, waiting: Iterable[SkillRows], step: Callable[[int], None]) -> None:
    """Make the skills that wait for their upstreams, and remember of which not all could be fetched."""
    skills = sorted((rows.name, rows.tree) for rows in waiting)
    here.upstreams.bring([imported for rows in waiting for imported in rows.unfetched])
    unfetched = []
    for made in make_skills(here, skills, underway.source, 1):  # here alone it is known why something was not fetched
        _take(underway, made)
        unfetched += [made.rows.name] * bool(made.rows.unfetched)
        step(1)
    underway.state.remember("unfetched", unfetched)


def _take(underway: Underway, made: MadeSkill) -> None:
    name, state = made.rows.name, underway.state
    before = {} if underway.whole else _note(underway, name)
    underway.names_changed |= underway.whole or state.readable(name) != made.rows.readable
    state.put_skill(made.rows)
    underway.written += made.written
    underway.unchanged += len(made.paths) - made.written
    underway.paths.update(() if underway.fresh else made.paths)
    if not underway.whole:
        underway.stale.update(made.stale)
        after = state.rows_of("skill", name)
        underway.lists.update(of for of in before.keys() | after.keys() if before.get(of) != after.get(of))


def _note(underway: Underway, name: str) -> dict[str, bytes]:
    """Note a skill that is about to change and its blobs; return its rows as they are."""
    underway.changed.add(name)
    underway.shards.add(("skill", name))
    underway.note_archives("skill", name)
    return underway.state.rows_of("skill", name)


def judge_changed(underway: Underway) -> bool:
    """Judge the references of skills that changed, and of those that refer to them; whether findings changed."""
    state, changed = underway.state, underway.changed
    owners = state.referring_at_all() if underway.whole else changed | state.referring(changed)
    owners |= state.dangling_names() if underway.names_changed else set()
    skills, broken = SkillsOnDemand(underway.source, state), state.broken()
    different = False
    for name in sorted(owners):
        references = state.references(name)
        if references:
            part = skill_part(underway.source, name, state.tree(name))
            found = judge_references(part, references, skills, broken, underway.registry.hosts)
            different |= state.put_dangling(name, found)
    return different


def problems_beside(folders: SkillFolders) -> list[Problem]:
    """Return what is wrong below ``skills`` outside of any skill."""
    reading = Reading(folders.strays)
    read_skills(reading)
    return reading.problems
