"""Between two commits the check reads what differs, and finds there what it finds where it reads everything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from molthub.registry.check import check
from molthub.registry.ownership import Actor
from molthub.registry.trees.git_source import GitSource
from tests.builders import Tree, TreeSource, bot, commit, fleet, pack, profile, registry, skill

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
