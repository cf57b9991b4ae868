"""`molthub skill-packs`: packs and their next versions, locked, recorded and committed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from molthub.errors import UsageError
from molthub.registry.authoring.pack_items import pack_name, server_item, skill_item, variable
from molthub.registry.check import check
from molthub.registry.source import open_source
from tests.builders import Tree, commit, pack, registry, skill
from tests.registry.command import Ran, run_molthub


def _tree(*git: str) -> Tree:
    return registry(
        skill("git", *git, dependencies={"shell": "^1.0"}),
        skill("shell"),
        skill("docker", "1.0.0", "2.0.0"),
        locked=False,
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    commit(_tree("1.0.0"), tmp_path)
    return tmp_path


def _packs(capsys: pytest.CaptureFixture[str], place: Path, *arguments: object) -> Ran:
    return run_molthub(capsys, "skill-packs", *arguments, "--registry", place)


def _subject(place: Path) -> str:
    done = subprocess.run(
        ["git", "-C", str(place), "log", "-1", "--format=%s"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _grow(place: Path) -> None:
    """Publish git 1.1.0 beside what is there."""
    packs = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.glob("packs/*/*.yaml")}
    commit(_tree("1.0.0", "1.1.0") | packs, place)


def test_a_pack_is_made_locked_recorded_and_committed(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    ran = _packs(
        capsys, place, "create", "--name", "Dev Stack", "--skills", "git,docker@^1", "--description", "Git and Docker",
        "--mcp", "github=npx -y server", "--mcp", "web=https://mcp.example.com/",
        "--env", "TOKEN=${secrets.github_token}", "--env", "LOG=a=b",
    )  # fmt: skip
    assert ran.status == 0, ran
    assert "made pack dev-stack version 1\n  docker 1.0.0\n  git 1.0.0\n  shell 1.0.0" in ran.out
    document = yaml.safe_load((place / "packs/dev-stack/1.yaml").read_text())
    spec = document["spec"]
    assert (document["metadata"], spec["version"], spec["displayName"]) == ({"name": "dev-stack"}, 1, "Dev Stack")
    assert spec["skills"] == ["git", {"name": "docker", "version": "^1"}]
    assert spec["mcps"] == [
        {"name": "github", "command": "npx -y server"},
        {"name": "web", "url": "https://mcp.example.com/"},
    ]
    assert spec["envVars"] == {"TOKEN": "${secrets.github_token}", "LOG": "a=b"}
    assert list(spec["resolved"]) == ["docker", "git", "shell"]
    project = yaml.safe_load((place / "packs/dev-stack/project.yaml").read_text())
    assert (project["owners"], project["status"], list(project["versions"])) == (["acme"], "active", [1])
    assert _subject(place) == "Add the pack dev-stack"
    assert check(open_source(place), open_source(place, rev="HEAD~1")).problems == ()


def test_the_next_version_says_what_moved_and_keeps_comments(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    _packs(capsys, place, "create", "--name", "dev", "--skills", "git")
    text = (place / "packs/dev/1.yaml").read_text().replace("spec:\n", "spec:  # ours\n")
    (place / "packs/dev/1.yaml").write_text(text)
    subprocess.run(["git", "-C", str(place), "checkout", "-q", "packs"], check=True)
    assert _packs(capsys, place, "update").out == "= dev 1  unchanged\n"
    _grow(place)
    dry = _packs(capsys, place, "update", "--dry-run")
    assert (dry.status, dry.out.splitlines()[0]) == (0, "+ dev 1 -> 2: git 1.0.0 -> 1.1.0")
    assert "--- a/packs/dev/1.yaml\n+++ b/packs/dev/2.yaml\n" in dry.out
    assert "-  version: 1\n+  version: 2\n" in dry.out
    assert not (place / "packs/dev/2.yaml").exists()
    ran = _packs(capsys, place, "update", "dev", "--json")
    assert ran.json["changes"] == [
        {"pack": "dev", "before": 1, "version": 2, "moved": "git 1.0.0 -> 1.1.0", "result": "written", "problems": []}
    ]
    assert _subject(place) == "Update the pack dev 2: git 1.0.0 -> 1.1.0"
    assert check(open_source(place), open_source(place, rev="HEAD~1")).problems == ()
    first, second = ((place / f"packs/dev/{number}.yaml").read_text().splitlines() for number in (1, 2))
    assert next(line for line in second if line not in first) == "  version: 2"
    assert len(first) == len(second)


def test_packs_that_extend_others_are_updated_in_the_same_run(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    _packs(capsys, place, "create", "--name", "zbase", "--skills", "git")
    _packs(capsys, place, "create", "--name", "all", "--skills", "docker", "--extends", "zbase")
    _grow(place)
    ran = _packs(capsys, place, "update")
    assert ran.out.splitlines() == [
        "+ zbase 1 -> 2: git 1.0.0 -> 1.1.0",
        "+ all 1 -> 2: git 1.0.0 -> 1.1.0, pack/zbase 1 -> 2",
    ]
    assert _subject(place) == "Update 2 packs"
    assert check(open_source(place), open_source(place, rev="HEAD~1")).problems == ()
    assert _packs(capsys, place, "update").out.count("unchanged") == 2


def test_one_pack_that_cannot_be_updated_stops_no_other(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    _packs(capsys, place, "create", "--name", "a", "--skills", "git")
    _packs(capsys, place, "create", "--name", "b", "--skills", "docker@^1")
    packs = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.glob("packs/*/*.yaml")}
    without = registry(skill("git", "1.0.0", "1.1.0"), skill("docker", "1.0.0", records={"1.0.0": {"yanked": "Bad."}}))
    commit(without | packs, place)
    ran = _packs(capsys, place, "update")
    assert ran.status == 4
    assert "+ a 1 -> 2" in ran.out
    assert "! b  refused" in ran.out
    assert _packs(capsys, place, "update", "b").status == 1


def test_list_and_show(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    empty = _packs(capsys, place, "list")
    assert (empty.status, "there are no packs yet" in empty.err) == (0, True)
    assert "there are no packs" in _packs(capsys, place, "update").out
    _packs(capsys, place, "create", "--name", "Dev Stack", "--skills", "git@^1.0")
    listed = _packs(capsys, place, "list")
    assert listed.out.splitlines()[1].split() == ["dev-stack", "1", "2", "0", "active", "built", "in", "Dev", "Stack"]
    shown = _packs(capsys, place, "show", "dev-stack@1", "--json").json
    assert (shown["pack"], shown["version"], shown["skills"], list(shown["resolved"])) == (
        "dev-stack", 1, ["git@^1.0"], ["git", "shell"],
    )  # fmt: skip
    assert "  git: 1.0.0" in _packs(capsys, place, "show", "dev-stack").out
    near = _packs(capsys, place, "show", "dev-stak")
    assert (near.status, "did you mean dev-stack?" in near.err) == (1, True)
    assert "has no version 7" in _packs(capsys, place, "show", "dev-stack@7").err
    assert "there is no pack nothing" in _packs(capsys, place, "update", "nothing").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--skills", "gti"], "skill gti is not in this registry"),
        (["--skills", "git@^9"], "skill git has no version ^9"),
        (["--env", "TOKEN=ghp_abcdefghijklmnopqrstuvwxyz0123456789"], "looks like a GitHub token"),
        (["--mcp", "Bad_Name=npx x"], "packs/dev/1.yaml"),
        (["--owner", "zoe"], "the owner zoe is no publisher"),
        (["--extends", "base"], "pack base is not in this registry"),
    ],
)
def test_a_pack_that_does_not_fit_is_not_written(
    capsys: pytest.CaptureFixture[str], place: Path, arguments: list[str], message: str
) -> None:
    ran = _packs(capsys, place, "create", "--name", "dev", *arguments)
    assert ran.status == 1, ran
    assert message in ran.err
    assert not (place / "packs").exists()
    assert "ghp_" not in ran.err + ran.out


def test_a_taken_name_is_refused(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    _packs(capsys, place, "create", "--name", "dev", "--skills", "git")
    again = _packs(capsys, place, "create", "--name", "Dev", "--skills", "git")
    assert (again.status, "there is a pack dev already" in again.err) == (1, True)


def test_nothing_is_committed_on_demand(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    ran = _packs(capsys, place, "create", "--name", "dev", "--skills", "git", "--no-commit", "--json")
    assert ran.json["commit"] is None
    assert _subject(place) == "Declare the registry"
    assert check(open_source(place, worktree=True)).problems == ()
    assert _packs(capsys, place, "create", "--name", "other", "--skills", "git", "--dry-run").status == 0
    assert not (place / "packs/other").exists()


def test_a_yanked_number_still_counts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tree = registry(
        skill("git", "1.0.0"), pack("dev", {"skills": ["git"]}, {"skills": ["git"]}, records={2: {"yanked": "x"}})
    )
    packs = {path: text for path, text in tree.items() if path.startswith("packs/")}
    commit(registry(skill("git", "1.0.0", "1.1.0")) | packs, tmp_path)
    assert _packs(capsys, tmp_path, "update").out == "+ dev 1 -> 3: git 1.0.0 -> 1.1.0\n"
    assert check(open_source(tmp_path), open_source(tmp_path, rev="HEAD~1")).problems == ()


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("git", "git"), (" git@^1.2 ", {"name": "git", "version": "^1.2"}), ("@acme/x", "@acme/x"),
        ("@acme/x@2", {"name": "@acme/x", "version": "2"}),
    ],
)  # fmt: skip
def test_skills_as_they_are_typed(text: str, item: object) -> None:
    assert skill_item(text) == item


@pytest.mark.parametrize(
    ("call", "text"),
    [(skill_item, "Git Hub"), (skill_item, "git@what?"), (server_item, "github"), (server_item, "=x"), (variable, "A"),
     (variable, "=b"), (pack_name, "!!")],
)  # fmt: skip
def test_what_cannot_be_read_is_a_usage_error(call: object, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        call(text)  # type: ignore[operator] # one of the functions above
    assert caught.value.remedy
