"""Committing: only our own paths, by the user's own git, all or nothing."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from molthub.errors import RegistryError
from molthub.registry.authoring.checkout import Checkout
from molthub.registry.authoring.new_files import NewFile
from tests.builders import commit, registry, skill, write_tree

FILES = {"skills/notes/1.0.0/SKILL.md": NewFile(b"a\r\n"), "skills/notes/1.0.0/run.sh": NewFile(b"#!/bin/sh\n", True)}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    commit(registry(skill("git")), folder)
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_a_commit_holds_our_paths_and_nothing_else(repository: Path) -> None:
    (repository / "registry.yaml").write_text("name: acme\nowner: acme\n# dirty\n")
    (repository / "staged.txt").write_text("mine")
    (repository / "untracked.txt").write_text("mine too")
    git(repository, "add", "staged.txt")
    revision = Checkout(repository).write(FILES, "Add notes")
    assert git(repository, "rev-parse", "HEAD").strip() == revision
    shown = git(repository, "show", "--format=%s %an", "--raw", "--no-renames", "HEAD").splitlines()
    assert shown[0] == "Add notes Ada Tester"
    assert [(line.split()[1], line.split("\t")[1]) for line in shown[2:]] == [
        ("100644", "skills/notes/1.0.0/SKILL.md"),
        ("100755", "skills/notes/1.0.0/run.sh"),
    ]
    status = git(repository, "status", "--porcelain").splitlines()
    assert status == [" M registry.yaml", "A  staged.txt", "?? untracked.txt"]


def test_bytes_are_committed_as_they_are_whatever_git_is_told(repository: Path) -> None:
    git(repository, "config", "core.autocrlf", "true")
    Checkout(repository).write(FILES, "Add notes")
    blob = subprocess.run(
        ["git", "-C", str(repository), "cat-file", "blob", "HEAD:skills/notes/1.0.0/SKILL.md"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert blob.stdout == b"a\r\n"


def test_files_that_git_ignores_are_committed_all_the_same(repository: Path) -> None:
    (repository / ".git" / "info" / "exclude").write_text("*.sh\n")
    Checkout(repository).write(FILES, "Add notes")
    assert "run.sh" in git(repository, "ls-files")


def test_a_registry_below_the_repositorys_root(tmp_path: Path) -> None:
    tree = {f"registry-index/{path}": content for path, content in registry(skill("git")).items()}
    commit(tree | {"README.md": "hello"}, tmp_path)
    checkout = Checkout(tmp_path)
    checkout.write(FILES, "Add notes")
    assert (tmp_path / "registry-index/skills/notes/1.0.0/run.sh").is_file()
    assert git(tmp_path, "status", "--porcelain") == ""


def test_a_hook_that_refuses_leaves_everything_as_it_was(repository: Path) -> None:
    hook = repository / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    before, head = _files(repository), git(repository, "rev-parse", "HEAD")
    changed = FILES | {"registry.yaml": NewFile(b"name: other\nowner: acme\n")}
    with pytest.raises(RegistryError, match="not today"):
        Checkout(repository).write(changed, "Add notes")
    assert _files(repository) == before
    assert not (repository / "skills/notes").exists()
    assert git(repository, "rev-parse", "HEAD") == head
    assert git(repository, "status", "--porcelain") == ""


def test_a_file_that_cannot_be_written_leaves_everything_as_it_was(repository: Path) -> None:
    before = _files(repository)
    with pytest.raises(OSError, match=r"SKILL\.md"):
        Checkout(repository).write({**FILES, "skills/git/1.0.0/SKILL.md/x": NewFile(b"")}, "Add notes")
    assert _files(repository) == before
    assert git(repository, "status", "--porcelain") == ""


def test_our_paths_must_hold_no_other_work(repository: Path) -> None:
    (repository / "registry.yaml").write_text("name: mine\nowner: acme\n")
    with pytest.raises(RegistryError, match=r"registry\.yaml already holds changes") as caught:
        Checkout(repository).write({"registry.yaml": NewFile(b"x")}, "Change")
    assert "--no-commit" in caught.value.remedy
    assert (repository / "registry.yaml").read_text() == "name: mine\nowner: acme\n"


def test_a_missing_identity_is_named_with_the_two_lines(repository: Path, home: Path) -> None:
    (home / ".gitconfig").write_text("")
    with pytest.raises(RegistryError, match="in whose name") as caught:
        Checkout(repository).write(FILES, "Add notes")
    assert "git config --global user.name" in caught.value.remedy
    assert "git config --global user.email" in caught.value.remedy
    assert not (repository / "skills/notes").exists()


def test_a_detached_head_is_refused(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    with pytest.raises(RegistryError, match="detached"):
        Checkout(repository)


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    commit(registry(), tmp_path / "bare.git", bare=True)
    with pytest.raises(RegistryError, match="bare"):
        Checkout(tmp_path / "bare.git")


def test_a_folder_outside_git_is_refused_unless_nothing_is_committed(tmp_path: Path) -> None:
    write_tree(registry(), tmp_path)
    with pytest.raises(RegistryError, match="not in a git repository") as caught:
        Checkout(tmp_path)
    assert "--no-commit" in caught.value.remedy
    checkout = Checkout(tmp_path, commits=False)
    assert checkout.write(FILES, "Add notes") is None
    assert (tmp_path / "skills/notes/1.0.0/run.sh").stat().st_mode & 0o111
    assert checkout.branch == ""


@pytest.mark.parametrize(
    ("place", "message"), [("https://x.y/r.git", "an address"), ("missing", "no such folder"), (".", "registry.yaml")]
)
def test_what_is_no_checkout_of_a_registry_is_refused(
    tmp_path: Path, place: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q")
    with pytest.raises(RegistryError, match=message):
        Checkout(Path(place))


def test_git_missing_is_said(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RegistryError, match="git is not installed"):
        Checkout(repository)


def test_a_hooks_environment_does_not_lead_astray(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(registry(), tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    Checkout(repository).write(FILES, "Add notes")
    monkeypatch.delenv("GIT_DIR")
    assert git(repository, "log", "-1", "--format=%s").strip() == "Add notes"
    assert "notes" not in git(tmp_path / "other", "ls-tree", "-r", "HEAD")


def test_files_are_taken_away_with_the_folders_that_this_empties(repository: Path) -> None:
    (repository / "registry.yaml").write_text("name: acme\nowner: acme\n# dirty\n")
    gone = {"skills/git/1.0.0/SKILL.md": None, "skills/git/1.0.0/skill.yaml": None}
    Checkout(repository).write({**gone, "skills/git/project.yaml": NewFile(b"versions: {}\n")}, "Remove it")
    assert not (repository / "skills/git/1.0.0").exists()
    assert git(repository, "show", "--format=", "--name-status", "--no-renames", "HEAD").split() == [
        "D", "skills/git/1.0.0/SKILL.md", "D", "skills/git/1.0.0/skill.yaml", "M", "skills/git/project.yaml",
    ]  # fmt: skip
    assert git(repository, "status", "--porcelain").splitlines() == [" M registry.yaml"]


def test_a_commit_that_fails_brings_back_what_was_taken_away(repository: Path) -> None:
    before = _files(repository)
    hook = repository / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RegistryError, match="commit failed"):
        Checkout(repository).write({path: None for path in before if path.startswith("skills/")}, "Remove it")
    assert _files(repository) == before
    assert git(repository, "status", "--porcelain") == ""


def test_what_another_command_committed_meanwhile_is_not_undone(repository: Path) -> None:
    first, second, third = (Checkout(repository) for _ in range(3))
    first.write({"fleets/prod/fleet.yaml": NewFile(b"first: 1\n"), "one.txt": NewFile(b"1")}, "First")
    before = git(repository, "rev-parse", "HEAD")
    with pytest.raises(RegistryError, match=r"fleets/prod/fleet\.yaml was changed by another commit meanwhile"):
        second.write({"two.txt": NewFile(b"2"), "fleets/prod/fleet.yaml": NewFile(b"second: 2\n")}, "Second")
    assert git(repository, "rev-parse", "HEAD") == before
    assert not (repository / "two.txt").exists()
    third.write({"three.txt": NewFile(b"3")}, "Third")
    assert (repository / "fleets/prod/fleet.yaml").read_text() == "first: 1\n"


def test_many_editors_at_once_lose_nothing(repository: Path) -> None:
    shared = "overlays/shared.yaml"

    def edit(number: int) -> str:
        checkout = Checkout(repository)
        known = checkout.source.read(shared) if shared in checkout.source.files else b""
        files = {shared: NewFile(known + b"- %d\n" % number), f"overlays/own-{number}.yaml": NewFile(b"x")}
        try:
            return checkout.write(files, f"Edit {number}") or ""
        except RegistryError as error:
            return error.message

    with ThreadPoolExecutor(4) as pool:
        said = [*pool.map(edit, range(8))]
    done = [number for number, word in enumerate(said) if len(word.split()) == 1]
    assert done
    assert {word for word in said if len(word.split()) > 1} <= {f"{shared} was changed by another commit meanwhile"}
    assert sorted(map(int, (repository / shared).read_text().replace("- ", "").split())) == done
    assert {path.name for path in repository.glob("overlays/own-*")} == {f"own-{number}.yaml" for number in done}
    assert git(repository, "status", "--porcelain") == ""
