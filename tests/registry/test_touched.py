"""Between two commits the check reads what differs, and finds there what it finds where it reads everything."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from molthub.registry.check import check
from molthub.registry.ownership import Actor
from molthub.registry.trees.git_source import GitSource
from tests.builders import Tree, TreeSource, bot, commit, fleet, pack, profile, registry, skill, skill_version

BASE = registry(
    skill("git", "1.0.0", "1.1.0", dependencies={"shell": "^1.0"}),
    skill("shell"),
    skill("formatter"),
    skill("@acme/notes"),
    pack("dev", {"skills": ["git"]}),
    profile("backend", skills=["git"]),
    fleet("prod", packs=["dev"], profile="backend"),
    bot("prod", "ada", skills=["formatter"]),
)
GIT = {"shell": "^1.0"}
ACTOR = (Actor("publisher", "zoe"),)
CHANGES: dict[str, Tree] = {
    "nothing": {},
    "a version": skill("formatter", "1.0.0", "1.1.0"),
    "a version that needs another skill": skill("formatter", "1.0.0", "1.1.0", dependencies={"shell": "^1"}),
    "a dependency on nothing": skill("formatter", "1.0.0", "1.1.0", dependencies={"shel": "^1"}),
    "a dependency on no version": skill("formatter", "1.0.0", "1.1.0", dependencies={"shell": "^9"}),
    "a cycle": skill("shell", "1.0.0", "1.1.0", dependencies={"git": "^1"}),
    "withdrawn": skill("git", "1.0.0", "1.1.0", dependencies=GIT, records={"1.1.0": {"quarantined": "Watched."}}),
    "changed after it was merged": {"skills/shell/1.0.0/SKILL.md": "other"},
    "a name near another": skill("formater"),
    "a skill in somebody's scope": skill("@acme/other"),
    "a file that is no skill": {"skills/README.md": "stray"},
    "a pack that locks what is not there": {"packs/dev/2.yaml": "kind: SkillPack\n"},
    "a bot that wants what is not there": bot("prod", "bob", skills=["formattter"]),
    "another policy": {"registry.yaml": "name: acme\nowner: acme\npolicy:\n  licenses: [MIT]\n"},
}


PROBABLE = ("1.0.0", "1.1.0", "2.0.0")
NAMES = ("git", "shell", "lint", "@acme/notes", "docs")


def any_skill(name: str, chance: random.Random) -> Tree:
    """Return a skill with some versions, dependencies and withdrawn numbers."""
    numbers = [number for number in PROBABLE if chance.random() < 0.6] or ["1.0.0"]
    wanted = {chance.choice([*NAMES, "absent"]): chance.choice(["^1", ">=1.1", "*"])} if chance.random() < 0.4 else {}
    reasons: list[dict[str, str]] = [{}, {}, {}, {"yanked": "Bad."}, {"quarantined": "Watched."}, {"removed": "Gone."}]
    project = {"status": chance.choice(["deprecated", "quarantined"])} if chance.random() < 0.1 else {}
    records = {number: chance.choice(reasons) for number in numbers}
    versions = {number: skill_version(name, number, dependencies=wanted) for number in numbers}
    return skill(name, versions=versions, records=records, project=project)


def any_registry(chance: random.Random) -> Tree:
    """Return a registry of few names, whose packs lock some skills and whose bots want others as they come."""
    parts = [any_skill(name, chance) for name in NAMES if chance.random() < 0.85]
    if chance.random() < 0.7:
        parts.append(pack("dev", {"skills": chance.sample(NAMES, 2)}))
    if chance.random() < 0.7:
        parts.append(pack("base", {"skills": ["lint"], "extends": ["dev"]} if chance.random() < 0.5 else {}))
    if chance.random() < 0.5:
        parts.append(profile("backend", skills=chance.sample(NAMES, 1)))
    if chance.random() < 0.7:
        parts.append(fleet("prod", packs=["dev"]))
        wanted: dict[str, Any] = {"skills": chance.sample(NAMES, 1)} if chance.random() < 0.5 else {}
        parts.append(bot("prod", "ada", **wanted))
    return registry(*parts)


def any_change(tree: Tree, chance: random.Random) -> Tree:
    """Return the registry with one or two skills changed in some way, and nothing else."""
    after = dict(tree)
    for name in chance.sample(NAMES, chance.choice((1, 1, 2))):
        made = any_skill(name, chance)
        kept = {path: text for path, text in after.items() if path.startswith(f"skills/{name}/")}
        if chance.random() < 0.6 and kept:  # a version comes, and what was there stays
            made = skill_with(name, kept, chance)
        after = {path: text for path, text in after.items() if path not in kept}
        after |= made if chance.random() < 0.9 else {}
    return after


def skill_with(name: str, kept: Tree, chance: random.Random) -> Tree:
    """Return a skill as it is, with one version more."""
    number = chance.choice(["3.0.0", "1.2.0"])
    new = skill(name, versions={number: skill_version(name, number)})
    project = f"skills/{name}/project.yaml"
    said = yaml.safe_load(kept[project])
    said["versions"] |= yaml.safe_load(new[project])["versions"]
    return {**kept, **new, project: yaml.safe_dump(said)}


@settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 10**9))
def test_what_is_left_out_was_there_before(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (cases, no secrets)
    before = any_registry(chance)
    after = any_change(before, chance)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        commit(before, folder / "r.git", bare=True)
        base = GitSource(folder / "r.git").revision
        commit(after, folder / "r.git", bare=True)
        touched = check(GitSource(folder / "r.git"), GitSource(folder / "r.git", base))
    whole = found(check(TreeSource(after), TreeSource(before)).problems)
    known = found(check(TreeSource(before), TreeSource(before)).problems)
    of_touched = found(touched.problems)
    assert of_touched <= whole
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    folders = {folder_of(path) for path in changed}
    for problem in whole - of_touched:
        file = problem.partition(": ")[0].partition(":")[0]
        of_others = file.startswith("skills/") and folder_of(file) not in folders
        assert problem in known or of_others or (" warning " in problem and file not in changed), problem


def folder_of(path: str) -> str:
    """Return the folder of a skill's file."""
    return "/".join(path.split("/")[: 3 if path.startswith("skills/@") else 2])


def found(result: Sequence[object]) -> set[str]:
    return {str(problem) for problem in result}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_judged_as_if_everything_was_read(change: str, tmp_path: Path) -> None:
    after = BASE | CHANGES[change]
    commit(BASE, tmp_path / "r.git", bare=True)
    before = GitSource(tmp_path / "r.git").revision
    commit(after, tmp_path / "r.git", bare=True)
    touched = check(GitSource(tmp_path / "r.git"), GitSource(tmp_path / "r.git", before), actors=ACTOR)
    whole = check(TreeSource(after), TreeSource(BASE), actors=ACTOR)
    of_whole, of_touched = found(whole.problems), found(touched.problems)
    merged = {text for text in of_whole - of_touched if text.startswith(UNTOUCHED) and " warning " in text}
    assert of_touched == of_whole - merged


UNTOUCHED = tuple(f"skills/{name}/1.{minor}.0/" for name in ("git", "shell", "formatter") for minor in (0, 1))
"""Warnings on versions that are merged: a source without ids of git cannot tell that they are."""


def test_a_skill_that_a_change_does_not_touch_is_not_read(tmp_path: Path) -> None:
    broken = BASE | {"skills/broken/project.yaml": "[", "skills/broken/1.0.0/SKILL.md": "?"}
    commit(broken, tmp_path / "r.git", bare=True)
    before = GitSource(tmp_path / "r.git").revision
    commit(broken | skill("formatter", "1.0.0", "1.1.0"), tmp_path / "r.git", bare=True)
    done = check(GitSource(tmp_path / "r.git"), GitSource(tmp_path / "r.git", before))
    assert [problem for problem in done.problems if problem.severity == "error"] == []
    assert done.counts["skills"] == 1
    whole = check(GitSource(tmp_path / "r.git"))
    assert "skills/broken/project.yaml" in {problem.file for problem in whole.problems}


def test_a_version_more_concerns_nobody_who_locks_older_ones(tmp_path: Path) -> None:
    tree = registry(skill("git"), skill("notes"), pack("dev", {"skills": ["git"]}), fleet("prod", packs=["dev"]),
                    bot("prod", "ada"), bot("prod", "bob", skills=["notes"]))  # fmt: skip
    counts = {}
    for name in ("git", "notes"):
        commit(tree, tmp_path / f"{name}.git", bare=True)
        base = GitSource(tmp_path / f"{name}.git").revision
        commit(tree | skill(name, "1.0.0", "1.1.0"), tmp_path / f"{name}.git", bare=True)
        done = check(GitSource(tmp_path / f"{name}.git"), GitSource(tmp_path / f"{name}.git", base))
        counts[name] = done.counts["bots"], done.counts["packs"]
    assert counts == {"git": (0, 0), "notes": (2, 1)}
