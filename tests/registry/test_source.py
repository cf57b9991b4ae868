"""Reading trees: git at any revision, bare or not, and folders, under one set of rules."""

from __future__ import annotations

import os
from pathlib import Path

import pygit2
import pytest

from molthub.errors import RegistryError
from molthub.registry.source import FolderSource, GitSource, Source, open_source
from tests.builders import Tree, as_bytes, commit, commit_entries, registry, skill, write_tree

MODE = pygit2.enums.FileMode


def tree() -> Tree:
    return registry(skill("git"))


def ids(source: Source) -> list[tuple[str, str | None]]:
    return [(problem.id, problem.file) for problem in source.problems]


def commit_with(folder: Path, more: dict[bytes, tuple[bytes, MODE]]) -> None:
    """Commit entries of any name and mode beside a valid registry, in a repository without a work tree."""
    files = {path.encode(): (as_bytes(content), MODE.BLOB) for path, content in tree().items()}
    commit_entries(pygit2.init_repository(folder, bare=True, initial_head="main"), files | more)


# --- git -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bare", [False, True], ids=["work tree", "bare"])
def test_git_is_read_without_a_checkout(tmp_path: Path, bare: bool) -> None:
    script = "skills/git/1.0.0/scripts/run.sh"
    whole = tree() | {script: "#!/bin/sh\n"}
    revision = commit(whole, tmp_path, executable={script}, bare=bare)
    source = open_source(tmp_path)
    assert isinstance(source, GitSource)
    assert source.revision == revision
    assert sorted(source.files) == sorted(whole)
    assert list(source.files) == sorted(source.files)
    assert {path for path, file in source.files.items() if file.executable} == {script}
    assert source.read(script) == b"#!/bin/sh\n"
    assert source.files[script].size == len("#!/bin/sh\n")
    assert source.problems == ()


def test_any_revision_can_be_read(tmp_path: Path) -> None:
    first = commit(tree(), tmp_path)
    commit(tree() | {"skills/git/1.0.0/NEW.md": "new"}, tmp_path)
    assert "skills/git/1.0.0/NEW.md" in open_source(tmp_path).files
    for rev in (first, "HEAD~1", first[:10]):
        older = open_source(tmp_path, rev=rev)
        assert older.revision == first
        assert "skills/git/1.0.0/NEW.md" not in older.files
    pygit2.Repository(str(tmp_path)).create_reference("refs/tags/v1", first)
    assert open_source(tmp_path, rev="v1").revision == first


@pytest.mark.parametrize("given", [".", "registry-index"])
def test_the_registry_may_lie_in_a_folder_of_the_repository(tmp_path: Path, given: str) -> None:
    commit({f"registry-index/{path}": text for path, text in tree().items()} | {"README.md": "hello"}, tmp_path)
    source = open_source(tmp_path / given)
    assert sorted(source.files) == sorted(tree())
    assert source.where == str(tmp_path / "registry-index")


def test_a_bare_repository_may_hold_it_in_a_folder_too(tmp_path: Path) -> None:
    commit({f"registry-index/{path}": text for path, text in tree().items()}, tmp_path, bare=True)
    assert sorted(open_source(tmp_path).files) == sorted(tree())


def test_uncommitted_files_of_the_registry_are_counted(tmp_path: Path) -> None:
    commit({f"registry-index/{path}": text for path, text in tree().items()}, tmp_path)
    (tmp_path / "elsewhere.txt").write_text("not the registry's")
    assert open_source(tmp_path).uncommitted == 0
    (tmp_path / "registry-index" / "skills" / "git" / "new.txt").write_text("new")
    (tmp_path / "registry-index" / "registry.yaml").write_text("changed")
    assert open_source(tmp_path).uncommitted == 2


def test_a_bare_repository_has_nothing_uncommitted(tmp_path: Path) -> None:
    commit(tree(), tmp_path, bare=True)
    assert open_source(tmp_path).uncommitted == 0


@pytest.mark.parametrize(
    ("rev", "message"),
    [("no-such-branch", "no commit 'no-such-branch'"), ("HEAD:skills", "no commit"), ("@{-1", "no commit")],
)
def test_a_revision_that_is_none_is_named(tmp_path: Path, rev: str, message: str) -> None:
    commit(tree(), tmp_path)
    with pytest.raises(RegistryError, match=message):
        open_source(tmp_path, rev=rev)


def test_what_is_not_committed_yet_says_what_to_do(tmp_path: Path) -> None:
    commit({"README.md": "hello"}, tmp_path)
    write_tree(tree(), tmp_path)
    with pytest.raises(RegistryError, match=r"registry\.yaml is not part of that commit") as caught:
        open_source(tmp_path)
    assert "--worktree" in caught.value.remedy
    assert sorted(open_source(tmp_path, worktree=True).files) == sorted(tree())


def test_a_repository_without_commits_says_what_to_do(tmp_path: Path) -> None:
    pygit2.init_repository(str(tmp_path))
    write_tree(tree(), tmp_path)
    with pytest.raises(RegistryError, match="no commit 'HEAD'") as caught:
        open_source(tmp_path)
    assert "--worktree" in caught.value.remedy


def test_what_is_no_registry_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="no such folder"):
        open_source(tmp_path / "missing")
    with pytest.raises(RegistryError, match=r"no registry\.yaml here"):
        open_source(tmp_path)
    write_tree(tree(), tmp_path / "plain")
    with pytest.raises(RegistryError, match="not in git"):
        open_source(tmp_path / "plain", rev="HEAD")
    commit({"README.md": "hello"}, tmp_path / "repo")
    with pytest.raises(RegistryError, match=r"no registry\.yaml here"):
        open_source(tmp_path / "repo")
    with pytest.raises(RegistryError, match="not in a git repository"):
        GitSource(tmp_path / "plain")


# --- what is refused -----------------------------------------------------------------------------------------------


def test_links_and_submodules_are_refused_with_their_path(tmp_path: Path) -> None:
    folder = "skills/git/1.0.0"
    bad = {f"{folder}/link": (b"/etc/passwd", MODE.LINK), f"{folder}/sub": (b"1" * 40, MODE.COMMIT)}
    commit_with(tmp_path, {path.encode(): entry for path, entry in bad.items()})
    source = open_source(tmp_path)
    assert ids(source) == [("MH010", f"{folder}/link"), ("MH010", f"{folder}/sub")]
    assert source.refused == set(bad)
    assert sorted(source.files) == sorted(tree())


def test_a_link_beside_the_registry_is_only_a_warning(tmp_path: Path) -> None:
    commit_with(tmp_path, {b"CLAUDE.md": (b"AGENTS.md", MODE.LINK)})
    source = open_source(tmp_path)
    assert [(problem.severity, problem.file) for problem in source.problems] == [("warning", "CLAUDE.md")]
    assert source.refused == set()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (b"..", "is no name"),
        (b".", "is no name"),
        (b".git", "git's own"),
        (b"a\\b", "slash or backslash"),
        (b"a\nb", "control characters"),
        ("a\u202eb".encode(), "control characters"),
        (b"a\xff", "not UTF-8"),
        (b"CON", "Windows"),
        (b"nul.txt", "Windows"),
        (b"com1.log", "Windows"),
        (b"a:b", "Windows"),
        (b"what?", "Windows"),
        (b"dot.", "Windows"),
        (b"space ", "Windows"),
        (b"x" * 256, "255 bytes"),
    ],
)
def test_names_that_some_systems_cannot_hold_are_refused(tmp_path: Path, name: bytes, why: str) -> None:
    commit_with(tmp_path, {b"profiles/inner/" + name: (b"x", MODE.BLOB)})
    source = open_source(tmp_path)
    assert [problem.id for problem in source.problems] == ["MH011"]
    assert why in source.problems[0].message
    assert (source.problems[0].file or "").isprintable()
    assert not any(path.startswith("profiles/") for path in source.files)


@pytest.mark.parametrize(
    ("one", "other"),
    [("README.md", "readme.md"), ("caf\u00e9", "cafe\u0301"), ("stra\u00dfe", "STRASSE"), ("Docs/a", "docs/b")],
)
def test_paths_that_some_systems_take_for_one_are_refused(tmp_path: Path, one: str, other: str) -> None:
    folder = "skills/git/1.0.0"
    commit(tree() | {f"{folder}/{one}": "1", f"{folder}/{other}": "2"}, tmp_path, bare=True)
    source = open_source(tmp_path)
    assert {problem.id for problem in source.problems} == {"MH011"}
    assert source.refused == {f"{folder}/{one.partition('/')[0]}", f"{folder}/{other.partition('/')[0]}"}
    assert sorted(source.files) == sorted(tree())


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("* -text\n", False),
        ("* binary\n*.md diff=markdown\n", False),
        ("# * text\n\n*.md !text -eol\n", False),
        ("* text=auto\n* -text\n", False),
        ("* -text\n*.md text\n", True),
        ("*.md text\n", True),
        ("* text=auto\n", True),
        ("*.sh eol=lf\n", True),
        ("*.bin filter=lfs diff=lfs merge=lfs -text\n", True),
        ("* ident\n", True),
        ("*.txt working-tree-encoding=UTF-16\n", True),
        ("*.txt crlf\n", True),
        ("[attr]doc text\n", True),
        ('"with space.md" text\n', True),
    ],
)
@pytest.mark.parametrize("where", ["", "skills/git/1.0.0/"])
def test_attributes_that_change_bytes_are_refused(tmp_path: Path, where: str, text: str, refused: bool) -> None:
    commit(tree() | {f"{where}.gitattributes": text}, tmp_path)
    source = open_source(tmp_path)
    assert [problem.id for problem in source.problems] == (["MH012"] if refused else [])
    assert source.refused == ({f"{where}.gitattributes"} if refused else set())


@pytest.mark.parametrize(
    ("outer", "own", "refused"),
    [
        ("* text=auto\n", "* -text\n", False),
        ("* text=auto\n", "", True),
        ("* text=auto\n* -text\n", "", False),
        ("*.bin filter=lfs\n", "* -text\n", True),
    ],
)
def test_attributes_above_the_registry_count_too(tmp_path: Path, outer: str, own: str, refused: bool) -> None:
    inside = {f"registry-index/{path}": text for path, text in (tree() | {".gitattributes": own}).items()}
    commit(inside | {".gitattributes": outer, "docs/.gitattributes": "* text\n"}, tmp_path)
    expected = [("MH012", "../.gitattributes")] if refused else []
    assert ids(open_source(tmp_path)) == expected
    assert ids(open_source(tmp_path, worktree=True)) == expected


def test_a_file_beyond_the_limit_is_never_read(tmp_path: Path) -> None:
    write_tree(tree(), tmp_path)
    big = tmp_path / "skills" / "git" / "1.0.0" / "big.bin"
    with big.open("wb") as file:
        file.truncate(50 * 1024 * 1024 + 1)
    assert ids(open_source(tmp_path)) == [("MH005", "skills/git/1.0.0/big.bin")]


def test_folders_that_are_no_part_of_a_registry_are_not_looked_into(tmp_path: Path) -> None:
    write_tree(tree() | {"docs/CON": "x", "node_modules/a/b.js": "x", "README.md": "x"}, tmp_path)
    source = open_source(tmp_path)
    assert source.strays == ("docs", "node_modules")
    assert source.problems == ()
    assert sorted(source.files) == sorted(tree())


# --- a folder ------------------------------------------------------------------------------------------------------


def test_a_folder_is_read_as_it_lies(tmp_path: Path) -> None:
    script = "skills/git/1.0.0/scripts/run.sh"
    write_tree(tree() | {script: "#!/bin/sh\n"}, tmp_path, executable={script})
    source = open_source(tmp_path)
    assert isinstance(source, FolderSource)
    assert source.files[script].executable
    assert not source.files["registry.yaml"].executable
    assert source.read(script) == b"#!/bin/sh\n"
    assert source.uncommitted == 0


def test_a_folder_and_a_commit_of_it_list_the_same(tmp_path: Path) -> None:
    commit(tree(), tmp_path)
    committed, folder = open_source(tmp_path), open_source(tmp_path, worktree=True)
    assert {path: (file.size, file.executable) for path, file in committed.files.items()} == {
        path: (file.size, file.executable) for path, file in folder.files.items()
    }


def test_a_folders_revision_follows_its_content(tmp_path: Path) -> None:
    write_tree(tree(), tmp_path / "one")
    write_tree(tree(), tmp_path / "two")
    first = open_source(tmp_path / "one").revision
    assert first == open_source(tmp_path / "two").revision
    assert first.startswith("folder-")
    assert len(first) == len("folder-") + 33
    (tmp_path / "two" / "registry.yaml").write_text("name: other\nowner: acme\n")
    assert open_source(tmp_path / "two").revision != first


def test_links_on_disk_are_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    root = write_tree(tree(), tmp_path / "registry")
    (root / "skills" / "git" / "1.0.0" / "folder").symlink_to(outside)
    (root / "skills" / "git" / "1.0.0" / "file").symlink_to(outside / "secret.txt")
    os.mkfifo(root / "skills" / "git" / "1.0.0" / "pipe")
    source = open_source(root)
    assert [problem_id for problem_id, _ in ids(source)] == ["MH010"] * 3
    assert sorted(source.files) == sorted(tree())


def test_what_git_ignores_is_left_out_of_a_work_tree(tmp_path: Path) -> None:
    whole = tree() | {".gitignore": "*.log\n__pycache__/\n", "skills/git/1.0.0/kept.log": "tracked all the same"}
    commit(whole, tmp_path)
    write_tree({"skills/git/1.0.0/debug.log": "x", "skills/git/1.0.0/__pycache__/a.pyc": "x"}, tmp_path)
    write_tree({"skills/git/1.0.0/new.md": "x"}, tmp_path)
    files = open_source(tmp_path, worktree=True).files
    assert sorted(files) == sorted({*tree(), "skills/git/1.0.0/kept.log", "skills/git/1.0.0/new.md"})


def test_a_file_that_went_away_is_an_error_with_its_place(tmp_path: Path) -> None:
    write_tree(tree(), tmp_path)
    source = open_source(tmp_path)
    (tmp_path / "skills/git/1.0.0/SKILL.md").unlink()
    with pytest.raises(RegistryError, match=r"skills/git/1\.0\.0/SKILL\.md: cannot read it"):
        source.read("skills/git/1.0.0/SKILL.md")
    with pytest.raises(KeyError):
        source.read("no/such/file")
