"""``molthub build`` is killed at random moments: the folder always holds a whole index, and the next run completes it.

``MOLTHUB_KILLS`` says how often (default 10).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from molthub.index.folder import ROOT_DOCUMENT, TEMPORARY
from tests.builders import Tree, bot, commit, fleet, pack, registry, skill, skill_version, write_tree
from tests.index import walk
from tests.index.made import build

KILLS = int(os.environ.get("MOLTHUB_KILLS", "10"))


def declared(generation: int) -> Tree:
    """Return a registry in which every generation publishes new versions and withdraws older ones."""
    names = [f"skill-{number}" for number in range(12)]
    numbers = [f"1.{minor}.0" for minor in range(generation + 2)]
    versions = {number: skill_version("large", number, {"data.txt": number * 5000}) for number in numbers}
    removed = {"1.0.0": {"removed": "It leaks."}} if generation % 2 else {}
    return registry(
        *(skill(name, *numbers) for name in names),
        skill("large", versions=versions, records=removed),
        pack("all", {"skills": names}),
        fleet("prod", packs=["all"]),
        *(bot("prod", f"bot-{number}", skills=["large"]) for number in range(5)),
    )


@pytest.fixture(scope="module")
def generations(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [write_tree(declared(number), tmp_path_factory.mktemp(f"registry-{number}")) for number in range(3)]


def command(folder: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "molthub.cli.main", "build", "--fleets", "--registry", str(folder), "--out", str(out)]


def stamps(out: Path) -> list[int]:
    """Return when the folders that every generation writes into were changed."""
    return [(out / name).stat().st_mtime_ns for name in ("", "archives", "shards", "api/v1") if (out / name).exists()]


def run_and_kill(arguments: list[str], out: Path, chance: random.Random, span: float) -> bool:
    """Kill a build at a moment within ``span`` seconds of its first write. False: it was done already."""
    before = stamps(out)
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and stamps(out) == before:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, span))
        process.kill()
    return process.returncode < 0


def test_a_killed_build_leaves_a_whole_index(generations: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "site"
    subprocess.run(command(generations[0], out), check=True, capture_output=True)
    chance = random.Random(20261121)  # noqa: S311 (moments, not secrets)
    killed = 0
    for turn in range(1, KILLS + 1):
        killed += run_and_kill(command(generations[turn % 3], out), out, chance, span=0.1)
        walk.verify(out)
    assert killed > 0
    done = subprocess.run(command(generations[2], out), check=True, capture_output=True, text=True)
    assert "files written" in done.stdout
    walk.verify(out)
    fresh = tmp_path / "fresh"
    subprocess.run(command(generations[2], fresh), check=True, capture_output=True)
    for path, content in walk.contents(fresh).items():
        assert (out / path).read_bytes() == content, path
    assert not list(out.rglob(TEMPORARY))


def test_a_killed_build_of_a_commit_is_made_good_by_the_next(tmp_path: Path) -> None:
    revisions = [commit(declared(number), tmp_path / "r.git", bare=True) for number in range(3)]
    out = tmp_path / "site"

    def arguments(number: int, folder: Path) -> list[str]:
        return [*command(tmp_path / "r.git", folder), "--rev", revisions[number]]

    subprocess.run(arguments(0, out), check=True, capture_output=True)
    chance = random.Random(20261123)  # noqa: S311 (as above)
    killed = 0
    for turn in range(1, KILLS + 1):
        killed += run_and_kill(arguments(turn % 3, out), out, chance, span=0.1)
        walk.verify(out)
        if turn % 3 == 0:  # whatever was left: the next build gives what a build from scratch gives
            subprocess.run(arguments(1, out), check=True, capture_output=True)
            subprocess.run(arguments(1, tmp_path / f"fresh-{turn}"), check=True, capture_output=True)
            for path, content in walk.contents(tmp_path / f"fresh-{turn}").items():
                assert (out / path).read_bytes() == content, path
            assert not list(out.rglob(TEMPORARY))
    assert killed > 0


def test_a_first_build_that_was_killed_can_be_run_again(generations: list[Path], tmp_path: Path) -> None:
    subprocess.run(command(generations[0], tmp_path / "whole"), check=True, capture_output=True)
    chance = random.Random(20261122)  # noqa: S311 (as above)
    for turn in range(4):
        out = tmp_path / f"site-{turn}"
        run_and_kill(command(generations[0], out), out, chance, span=0.1)
        if (out / ROOT_DOCUMENT).exists():
            walk.verify(out)
        subprocess.run(command(generations[0], out), check=True, capture_output=True)
        assert walk.contents(out) == walk.contents(tmp_path / "whole")


def test_generations_differ_in_every_kind_of_file() -> None:
    first, second = (build(declared(number), fleets=True).files for number in (0, 1))
    for folder in ("archives", "shards", "fleets", "bots", "search", "simple", "api", "s", "p"):
        assert {path for path in first if path.startswith(f"{folder}/") and first[path] != second.get(path)}, folder
