"""`skills unpublish`, `deprecate` and `archive`: what is written, whom it meets, and what cannot be undone."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from molthub.registry.check import check
from molthub.registry.source import open_source
from tests.builders import Tree, bot, commit, fleet, pack, registry, skill, skill_md, write_tree
from tests.registry.command import Ran, run_molthub, run_skills

GIT = "skills/git/project.yaml"


def _tree() -> Tree:
    """Return a registry where a pack locks git 1.1.0, one bot has it by that pack, and one names no version."""
    return registry(
        skill("git", "1.0.0", "1.1.0"),
        skill("@acme/notes"),
        skill("lone"),
        pack("dev", {"skills": ["git"]}, {"skills": ["git", "lone"]}, project={"owners": ["acme"]}),
        fleet("prod", packs=["dev"]),
        bot("prod", "ada"),
        fleet("free"),
        bot("free", "eve", skills=["git"]),
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    commit(_tree(), folder)
    return folder


def _run(capsys: pytest.CaptureFixture[str], place: Path, *arguments: object) -> Ran:
    return run_skills(capsys, *arguments, "--registry", place)


def _entry(place: Path, number: str = "1.1.0", file: str = GIT) -> Any:
    versions = yaml.safe_load((place / file).read_text())["versions"]
    return {key: value for key, value in versions[number].items() if key not in ("published", "digest")}


def _subject(place: Path) -> str:
    done = subprocess.run(
        ["git", "-C", str(place), "log", "-1", "--format=%B"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _errors(place: Path) -> list[str]:
    """Return the errors of the last commit, compared with the one before it."""
    found = check(open_source(place), open_source(place, rev="HEAD~1")).problems
    return [problem.id for problem in found if problem.severity == "error"]


def test_a_yank_is_one_commit_and_names_whom_it_meets(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    before = (place / GIT).read_text()
    ran = _run(capsys, place, "unpublish", "git@1.1.0", "--reason", "It skips: hooks.")
    assert ran.status == 0, ran
    assert ran.out.splitlines() == [
        "git 1.1.0 yanked",
        "  pack/dev@1 locks it",
        "  pack/dev@2 locks it",
        "  bot free/eve holds it, and moves to 1.0.0",
        "  bot prod/ada holds it, and keeps it",
    ]
    assert f"next: molthub skill-packs update dev --registry {place}, then molthub check" in ran.err
    assert _subject(place) == "Yank git 1.1.0\n\nIt skips: hooks."
    assert _entry(place) == {"yanked": "It skips: hooks."}
    assert _errors(place) == []
    again = _run(capsys, place, "unpublish", "git@1.1.0", "--reason", "It skips: hooks.")
    assert (again.status, again.out) == (0, "= git 1.1.0 is yanked already\n")
    updated = run_molthub(capsys, "skill-packs", "update", "dev", "--registry", place)
    assert "+ dev 2 -> 3: git 1.1.0 -> 1.0.0" in updated.out
    undone = _run(capsys, place, "unpublish", "git@1.1.0", "--undo")
    assert _run(capsys, place, "unpublish", "git@1.1.0", "--undo").out == "= git 1.1.0 is not yanked\n"
    assert "  bot free/eve gets it again" in undone.out.splitlines()
    assert (place / GIT).read_text() == before


def test_a_quarantine_says_who_cannot_go_on(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    ran = _run(capsys, place, "unpublish", "git@1.1.0", "--quarantine", "--reason", "Phones home?", "--json")
    assert ran.json["bots"] == {"free/eve": "1.0.0", "prod/ada": None}
    assert (ran.json["result"], ran.json["updatablePacks"], ran.json["stuckPacks"]) == ("quarantined", ["dev"], [])
    assert ran.json["files"] == {GIT: "written"}
    assert _errors(place) == ["MH211"]
    run_molthub(capsys, "skill-packs", "update", "--registry", place)
    assert [p for p in check(open_source(place)).problems if p.severity == "error"] == []
    undone = _run(capsys, place, "unpublish", "git@1.1.0", "--undo")
    assert (undone.status, _entry(place)) == (0, {})
    assert "no longer quarantined" in undone.out


def test_a_pack_that_has_nothing_to_move_to_is_named(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    ran = _run(capsys, place, "unpublish", "lone@1.0.0", "--quarantine", "--reason", "Odd.")
    assert "pack/dev has nothing to move to" in ran.err
    assert "skill-packs update" not in ran.err
    assert "bot prod/ada needs it, and keeps what it has until it resolves again" in ran.out


def test_a_removal_leaves_a_tombstone_and_the_number_stays_taken(
    capsys: pytest.CaptureFixture[str], place: Path, tmp_path: Path
) -> None:
    (place / "skills/git/1.1.0.sig").write_text("signed")
    subprocess.run(["git", "-C", str(place), "add", "."], check=True)
    subprocess.run(["git", "-C", str(place), "commit", "-q", "-m", "Sign"], check=True)
    arguments = ("unpublish", "git@1.1.0", "--remove", "--reason", "It held a key.")
    asked = _run(capsys, place, *arguments)
    assert (asked.status, "run it with --yes" in asked.err, (place / "skills/git/1.1.0").exists()) == (2, True, True)
    dry = _run(capsys, place, *arguments, "--dry-run")
    assert (dry.status, dry.out.splitlines()[0], _entry(place)) == (0, "would be: git 1.1.0 removed", {})
    digest = yaml.safe_load((place / GIT).read_text())["versions"]["1.1.0"]["digest"]
    ran = _run(capsys, place, *arguments, "--yes")
    assert ran.status == 0, ran
    assert "3 files here" in ran.err
    assert not (place / "skills/git/1.1.0").exists()
    assert not (place / "skills/git/1.1.0.sig").exists()
    assert _entry(place) == {"removed": "It held a key."}
    assert yaml.safe_load((place / GIT).read_text())["versions"]["1.1.0"]["digest"] == digest
    assert set(_errors(place)) == {"MH211"}
    for undone in (("--undo",), ("--reason", "x"), ("--quarantine", "--reason", "x")):
        never = _run(capsys, place, "unpublish", "git@1.1.0", *undone)
        assert (never.status, "removed for good" in never.err) == (1, True)
    again = _run(capsys, place, *arguments, "--yes")
    assert again.out == "= git 1.1.0 is removed already\n"
    same = {path.rpartition("/")[2]: text for path, text in _tree().items() if path.startswith("skills/git/1.1.0/")}
    for content in (same, {"SKILL.md": skill_md("git", "Another.")}):
        write_tree(content, tmp_path / "git")
        refused = _run(capsys, place, "publish", tmp_path / "git", "--yes", "--version", "1.1.0")
        assert (refused.status, "git 1.1.0 was removed for good: It held a key." in refused.out) == (1, True), refused


def test_a_pack_version_is_taken_back_in_the_same_way(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    ran = _run(capsys, place, "unpublish", "pack/dev@2", "--reason", "Too much.")
    assert ran.out.splitlines() == ["pack/dev 2 yanked", "  bot prod/ada holds it, and moves to 1"]
    assert _entry(place, "2", "packs/dev/project.yaml") == {"yanked": "Too much."}
    gone = _run(capsys, place, "unpublish", "pack/dev@2", "--remove", "--yes", "--reason", "A leak.")
    assert gone.status == 0
    assert not (place / "packs/dev/2.yaml").exists()
    assert _errors(place) == []


@pytest.mark.parametrize("word", ["quarantine", "remove"])
def test_a_whole_project(capsys: pytest.CaptureFixture[str], place: Path, word: str) -> None:
    ran = _run(capsys, place, "unpublish", "@acme/notes", f"--{word}", "--yes", "--reason", "Under review.")
    assert ran.status == 0, ran
    project = yaml.safe_load((place / "skills/@acme/notes/project.yaml").read_text())
    assert (project["status"], project["reason"]) == (f"{word.removesuffix('e')}ed", "Under review.")
    assert _errors(place) == []
    undone = _run(capsys, place, "unpublish", "@acme/notes", "--undo")
    if word == "remove":
        assert (undone.status, "removed for good" in undone.err) == (1, True)
        assert not (place / "skills/@acme/notes/1.0.0").exists()
        assert _run(capsys, place, "unpublish", "@acme/notes", "--remove", "--yes", "--reason", "x").status == 0
        refused = _run(capsys, place, "unpublish", "@acme/notes", "--quarantine", "--reason", "x")
        assert "removed for good" in refused.err
    else:
        project = yaml.safe_load((place / "skills/@acme/notes/project.yaml").read_text())
        assert (undone.status, project["status"], "reason" in project) == (0, "active", False)


def test_deprecating_and_archiving(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    said = _run(capsys, place, "deprecate", "git", "--reason", "Use @acme/notes.")
    assert (said.status, _subject(place)) == (0, "Deprecate git\n\nUse @acme/notes.")
    assert "skill-packs update" not in said.err
    other = _run(capsys, place, "archive", "git", "--undo")
    assert (other.status, "skills deprecate git --undo takes that back" in other.err) == (1, True)
    _run(capsys, place, "archive", "git")
    project = yaml.safe_load((place / GIT).read_text())
    assert (project["status"], "reason" in project) == ("archived", False)
    assert _run(capsys, place, "archive", "git").out == "= git is archived already\n"
    _run(capsys, place, "archive", "git", "--undo")
    assert yaml.safe_load((place / GIT).read_text())["status"] == "active"
    assert _run(capsys, place, "archive", "git", "--undo").out == "= git is active\n"
    packs = _run(capsys, place, "deprecate", "pack/dev", "--reason", "Use another.")
    assert "bot prod/ada holds it, and keeps it" in packs.out
    _run(capsys, place, "unpublish", "lone", "--quarantine", "--reason", "x")
    shut = _run(capsys, place, "deprecate", "lone")
    assert (shut.status, "skills unpublish lone --undo" in shut.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["unpublish", "git@1.1.0"], 2, "without a reason"),
        (["unpublish", "git@1.1.0", "--reason", " "], 2, "without a reason"),
        (["unpublish", "git", "--reason", "x"], 2, "one version is yanked"),
        (["unpublish", "git@^1", "--reason", "x"], 2, "names a range"),
        (["unpublish", "git@9.0.0", "--reason", "x"], 1, "there are 1.0.0, 1.1.0"),
        (["unpublish", "gti@1.0.0", "--reason", "x"], 1, "did you mean git?"),
        (["unpublish", "pack/dve@1", "--reason", "x"], 1, "did you mean pack/dev?"),
        (["unpublish", "git@1.1.0", "--undo", "--reason", "x"], 2, "takes a reason away"),
        (["unpublish", "git@1.1.0", "--remove", "--quarantine", "--reason", "x"], 2, "exclude each other"),
        (["unpublish", "git@1.1.0", "--undo", "--remove"], 1, "removed for good"),
        (["deprecate", "git@1.1.0"], 2, "skills unpublish git@1.1.0"),
    ],
)
def test_calls_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], place: Path, arguments: list[str], status: int, message: str
) -> None:
    ran = _run(capsys, place, *arguments)
    assert (ran.status, message in ran.err) == (status, True), ran
    assert _entry(place) == {}


def test_a_project_that_cannot_be_read_is_left_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    commit(_tree() | {GIT: "versions: ["}, tmp_path)
    ran = _run(capsys, tmp_path, "unpublish", "git@1.1.0", "--reason", "x")
    assert (ran.status, f"{GIT}: it cannot be read" in ran.err) == (1, True)


def test_files_can_be_left_uncommitted(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    ran = _run(capsys, place, "unpublish", "lone@1.0.0", "--remove", "--yes", "--reason", "x", "--no-commit")
    assert (ran.status, "--worktree" in ran.err, _subject(place)) == (0, True, "Declare the registry")
    assert not (place / "skills/lone/1.0.0").exists()
