"""Every guide is true: what it shows is typed, written and entered, in its order, in a folder and HOME of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.guide import Guide, blocks

ROOT = Path(__file__).resolve().parents[2]
GUIDES = (
    "GETTING_STARTED.md",
    "PUBLISHING_GUIDE.md",
    "EXAMPLES.md",
    "PYTHON_API.md",
    "OPERATIONS.md",
    "SECRETS.md",
    "SIGNING.md",
    "TRANSPARENCY.md",
    "MIRRORS_AND_PRIVATE.md",
    "IMPORTING.md",
    "OTHER_CLIENTS.md",
    "PLATFORMS.md",
    "PULL_REQUESTS.md",
    "DRIFT.md",
    "SKILL_PACKS.md",
    "ADOPT.md",
    "ROLLOUTS.md",
    "REMOTE.md",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the guide's folder. In it stands ``molthub/``, what ``git clone`` brings of this repository's registry."""
    clone = tmp_path / "molthub"
    shutil.copytree(ROOT / "registry-index", clone / "registry-index")
    git = ("git", "-C", str(clone))
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "Declare the registry"], check=True)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.mark.parametrize("name", GUIDES)
def test_the_guide_is_true(name: str, folder: Path) -> None:
    Guide(name, folder).run((ROOT / "docs" / name).read_text())


@pytest.mark.parametrize("name", GUIDES)
def test_every_block_that_can_run_runs(name: str) -> None:
    text = (ROOT / "docs" / name).read_text()
    found = [*blocks(text)]
    assert text.count("\n```") == 2 * len(found), "a fence is not closed, or is indented"
    idle = [block for block in found if block.path is None and block.language not in ("console", "pycon", "sh", "text")]
    assert [(block.line, block.language) for block in idle] == []
