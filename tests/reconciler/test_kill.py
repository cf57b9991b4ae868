"""kill -9 at any moment leaves whole skills and files that parse, and the next pass finishes the work."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from molthub.client.cache import read_tree
from molthub.documents import tree_digest
from molthub.platforms.config_file import ConfigFile
from tests.reconciler.mortal import DIED, Mortals
from tests.reconciler.site import contents
from tests.reconciler.world import World

KILLS = int(os.environ.get("MOLTHUB_KILLS", "10"))
BOTS = 6
SKILLS = 4


def test_a_killed_reconcile_leaves_nothing_half_done(tmp_path: Path) -> None:
    world = World(tmp_path)
    known = declare(world, 0)
    command = reconcile_command(world)
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    longest = time.monotonic() - started

    dice = random.Random(7)  # noqa: S311 (moments, not secrets)
    killed = 0
    for number in range(1, KILLS + 1):
        known |= declare(world, number)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(dice.uniform(0.0, longest))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        check_homes(world, known)
    assert killed > 0

    report = world.report("reconcile", status=0)
    assert {bot["state"] for bot in report["bots"]} == {"in-sync"}
    assert [bot["problems"] for bot in report["bots"]] == [[]] * BOTS
    assert world.report("drift", "--full", status=0)["summary"]["changes"] == 0
    assert not [name for name in contents(world.target) if "molthub-staging" in name or name.endswith(".tmp")]


def test_wherever_a_pass_is_killed_the_next_one_ends_in_sync_without_conflict(tmp_path: Path) -> None:
    """Before each system call that writes, or at as many of them as there is time for."""
    world = World(tmp_path / "world")
    known = declare(world, 0, bots=2)
    start = tmp_path / "start"
    with Mortals() as mortals:
        assert mortals.run(reconcile_command(world)[3:])[0] == 0
        (world.home("prod/b1") / "thesis.md").write_text("years of work")
        known |= declare(world, 1, bots=3)
        shutil.copytree(world.folder, start, symlinks=True)
        _, calls = mortals.run(reconcile_command(world)[3:])
        assert calls > 100
        step, died = max(1, calls // (2 * KILLS)), 0
        for dies_at in range(calls % step, calls, step):
            shutil.rmtree(world.folder)
            shutil.copytree(start, world.folder, symlinks=True)

            status, _ = mortals.run(reconcile_command(world)[3:], dies_at=dies_at)

            assert status in (DIED, 0)  # what a look remembers depends on the clock, so there may be a call less
            died += status == DIED
            check_homes(world, known)
            there = [len([*world.home(f"prod/b{bot}").rglob("skills/s[123]")]) for bot in range(2)]
            assert there == [3, 3], dies_at  # what is only replaced is there at any moment
            check_lines(world.home("prod/b2") / ".openclaw")
            check_order(world.home("prod/b1"))
            report = world.report("reconcile", status=0)
            causes = {change["cause"] for bot in report["bots"] for change in bot["changes"]}
            assert causes <= {"declared"}, dies_at  # what the killed one wrote is never taken for somebody else's
            assert {bot["state"] for bot in report["bots"]} == {"in-sync"}, dies_at
            assert world.report("drift", "--full", status=0)["summary"]["changes"] == 0
            assert (world.home("prod/b1") / "thesis.md").read_text() == "years of work"
            assert not [name for name in contents(world.target) if "molthub-staging" in name]
        assert died >= KILLS


def reconcile_command(world: World) -> list[str]:
    places = ["--index", str(world.site.folder), "--target", str(world.target), "--state", str(world.state)]
    return [sys.executable, "-m", "molthub.cli.main", "reconcile", *places, "--once", "--quiet"]


def declare(world: World, number: int, bots: int = BOTS) -> set[str]:
    """Publish a new version of every skill and new values, and return the digests of the skills."""
    digests = {
        f"skill/s{skill}": world.site.skill(
            f"s{skill}", f"1.0.{number}", {"SKILL.md": f"skill {skill}, version {number}\n" * 50, "docs/a.md": "a\n"}
        )
        for skill in range(SKILLS)
    }
    server = {"command": "npx", "args": ["-y"], "env": {"NUMBER": str(number), "TOKEN": "${secrets.token}"}}
    desired = {**digests, "env/NUMBER": str(number), "mcp/github": server}
    if number % 2:
        desired.pop("skill/s0")
    for bot in range(bots):
        world.site.bot(f"prod/b{bot}", desired, platform=("agents-dir", "claude-code", "openclaw")[bot % 3])
    world.site.publish()
    return set(digests.values())


def check_homes(world: World, known: set[str]) -> None:
    """Every skill folder is one whole version; every file parses."""
    for skill in world.target.glob("*/*/**/skills/*"):
        if "molthub-staging" not in str(skill):
            assert tree_digest(read_tree(skill)) in known, skill
    for file in (*world.target.glob("*/*/**/*.json"), *world.target.glob("*/*/**/*.json5")):
        if "molthub-staging" not in str(file):
            assert isinstance(ConfigFile.parse(file.read_bytes(), "json5", str(file)).value, dict)


def check_lines(folder: Path) -> None:
    """Every file that OpenClaw's own is told to read is there."""
    if (folder / "openclaw.json").exists():
        named = re.findall(r"[\w./-]+\.json5", (folder / "openclaw.json").read_text())
        assert [name for name in named if not (folder / name).is_file()] == []


def check_order(home: Path) -> None:
    """Hold a server of the new version to having its new skills, and one of the old to having all of the old."""
    number = json.loads((home / ".claude.json").read_text())["mcpServers"]["github"]["env"]["NUMBER"]
    skills = {skill.parent.name: skill.read_text() for skill in (home / ".claude/skills").glob("*/SKILL.md")}
    if number == "1":
        assert all(skills[f"s{skill}"].startswith(f"skill {skill}, version 1") for skill in (1, 2, 3))
    else:
        assert "s0" in skills
