"""The skills of a commit that are not as the state remembers them: made again, or forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from molthub.errors import Problem
from molthub.index.incremental.changed_publishers import signed_by_changed
from molthub.index.incremental.underway import Underway
from molthub.index.on_demand import SkillsOnDemand
from molthub.index.skill_processes import MadeSkill, Work, make_skills, skill_files
from molthub.index.skill_rows import SkillRows
from molthub.registry.reading.gathered import Reading
from molthub.registry.reading.read_skills import read_skills
from molthub.registry.trees.skill_folders import SKILLS, SkillFolders, changed_folders, skill_folders, skill_part


class ChangedSkills(NamedTuple):
    """The skills to make, by name with their trees, those to forget, and what is wrong outside of any skill.

    ``tree`` is that of the folder ``skills``, to be compared with the next commit's.
    """

    trees: dict[str, str]
    gone: set[str]
    strays: list[Problem]
    tree: str


def changed_skills(underway: Underway) -> ChangedSkills:
    """Return which skills are not as the state remembers them, or have an upstream that was not fetched."""
    state, source = underway.state, underway.source
    top = source.top_folder(SKILLS) or ""
    found = changed_folders(source, state.fact("skills tree")) if _are_plain(underway) else None
    if found is None:
        known, folders = state.skills.trees(), skill_folders(source)
        trees = {name: tree for name, tree in folders.trees.items() if known.get(name) != tree}
        gone = known.keys() - folders.trees
        return ChangedSkills(_again(underway, trees, gone), gone, _problems_beside(folders), top)
    return ChangedSkills(_again(underway, found.trees, found.gone), found.gone, [], top)


def _are_plain(underway: Underway) -> bool:
    """Whether the state knows a tree below which nothing but skills stood."""
    state = underway.state
    return not underway.whole and bool(state.fact("skills tree")) and not state.fact("strays")


def _again(underway: Underway, trees: dict[str, str], gone: set[str]) -> dict[str, str]:
    """Add the skills that stayed without their upstream."""
    names = set(underway.state.fact("unfetched") or ()) - gone
    return {name: underway.state.skills.tree(name) for name in names} | trees


def make_changed(underway: Underway, changed: ChangedSkills) -> None:
    """Make the skills that changed, or whose publishers' keys did, and forget those that are gone."""
    state = underway.state
    for name in sorted(changed.gone):
        underway.names_changed |= state.skills.readable(name)
        underway.changed.add(name)
        underway.note("skill", name)
        underway.stale.update(skill_files(underway.out, name))
        state.drop_skill(name)
    state.remember("strays", [problem.to_json() for problem in changed.strays])
    state.remember("skills tree", changed.tree)
    again = signed_by_changed(underway) - changed.trees.keys() - changed.gone
    work = sorted({**changed.trees, **{name: state.skills.tree(name) for name in again}}.items())
    source, wanted = underway.source, underway.wanted
    here = Work(
        registry=source.path,
        said=underway.registry,
        publishers=underway.publishers,
        revision=source.revision,
        out=underway.out,
        fresh=underway.fresh,
        upstreams=wanted.upstreams,
        views=wanted.views,
    )
    waiting: list[SkillRows] = []
    with wanted.progress("building", len(work)) as step:
        for made in make_skills(here, work, source, wanted.jobs):
            if made.rows.unfetched:
                waiting.append(made.rows)
            else:
                _take(underway, made)
                step(1)
        underway.keep_new()
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
    underway.keep_new()
    underway.state.remember("unfetched", unfetched)


def _take(underway: Underway, made: MadeSkill) -> None:
    name, state = made.rows.name, underway.state
    if underway.whole:
        underway.names_changed = True
        underway.put_new(made.rows)
    else:
        underway.changed.add(name)
        underway.note("skill", name)
        underway.stale.update(made.stale)
        underway.names_changed |= state.skills.readable(name) != made.rows.readable
        state.put_skill(made.rows)
    underway.written += made.written
    underway.unchanged += made.unchanged
    underway.paths.update(made.paths)


def judge_changed(underway: Underway) -> bool:
    """Judge the references of skills that changed, and of those that refer to them; whether findings changed."""
    state, changed = underway.state, underway.changed
    owners = state.skills.referring_at_all() if underway.whole else changed | state.skills.referring(changed)
    owners |= state.skills.dangling_names() if underway.names_changed else set()
    skills, broken = SkillsOnDemand(underway.source, state), state.skills.broken()
    different = False
    for name in sorted(owners):
        references = state.skills.references(name)
        if references:
            from molthub.registry.catalog import judge_references

            part = skill_part(underway.source, name, state.skills.tree(name))
            found = judge_references(part, references, skills, broken, underway.registry.hosts)
            different |= state.skills.put_dangling(name, found)
    return different


def _problems_beside(folders: SkillFolders) -> list[Problem]:
    """Return what is wrong below ``skills`` outside of any skill."""
    reading = Reading(folders.strays)
    read_skills(reading)
    return reading.problems
