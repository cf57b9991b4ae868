"""What a shell offers when a person presses Tab after a name's beginning."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from molthub.cli.main import molthub_group
from tests.builders import bot, commit, fleet, pack, registry, skill
from tests.registry.command import Command


@pytest.fixture
def place(tmp_path: Path) -> Path:
    tree = registry(
        skill("git"), skill("docker"),
        pack("dev", {"skills": ["git"]}, {"skills": ["git"]}), pack("desk", {"skills": ["git"]}),
        fleet("prod"), fleet("lab"), bot("prod", "ada"), bot("prod", "ben"), bot("lab", "ada-2"),
    )  # fmt: skip
    return Path(commit(tree, tmp_path / "registry") and tmp_path / "registry")


def offered(words: str) -> list[str]:
    """Return what is offered for the last word."""
    *typed, word = words.split(" ")
    return [item.value for item in ShellComplete(molthub_group, {}, "molthub", "_X").get_completions(typed, word)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("skill-packs attach de", ["desk", "dev"]),
        ("skill-packs show dev@", ["dev@1", "dev@2"]),
        ("skill-packs attach dev --bot prod/", ["prod/ada", "prod/ben"]),
        ("skill-packs attach dev --bot a", ["ada-2", "ada"]),
        ("skill-packs attach dev --bots prod/ada,prod/", ["prod/ada,prod/ben"]),
        ("skill-packs detach dev --fleet ", ["lab", "prod"]),
        ("skill-packs create x --skills docker,", ["docker,git"]),
        ("skill-packs create x --from des", ["desk"]),
        ("skill-packs update desk de", ["desk", "dev"]),
        ("bots show prod/a", ["prod/ada"]),
        ("bots list --fleet p", ["prod"]),
        ("bots list --platform claude-c", ["claude-code"]),
        ("adopt x --fleet l", ["lab"]),
        ("skill-packs bots none", []),
    ],
)
def test_names_are_offered(place: Path, words: str, expected: list[str]) -> None:
    with contextlib.chdir(place):
        assert offered(words) == expected


def test_the_registry_is_the_one_that_was_typed_or_a_contexts(place: Path, tmp_path: Path, molthub: Command) -> None:
    with contextlib.chdir(tmp_path):
        assert offered("skill-packs bots de") == []
        assert offered(f"skill-packs bots --registry {place} de") == ["desk", "dev"]
        assert molthub("context", "set", "prod", "--registry", place, "--index", tmp_path).status == 0
        assert offered("skill-packs bots de") == ["desk", "dev"]
        assert offered("bots list --context ") == ["prod"]
