"""The directory target by itself: what it refuses whoever asks, what it believes, what it remembers."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from molthub.client.cache import Store
from molthub.errors import PlatformFileError
from molthub.model import Json
from molthub_reconciler.plan import Place
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.targets.base import Home, Step
from molthub_reconciler.targets.directory import DirectoryTarget
from molthub_reconciler.targets.glance import SETTLING_SECONDS
from molthub_reconciler.targets.inside import STAGING
from tests.reconciler.site import contents
from tests.reconciler.world import World

SKILL, VALUE = Place("skills/git"), Place("config/settings.json", ("env", "LEVEL"))
HOME = Home("prod/ada", "prod/ada", ("skills",))


class Memory:
    """What a look remembers."""

    content = b""

    def remembered(self, bot: str) -> bytes:
        """Return it."""
        del bot
        return self.content

    def remember(self, bot: str, content: bytes) -> None:
        """Keep it."""
        del bot
        self.content = content


@pytest.fixture
def stocked(world: World) -> str:
    """Return the digest of a skill that is in the world's store."""
    digest = world.site.skill("git", "1.0.0", {"SKILL.md": "git\n"})
    archive = world.site.artifacts[digest]
    world.site.publish()
    Store(world.folder / "store").add(archive, world.site.archive_of(digest).read_bytes())
    return digest


def target(world: World) -> DirectoryTarget:
    return DirectoryTarget(world.target, Store(world.folder / "store"), Memory())


@pytest.mark.parametrize("link", ["", "skills", "skills/git", "config", "config/settings.json", STAGING])
@pytest.mark.parametrize("act", ["write", "remove"])
def test_nothing_is_changed_through_a_link_that_came_after_the_look(
    world: World, stocked: str, link: str, act: str
) -> None:
    """Each step is safe by itself: between a look and the writing a bot may put a link anywhere."""
    home, outside = world.home("prod/ada"), world.folder / "outside"
    (home / "skills/git").mkdir(parents=True)
    (home / "skills/git/SKILL.md").write_text("old")
    (home / "config").mkdir()
    (home / "config/settings.json").write_text('{"env": {"LEVEL": "old"}}')
    place = home / link if link else home
    if link == STAGING:
        outside.mkdir()
        (outside / "thesis.md").write_text("years of work")
    else:
        place.rename(outside)
    place.symlink_to(outside)
    before = contents(world.folder / "outside") if outside.is_dir() else outside.read_bytes()
    writing = [Step("skill/git", {SKILL: stocked}), Step("env/LEVEL", {VALUE: "debug"})]
    removing = [Step("skill/git", remove=(SKILL,)), Step("env/LEVEL", remove=(VALUE,))]

    [failed] = target(world).apply([(HOME, writing if act == "write" else removing)])

    assert (contents(outside) if outside.is_dir() else outside.read_bytes()) == before
    assert place.is_symlink()
    hit = {"skills": {"skill/git"}, "config": {"env/LEVEL"}}.get(link.partition("/")[0], {"skill/git", "env/LEVEL"})
    assert set(failed) == hit
    assert {problem.id for problem in failed.values()} == {"MH702"}


def test_nothing_is_read_or_tidied_through_a_link(world: World) -> None:
    outside = world.folder / "outside"
    (outside / STAGING).mkdir(parents=True)
    (outside / "skills").mkdir()
    (outside / "skills/thesis.md").write_text("years of work")
    world.target.mkdir()
    (world.target / "prod").mkdir()
    world.home("prod/ada").symlink_to(outside)

    with pytest.raises(PlatformFileError):
        target(world).tidy(HOME)

    assert (outside / STAGING).is_dir()
    assert target(world).read("prod/ada", "skills/thesis.md", 100) is None
    world.home("prod/ada").unlink()
    outside.rename(world.home("prod/ada"))
    assert target(world).read("prod/ada", "skills/thesis.md", 100) == b"years of work"
    assert target(world).read("prod/ada", "skills/thesis.md", 5) is None
    assert target(world).read("prod/ada", "skills", 100) is None


def test_what_a_killed_process_staged_is_not_taken_for_ours(world: World, stocked: str) -> None:
    (world.home("prod/ada") / STAGING / "1/scripts").mkdir(parents=True)
    (world.home("prod/ada") / STAGING / "1/scripts/run.sh").write_text("half a skill")

    assert target(world).apply([(HOME, [Step("skill/git", {SKILL: stocked})])]) == [{}]

    assert contents(world.home("prod/ada")) == {"skills/git/SKILL.md": b"git\n"}


def test_what_is_made_belongs_to_whom_the_home_belongs(world: World, desired: dict[str, Json]) -> None:
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    world.home("prod/ada").mkdir(parents=True)
    os.chown(world.home("prod/ada"), owner, -1)
    world.site.bot("prod/ada", desired, platform="claude-code")
    world.site.publish()

    world.report("reconcile", status=0)

    assert {place.lstat().st_uid for place in world.home("prod/ada").rglob("*")} == {owner}


def test_a_folder_that_becomes_a_skill_is_seen(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    mine = world.home("prod/ada") / ".agents/skills/mine"
    mine.mkdir(parents=True)
    world.report("reconcile", status=0)
    time.sleep(SETTLING_SECONDS)
    assert world.report("reconcile", status=0)["bots"][0]["changes"] == []
    (mine / "SKILL.md").write_text("mine")

    assert [change["key"] for change in world.report("drift", status=0)["bots"][0]["changes"]] == ["skill/mine"]


def test_a_full_look_believes_nothing_that_an_earlier_one_found(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    world.report("reconcile", status=0)
    assert world.report("drift", status=0)["summary"]["changes"] == 0
    file = world.home("prod/ada") / ".agents/skills/git/SKILL.md"
    file.write_text("as a disk may lose bits, without telling")
    memory = world.bot_state("prod/ada") / "files.json"
    found = json.loads(memory.read_text())
    status = file.lstat()
    told = [status.st_mode, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
    found["units"][".agents/skills/git"][1][".agents/skills/git/SKILL.md"] = told
    memory.write_text(json.dumps(found))

    assert world.report("drift", status=0)["summary"]["changes"] == 0
    assert world.report("drift", "--full", status=3)["summary"]["drifted"] == 1
    assert world.report("reconcile", "--full", status=0)["summary"]["changes"] == 1


def test_what_was_just_written_is_read_again(tmp_path: Path) -> None:
    """A file system's clock ticks: what was written within the tick before a look may change without a sign."""
    memory = Memory()
    (tmp_path / "prod/ada/config").mkdir(parents=True)
    file = tmp_path / "prod/ada" / VALUE.file
    remembered = []
    for number in range(40):
        file.write_text(json.dumps({"env": {"LEVEL": str(number)}}))
        DirectoryTarget(tmp_path, Store(tmp_path / "store"), memory).observe(HOME, [VALUE])
        remembered.append(VALUE.file in memory.content.decode())
    assert not all(remembered)


def test_memory_is_the_state_of_the_target(tmp_path: Path) -> None:
    state = TargetState(tmp_path / "state", "bots")
    (tmp_path / "bots/prod/ada/config").mkdir(parents=True)
    (tmp_path / "bots/prod/ada" / VALUE.file).write_text("{}")
    DirectoryTarget(tmp_path / "bots", Store(tmp_path / "store"), state, keep=False).observe(HOME, [VALUE])
    assert state.remembered("prod/ada") == b""
