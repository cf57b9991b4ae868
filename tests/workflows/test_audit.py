"""Workflows, ours and those that `molthub init` writes, before programs that know how they go wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from molthub.registry.authoring.init import new_registry, write_registry
from tests.peers.go_programs import ACTIONLINT, go_program

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["this repository", "a new registry", "a new registry with an address"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with ``.github``."""
    if request.param == "this repository":
        return ROOT
    url = "https://skills.example.com/" if "address" in request.param else ""
    write_registry(tmp_path / "new", new_registry("hub", owner="hub", url=url, github=["octocat"]))
    return tmp_path / "new"


def test_zizmor_has_nothing_to_say(repository: Path) -> None:
    program = Path(sys.executable).parent / "zizmor"
    command = [str(program), "--offline", "--no-progress", "--quiet", "--format", "plain", str(repository / ".github")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_zizmor_is_told_to_ignore_has_its_reason(repository: Path) -> None:
    told = [
        line
        for file in (repository / ".github/workflows").iterdir()
        for line in file.read_text().splitlines()
        if "zizmor: ignore" in line
    ]
    assert sorted(re.findall(r"ignore\[(\S+)\] \w+", "\n".join(told))) == ["dangerous-triggers", "self-repository"]


@pytest.mark.peers
def test_actionlint_has_nothing_to_say(repository: Path) -> None:
    files = sorted((repository / ".github/workflows").iterdir())
    done = subprocess.run([go_program(ACTIONLINT), *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_by_a_commit_that_says_its_version(repository: Path) -> None:
    for file in (repository / ".github/workflows").iterdir():
        for line in file.read_text().splitlines():
            uses = line.partition("uses: ")[2]
            if uses and not uses.startswith("./"):
                assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", uses), (file.name, uses)
