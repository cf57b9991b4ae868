"""`molthub init`: a registry that checks clean, ready to push."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from molthub.cli.serve import serve
from molthub.registry.check import check
from molthub.registry.source import open_source
from tests.builders import skill_md, write_tree
from tests.registry.command import run_molthub, run_skills


def test_a_new_registry_is_committed_and_checks_clean(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = tmp_path / "My Registry"
    ran = run_molthub(capsys, "init", place, "--url", "https://skills.example.com/", "--owner", "platform", "--json")
    assert ran.status == 0, ran
    assert ran.json["registry"] == "my-registry"
    root = yaml.safe_load((place / "registry.yaml").read_text())
    assert root == {"name": "my-registry", "url": "https://skills.example.com/", "owner": "platform"}
    assert yaml.safe_load((place / "publishers/platform/publisher.yaml").read_text()) == {"name": "platform"}
    source = open_source(place)
    assert (source.revision, source.uncommitted) == (ran.json["commit"], 0)
    assert check(source, strict_spec=True).problems == ()


def test_line_ends_are_left_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run_molthub(capsys, "init", tmp_path / "r")
    attributes = (tmp_path / "r/.gitattributes").read_text().splitlines()
    assert "* -text" in attributes


def test_without_a_host_nothing_of_one_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run_molthub(capsys, "init", tmp_path / "r", "--host", "none")
    assert not (tmp_path / "r/.github").exists()
    assert {path.name for path in (tmp_path / "r").iterdir()} >= {"registry.yaml", "README.md", "CONTRIBUTING.md"}


def test_code_owners_are_the_accounts_that_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run_molthub(capsys, "init", tmp_path / "r", "--github", "octocat", "--github", "olga")
    assert "/.github/ @octocat @olga" in (tmp_path / "r/.github/CODEOWNERS").read_text().splitlines()
    run_molthub(capsys, "init", tmp_path / "s")
    lines = (tmp_path / "s/.github/CODEOWNERS").read_text().splitlines()
    assert all(line.startswith("#") for line in lines), "nobody is made up"


def test_the_address_of_the_index_is_that_of_the_registry_or_of_pages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for number, options in enumerate((["--url", "https://skills.example.com/"], [])):
        run_molthub(capsys, "init", tmp_path / f"r{number}", *options)
    live = [yaml.safe_load((tmp_path / f"r{number}/.github/workflows/publish.yml").read_text())["env"]["LIVE"]
            for number in range(2)]  # fmt: skip
    assert live[0] == "https://skills.example.com/"
    assert live[1].startswith("https://${{ github.repository_owner }}.github.io/")


@pytest.mark.parametrize("name", ["r", "a-registry-of-ours", "two words"])
def test_the_next_steps_stand_in_columns(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    steps = run_molthub(capsys, "init", name).err.splitlines()[-3:]
    whys = ("add skills you have", "see what a pull request", "then git -C")
    assert len({step.index(why) for step, why in zip(steps, whys, strict=True)}) == 1
    assert steps[0].startswith("next: skills publish PATH --registry ")


def _git(place: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(place), *arguments], check=True)


def test_what_the_readme_says_works(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = tmp_path / "r"
    run_molthub(capsys, "init", place)
    readme = (place / "README.md").read_text()
    assert "${secrets.github_token}" in readme
    (port,) = [option.default for option in serve.params if option.name == "port"]
    assert f"--registry http://127.0.0.1:{port}/" in readme
    write_tree({"SKILL.md": skill_md("my-skill")}, tmp_path / "my-skill")
    assert run_skills(capsys, "publish", tmp_path / "my-skill", "--registry", place, "--yes").status == 0
    created = run_molthub(
        capsys, "skill-packs", "create", "--name", "My Stack", "--skills", "my-skill", "--registry", place
    )  # fmt: skip
    assert created.status == 0, created
    documents = [block.split("```")[0] for block in readme.split("```yaml\n")[1:]]
    write_tree({"fleets/prod/fleet.yaml": documents[0], "fleets/prod/bots/ada.yaml": documents[1]}, place)
    ran = run_molthub(capsys, "check", "--registry", place, "--worktree")
    assert ran.status == 0, ran
    assert "0 errors, 0 warnings" in ran.out
    assert "1 bot in 1 fleet" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--name", "No Name"], "--name 'No Name'"),
        (["--owner", "-x"], "--owner '-x'"),
        (["--github", "not a login"], "--github 'github:not a login'"),
        (["--url", "skills.example.com"], "--url"),
    ],
)
def test_names_and_addresses_that_are_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    ran = run_molthub(capsys, "init", tmp_path / "r", *arguments)
    assert (ran.status, message in ran.err) == (2, True)
    assert not (tmp_path / "r").exists()


def test_a_folder_that_holds_something_is_left_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path, tmp_path / "file"):
        ran = run_molthub(capsys, "init", place, "--name", "r")
        assert ran.status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_an_identity_the_files_stay_and_the_next_step_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path
) -> None:
    (home / ".gitconfig").write_text("")
    ran = run_molthub(capsys, "init", tmp_path / "r")
    assert ran.status == 1
    assert "git config --global user.name" in ran.err
    assert "commit -m" in ran.err
    assert (tmp_path / "r/registry.yaml").is_file()
    assert check(open_source(tmp_path / "r", worktree=True)).problems == ()


def test_a_repository_without_commits_can_be_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(tmp_path / "r")], check=True)
    assert run_molthub(capsys, "init", tmp_path / "r").status == 0
    head = (tmp_path / "r/.git/HEAD").read_text()
    assert head == "ref: refs/heads/trunk\n"
