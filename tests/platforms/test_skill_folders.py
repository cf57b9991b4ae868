"""Where programs search a home for skills: the facts that the check reasons with."""

from __future__ import annotations

import itertools

import pytest

from molthub.platforms import platform, platforms
from molthub.references.skill_folders import (
    SKILL_FOLDERS,
    sees_skills,
    share_skills,
    shared_folders,
    takes_own,
)


def test_every_platform_has_its_folders_and_its_adapter_writes_to_its_own() -> None:
    assert {*SKILL_FOLDERS} == {*platforms()}
    for name, folders in SKILL_FOLDERS.items():
        assert platform(name).skills_root("main") == folders.own
        assert len({folders.own, *folders.others}) == 1 + len(folders.others)


def test_two_platforms_share_a_folder_or_one_may_see_the_others_and_never_both() -> None:
    for one, other in itertools.permutations(platforms(), 2):
        assert not (share_skills(one, other) and sees_skills(one, other))
        assert sees_skills(one, other) or not takes_own(one, other)
    groups = shared_folders()
    for group in groups:
        assert all(share_skills(one, other) for one, other in itertools.permutations(group, 2))
    assert ("copilot-cli", "vscode") in groups


@pytest.mark.parametrize(
    ("reader", "other", "sees", "own"),
    [
        ("cursor", "claude-code", True, True),
        ("claude-code", "cursor", False, False),
        ("gemini-cli", "codex", True, False),
        ("copilot-cli", "codex", True, False),
        ("qwen-code", "codex", True, True),
        ("opencode", "claude-code", True, False),
        ("opencode", "codex", True, False),
        ("openclaw", "codex", True, True),
        ("hermes", "codex", False, False),
    ],
)
def test_who_sees_whose_skills_and_which_it_takes(reader: str, other: str, sees: bool, own: bool) -> None:
    assert (sees_skills(reader, other), takes_own(reader, other)) == (sees, own)
