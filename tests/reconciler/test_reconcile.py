"""Bots of a directory target come to their desired state and stay there; what else is theirs stays theirs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from molthub.model import Json, SyncPolicy
from tests.reconciler.site import DOCKER, GIT, contents, read_json, stamps
from tests.reconciler.world import World, changes_of, state_of

PLATFORMS = ("agents-dir", "claude-code", "openclaw")
SKILL_ROOTS = {
    "agents-dir": ".agents/skills",
    "claude-code": ".claude/skills",
    "openclaw": ".openclaw/workspace/skills",
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_new_bot_gets_everything(world: World, desired: dict[str, Json], platform: str) -> None:
    world.site.bot("prod/ada", desired, platform=platform)
    world.site.publish()

    report = world.report("reconcile", status=0)

    assert state_of(report, "prod/ada") == "in-sync"
    found = changes_of(report, "prod/ada")
    assert found.keys() == desired.keys()
    outcomes = {(change["action"], change["cause"], change["result"]) for change in found.values()}
    assert outcomes == {("create", "declared", "applied")}
    skills = contents(world.home("prod/ada") / SKILL_ROOTS[platform])
    assert skills == {f"git/{path}": text.encode() for path, text in GIT.items()} | {
        f"docker/{path}": text.encode() for path, text in DOCKER.items()
    }
    script = world.home("prod/ada") / SKILL_ROOTS[platform] / "git" / "scripts" / "run.sh"
    assert script.stat().st_mode & 0o777 == 0o755
    manifest = read_json(world.home("prod/ada") / ".agents" / "molthub.json")
    assert manifest["mcp"]["github"] == desired["mcp/github"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_pass_with_nothing_to_do_writes_nothing(world: World, desired: dict[str, Json], platform: str) -> None:
    world.site.bot("prod/ada", desired, platform=platform)
    world.site.publish()
    world.molthub("reconcile")
    before = stamps(world.folder)

    assert world.molthub("reconcile").status == 0
    assert world.molthub("reconcile", "--full").status == 0
    assert world.molthub("plan").status == 0
    assert world.molthub("drift").status == 0

    after = stamps(world.folder)
    assert {path for path in after if after[path] != before.get(path)} <= {f"{_target_state(world)}/lock"}


def test_looking_leaves_no_trace(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()

    assert world.molthub("plan").status == 3

    assert not world.target.exists()
    assert not world.state.exists()


def test_drift_is_told_to_the_byte_and_mended(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform="openclaw")
    world.site.publish()
    world.molthub("reconcile")
    home = world.home("prod/ada") / ".openclaw"
    (home / "workspace/skills/git/SKILL.md").write_text("edited")
    shutil.rmtree(home / "workspace/skills/docker")
    servers = home / "molthub/mcp.json5"
    servers.write_text(servers.read_text().replace("debug", "trace"))

    report = world.report("drift", status=3)

    found = changes_of(report, "prod/ada")
    assert state_of(report, "prod/ada") == "drifted"
    assert {key: (change["action"], change["cause"], change["drift"]) for key, change in found.items()} == {
        "mcp/github": ("update", "drifted", "modified"),
        "skill/docker": ("create", "drifted", "missing"),
        "skill/git": ("update", "drifted", "modified"),
    }
    assert found["mcp/github"]["parts"] == [
        {"part": "/env/LEVEL", "before": "trace", "after": "debug", "origin": "fleets/prod/bots/ada.yaml:9"}
    ]
    assert [part["part"] for part in found["skill/git"]["parts"]] == ["SKILL.md"]
    assert (found["skill/docker"]["before"], found["skill/docker"]["after"]) == (None, desired["skill/docker"])

    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"
    assert world.report("drift", status=0)["summary"]["changes"] == 0


def test_an_edit_that_restores_size_and_time_shows(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    world.molthub("reconcile")
    file = world.home("prod/ada") / ".agents/skills/git/SKILL.md"
    status = file.stat()
    file.write_bytes(file.read_bytes()[::-1])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert set(changes_of(world.report("drift", status=3), "prod/ada")) == {"skill/git"}


def test_a_file_that_was_only_touched_is_no_drift(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    world.molthub("reconcile")
    (world.home("prod/ada") / ".agents/skills/git/SKILL.md").touch()

    assert world.molthub("drift").status == 0


def test_a_new_version_is_declared_and_an_edit_of_the_old_one_is_both(world: World, desired: dict[str, Json]) -> None:
    for bot in ("prod/ada", "prod/bob"):
        world.site.bot(bot, desired)
    world.site.publish()
    world.molthub("reconcile")
    (world.home("prod/bob") / ".agents/skills/git/SKILL.md").write_text("edited")
    newer = {**desired, "skill/git": world.site.skill("git", "1.3.0", {"SKILL.md": "newer\n"})}
    for bot in ("prod/ada", "prod/bob"):
        world.site.bot(bot, newer)
    world.site.publish()

    report = world.report("plan", status=3)

    assert {bot: changes_of(report, bot)["skill/git"]["cause"] for bot in ("prod/ada", "prod/bob")} == {
        "prod/ada": "declared",
        "prod/bob": "both",
    }
    assert [state_of(report, bot) for bot in ("prod/ada", "prod/bob")] == ["pending", "drifted"]
    assert set(changes_of(world.report("drift", status=3), "prod/ada")) == set()
    world.report("reconcile", status=0)
    assert contents(world.home("prod/bob") / ".agents/skills/git") == {"SKILL.md": b"newer\n"}


def test_what_git_takes_away_goes_but_an_edited_one_stays(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    world.molthub("reconcile")
    (world.home("prod/ada") / ".agents/skills/git/SKILL.md").write_text("mine now")
    world.site.bot("prod/ada", {"env/LEVEL": "debug"})
    world.site.publish()

    report = world.report("reconcile", status=4)

    found = changes_of(report, "prod/ada")
    assert state_of(report, "prod/ada") == "conflict"
    assert (found["skill/git"]["action"], found["skill/git"]["result"]) == ("keep", "kept")
    assert {key for key, change in found.items() if change["action"] == "delete"} == {
        "config/docker", "env/TOKEN", "mcp/github", "skill/docker",
    }  # fmt: skip
    assert [problem["id"] for problem in report["bots"][0]["problems"]] == ["MH704"]
    assert list(contents(world.home("prod/ada") / ".agents/skills")) == ["git/SKILL.md", "git/scripts/run.sh"]
    assert read_json(world.home("prod/ada") / ".agents/molthub.json")["env"] == {"LEVEL": "debug"}


def test_what_the_owner_has_is_adopted_where_equal_and_left_alone_where_not(
    world: World, desired: dict[str, Json]
) -> None:
    skills = world.home("prod/ada") / ".agents/skills"
    for path, text in DOCKER.items():
        (skills / "docker").mkdir(parents=True)
        (skills / "docker" / path).write_text(text)
    (skills / "git").mkdir()
    (skills / "git/SKILL.md").write_text("my own git")
    (skills / "own").mkdir()
    (skills / "own/SKILL.md").write_text("another one")
    world.site.bot("prod/ada", desired)
    world.site.publish()

    report = world.report("reconcile", status=4)

    found = changes_of(report, "prod/ada")
    assert "skill/docker" not in found
    assert (found["skill/git"]["action"], found["skill/git"]["cause"]) == ("keep", "conflict")
    assert (found["skill/own"]["action"], found["skill/own"]["drift"]) == ("keep", "extra")
    assert [problem["id"] for problem in report["bots"][0]["problems"]] == ["MH705"]
    assert (skills / "git/SKILL.md").read_text() == "my own git"
    shutil.rmtree(skills / "git")
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"


def test_the_owners_comments_and_settings_survive(world: World, desired: dict[str, Json]) -> None:
    own = world.home("prod/ada") / ".openclaw/openclaw.json"
    own.parent.mkdir(parents=True)
    text = (
        "{\n  // mine\n  gateway: { mode: 'local', }, /* keep */\n  mcp: { servers: { mine: { command: 'x' } } },\n}\n"
    )
    own.write_text(text)
    own.chmod(0o600)
    world.site.bot("prod/ada", desired, platform="openclaw")
    world.site.publish()

    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"
    assert all(
        piece in own.read_text() for piece in ("// mine", "mode: 'local',", "/* keep */", "mine: { command: 'x' }")
    )
    assert own.stat().st_mode & 0o777 == 0o600
    world.site.bot("prod/ada", {}, platform="openclaw")
    world.site.publish()
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"
    assert own.read_text() == text


def test_what_overrides_a_key_is_a_conflict(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform="openclaw")
    world.site.publish()
    world.molthub("reconcile")
    own = world.home("prod/ada") / ".openclaw/openclaw.json"
    own.write_text(own.read_text().replace('"mcp": {', '"mcp": {"servers": {"github": {"command": "evil"}},'))

    report = world.report("drift", status=3)

    change = changes_of(report, "prod/ada")["mcp/github"]
    assert (change["cause"], change["file"]) == ("conflict", ".openclaw/openclaw.json")


def test_a_line_that_is_gone_takes_its_keys_along(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform="openclaw")
    world.site.publish()
    world.molthub("reconcile")
    (world.home("prod/ada") / ".openclaw/openclaw.json").write_text("{}\n")

    report = world.report("drift", status=3)

    found = changes_of(report, "prod/ada")
    assert set(found) == {"config/docker", "env/LEVEL", "env/TOKEN", "mcp/github"}
    assert found["mcp/github"]["parts"] == [{"part": "/mcp/$include", "before": None, "after": "./molthub/mcp.json5"}]
    assert report["bots"][0]["observed"] != report["bots"][0]["desired"]
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"


def test_a_fleet_that_only_detects_is_only_told(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, sync=SyncPolicy("detect"))
    world.site.publish()

    assert world.molthub("reconcile").stdout.endswith("prod: 1 bot, 1 pending (only watched)\n")
    report = world.report("reconcile", status=0)
    assert world.report("plan", status=3)["summary"]["changes"] == len(desired)

    assert state_of(report, "prod/ada") == "pending"
    assert {change["result"] for change in changes_of(report, "prod/ada").values()} == {"kept"}
    assert not world.home("prod/ada").exists()


def test_without_pruning_nothing_is_taken_away(world: World, desired: dict[str, Json]) -> None:
    sync = SyncPolicy("correct", prune=False)
    world.site.bot("prod/ada", desired, sync=sync)
    world.site.publish()
    world.molthub("reconcile")
    before = contents(world.home("prod/ada"))
    world.site.bot("prod/ada", {}, sync=sync)
    world.site.publish()

    report = world.report("reconcile", status=4)

    assert state_of(report, "prod/ada") == "pending"
    assert {change["action"] for change in changes_of(report, "prod/ada").values()} == {"keep"}
    assert contents(world.home("prod/ada")) == before


def test_bots_of_one_home_share_what_they_agree_on(world: World, desired: dict[str, Json]) -> None:
    server = {"mcp/github": desired["mcp/github"]}
    world.site.bot("prod/ada", {**server, "skill/git": desired["skill/git"]}, platform="openclaw", home="box")
    world.site.bot(
        "prod/bob", {**server, "skill/docker": desired["skill/docker"]}, platform="openclaw", home="box", agent="bob"
    )
    world.site.publish()
    assert world.report("reconcile", status=0)["summary"]["inSync"] == 2

    world.site.bot("prod/ada", {"skill/git": desired["skill/git"]}, platform="openclaw", home="box")
    world.site.publish()
    world.report("reconcile", status=0)

    servers = read_json(world.home("prod/box") / ".openclaw/molthub/mcp.json5")["servers"]
    assert list(servers) == ["github"]  # the other bot still has it
    assert world.report("drift", status=0)["summary"]["inSync"] == 2


def test_bots_of_one_home_that_disagree_do_not_undo_each_other(world: World) -> None:
    for bot, level in (("prod/ada", "info"), ("prod/bob", "debug")):
        world.site.bot(bot, {"env/LEVEL": level}, home="box")
    world.site.publish()
    world.molthub("reconcile")

    report = world.report("reconcile", status=4)

    assert sorted(row["state"] for row in report["bots"]) == ["conflict", "in-sync"]
    before = contents(world.target)
    world.molthub("reconcile")
    assert contents(world.target) == before


def test_a_bot_that_moves_home_leaves_the_old_one_and_says_so(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    world.molthub("reconcile")
    world.site.bot("prod/ada", desired, home="elsewhere")
    world.site.publish()

    report = world.report("reconcile", status=0)

    assert [problem["id"] for problem in report["bots"][0]["problems"]] == ["MH706"]
    assert (world.home("prod/ada") / ".agents/skills/git/SKILL.md").exists()
    assert (world.home("prod/elsewhere") / ".agents/skills/git/SKILL.md").exists()


def test_what_an_owner_has_in_the_new_home_is_not_taken_for_ours(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired)
    world.site.publish()
    world.molthub("reconcile")
    mine = world.home("prod/elsewhere") / ".agents/skills/git/SKILL.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    world.site.bot("prod/ada", desired, home="elsewhere")
    world.site.publish()

    report = world.report("reconcile", status=4)

    assert changes_of(report, "prod/ada")["skill/git"]["cause"] == "conflict"
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("earlier", PLATFORMS)
@pytest.mark.parametrize("later", PLATFORMS)
def test_another_platform_takes_the_old_places_away(
    world: World, desired: dict[str, Json], earlier: str, later: str
) -> None:
    own = world.home("prod/ada") / ".openclaw/openclaw.json"
    own.parent.mkdir(parents=True)
    own.write_text("{\n  // mine\n}\n")
    world.site.bot("prod/ada", desired, platform=earlier)
    world.site.publish()
    world.molthub("reconcile")
    world.site.bot("prod/ada", desired, platform=later)
    world.site.publish()

    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"
    skills = {str(path.relative_to(world.home("prod/ada"))) for path in world.target.rglob("SKILL.md")}
    assert skills == {f"{SKILL_ROOTS[later]}/{name}/SKILL.md" for name in ("git", "docker")}


def test_only_the_bots_that_were_asked_for_are_worked_on(world: World, desired: dict[str, Json]) -> None:
    for bot in ("prod/ada", "prod/bob", "test/eve"):
        world.site.bot(bot, desired)
    world.site.publish()

    one = world.report("reconcile", "--bot", "prod/ada", status=0)
    fleet = world.report("reconcile", "--fleet", "test", status=0)

    assert [bot["bot"] for bot in one["bots"]] == ["prod/ada"]
    assert [bot["bot"] for bot in fleet["bots"]] == ["test/eve"]
    assert not world.home("prod/bob").exists()


def _target_state(world: World) -> Path:
    return next((world.state / "targets").iterdir()).relative_to(world.folder)
