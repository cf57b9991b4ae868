"""Which changes are merged at once: the decision by cases, and the facts it is made from by real changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from molthub.registry.review.merge_class import Bump, Facts, merge_class
from tests.builders import Tree, pack, skill, skill_version
from tests.review.changes import BASE, WITH_BOT, git_with, owned, reviewed

CASES = yaml.safe_load((Path(__file__).parent / "classes.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_class_of_facts(case: dict[str, Any]) -> None:
    said: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in case["facts"].items()
    }
    said["bumps"] = tuple(
        Bump(**{**bump, "grown": tuple(bump.get("grown", ()))}) for bump in case["facts"].get("bumps", ())
    )
    found = merge_class(Facts(**said))
    assert found.name == case["class"]
    if "reasons" in case:
        assert list(found.reasons) == case["reasons"]
    assert bool(found.reasons) == (found.name != "at-once")


def with_git(*numbers: str, base: Tree = BASE, **last: Any) -> Tree:
    return base | git_with(*numbers, **last)


@pytest.mark.parametrize(
    ("after", "reasons"),
    [
        (with_git("1.0.0", "1.1.0", "1.1.1"), []),
        (with_git("1.0.0", "1.1.0", "1.2.0"), []),
        (with_git("1.0.0", "1.1.0", "1.2.0", files={"docs/more.md": "More.\n"}), []),
        (with_git("1.0.0", "1.1.0", "2.0.0"), ["skill/git 2.0.0 is a major version"]),
        (with_git("1.0.0", "1.1.0", "1.2.0-rc.1"), ["skill/git 1.2.0-rc.1 is a pre-release"]),
        (with_git("1.0.0", "1.1.0", "1.0.1"), ["skill/git 1.0.1 is not above the newest version"]),
        (
            with_git("1.0.0", "1.1.0", "1.1.1", dependencies={"docker": "^1"}),
            ["skill/git 1.1.1 wants docker ^1"],
        ),
        (
            with_git("1.0.0", "1.1.0", "1.1.1", license="MIT"),
            ["skill/git 1.1.1 has the licence MIT and had Apache-2.0"],
        ),
        (with_git("1.0.0", "1.1.0", "1.1.1", bins=["jq"]), ["skill/git 1.1.1 wants the program jq"]),
        (with_git("1.0.0", "1.1.0", "1.1.1", env=[{"name": "TOKEN"}]), ["skill/git 1.1.1 reads the variable TOKEN"]),
        (with_git("1.0.0", "1.1.0", "1.1.1", mcp_servers=["github"]), ["skill/git 1.1.1 wants the MCP server github"]),
        (BASE | skill("kube"), ["skill/kube is a new name"]),
        (BASE | skill("@acme/kube"), ["skill/@acme/kube is a new name"]),
        (BASE | {"README.md": "hello"}, ["README.md is no part of the registry"]),
        (
            with_git("1.0.0", "1.1.0", "1.1.1") | {".github/workflows/check.yml": "on: push\n"},
            [".github/workflows/check.yml is no part of the registry"],
        ),
        (
            BASE | skill("git", "1.0.0", "1.1.0", records={"1.1.0": {"yanked": "broken"}}),
            ["skills/git/project.yaml is changed"],
        ),
        (
            with_git("1.0.0", "1.1.0", "1.1.1")
            | {"skills/docker/project.yaml": str(BASE["skills/docker/project.yaml"]) + "# a note\n"},
            ["skills/docker/project.yaml is changed"],
        ),
    ],
)  # fmt: skip
def test_the_reasons_of_real_changes(after: Tree, reasons: list[str], tmp_path: Path) -> None:
    found = reviewed(BASE, after, tmp_path)
    assert [problem for problem in found.problems if problem.severity == "error"] == []
    assert list(found.merge.reasons) == reasons


def test_a_version_that_is_withdrawn_as_it_is_published_waits(tmp_path: Path) -> None:
    after = BASE | skill("git", "1.0.0", "1.1.0", "1.1.1", records={"1.1.1": {"yanked": "not yet"}})
    assert reviewed(BASE, after, tmp_path).merge.reasons == ("skills/git/project.yaml is changed",)


def test_a_program_that_becomes_one_waits(tmp_path: Path) -> None:
    after = with_git("1.0.0", "1.1.0", "1.1.1", files={"scripts/run.sh": "#!/bin/sh\necho hello\n"})
    path = "skills/git/1.1.1/scripts/run.sh"
    found = reviewed(BASE, after, tmp_path, executable=[path])
    assert [bump.grown for bump in found.facts.bumps] == [("brings the program scripts/run.sh",)]


def test_who_does_not_own_it_is_refused(tmp_path: Path) -> None:
    found = reviewed(BASE, with_git("1.0.0", "1.1.0", "1.1.1"), tmp_path, actors=["github:eve"])
    assert found.merge.name == "refused"


def test_of_two_who_had_a_hand_in_it_both_must_own_it(tmp_path: Path) -> None:
    found = reviewed(BASE, with_git("1.0.0", "1.1.0", "1.1.1"), tmp_path, actors=["github:ada", "github:eve"])
    assert found.merge.name == "refused"


def test_unjudged_is_not_at_once(tmp_path: Path) -> None:
    after = with_git("1.0.0", "1.1.0", "1.1.1")
    assert reviewed(BASE, after, tmp_path / "a", actors=[]).merge.name == "person"
    nobody = {path: text for path, text in BASE.items() if path != "publishers/hub/publisher.yaml"}
    nobody["publishers/hub/publisher.yaml"] = "name: hub\n"  # names no account, so nobody can be judged
    found = reviewed(nobody, nobody | git_with("1.0.0", "1.1.0", "1.1.1"), tmp_path / "b")
    assert found.merge.reasons == ("it was not judged whether its author may make it",)


def test_a_merged_version_that_changes_is_refused(tmp_path: Path) -> None:
    after = BASE | {"skills/git/1.0.0/docs/late.md": "late\n"}
    assert reviewed(BASE, after, tmp_path).merge.name == "refused"


def test_a_version_that_reaches_bots_waits(tmp_path: Path) -> None:
    found = reviewed(WITH_BOT, WITH_BOT | git_with("1.0.0", "1.1.0", "1.2.0"), tmp_path)
    assert found.merge.reasons == ("the bot prod/ada gets something else",)


def packs(*specs: dict[str, Any]) -> Tree:
    return owned(git_with("1.0.0", "1.1.0"), skill("docker"), pack("dev", *specs))


FIRST: dict[str, Any] = {"skills": ["git"], "envVars": {"LEVEL": "info"}}


@pytest.mark.parametrize(
    ("spec", "reasons"),
    [
        (FIRST | {"description": "More words."}, []),
        (FIRST | {"skills": ["git", "docker"]}, ["pack/dev 2 lists other skills", "pack/dev 2 brings docker"]),
        (FIRST | {"envVars": {"LEVEL": "debug"}}, ["pack/dev 2 has other variables"]),
        (FIRST | {"mcps": [{"name": "x", "command": "x"}]}, ["pack/dev 2 has other MCP servers"]),
    ],
)
def test_packs(spec: dict[str, Any], reasons: list[str], tmp_path: Path) -> None:
    found = reviewed(packs(FIRST), packs(FIRST, spec), tmp_path)
    assert list(found.merge.reasons) == reasons


def test_a_new_publisher_is_a_new_name(tmp_path: Path) -> None:
    after = BASE | {"publishers/eve/publisher.yaml": "name: eve\ngithub: [eve]\n"}
    after |= skill("knit", project={"owners": ["eve"]}, versions={"1.0.0": skill_version("knit", "1.0.0")})
    found = reviewed(BASE, after, tmp_path, actors=["github:eve"])
    assert (found.merge.name, found.facts.new_names) == ("new-name", ("publisher/eve", "skill/knit"))
