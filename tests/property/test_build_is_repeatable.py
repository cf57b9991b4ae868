"""A build is a function of the commit: not of the folder, the time, the umask, the user or the machine's settings."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import Tree, bot, commit, fleet, pack, registry, skill, skill_version
from tests.index import walk
from tests.index.made import build

TREE: Tree = registry(
    skill("git", "1.1.0", "1.2.0", tags=["vcs", "日本語"], records={"1.1.0": {"yanked": "Bad."}}),
    skill("@acme/tool", versions={"1.0.0": skill_version("@acme/tool", "1.0.0", {"scripts/run.sh": "#!/bin/sh\n"})}),
    *(skill(f"skill-{number}") for number in range(30)),
    pack("dev", {"skills": ["git", "@acme/tool"], "envVars": {"TOKEN": "${secrets.token}", "A": "1"}}),
    fleet("prod", {"env": "prod"}, packs=["dev"]),
    *(bot("prod", name, platform=platform) for name, platform in [("ada", "openclaw"), ("bob", "claude-code")]),
    bot("prod", "eve", skills=["nothing"]),
)

# The clock is moved for everything that the child does, the umask and the locale are its own.
BUILD = """
import os, sys, time
offset, umask, *arguments = sys.argv[1:]
now = time.time
time.time = lambda: now() + int(offset)
os.umask(int(umask, 8))
from molthub.cli.main import molthub_group
from molthub.console import run
sys.exit(run(molthub_group, ["build", "--fleets", *arguments]))
"""


def built(registry_folder: Path, cwd: Path, out: str, *, offset: int, umask: str, **environment: str) -> Path:
    cwd.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", BUILD, str(offset), umask, "--registry", str(registry_folder), "--out", out]
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr  # bot eve does not resolve
    return cwd / out


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode for path in folder.rglob("*")}


def test_one_commit_gives_one_index_wherever_and_whenever_it_is_built(tmp_path: Path) -> None:
    commit(TREE, tmp_path / "work")
    commit(TREE, tmp_path / "elsewhere" / "bare.git", bare=True)
    first = built(tmp_path / "work", tmp_path / "one", "site", offset=0, umask="022", PYTHONHASHSEED="1", TZ="UTC")
    second = built(
        tmp_path / "elsewhere" / "bare.git",
        tmp_path / "two" / "deep",
        "other-name",
        offset=400 * 24 * 60 * 60,
        umask="077",
        PYTHONHASHSEED="2",
        TZ="Pacific/Chatham",
        LC_ALL="C",
        USER="somebody",
        HOME=str(tmp_path),
    )
    assert walk.contents(first) == walk.contents(second)
    assert modes(first) == modes(second)


def test_building_over_an_older_index_gives_the_same_as_building_anew(tmp_path: Path) -> None:
    commit(
        registry(skill("git", "1.0.0"), skill("gone"), bot("prod", "eve", skills=["x"]), fleet("prod")), tmp_path / "r"
    )
    over = built(tmp_path / "r", tmp_path, "over", offset=0, umask="022")
    commit(TREE, tmp_path / "r")
    over = built(tmp_path / "r", tmp_path, "over", offset=0, umask="022")
    built(tmp_path / "r", tmp_path, "over", offset=31 * 24 * 60 * 60, umask="022")  # the old root has had its days
    anew = built(tmp_path / "r", tmp_path, "anew", offset=0, umask="022")
    assert walk.contents(over) == walk.contents(anew)


@given(st.randoms(use_true_random=False))
def test_the_order_in_which_files_are_listed_does_not_matter(chance: random.Random) -> None:
    paths = list(TREE)
    chance.shuffle(paths)
    assert build({path: TREE[path] for path in paths}, fleets=True) == REFERENCE


REFERENCE = build(TREE, fleets=True)


@pytest.mark.parametrize("fleets", [False, True])
def test_only_the_root_says_which_revision_it_was(fleets: bool) -> None:
    one = build(TREE, fleets=fleets)
    other = build(TREE | {"README.md": "A file that is no part of any version.\n"}, fleets=fleets)
    assert one.revision != other.revision
    differ = {path for path in one.files.keys() | other.files.keys() if one.files.get(path) != other.files.get(path)}
    assert {path.rpartition(".registry.json")[1] or path for path in differ} == {"registry.json", ".registry.json"}
    assert not [path for path, content in one.files.items() if one.revision.encode() in content and path not in differ]
