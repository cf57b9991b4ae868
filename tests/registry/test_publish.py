"""`skills publish`: every folder that is given has its word in the answer, and one commit holds what is new."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from molthub.registry.authoring.publish import bumped
from molthub.registry.catalog import read_catalog
from molthub.registry.check import check
from molthub.registry.source import open_source
from tests.builders import Tree, commit, registry, skill, skill_md, write_tree
from tests.registry.command import Ran, assert_document, run_molthub, run_skills


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Commit a registry that owns a published skill, and an archived one."""
    folder = tmp_path / "registry"
    commit(registry(skill("git", "1.0.0"), skill("old", project={"status": "archived"})), folder)
    return folder


@pytest.fixture
def in_place(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in the registry's folder."""
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


def _publish(capsys: pytest.CaptureFixture[str], place: Path, *arguments: object) -> Ran:
    return run_skills(capsys, "publish", *arguments, "--registry", place)


def _results(ran: Ran) -> dict[str, Any]:
    return {Path(item["path"]).name: (item["result"], item.get("version")) for item in ran.json["skills"]}


def _log(place: Path) -> list[str]:
    done = subprocess.run(
        ["git", "-C", str(place), "log", "--format=%B%n--"], capture_output=True, text=True, check=True
    )
    return [message.strip() for message in done.stdout.split("--\n") if message.strip()]


# Folders with the defects of real ones, and what becomes of them.
DIRTY: dict[str, Tree] = {
    "plain": {"SKILL.md": skill_md("plain")},
    "colon": {"SKILL.md": "---\nname: colon\ndescription: Use when: due\n---\nBody\n"},
    "Upper Case": {"SKILL.md": "---\nname: Upper Case\ndescription: d\n---\n"},
    "no-head": {"SKILL.md": "# Title\n\nSays hello.\n"},
    "bom": {"SKILL.md": b"\xef\xbb\xbf---\r\nname: bom\r\ndescription: d\r\n---\r\n"},
    "junk": {"SKILL.md": skill_md("junk"), ".DS_Store": b"\x00", "__pycache__/x.pyc": b"\x00", ".env": "T=1"},
    "lower": {"skill.md": skill_md("lower")},
    "extra": {"SKILL.md": skill_md("extra", risk="low", version=1.0, **{"argument-hint": "[x]"})},
    "twin-a": {"SKILL.md": skill_md("twin", "One.")},
    "twin-b": {"SKILL.md": skill_md("twin", "Other.")},
    "same-a": {"SKILL.md": skill_md("same")},
    "same-b": {"SKILL.md": skill_md("same")},
    "latin": {"SKILL.md": b"---\nname: latin\ndescription: caf\xe9\n---\n"},
    "empty": {"SKILL.md": ""},
    "git": {"SKILL.md": skill_md("git", "Other content than the registry's.")},
    "old": {"SKILL.md": skill_md("old")},
    "bad-names": {"SKILL.md": skill_md("bad-names"), "aux.txt": ""},
    "foreign": {"SKILL.md": skill_md("foreign"), "skill.yaml": "title: x\n"},
}
EXPECTED = {
    "plain": "new", "colon": "new", "Upper Case": "new", "no-head": "new", "bom": "new", "junk": "new", "lower": "new",
    "extra": "new", "same-a": "new", "same-b": "unchanged", "twin-a": "refused", "twin-b": "refused",
    "latin": "refused", "empty": "refused", "git": "refused", "old": "refused", "bad-names": "refused",
    "foreign": "refused", "link": "refused",
}  # fmt: skip


@pytest.fixture
def dirty(shelf: Path) -> Path:
    for name, tree in DIRTY.items():
        write_tree(tree, shelf / name)
    write_tree({"SKILL.md": skill_md("link")}, shelf / "link")
    (shelf / "link" / "passwd").symlink_to("/etc/passwd")
    return shelf


def test_dirty_skills_are_published_or_refused_and_none_vanishes(
    capsys: pytest.CaptureFixture[str], place: Path, dirty: Path
) -> None:
    before = {path: path.read_bytes() for path in dirty.rglob("*") if path.is_file()}
    ran = _publish(capsys, place, dirty, "--yes", "--json")
    assert ran.status == 4
    assert {name: result for name, (result, _) in _results(ran).items()} == EXPECTED
    assert_document("publish-result", ran.json)
    assert ran.json["summary"] == {"new": 9, "unchanged": 1, "refused": 9}
    for item in ran.json["skills"]:
        refused = item["result"] == "refused"
        assert any(problem["severity"] == "error" for problem in item["problems"]) is refused, item
        assert all(problem["file"].startswith(item["path"]) for problem in item["problems"]), item
    assert {path: path.read_bytes() for path in dirty.rglob("*") if path.is_file()} == before
    result = check(open_source(place))
    assert [problem for problem in result.problems if problem.severity == "error"] == []


def test_what_was_published_is_byte_for_byte_what_was_given_but_for_what_was_mended(
    capsys: pytest.CaptureFixture[str], place: Path, dirty: Path
) -> None:
    write_tree(
        {"scripts/run.sh": "#!/bin/sh\r\n", "assets/x.bin": bytes(range(256))}, dirty / "plain", ["scripts/run.sh"]
    )
    ran = _publish(capsys, place, dirty, "--yes", "--json")
    source = open_source(place)
    for item in ran.json["skills"]:
        if item["result"] != "new":
            continue
        folder = Path(item["path"])
        touched = {problem["file"] for problem in item["problems"] if problem["id"] in ("MH502", "MH503")}
        for path in folder.rglob("*"):
            relative = path.relative_to(folder).as_posix()
            if path.is_file() and not any(str(path).startswith(place_) for place_ in touched):
                stored = f"skills/{item['name']}/{item['version']}/{relative}"
                assert source.read(stored) == path.read_bytes()
                assert source.files[stored].executable == os.access(path, os.X_OK)


def test_each_mend_is_reported_with_its_place(capsys: pytest.CaptureFixture[str], place: Path, dirty: Path) -> None:
    ran = _publish(capsys, place, dirty, "--yes")
    assert f"mended {dirty}/colon/SKILL.md:3: quoted the value of description" in ran.out
    assert f"mended {dirty}/Upper Case/SKILL.md:2: changed the name from 'Upper Case' to upper-case (MH502)" in ran.out
    assert f"left out {dirty}/junk/.env: where secrets are kept (MH503)" in ran.out
    assert f"error {dirty}/latin/SKILL.md:3: byte 32 is not UTF-8 (MH501)" in ran.out
    assert "would become twin 1.0.0 too" in ran.out
    assert "9 published, 1 unchanged, 9 refused" in ran.err
    assert f"next: molthub check --registry {place}, then git -C {place} push" in ran.err


def test_one_commit_lists_the_skills(capsys: pytest.CaptureFixture[str], place: Path, shelf: Path) -> None:
    for name in ("b", "a"):
        write_tree({"SKILL.md": skill_md(name)}, shelf / name)
    _publish(capsys, place, shelf, "--yes")
    assert _log(place)[0] == "Publish 2 skills\n\n- a 1.0.0\n- b 1.0.0"


def test_publishing_twice_changes_nothing(capsys: pytest.CaptureFixture[str], place: Path, dirty: Path) -> None:
    _publish(capsys, place, dirty / "colon", dirty / "extra", "--yes")
    commits = _log(place)
    again = _publish(capsys, place, dirty / "colon", dirty / "extra", "--yes", "--json")
    assert again.status == 0
    assert _results(again) == {"colon": ("unchanged", "1.0.0"), "extra": ("unchanged", "1.0.0")}
    assert again.json["commit"] is None
    assert _log(place) == commits
    told = _publish(capsys, place, dirty / "colon", dirty / "extra", "--yes")
    assert told.out == f"= colon 1.0.0  unchanged  ({dirty}/colon)\n= extra 1.0.0  unchanged  ({dirty}/extra)\n"


def test_other_content_under_a_taken_number_needs_a_bump(
    capsys: pytest.CaptureFixture[str], place: Path, shelf: Path
) -> None:
    write_tree({"SKILL.md": skill_md("git", "Better.")}, shelf / "git")
    refused = _publish(capsys, place, shelf / "git", "--yes")
    assert refused.status == 1
    assert refused.out.splitlines()[1:] == [
        "    error: git 1.0.0 is in the registry with other content (MH504)",
        "      publish it as the next version with --bump patch (1.0.1), or under another --name",
    ]
    done = _publish(capsys, place, shelf / "git", "--yes", "--bump", "minor", "--json")
    assert (done.status, _results(done)) == (0, {"git": ("new", "1.1.0")})
    for arguments in ([], ["--bump", "minor"]):
        again = _publish(capsys, place, shelf / "git", "--yes", "--json", *arguments)
        assert (again.status, _results(again)) == (0, {"git": ("unchanged", "1.1.0")})
    project = yaml.safe_load((place / "skills/git/project.yaml").read_text())
    assert list(project["versions"]) == ["1.0.0", "1.1.0"]
    assert check(open_source(place), open_source(place, rev="HEAD~1")).problems == ()


def test_the_version_is_the_options_then_the_skills_own(
    capsys: pytest.CaptureFixture[str], place: Path, shelf: Path
) -> None:
    write_tree({"SKILL.md": skill_md("notes", version="2.1")}, shelf / "notes")
    asked = _publish(capsys, place, shelf / "notes", "--dry-run", "--json", "--version", "3.0.0-rc.1")
    assert _results(asked) == {"notes": ("new", "3.0.0-rc.1")}
    own = _publish(capsys, place, shelf / "notes", "--yes", "--json")
    assert _results(own) == {"notes": ("new", "2.1.0")}
    clash = _publish(capsys, place, shelf / "notes", "--yes", "--json", "--version", "2.1.0+build.2")
    assert [problem["id"] for item in clash.json["skills"] for problem in item["problems"]][-1] == "MH504"


def test_a_scope_needs_its_publisher(capsys: pytest.CaptureFixture[str], place: Path, shelf: Path) -> None:
    write_tree({"SKILL.md": skill_md("notes")}, shelf / "notes")
    done = _publish(capsys, place, shelf / "notes", "--yes", "--name", "@acme/notes")
    assert done.status == 0
    assert "owners" not in yaml.safe_load((place / "skills/@acme/notes/project.yaml").read_text())
    other = _publish(capsys, place, shelf / "notes", "--yes", "--name", "@other/notes")
    assert "the scope @other belongs to no publisher" in other.out
    wrong = _publish(capsys, place, shelf / "notes", "--yes", "--name", "@acme/other", "--owner", "zoe")
    assert "the scope @acme belongs to acme" in wrong.out


def test_owners(capsys: pytest.CaptureFixture[str], place: Path, shelf: Path) -> None:
    write_tree({"SKILL.md": skill_md("git", "Other.")}, shelf / "git")
    write_tree({"SKILL.md": skill_md("notes")}, shelf / "notes")
    ran = _publish(capsys, place, shelf, "--yes", "--owner", "zoe", "--bump", "patch")
    assert "git belongs to acme, not to zoe" in ran.out
    assert "the owner zoe has no publishers/zoe/publisher.yaml" in ran.out
    assert ran.status == 1


def test_the_registrys_policy_is_heeded(capsys: pytest.CaptureFixture[str], tmp_path: Path, shelf: Path) -> None:
    place = tmp_path / "registry"
    policy = {"licenses": ["MIT"], "reservedNames": ["admin"]}
    zoe: Tree = {"publishers/zoe/publisher.yaml": "name: zoe\n"}
    commit(registry(zoe, policy=policy), place)
    write_tree({"SKILL.md": skill_md("free")}, shelf / "free")
    write_tree({"SKILL.md": skill_md("fine", license="MIT")}, shelf / "fine")
    write_tree({"SKILL.md": skill_md("admin", license="MIT")}, shelf / "admin")
    ran = _publish(capsys, place, shelf, "--yes", "--json", "--owner", "zoe")
    assert {name: result for name, (result, _) in _results(ran).items()} == {
        "free": "refused", "fine": "new", "admin": "refused",
    }  # fmt: skip
    assert check(open_source(place)).problems == ()


def test_a_broken_project_is_not_written_over(capsys: pytest.CaptureFixture[str], place: Path, shelf: Path) -> None:
    tree = {**registry(skill("git")), "skills/git/project.yaml": "versions: [\n"}
    commit(tree, place)
    write_tree({"SKILL.md": skill_md("git")}, shelf / "git")
    ran = _publish(capsys, place, shelf / "git", "--yes", "--version", "2.0.0")
    assert ran.status == 1
    assert "project.yaml cannot be read" in ran.out


def test_nothing_happens_without_a_yes(capsys: pytest.CaptureFixture[str], place: Path, dirty: Path) -> None:
    commits = _log(place)
    asked = _publish(capsys, place, dirty / "plain")
    assert asked.status == 2
    assert "run it with --yes" in asked.err
    dry = _publish(capsys, place, dirty / "plain", "--dry-run")
    assert (dry.status, "1 to publish" in dry.err) == (0, True)
    assert _log(place) == commits
    assert not (place / "skills/plain").exists()


def test_files_can_be_left_uncommitted(capsys: pytest.CaptureFixture[str], place: Path, dirty: Path) -> None:
    commits = _log(place)
    ran = _publish(capsys, place, dirty / "plain", "--yes", "--no-commit")
    assert (ran.status, _log(place)) == (0, commits)
    assert "--worktree" in ran.err
    assert "plain" in read_catalog(open_source(place, worktree=True)).skills


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--version", "1.0"], "is no version"),
        (["--version", "1.0.0", "--bump", "patch"], "exclude each other"),
        (["--name", "No Name"], "is no skill name"),
        (["--name", "a"], "for one skill"),
    ],
)
def test_calls_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], place: Path, dirty: Path, arguments: list[str], message: str
) -> None:
    ran = _publish(capsys, place, dirty, *arguments)
    assert ran.status == 2
    assert message in ran.err


def test_a_folder_of_the_registry_itself_is_refused(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    ran = _publish(capsys, place, place / "skills/git/1.0.0")
    assert (ran.status, "lies in the registry itself" in ran.err) == (2, True)


def test_an_address_is_no_checkout(capsys: pytest.CaptureFixture[str], dirty: Path) -> None:
    ran = run_skills(capsys, "publish", dirty / "plain", "--registry", "https://skills.example.com/")
    assert ran.status == 1
    assert "git clone it" in ran.err


@pytest.mark.parametrize(
    ("version", "part", "after"),
    [
        ("1.2.3", "patch", "1.2.4"), ("1.2.3", "minor", "1.3.0"), ("1.2.3", "major", "2.0.0"),
        ("1.2.3-rc.1", "patch", "1.2.3"), ("1.2.3+b", "patch", "1.2.4"),
    ],
)  # fmt: skip
def test_bumping(version: str, part: Any, after: str) -> None:
    assert bumped(version, part) == after


_HERE = ("into ., branch main", "next: molthub check, then git push")
_BESIDE = (
    "into ../registry, branch main",
    "next: molthub check --registry ../registry, then git -C ../registry push",
)


@pytest.mark.parametrize(("typed", "told"), [(".", _HERE), ("../registry", _BESIDE)])
def test_the_registry_is_named_as_it_was_typed(
    capsys: pytest.CaptureFixture[str], dirty: Path, in_place: Path, typed: str, told: tuple[str, str]
) -> None:
    lines = run_skills(capsys, "publish", dirty / "plain", "--registry", typed, "--yes").err.splitlines()
    assert (lines[0], lines[-1]) == told
    made = run_molthub(capsys, "skill-packs", "create", "--name", "dev", "--skills", "git", "--registry", typed)
    assert told[1] in made.err.splitlines()
    assert in_place == Path.cwd()


def test_a_path_with_spaces_is_quoted_where_it_can_be_copied(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, dirty: Path
) -> None:
    place = tmp_path / "my registry"
    commit(registry(), place)
    ran = _publish(capsys, place, dirty / "plain", "--yes")
    assert f"next: molthub check --registry '{place}', then git -C '{place}' push" in ran.err
