"""Skills that a program uses in place of the bot's, or may: told and left alone, and the bot is not in sync."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from molthub.model import Json, KeyRule, SyncPolicy
from molthub.platforms import platform
from molthub.references.skill_folders import SKILL_FOLDERS
from tests.reconciler.site import GIT
from tests.reconciler.world import World, changes_of, state_of

BOT = "prod/ada"
OTHER = "---\nname: git\ndescription: My own.\n---\nHi.\n"
RIVALS = [(name, root, root in folders.before) for name, folders in SKILL_FOLDERS.items() for root in folders.rivals]
NEVER_TAKEN = [(name, root) for name, folders in SKILL_FOLDERS.items() for root in folders.after]
SEARCHED = [(name, root) for name, folders in SKILL_FOLDERS.items() for root in folders.others]


def start(world: World, desired: dict[str, Json], program: str, **fields: Any) -> Path:
    """Bring a bot with one skill in sync, and return its home."""
    world.site.bot(BOT, {"skill/git": desired["skill/git"]}, platform=program, **fields)
    world.site.publish()
    world.report("reconcile", status=0)
    return world.home(BOT)


def put(home: Path, root: str, text: str = OTHER, name: str = "git") -> Path:
    """Write a skill of the owner's."""
    folder = home / root / name
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(text)
    return folder


def ids(report: dict[str, Any]) -> list[str]:
    return [problem["id"] for problem in report["bots"][0]["problems"]]


@pytest.mark.parametrize(("program", "root", "is_first"), RIVALS)
def test_a_rival_is_told_and_left_alone(
    world: World, desired: dict[str, Json], program: str, root: str, is_first: bool
) -> None:
    home = start(world, desired, program)
    rival = put(home, root)

    report = world.report("drift", status=3)

    assert state_of(report, BOT) == "conflict"
    change = changes_of(report, BOT)["skill/git"]
    assert (change["action"], change["cause"], change["file"]) == ("keep", "conflict", f"{root}/git")
    [problem] = report["bots"][0]["problems"]
    taken = "is" if is_first else "may be"
    assert (problem["id"], problem["file"]) == ("MH743", f"{root}/git")
    assert problem["message"] == f"skill/git: another skill of its name {taken} used in its place"
    assert report["bots"][0]["observed"] != report["bots"][0]["desired"]
    world.report("reconcile", status=4)
    assert (rival / "SKILL.md").read_text() == OTHER
    shutil.rmtree(rival)
    assert state_of(world.report("reconcile", status=0), BOT) == "in-sync"


@pytest.mark.parametrize(("program", "root"), NEVER_TAKEN)
def test_one_that_is_never_taken_is_nothing_to_tell(
    world: World, desired: dict[str, Json], program: str, root: str
) -> None:
    put(start(world, desired, program), root)
    assert changes_of(world.report("drift", status=0), BOT) == {}


@pytest.mark.parametrize(("program", "root"), SEARCHED)
def test_a_skill_of_the_owners_is_named_wherever_the_program_finds_it(
    world: World, desired: dict[str, Json], program: str, root: str
) -> None:
    put(start(world, desired, program), root, name="own")

    report = world.report("drift", status=0)

    assert changes_of(report, BOT)["skill/own"]["file"] == f"{root}/own"
    assert changes_of(report, BOT)["skill/own"]["drift"] == "extra"


def test_of_two_of_one_name_the_one_in_the_bots_folder_is_named(world: World, desired: dict[str, Json]) -> None:
    home = start(world, desired, "gemini-cli")
    for root in (".agents/skills", ".gemini/skills"):
        put(home, root, name="own")
    assert changes_of(world.report("drift", status=0), BOT)["skill/own"]["file"] == ".gemini/skills/own"


def test_an_agent_with_a_workspace_of_its_own_has_its_folders_there(world: World, desired: dict[str, Json]) -> None:
    home = start(world, desired, "openclaw", agent="eve")
    put(home, ".openclaw/workspace-eve/.agents/skills", name="mine")
    put(home, ".openclaw/workspace/.agents/skills", name="mains")
    assert [*changes_of(world.report("drift", status=0), BOT)] == ["skill/mine"]
    assert platform("openclaw").searched("eve").others == (
        ".openclaw/workspace-eve/.agents/skills",
        ".agents/skills",
        ".openclaw/skills",
    )


def test_a_rival_is_told_before_anything_is_applied_and_keeps_no_update_back(
    world: World, desired: dict[str, Json]
) -> None:
    put(world.home(BOT), ".agents/skills")
    world.site.bot(BOT, {"skill/git": desired["skill/git"]}, platform="gemini-cli")
    world.site.publish()

    planned = world.report("plan", status=3)
    done = world.report("reconcile", status=4)

    assert (state_of(planned, BOT), ids(planned)) == ("pending", ["MH743"])
    assert changes_of(done, BOT)["skill/git"]["result"] == "applied"
    assert (state_of(done, BOT), ids(done)) == ("conflict", ["MH743"])
    assert (world.home(BOT) / ".gemini/skills/git/SKILL.md").read_text() == GIT["SKILL.md"]


def test_the_same_version_is_no_rival(world: World, desired: dict[str, Json]) -> None:
    home = start(world, desired, "gemini-cli")
    shutil.copytree(home / ".gemini/skills/git", home / ".agents/skills/git")
    report = world.report("drift", status=0)
    assert (changes_of(report, BOT), ids(report)) == ({}, [])
    (home / ".agents/skills/git/SKILL.md").write_text(OTHER)
    assert state_of(world.report("drift", status=3), BOT) == "conflict"


@pytest.mark.parametrize("linked", [".agents", ".agents/skills", ".agents/skills/git"])
def test_a_link_to_the_bots_own_folder_is_no_rival(world: World, desired: dict[str, Json], linked: str) -> None:
    home = start(world, desired, "gemini-cli")
    if linked == ".agents":
        shutil.move(home / ".agents", home / "kept") if (home / ".agents").exists() else (home / "kept").mkdir()
        (home / "kept/skills").symlink_to(home / ".gemini/skills")
        (home / linked).symlink_to(home / "kept")
    else:
        (home / linked).parent.mkdir(parents=True, exist_ok=True)
        (home / linked).symlink_to(home / ".gemini" / linked.removeprefix(".agents/"))
    report = world.report("drift", status=0)
    assert (state_of(report, BOT), changes_of(report, BOT), ids(report)) == ("in-sync", {}, [])


def test_a_link_to_another_skill_is_a_rival_and_is_not_followed(
    world: World, desired: dict[str, Json], tmp_path: Path
) -> None:
    home = start(world, desired, "gemini-cli")
    elsewhere = put(tmp_path, "elsewhere")
    (home / ".agents/skills").mkdir(parents=True)
    (home / ".agents/skills/git").symlink_to(elsewhere)
    report = world.report("drift", status=3)
    assert (state_of(report, BOT), ids(report)) == ("conflict", ["MH743"])
    assert str(elsewhere) not in str(report)


def test_what_another_bot_of_the_home_has_there_is_no_rival(world: World, desired: dict[str, Json]) -> None:
    old = world.site.skill("git", "1.1.0", {"SKILL.md": OTHER})
    for digest in (old, desired["skill/git"]):
        for bot, program in (("prod/ada", "gemini-cli"), ("prod/bob", "codex")):
            world.site.bot(bot, {"skill/git": digest}, platform=program, home="box")
        world.site.publish()
        report = world.report("reconcile", status=0)
        assert [bot["state"] for bot in report["bots"]] == ["in-sync", "in-sync"]
        assert [bot["problems"] for bot in report["bots"]] == [[], []]


def test_what_the_bots_former_program_had_is_taken_away_and_no_rival(world: World, desired: dict[str, Json]) -> None:
    old = world.site.skill("git", "1.1.0", {"SKILL.md": OTHER})
    world.site.bot(BOT, {"skill/git": old}, platform="codex")
    world.site.publish()
    world.report("reconcile", status=0)
    world.site.bot(BOT, {"skill/git": desired["skill/git"]}, platform="gemini-cli")
    world.site.publish()
    assert ids(world.report("plan", status=3)) == []
    assert state_of(world.report("reconcile", status=0), BOT) == "in-sync"
    assert not (world.home(BOT) / ".agents/skills/git").exists()


def test_a_rival_that_policy_ignores_is_not_told(world: World, desired: dict[str, Json]) -> None:
    ignore = (KeyRule("skill/git", reason="ours"),)
    home = start(world, desired, "gemini-cli", sync=SyncPolicy("correct", prune=True, ignore=ignore))
    put(home, ".agents/skills")
    report = world.report("drift", status=0)
    assert (changes_of(report, BOT), ids(report)) == ({}, [])


def test_adopting_takes_no_rival_away(world: World, desired: dict[str, Json]) -> None:
    home = start(world, desired, "gemini-cli")
    rival = put(home, ".agents/skills", GIT["SKILL.md"])
    world.report("reconcile", "--bot", BOT, "--adopt", status=4)
    assert (rival / "SKILL.md").read_text() == GIT["SKILL.md"]
