"""Each kind of drift, of each kind of key, on the programs that people run most, in every form in which it is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from molthub.model import Json
from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile
from molthub_reconciler.plan import Place
from molthub_reconciler.records.state import TargetState
from tests.reconciler.site import DOCKER, GIT
from tests.reconciler.test_drift_kinds import release, shard
from tests.reconciler.world import World, changes_of, state_of
from tests.secrets.places import secret, settings

PROGRAMS = ("claude-code", "codex", "openclaw")
KEYS = ("config/docker", "env/LEVEL", "mcp/github", "skill/git")
SERVER = {"command": "npx", "args": ["one"], "env": {"TOKEN": "${secrets.token}"}}


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    """Return the name of an agent program."""
    return str(request.param)


@pytest.fixture
def bot(world: World, program: str, home: Path) -> World:
    """Return a world with a bot that is at its second state; the first one is kept beside it."""
    settings(home, "watch: true")
    secret(home, "token", "first")
    earlier: dict[str, Json] = {
        "config/docker": {"registry": "earlier"},
        "env/LEVEL": "earlier",
        "mcp/github": {**SERVER, "args": ["earlier"]},
        "skill/git": world.site.skill("git", "1.1.0", {**GIT, "SKILL.md": "earlier\n"}),
        "skill/docker": world.site.skill("docker", "2.0.1", DOCKER),
    }
    declare(world, program, earlier)
    shutil.copytree(world.home("prod/ada"), world.folder / "earlier")
    now = {"config/docker": {"registry": "local"}, "env/LEVEL": "debug", "mcp/github": SERVER}
    declare(world, program, {**earlier, **now, "skill/git": world.site.skill("git", "1.2.0", GIT)})
    return world


def declare(world: World, program: str, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform=program)
    world.site.publish()
    world.report("reconcile", status=0)


def places(world: World, key: str) -> list[Place]:
    """Return where a key stands by the receipt, lines that keys share apart."""
    receipt = TargetState(world.state, str(world.target)).receipt("prod/ada")[0]
    return [place for place in receipt.keys[key].all_places if not place.item]


def change(world: World, program: str, key: str, how: str) -> None:
    """Take a key away, edit it, or bring back how it stood before."""
    home = world.home("prod/ada")
    for place in places(world, key):
        here, before = home / place.file, world.folder / "earlier" / place.file
        if not place.pointer:
            _change_skill(here, before, how)
            continue
        config = ConfigFile.parse(here.read_bytes(), platform(program).file_format(place.file), place.file)
        if how == "missing":
            config.remove(place.pointer, prune_empty=False)
        elif how == "modified":
            config.set(place.pointer, "hacked" if key.startswith("env/") else {"command": "hacked"})
        else:
            earlier = ConfigFile.parse(before.read_bytes(), platform(program).file_format(place.file), place.file)
            config.set(place.pointer, earlier.get(place.pointer)[1])
        here.write_bytes(config.to_bytes())


def _change_skill(here: Path, before: Path, how: str) -> None:
    if how == "missing":
        shutil.rmtree(here)
    elif how == "modified":
        (here / "SKILL.md").write_text("hacked")
    else:
        shutil.copytree(before, here, dirs_exist_ok=True)


def told(world: World, key: str, sort: str) -> dict[str, Any]:
    """Return the change of a key; of a bot on OpenClaw, every form names it with its sort."""
    report = world.report("drift", status=3)
    forms = {
        "sarif": f'"ruleId": "drift/{sort}"',
        "junit": f'type="{sort}"',
        "html": f"sort-{sort}",
        "markdown": f"| {sort} |",
        "table": key,
    }
    for form, shown in forms.items() if world.site.bots["prod/ada"].platform == "openclaw" else ():
        said = world.molthub("drift", "--format", form).stdout.replace("\\", "")
        assert shown in said, form
        assert key in said, form
        assert "first" not in said
    return changes_of(report, "prod/ada")[key]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("how", ["missing", "modified", "stale"])
def test_what_was_taken_away_edited_or_put_back(bot: World, program: str, key: str, how: str) -> None:
    change(bot, program, key, how)

    found = told(bot, key, how)

    assert (found["drift"], found["cause"]) == (how, "drifted")
    assert changes_of(bot.report("reconcile", status=0), "prod/ada")[key]["result"] == "applied"
    assert bot.report("drift", "--full", status=0)["summary"]["changes"] == 0


def test_what_the_owner_adds(bot: World, program: str) -> None:
    mine = bot.home("prod/ada") / platform(program).skills_root("main") / "mine/SKILL.md"
    mine.parent.mkdir()
    mine.write_text("mine")

    report = bot.report("drift", status=0)

    assert changes_of(report, "prod/ada")["skill/mine"]["drift"] == "extra"
    assert state_of(report, "prod/ada") == "in-sync"
    bot.report("reconcile", status=0)
    assert mine.read_text() == "mine"


def test_what_was_withdrawn(bot: World) -> None:
    artifact = bot.site.artifacts[str(bot.site.bots["prod/ada"].desired["skill/git"])]
    shard(bot, "git", {artifact.version: release(artifact, yanked="it leaks")})

    assert told(bot, "skill/git", "revoked")["drift"] == "revoked"


def test_a_secret_that_was_rotated(bot: World, home: Path) -> None:
    secret(home, "token", "second")

    assert told(bot, "mcp/github", "secret-rotated")["secrets"] == ["token"]
    bot.report("reconcile", status=0)
    assert bot.report("drift", status=0)["summary"]["changes"] == 0


@pytest.mark.parametrize("key", ["env/LEVEL", "mcp/github"])
def test_a_file_that_cannot_be_read(bot: World, key: str) -> None:
    file = bot.home("prod/ada") / places(bot, key)[0].file
    good = file.read_bytes()
    file.write_text("{{{ not a file")
    skill = bot.home("prod/ada") / places(bot, "skill/git")[0].file / "SKILL.md"
    skill.write_text("hacked")

    outcome = bot.molthub("drift", "--json")

    assert outcome.status == 1
    assert changes_of(json.loads(outcome.stdout), "prod/ada")[key]["drift"] == "unreadable"
    assert "MH701" in bot.molthub("drift", "--format", "sarif").stdout
    bot.molthub("reconcile")
    assert file.read_text() == "{{{ not a file"
    assert skill.read_text() == GIT["SKILL.md"]
    file.write_bytes(good)
    bot.report("reconcile", status=0)
