"""What is broken is named with place, problem and remedy, nothing is half written, and the other bots go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from molthub.model import Json
from tests.reconciler.site import contents
from tests.reconciler.world import World, changes_of, state_of

Home = Callable[[Path], object]


def problems_of(report: dict[str, Any], bot: str) -> list[dict[str, Any]]:
    """Return a bot's problems in a report."""
    return next(row["problems"] for row in report["bots"] if row["bot"] == bot)


def two_bots(world: World, desired: dict[str, Json], platform: str = "claude-code") -> None:
    for bot in ("prod/ada", "prod/bob"):
        world.site.bot(bot, desired, platform=platform)
    world.site.publish()


@pytest.mark.parametrize("content", [b'{ "mcpServers": {', b"[1, 2]", b"\xff\xfe", b'{"a": 1} trailing'])
def test_a_file_that_does_not_parse_is_left_as_it_is(world: World, desired: dict[str, Json], content: bytes) -> None:
    broken = world.home("prod/ada") / ".claude.json"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(content)
    two_bots(world, desired)

    report = world.report("reconcile", status=4)

    assert [state_of(report, bot) for bot in ("prod/ada", "prod/bob")] == ["failed", "in-sync"]
    (problem,) = problems_of(report, "prod/ada")
    assert (problem["id"], problem["file"]) == ("MH701", ".claude.json")
    assert problem["remedy"]
    assert broken.read_bytes() == content
    found = changes_of(report, "prod/ada")
    assert {key: change["result"] for key, change in found.items() if change.get("drift") == "unreadable"} == {
        "mcp/github": "kept"
    }
    assert all(change["result"] == "applied" for key, change in found.items() if key != "mcp/github")
    assert world.report("drift", status=4)["summary"]["failed"] == 1
    broken.write_text("{}")
    assert world.report("reconcile", status=0)["summary"]["inSync"] == 2


def a_file_for_a_folder(home: Path) -> None:
    home.mkdir(parents=True)
    (home / ".claude").write_text("a file")


def a_folder_for_a_file(home: Path) -> None:
    (home / ".claude.json").mkdir(parents=True)


@pytest.mark.parametrize("hinder", [a_file_for_a_folder, a_folder_for_a_file])
def test_a_place_that_cannot_be_written_is_named(world: World, desired: dict[str, Json], hinder: Home) -> None:
    hinder(world.home("prod/ada"))
    two_bots(world, desired)

    report = world.report("reconcile", status=4)

    assert [state_of(report, bot) for bot in ("prod/ada", "prod/bob")] == ["failed", "in-sync"]
    assert {problem["id"] for problem in problems_of(report, "prod/ada")} == {"MH702"}
    assert all(problem["file"].startswith(".claude") for problem in problems_of(report, "prod/ada"))


def home_is_a_link(home: Path) -> None:
    home.parent.mkdir(parents=True)
    home.symlink_to(outside(home))


def skills_are_a_link(home: Path) -> None:
    (home / ".claude").mkdir(parents=True)
    (home / ".claude/skills").symlink_to(outside(home))


def one_skill_is_a_link(home: Path) -> None:
    (home / ".claude/skills").mkdir(parents=True)
    (home / ".claude/skills/git").symlink_to(outside(home))


def the_file_is_a_link(home: Path) -> None:
    home.mkdir(parents=True)
    (outside(home) / "real.json").write_text("{}")
    (home / ".claude.json").symlink_to(outside(home) / "real.json")


def outside(home: Path) -> Path:
    folder = home.parents[2] / "outside"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("hinder", [home_is_a_link, skills_are_a_link, one_skill_is_a_link, the_file_is_a_link])
def test_nothing_is_written_through_a_link(world: World, desired: dict[str, Json], hinder: Home) -> None:
    hinder(world.home("prod/ada"))
    before = contents(world.folder / "outside")
    two_bots(world, desired)

    report = world.report("reconcile", status=4)

    assert [state_of(report, bot) for bot in ("prod/ada", "prod/bob")] == ["failed", "in-sync"]
    assert {problem["id"] for problem in problems_of(report, "prod/ada")} == {"MH702"}
    assert contents(world.folder / "outside") == before


def test_a_link_that_comes_later_is_refused_too(world: World, desired: dict[str, Json]) -> None:
    two_bots(world, desired)
    world.molthub("reconcile")
    skills = world.home("prod/ada") / ".claude/skills"
    moved = outside(world.home("prod/ada")) / "skills"
    skills.rename(moved)
    skills.symlink_to(moved)
    before = contents(moved)

    assert state_of(world.report("reconcile", status=4), "prod/ada") == "failed"
    assert contents(moved) == before


def test_a_tampered_archive_reaches_no_bot(world: World, desired: dict[str, Json]) -> None:
    two_bots(world, desired)
    archive = world.site.archive_of(str(desired["skill/git"]))
    good = archive.read_bytes()
    archive.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))

    report = world.report("reconcile", status=1)

    assert {row["state"] for row in report["bots"]} == {"failed"}
    assert {problem["id"] for problem in problems_of(report, "prod/ada")} == {"MH603"}
    found = changes_of(report, "prod/ada")
    assert {key for key, change in found.items() if change["result"] == "failed"} == {"skill/git"}
    assert not (world.home("prod/ada") / ".claude/skills/git").exists()
    archive.write_bytes(good)
    assert world.report("reconcile", status=0)["summary"]["inSync"] == 2


def test_a_damaged_store_is_mended_from_the_index(world: World, desired: dict[str, Json], home: Path) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    world.molthub("reconcile")
    kept = home / ".cache/molthub/store" / f"{str(desired['skill/git']).removeprefix('sha256:')}.tar.gz"
    kept.write_text("damaged")
    (world.home("prod/ada") / ".agents/skills/git/SKILL.md").write_text("edited")

    assert world.report("reconcile", status=0)["summary"]["inSync"] == 1
    assert "Commit." in (world.home("prod/ada") / ".agents/skills/git/SKILL.md").read_text()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "MH602"),
        (b"<html>", "MH602"),
        (b'{"format": "molthub.registry/2"}', "MH604"),
        (b'{"format": "x/1"}', "MH602"),
    ],
)
def test_an_index_that_is_none_touches_no_bot(
    world: World, desired: dict[str, Json], content: bytes, problem: str
) -> None:
    two_bots(world, desired)
    world.molthub("reconcile")
    before = contents(world.target)
    (world.site.folder / "registry.json").write_bytes(content)

    outcome = world.molthub("reconcile")

    assert outcome.status == 1
    assert f"error {problem}:" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert contents(world.target) == before


def test_a_bot_whose_document_is_tampered_with_keeps_its_state(world: World, desired: dict[str, Json]) -> None:
    two_bots(world, desired)
    world.molthub("reconcile")
    world.site.bot("prod/ada", {"env/LEVEL": "evil"}, platform="claude-code")
    world.site.publish()
    for document in (world.site.folder / "bots").iterdir():
        document.write_bytes(document.read_bytes().replace(b'"evil"', b'"EVIL"'))
    before = contents(world.home("prod/ada"))

    report = world.report("reconcile", status=4)

    assert [state_of(report, bot) for bot in ("prod/ada", "prod/bob")] == ["failed", "in-sync"]
    assert [problem["id"] for problem in problems_of(report, "prod/ada")] == ["MH603"]
    assert contents(world.home("prod/ada")) == before


def test_the_document_of_another_bot_is_refused(world: World, desired: dict[str, Json]) -> None:
    two_bots(world, desired)
    world.site.bots["prod/ada"] = replace(world.site.bots["prod/bob"], fleet="prod")
    world.site.publish()
    swapped = world.site.bots.pop("prod/ada")
    assert swapped.bot == "bob"
    fleet = next((world.site.folder / "fleets").iterdir())
    assert fleet.exists()
    index_with_wrong_name(world)

    report = world.report("plan", status=4)

    assert state_of(report, "prod/eve") == "failed"
    assert "prod/bob for prod/eve" in problems_of(report, "prod/eve")[0]["message"]


def index_with_wrong_name(world: World) -> None:
    """Publish a fleet that gives bob's document for eve."""
    import json

    from molthub.documents import canonical, hex_of

    root = json.loads((world.site.folder / "registry.json").read_bytes())
    fleet = json.loads((world.site.folder / f"fleets/{root['fleets']['prod']}.json").read_bytes())
    fleet["bots"]["eve"] = fleet["bots"]["bob"]
    content = canonical(fleet)
    (world.site.folder / f"fleets/{hex_of(content)}.json").write_bytes(content)
    root["fleets"]["prod"] = hex_of(content)
    (world.site.folder / "registry.json").write_bytes(canonical(root))


def test_a_fleet_that_cannot_be_read_leaves_its_bots_as_they_are(world: World, desired: dict[str, Json]) -> None:
    for bot in ("prod/ada", "test/eve"):
        world.site.bot(bot, desired)
    world.site.publish()
    world.molthub("reconcile")
    world.site.fleet("prod", labels={"new": "label"})
    before = {path.name for path in (world.site.folder / "fleets").iterdir()}
    world.site.publish()
    for path in (world.site.folder / "fleets").iterdir():
        if path.name not in before:
            path.write_bytes(b"{}")

    report = world.report("reconcile", status=4)

    assert [state_of(report, bot) for bot in ("prod/ada", "test/eve")] == ["failed", "in-sync"]
    assert [problem["id"] for problem in report["problems"]] == ["MH603"]


def test_an_unresolved_bot_keeps_its_last_good_state(world: World, desired: dict[str, Json]) -> None:
    two_bots(world, desired)
    world.molthub("reconcile")
    why = {"id": "MH203", "severity": "error", "file": "profiles/backend.yaml", "line": 5, "message": "no such skill"}
    good = world.site.bots["prod/ada"]
    world.site.bots["prod/ada"] = replace(good, resolved=False, digest=None, problems=(why,), desired={}, skills={})
    world.site.publish()
    (world.home("prod/ada") / ".claude/skills/git/SKILL.md").write_text("edited")

    report = world.report("reconcile", status=4)

    assert state_of(report, "prod/ada") == "unresolved"
    assert [problem["id"] for problem in problems_of(report, "prod/ada")] == ["MH203", "MH708"]
    assert changes_of(report, "prod/ada")["skill/git"]["result"] == "applied"
    assert (world.home("prod/ada") / ".claude/skills/git/SKILL.md").read_text() != "edited"
    assert state_of(world.report("plan", status=3), "prod/ada") == "unresolved"


def test_a_fleet_whose_rollout_cannot_be_read_is_left_alone(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.bot("test/eve", desired)
    world.site.fleet("prod", rollout={"waves": [10, 100]})
    world.site.publish()

    report = world.report("reconcile", status=4)

    assert [state_of(report, bot) for bot in ("prod/ada", "test/eve")] == ["suspended", "in-sync"]
    assert [problem["id"] for problem in problems_of(report, "prod/ada")] == ["MH727"]
    assert not world.home("prod/ada").exists()


def test_a_value_that_the_program_cannot_hold_fails_its_key_alone(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", {**desired, "env/LINKER": "${secrets.ld_preload}"}, platform="openclaw")
    world.site.publish()

    report = world.report("reconcile", status=1)

    assert state_of(report, "prod/ada") == "failed"
    assert [problem["id"] for problem in problems_of(report, "prod/ada")] == ["MH707"]
    assert {change["result"] for change in changes_of(report, "prod/ada").values()} == {"applied"}
    assert report["bots"][0]["observed"] != report["bots"][0]["desired"]
    assert world.report("reconcile", status=1)["summary"]["changes"] == 0


def test_a_value_that_the_program_cannot_hold_leaves_the_one_before_it(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", {**desired, "env/LINKER": "plain"}, platform="openclaw")
    world.site.publish()
    world.report("reconcile", status=0)
    before = contents(world.home("prod/ada"))
    world.site.bot("prod/ada", {**desired, "env/LINKER": "${secrets.ld_preload}"}, platform="openclaw")
    world.site.publish()

    world.report("reconcile", status=1)

    assert contents(world.home("prod/ada")) == before


def test_two_skills_of_one_folder_are_refused(world: World) -> None:
    one = world.site.skill("@acme/git", "1.0.0", {"SKILL.md": "one\n"})
    other = world.site.skill("git", "1.0.0", {"SKILL.md": "other\n"})
    world.site.bot("prod/ada", {"skill/@acme/git": one, "skill/git": other, "env/LEVEL": "info"})
    world.site.publish()

    report = world.report("reconcile", status=1)

    assert [problem["id"] for problem in problems_of(report, "prod/ada")] == ["MH208"]
    assert set(changes_of(report, "prod/ada")) == {"env/LEVEL"}


def test_a_platform_of_a_newer_molthub_fails_its_bot_alone(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform="brand-new")
    world.site.bot("prod/bob", desired)
    world.site.publish()

    report = world.report("reconcile", status=4)

    assert [state_of(report, bot) for bot in ("prod/ada", "prod/bob")] == ["failed", "in-sync"]
    assert [problem["id"] for problem in problems_of(report, "prod/ada")] == ["MH711"]


SMALL_FILES = """
import resource, signal, sys
from molthub.cli.main import molthub
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
sys.argv = ["molthub", *sys.argv[1:]]
try:
    molthub()
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
"""


def test_a_write_that_the_system_refuses_is_told_and_mended_by_the_next_pass(world: World) -> None:
    """Files may be no larger than 4000 bytes here, which to a program looks like a disk that is full."""
    big = world.site.skill("big", "1.0.0", {"SKILL.md": "x" * 9000})
    small = world.site.skill("small", "1.0.0", {"SKILL.md": "x" * 90})
    world.site.bot("prod/ada", {"skill/big": big, "skill/small": small})
    world.site.publish()
    places = ["--index", str(world.site.folder), "--target", str(world.target), "--state", str(world.state)]

    done = subprocess.run([sys.executable, "-c", SMALL_FILES, "reconcile", *places, "--once"],
                          capture_output=True, text=True, check=False)  # fmt: skip

    assert done.returncode == 1
    assert "prod/ada" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(contents(world.home("prod/ada") / ".agents")) == ["skills/small/SKILL.md"]
    assert world.report("reconcile", status=0)["summary"]["inSync"] == 1


def test_a_literal_secret_is_never_shown(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform="claude-code")
    world.site.publish()
    world.molthub("reconcile")
    file = world.home("prod/ada") / ".claude.json"
    text = file.read_text().replace("${TOKEN}", "sk-live-12345")
    file.write_text(text.replace('"LEVEL"', '"ADDED": "sk-live-67890", "LEVEL"'))

    shown = [world.molthub(command, *how) for command in ("plan", "drift", "reconcile") for how in ((), ("--json",))]

    assert not [out for out in shown if "sk-live" in out.stdout + out.stderr]
    assert "***" in shown[1].stdout
    assert not [name for name, what in contents(world.state).items() if b"sk-live" in bytes(str(what), "utf-8")]
