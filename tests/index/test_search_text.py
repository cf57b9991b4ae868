from __future__ import annotations

import pytest

from molthub.model import SearchRow
from molthub.search_text import rank, terms_of


def row(name: str, description: str = "", *tags: str) -> SearchRow:
    return SearchRow("skill", name, description, "1.0.0", tags)


ROWS = (
    row("backup", "Dumps git and postgres."),
    row("changelog", "Writes release notes.", "git"),
    row("my-git", "Mine."),
    row("git-flow", "Branches."),
    row("@acme/git", "Theirs."),
    row("digit", "Counts legit things."),
    row("code-review", "Reads a change."),
    row("code-owners", "Asks for a review."),
    row("übersetzen", "文章をgitで翻訳する", "日本語"),
)


def found(query: str) -> list[str]:
    return [row.name for row in rank(ROWS, query)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("git", ["@acme/git", "git-flow", "my-git", "changelog", "backup", "übersetzen"]),
        ("GIT", ["@acme/git", "git-flow", "my-git", "changelog", "backup", "übersetzen"]),
        ("@acme/git", ["@acme/git"]),
        ("git postgres", ["backup"]),
        ("postg", ["backup"]),
        ("ostgres", []),
        ("code review", ["code-review", "code-owners"]),
        ("review code", ["code-review", "code-owners"]),
        ("日本", ["übersetzen"]),
        ("翻訳", ["übersetzen"]),
        ("git nothing", []),
        (".*", []),
    ],
)
def test_every_term_is_found_at_the_beginning_of_a_word_best_place_first(query: str, names: list[str]) -> None:
    assert found(query) == names


def test_a_query_without_terms_lists_everything_by_name() -> None:
    assert found("  ") == sorted(row.name for row in ROWS)


def test_a_skill_comes_before_a_pack_of_the_same_name() -> None:
    pack = SearchRow("pack", "git", "", "3")
    skill = SearchRow("skill", "git", "", "1.0.0")
    assert rank((pack, skill), "git") == (skill, pack)


def test_terms_are_words_without_case_each_once() -> None:
    assert terms_of(" Code  review code ") == ("code", "review")
