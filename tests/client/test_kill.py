"""A process killed at any moment leaves no half state, and the next command puts everything right."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from molthub.client.cache import Store
from molthub.client.installed_state import look_at_all
from molthub.client.skill_manager import SkillManager
from molthub.client.skills_folder import SkillsFolder
from tests.index_fixture import IndexBuilder, serve

KILLS = int(os.environ.get("MOLTHUB_KILLS", "10"))
SKILLS = 25

_PROGRAM = """
import sys
from molthub import SkillManager
from molthub.client.cache import Store
from pathlib import Path
command, url, folder, store = sys.argv[1:]
skills = SkillManager(url, folder, store=Store(Path(store)))
print("ready", flush=True)
if command == "install":
    skills.install("pack/big@2")
elif command == "repair":
    skills.install("pack/big")
else:
    skills.uninstall("pack/big")
"""


@pytest.fixture(scope="module")
def big() -> IndexBuilder:
    """Return an index with a pack of many skills, in two versions."""
    index = IndexBuilder()
    for number in range(SKILLS):
        for version in ("1.0.0", "2.0.0"):
            index.skill(f"skill-{number}", version)
    for number in (1, 2):
        index.pack("big", number, [f"skill-{each}@{number}.0.0" for each in range(SKILLS)])
    return index


def run(command: str, url: str, folder: Path, store: Path, kill_after: float | None) -> float:
    """Run a command in its own process, perhaps kill it; return how long it took once it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, command, url, str(folder), str(store)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", process.communicate()[1].decode()
        begin = time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()
        assert kill_after is not None or process.returncode == 0, errors.decode()
        return time.monotonic() - begin


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".staging-")]


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_no_kill_leaves_a_half_state(command: str, big: IndexBuilder, tmp_path: Path) -> None:
    """Everything that index.json lists is whole the moment after the kill, and again after the next command."""
    seed = secrets.randbelow(2**32)
    chance = random.Random(seed)  # noqa: S311 (moments to kill at)
    with serve(big.files()) as server:
        took = 0.3
        for round_ in range(KILLS):
            folder, store = tmp_path / f"{round_}" / ".skills", tmp_path / f"{round_}" / "store"
            with SkillManager(server.url, folder, store=Store(store)) as skills:
                skills.install("pack/big@1" if command == "install" else "pack/big")
                before = set(skills.folder.installed())
            took = run(command, server.url, folder, store, chance.uniform(0, took * 1.1)) or took
            took = max(0.1, min(took, 1.0))

            listed = SkillsFolder(folder).installed()
            expected_after = before | {(f"skill-{each}", "2.0.0") for each in range(SKILLS)}
            expected_after = expected_after if command == "install" else set()
            assert set(listed) in (before, expected_after), f"seed {seed}"
            states = look_at_all(listed.values(), SkillsFolder(folder), Store(store))
            assert [str(found.entry) for found in states if found.state != "intact"] == [], f"seed {seed}"

            with SkillsFolder(folder).writing():
                pass
            if set(SkillsFolder(folder).installed()) == before:
                run(command, server.url, folder, store, None)
            assert set(SkillsFolder(folder).installed()) == expected_after
            assert leftovers(folder) == []
            with SkillManager(server.url, folder, store=Store(store)) as skills:
                assert all(found.state == "intact" for found in skills.verify())
                on_disk = {(path.parent.name, path.name) for path in folder.glob("skill-*/*")}
                assert on_disk == expected_after


def test_a_killed_repair_is_finished_by_the_next_command(big: IndexBuilder, tmp_path: Path) -> None:
    seed = secrets.randbelow(2**32)
    chance = random.Random(seed)  # noqa: S311 (moments to kill at)
    with serve(big.files()) as server:
        for round_ in range(max(2, KILLS // 2)):
            folder, store = tmp_path / f"{round_}" / ".skills", tmp_path / f"{round_}" / "store"
            with SkillManager(server.url, folder, store=Store(store)) as skills:
                skills.install("pack/big")
                for place in folder.glob("skill-*/*/SKILL.md"):
                    place.write_text("damaged")
                run("repair", server.url, folder, store, chance.uniform(0, 0.2))
                run("repair", server.url, folder, store, None)
                assert all(found.state == "intact" for found in skills.verify()), f"seed {seed}"
                assert leftovers(folder) == []
