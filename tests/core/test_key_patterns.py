"""What patterns over keys and parts of values match."""

from __future__ import annotations

import pytest

from molthub.key_patterns import KeyRules, compiled, path_of
from molthub.model import KeyRule


def rules(*patterns: str) -> KeyRules:
    return KeyRules(tuple(KeyRule(pattern, reason=pattern) for pattern in patterns))


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("env/LOG_LEVEL", "env/LOG_LEVEL", True),
        ("env/LOG_LEVEL", "env/LOG_LEVELS", False),
        ("env/*", "env/A", True),
        ("*/A", "env/A", True),
        ("env/?", "env/AB", False),
        ("env/A.B", "env/AxB", False),
        ("mcp/*/env/LOG_LEVEL", "mcp/github/env/LOG_LEVEL", True),
        ("mcp/*/env/LOG_LEVEL", "mcp/a/b/env/LOG_LEVEL", False),
        ("skill/x/**.md", "skill/x/docs/deep/a.md", True),
        ("skill/x/**.md", "skill/x/a.txt", False),
        ("skill/x/**/a.md", "skill/x/a.md", True),
        ("skill/@acme/*/SKILL.md", "skill/@acme/git/SKILL.md", True),
        ("**", "mcp/github/env/A", True),
    ],
)
def test_a_pattern_matches(pattern: str, path: str, matches: bool) -> None:
    assert (compiled(pattern).fullmatch(path) is not None) is matches


@pytest.mark.parametrize("pattern", ["server/github", "envs/*", "x", "env/" + "*a" * 7])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"a key begins with|wildcards"):
        compiled(pattern)


def test_a_part_is_matched_by_what_is_around_it() -> None:
    found = rules("mcp/*/env")

    assert found.of_part("mcp/github", ("env", "A", "b")) is not None
    assert found.of_part("mcp/github", ("command",)) is None
    assert found.of_key("mcp/github") is None


def test_steps_are_escaped_as_in_json_pointers() -> None:
    assert path_of("mcp/x", ("headers", "a/b~c")) == "mcp/x/headers/a~1b~0c"
    assert rules("mcp/x/headers/a~1b~0c").of_part("mcp/x", ("headers", "a/b~c")) is not None


def test_files_are_paths_and_folders_hold_them() -> None:
    assert rules("skill/git/docs").of_file("skill/git", "docs/a/b.md") is not None
    assert rules("skill/git/docs").of_file("skill/git", "docs.md") is None


def test_the_first_rule_counts() -> None:
    found = rules("env/A", "env/*").of_key("env/A")
    assert found is not None
    assert found.reason == "env/A"


@pytest.mark.parametrize(
    ("pattern", "key", "reaches"),
    [
        ("mcp/*/env/A", "mcp/github", True),
        ("mcp/other/env/A", "mcp/github", False),
        ("mcp/github", "mcp/github", False),
        ("skill/**.md", "skill/git", True),
        ("env/A", "mcp/github", False),
        ("skill/@a/x/SKILL.md", "skill/@a/x", True),
    ],
)
def test_what_may_reach_into_a_key(pattern: str, key: str, reaches: bool) -> None:
    assert rules(pattern).may_reach_into(key) is reaches
