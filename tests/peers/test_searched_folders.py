"""Agent programs, unmodified, find skills in exactly the folders that are said of them, and take the one said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from molthub.references.skill_folders import SKILL_FOLDERS
from tests.peers.agent_backend import Backend, agent_backend
from tests.peers.npm_programs import npm_program
from tests.peers.program_home import HERE, ProgramHome
from tests.peers.test_codex import CodexHome
from tests.peers.test_hermes import HermesHome
from tests.peers.test_nanobot import NanobotHome
from tests.peers.test_table_programs import PROGRAMS, Ran

pytestmark = pytest.mark.peers
EVERY = sorted({folder for folders in SKILL_FOLDERS.values() for folder in (folders.own, *folders.others)})
NAMES = {folder: f"in-{number}" for number, folder in enumerate(EVERY)}
OTHERS: dict[str, Callable[[Path], str]] = {
    "codex": lambda home: json.dumps(CodexHome(home).ask(("skills/list", {"cwds": [str(home / "project")]}))),
    "openclaw": lambda home: ProgramHome([str(npm_program("openclaw", HERE / "openclaw"))], home).run(
        "skills", "list", "--json"
    ),
    "hermes": lambda home: HermesHome(home).run("skills", "list"),
    "nanobot": lambda home: NanobotHome(home).run(),
}
"""The programs that are no plain rows of the table, and how each lists skills."""

RANKED = [
    (name, folder, folder in SKILL_FOLDERS[name].before)
    for name in (*PROGRAMS, "openclaw")
    for folder in SKILL_FOLDERS[name].before + SKILL_FOLDERS[name].after
]


@pytest.fixture
def backend() -> Iterator[Backend]:
    with agent_backend() as answering:
        yield answering


def listed(name: str, home: Path, backend: Backend) -> str:
    """Run a program in a home and return everything it says of its skills."""
    if name in OTHERS:
        (home / "project").mkdir()
        return OTHERS[name](home)
    program = PROGRAMS[name]
    ran = Ran(name, home, program, {}, [], backend)
    if program.first:
        ran.run(*(argument.format(url=backend.url) for argument in program.first))
    if name == "gemini-cli":
        (home / ".gemini").mkdir(exist_ok=True)
        (home / ".gemini" / "settings.json").write_text('{"security": {"folderTrust": {"enabled": false}}}')
    return ran.skills() + backend.told()


def put(home: Path, folder: str, name: str) -> None:
    skill = home / folder / name
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text(f"---\nname: {name}\ndescription: It came from {NAMES[folder]}.\n---\nHi.\n")


@pytest.mark.parametrize("name", [*PROGRAMS, *OTHERS])
def test_a_program_searches_the_folders_that_are_said_of_it_and_no_other(
    name: str, tmp_path: Path, backend: Backend
) -> None:
    for folder, skill in NAMES.items():
        put(tmp_path, folder, skill)
    found = {skill for skill in re.findall(r"\bin-\d+\b", listed(name, tmp_path, backend)) if skill in NAMES.values()}
    assert found == {NAMES[folder] for folder in (SKILL_FOLDERS[name].own, *SKILL_FOLDERS[name].others)}


@pytest.mark.parametrize(("name", "folder", "is_before"), RANKED)
def test_of_two_skills_of_one_name_a_program_takes_the_one_that_is_said(
    name: str, folder: str, is_before: bool, tmp_path: Path, backend: Backend
) -> None:
    own = SKILL_FOLDERS[name].own
    for each in (own, folder):
        put(tmp_path, each, "pg")
    said = listed(name, tmp_path, backend)
    taken, other = (folder, own) if is_before else (own, folder)
    assert NAMES[taken] in said
    assert f"from {NAMES[other]}." not in said
