"""Importing one skill's folder of a repository, at a commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from molthub.cli.upstream_orders import Delivery, Limits, Order, Place
from molthub.cli.upstream_process import fetched
from molthub.index.update import Wanted, update
from molthub.registry.check import check
from molthub.registry.source import open_source
from molthub.registry.trees.git_source import GitSource
from tests.imports.command import ALLOWED, entry, files_below, run_import
from tests.imports.git_host import NOTES, SKILL_MD, Entry, GitHost, commit_skills
from tests.registry.command import run_molthub


def test_a_folder_of_a_repository_becomes_a_version_by_digest(
    capsys: pytest.CaptureFixture[str], place: Path, host: GitHost
) -> None:
    ran = run_import(capsys, place, "--from", host.url(), "--path", "skills/notes", "--json")
    assert ran.status == 0, ran
    assert [(one["name"], one["version"], one["result"]) for one in ran.json["versions"]] == [("notes", "1.0.0", "new")]
    assert files_below(place / "skills/notes") == ["1.0.0/SKILL.md", "1.0.0/skill.yaml", "project.yaml"]
    assert (place / "skills/notes/1.0.0/SKILL.md").read_text() == SKILL_MD
    record = entry(place, "notes", "1.0.0")
    commit = subprocess.run(
        ["git", "-C", str(host.root / "skills.git"), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert record["upstream"] == {
        "git": host.url(), "commit": commit, "path": "skills/notes", "digest": record["upstream"]["digest"],
    }  # fmt: skip
    assert record["upstream"]["digest"] != record["digest"]  # skill.yaml was made here
    assert not [problem for problem in check(open_source(place)).problems if problem.severity == "error"]
    built = run_molthub(capsys, "build", "--registry", place, "--out", place.parent / "site", *ALLOWED, "--json")
    assert (built.status, built.json["counts"]["versions"]) == (0, 2), built
    info = (place.parent / "site/api/v1/skills/notes.json").read_text()
    assert record["digest"] in info


@pytest.mark.parametrize("revision", ["v1", "main", "topic/x", "commit"])
def test_a_revision_is_a_branch_a_tag_or_a_commit(
    capsys: pytest.CaptureFixture[str], place: Path, host: GitHost, revision: str
) -> None:
    repository = host.root / "skills.git"
    git = ("git", "-C", str(repository), "-c", "user.name=A", "-c", "user.email=a@example.com")
    subprocess.run([*git, "tag", "-a", "-m", "First", "v1"], check=True)
    subprocess.run([*git, "branch", "topic/x"], check=True)
    first = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    commit_skills(repository, NOTES | {"skills/notes/SKILL.md": SKILL_MD + "More.\n"})
    wanted = first if revision == "commit" else revision
    ran = run_import(capsys, place, "--from", f"{host.url()}@{wanted}", "--path", "skills/notes")
    assert ran.status == 0, ran
    assert (entry(place, "notes", "1.0.0")["upstream"]["commit"] == first) == (revision != "main")


def test_again_is_unchanged_and_a_later_commit_is_the_next_version(
    capsys: pytest.CaptureFixture[str], place: Path, host: GitHost
) -> None:
    assert run_import(capsys, place, "notes", "--from", host.url(), "--path", "skills/notes").status == 0
    again = run_import(capsys, place, "notes")
    assert (again.status, "unchanged" in again.out) == (0, True), again
    assert run_molthub(capsys, "import", "--check", "--registry", place, *ALLOWED).status == 0
    commit_skills(host.root / "skills.git", NOTES | {"skills/notes/SKILL.md": SKILL_MD + "More.\n"})
    moved = run_molthub(capsys, "import", "--check", "--registry", place, *ALLOWED)
    assert (moved.status, "its folder has changed" in moved.out) == (3, True), moved
    taken = run_import(capsys, place, "notes")
    assert (taken.status, "holds other content here" in taken.out) == (1, True), taken
    assert run_import(capsys, place, "notes", "--bump", "minor").status == 0
    assert files_below(place / "skills/notes/1.1.0") == ["SKILL.md", "skill.yaml"]


def test_a_host_that_gives_no_single_commits_is_fetched_whole(
    capsys: pytest.CaptureFixture[str], place: Path, host: GitHost
) -> None:
    host.modern = False
    repository = host.root / "skills.git"
    first = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    commit_skills(repository, NOTES | {"README.md": "Later.\n"})
    ran = run_import(capsys, place, "--from", f"{host.url()}@{first}", "--path", "skills/notes")
    assert (ran.status, entry(place, "notes", "1.0.0")["upstream"]["commit"]) == (0, first), ran


def test_a_scope_may_be_given_and_comments_stay(capsys: pytest.CaptureFixture[str], place: Path, host: GitHost) -> None:
    name = "@acme/notes"
    assert run_import(capsys, place, name, "--from", host.url(), "--path", "skills/notes").status == 0
    project = place / "skills" / name / "project.yaml"
    project.write_text(project.read_text() + "# judged by the platform team\n")
    for command in (["add", "-A"], ["commit", "-qm", "Note who judged it"]):
        subprocess.run(["git", "-C", str(place), *command], check=True)
    commit_skills(host.root / "skills.git", NOTES | {"skills/notes/new.md": "new\n"})
    assert run_import(capsys, place, f"{name}@1.2.0").status == 0
    text = project.read_text()
    assert "# judged by the platform team" in text
    assert sorted(entry(place, name, "1.2.0")) == ["digest", "published", "upstream"]
    assert "name: '@acme/notes'" in (place / f"skills/{name}/1.2.0/skill.yaml").read_text().replace('"', "'")


def test_what_no_version_holds_is_left_out_and_named(
    capsys: pytest.CaptureFixture[str], place: Path, host: GitHost
) -> None:
    junk: dict[str, Entry] = {"skills/notes/.DS_Store": b"\0", "skills/notes/node_modules/x/index.js": "x"}
    commit_skills(host.root / "skills.git", NOTES | junk)
    ran = run_import(capsys, place, "--from", host.url(), "--path", "skills/notes")
    assert (ran.status, "node_modules" in ran.out, ".DS_Store" in ran.out) == (0, True, True), ran
    out = place.parent / "site"
    assert run_molthub(capsys, "build", "--registry", place, "--out", out, *ALLOWED).status == 0
    assert "node_modules" not in (out / "api/v1/skills/notes/1.0.0.json").read_text()


def test_a_build_that_asks_nobody_names_what_is_left_out(
    capsys: pytest.CaptureFixture[str], place: Path, host: GitHost
) -> None:
    assert run_import(capsys, place, "--from", host.url(), "--path", "skills/notes").status == 0
    done = update(GitSource(place), place.parent / "site", Wanted())
    assert [problem.id for problem in done.problems] == ["MH901"]
    assert "notes 1.0.0 is left out of the index" in done.problems[0].message


def test_over_ssh_nobody_is_asked_and_no_option_is_smuggled(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    said = tmp_path / "said"
    # What ssh is to git: options, a host, and a command, which here runs on this machine.
    (programs / "ssh").write_text(f'#!/bin/sh\nfor last; do :; done\necho "$*" >> {said}\nexec sh -c "$last"\n')
    (programs / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    place = Place("git", f"ssh://git@203.0.114.1{host.root}/skills.git")
    order = Order(path="skills/notes", revision="HEAD")
    answers = list(fetched(place, [order], tmp_path / "store", Limits(60)))
    assert isinstance(answers[0][1], Delivery), answers
    calls = said.read_text().splitlines()
    assert len(calls) == 2  # asking for HEAD, and for its commit
    for call in calls:
        assert "-oBatchMode=yes" in call
        assert f"git@203.0.114.1 git-upload-pack '{host.root}/skills.git'" in call
