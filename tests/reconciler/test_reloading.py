"""What running programs need after a change: said, and done by the operator's own command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from molthub.model import Json
from tests.reconciler.site import DOCKER
from tests.reconciler.test_commands import check_report
from tests.reconciler.world import World

SCRIPT = """
import os, pathlib
names = ("MOLTHUB_BOT", "MOLTHUB_HOME", "MOLTHUB_PLATFORM", "MOLTHUB_RELOAD", "MOLTHUB_CHANGED")
with open({log!r}, "a") as log:
    log.write("|".join(os.environ[name].replace("\\n", " ") for name in names) + "\\n")
"""


@pytest.fixture
def config(home: Path) -> Path:
    """Return the operator's configuration folder."""
    folder = home / ".config/molthub"
    folder.mkdir(parents=True)
    return folder


def say(config: Path, text: str, mode: int = 0o600) -> None:
    file = config / "reconcile.yaml"
    file.write_text(text)
    file.chmod(mode)


def logging(world: World) -> str:
    """Return a command that logs what it is told."""
    script = world.folder / "reload.py"
    script.write_text(SCRIPT.format(log=str(world.folder / "log")))
    return f"[{sys.executable}, {script}]"


def test_a_report_says_when_programs_take_changes_up(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform="openclaw")
    world.site.bot("prod/bob", desired, platform="claude-code")
    world.site.publish()

    outcome = world.molthub("reconcile")
    assert "claude-code takes this up" in outcome.stderr
    assert "openclaw" not in outcome.stderr  # which takes it up at once
    assert "takes this up" not in world.molthub("reconcile").stderr

    world.site.bot("prod/bob", {**desired, "skill/docker": world.site.skill("docker", "3.0.0", {**DOCKER, "x": "y"})},
                   platform="claude-code")  # fmt: skip
    world.site.publish()
    report = world.report("reconcile", status=0)
    check_report(report)
    assert [bot.get("reload") for bot in report["bots"]] == [None, "hot"]


def test_the_command_runs_once_for_each_bot_that_changed(world: World, desired: dict[str, Json], config: Path) -> None:
    say(config, f"reload:\n  command: {logging(world)}\n")
    for bot in ("prod/ada", "prod/bob"):
        world.site.bot(bot, {"env/LEVEL": "debug", "skill/git": desired["skill/git"]}, platform="claude-code")
    world.site.publish()

    world.report("reconcile", status=0)
    world.report("reconcile", status=0)
    world.molthub("plan")

    lines = sorted((world.folder / "log").read_text().splitlines())
    assert [line.split("|")[0] for line in lines] == ["prod/ada", "prod/bob"]
    assert lines[0].split("|")[1:] == [str(world.home("prod/ada")), "claude-code", "session", "env/LEVEL skill/git"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("[/no/such/program]", "cannot be started"),
        (f"[{sys.executable}, -c, 'print(1 / 0)']", "ended with status 1: Traceback"),
        (f"[{sys.executable}, -c, 'import time; time.sleep(60)']\n  timeout: 1s", "took longer than 1 s"),
    ],
)
def test_a_command_that_fails_is_told_and_stops_nothing(
    world: World, desired: dict[str, Json], config: Path, command: str, said: str
) -> None:
    say(config, f"reload:\n  command: {command}\n")
    world.site.bot("prod/ada", desired)
    world.site.publish()

    report = world.report("reconcile", status=0)

    assert report["bots"][0]["state"] == "in-sync"
    (problem,) = report["bots"][0]["problems"]
    assert (problem["id"], said in problem["message"]) == ("MH721", True)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("reload: {command: [true]}", 0o666, "others may write it"),
        ("reload: {command: systemctl restart x}", 0o600, "list of words"),
        ("reload: {command: [x], timeout: soon}", 0o600, "no duration"),
        ("reload: {comand: [x]}", 0o600, "comand has no place here"),
        ("notify: {}", 0o600, "notify has no place here"),
        ("[]", 0o600, "no map"),
        ("a: [", 0o600, "reconcile.yaml"),
    ],
)
def test_a_file_that_is_wrong_is_refused_before_anything_is_done(
    world: World, desired: dict[str, Json], config: Path, text: str, mode: int, said: str
) -> None:
    say(config, text, mode)
    world.site.bot("prod/ada", desired)
    world.site.publish()

    outcome = world.molthub("reconcile")

    assert (outcome.status, said in outcome.stderr) == (1, True), outcome
    assert not world.target.exists()
