"""The listing of plain folders, held against the walk that judges every name: the same files, or none at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pygit2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from molthub.registry.trees.git_source import tree_entries
from molthub.registry.trees.plain_tree import plain_files
from molthub.registry.trees.tree_walk import Tree, walk_below
from tests.builders import commit_entries

MODE = pygit2.enums.FileMode
NAMES = st.sampled_from(
    [b"SKILL.md", b"skill.yaml", b"skill.md", b"docs", b"Docs", b"scripts", b"1.0.0", b"a", b"run.py", b"README",
     b"con", b"aux.txt", b"com1", b".git", b".GIT", b".gitattributes", b".env", b"a b", b"a:b", b"tail.", b"git~1",
     b"\xff", "\u00e9".encode(), "e\u0301".encode(), "\u202e".encode(), b"x" * 255, b"x" * 256]
)  # fmt: skip
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)
ENTRIES = st.dictionaries(PATHS, st.sampled_from([MODE.BLOB, MODE.BLOB_EXECUTABLE, MODE.LINK, MODE.COMMIT]), max_size=6)
PLAIN = {b"skills/git/1.0.0/SKILL.md": MODE.BLOB, b"skills/git/1.0.0/scripts/run.py": MODE.BLOB_EXECUTABLE}


@pytest.fixture(scope="module")
def repo() -> Iterator[pygit2.Repository]:
    with tempfile.TemporaryDirectory() as folder:
        yield pygit2.init_repository(Path(folder), bare=True, initial_head="main")


def folder_of(repo: pygit2.Repository, entries: dict[bytes, MODE]) -> str:
    """Write a folder and return its id. What is both a file and a folder is a folder."""
    files = {path for path in entries if not any(other.startswith(path + b"/") for other in entries)}
    contents = {path: b"0" * 40 if entries[path] == MODE.COMMIT else b"* text" for path in files}
    revision = commit_entries(repo, {path: (contents[path], entries[path]) for path in files})
    return str(repo[revision].peel(pygit2.Tree).id)


def walked(repo: pygit2.Repository, tree: str) -> Tree:
    return walk_below(partial(tree_entries, repo), tree, "skills/git", lambda blob: bytes(repo.read(blob)[1]))


@given(ENTRIES)
@example(PLAIN)
@example({b"README": MODE.BLOB, b"readme": MODE.BLOB})
@example({b"/".join([b"a"] * 40): MODE.BLOB})
def test_what_is_listed_in_one_pass_is_what_the_walk_finds(repo: pygit2.Repository, entries: dict[bytes, MODE]) -> None:
    tree = folder_of(repo, entries)
    plain, whole = plain_files(repo.odb, tree, "skills/git"), walked(repo, tree)
    if plain is not None:
        assert list(plain.items()) == list(whole.files.items())
        assert (whole.problems, whole.refused) == ((), frozenset())


def test_a_usual_skill_is_listed_in_one_pass(repo: pygit2.Repository) -> None:
    plain = plain_files(repo.odb, folder_of(repo, PLAIN), "x")
    assert plain is not None
    assert [(file.path, file.executable) for file in plain.values()] == [
        ("x/skills/git/1.0.0/SKILL.md", False),
        ("x/skills/git/1.0.0/scripts/run.py", True),
    ]


@pytest.mark.parametrize(
    "entries",
    [
        {b"README": MODE.BLOB, b"readme": MODE.BLOB},
        {b"a": MODE.LINK},
        {b".gitattributes": MODE.BLOB},
        {b"con": MODE.BLOB},
        {"\u00e9".encode(): MODE.BLOB},
        {b"/".join([b"a"] * 12): MODE.BLOB},
    ],
)
def test_whatever_a_rule_may_mind_is_left_to_the_walk(repo: pygit2.Repository, entries: dict[bytes, MODE]) -> None:
    assert plain_files(repo.odb, folder_of(repo, entries), "skills/git") is None
