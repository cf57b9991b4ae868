"""The lists of commands that `--help` shows: every command is in one, and nothing is cut."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from molthub.cli.main import molthub_group, skills_group
from molthub.command_group import CommandGroup

GROUPS = ("skill-packs", "bots", "secrets", "context", "platforms", "rollout", "agents", "skills")


def shown(group: click.Command) -> str:
    return CliRunner().invoke(group, ["--help"], terminal_width=80).output


def test_every_command_stands_under_a_heading_with_a_line_of_its_own() -> None:
    assert isinstance(molthub_group, CommandGroup)
    named = [name for said in molthub_group.sections.values() for name in said]
    assert sorted(named) == sorted(molthub_group.list_commands(click.Context(molthub_group)))
    lines = shown(molthub_group).splitlines()
    for said in molthub_group.sections.values():
        for name, words in said.items():
            assert any(line.split() == [name, *words.split()] for line in lines), name
    assert "More:" not in lines


@pytest.mark.parametrize("name", GROUPS)
def test_no_sentence_is_cut(name: str) -> None:
    group = molthub_group.get_command(click.Context(molthub_group), name)
    assert isinstance(group, CommandGroup)
    text = shown(group)
    assert "..." not in text.partition("Commands:")[2]
    assert all(f"\n  {command} " in text for command in group.list_commands(click.Context(group)))


def test_skills_is_the_same_by_its_own_name() -> None:
    assert shown(skills_group).partition("Commands:")[2].count("\n  ") >= len(skills_group.table)
