"""What policy holds back is told and not done: modes by key, ignored parts, suspensions, windows."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from molthub.documents import bot_from_json, bot_to_json, canonical, digest_of
from molthub.model import DesiredState, Json, KeyRule, Suspension, SyncPolicy, Window
from molthub_reconciler.policy.policy import age_of, policy_of
from tests.reconciler.site import contents, stamps
from tests.reconciler.test_commands import check_report
from tests.reconciler.world import World, changes_of, state_of

NEVER = Window("deny", "* * * * *", "2m", "UTC", "the shop is closed")
ALWAYS = Window("allow", "* * * * *", "2m")
BASE = SyncPolicy("correct", prune=True)


def start(world: World, desired: dict[str, Json], platform: str = "agents-dir") -> None:
    declare(world, desired, BASE, platform)
    world.report("reconcile", status=0)


def declare(world: World, desired: dict[str, Json], sync: SyncPolicy, platform: str = "agents-dir") -> None:
    world.site.bot("prod/ada", desired, platform=platform, sync=sync)
    world.site.publish()


def ignoring(*patterns: str) -> SyncPolicy:
    return replace(BASE, ignore=tuple(KeyRule(pattern, reason="it is theirs") for pattern in patterns))


def damage(world: World) -> None:
    skills = world.home("prod/ada") / ".agents/skills"
    (skills / "git/SKILL.md").write_text("edited")
    shutil.rmtree(skills / "docker")


def edit_manifest(world: World, old: str, new: str) -> None:
    file = world.home("prod/ada") / ".agents/molthub.json"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_policies_go_through_documents_unchanged() -> None:
    sync = SyncPolicy(
        "detect", prune=False, interval="5m", revoked="remove",
        suspend=Suspension(True, "why", "2026-11-20T10:00:00Z", "2027-01-01T00:00:00Z"),
        keys=(KeyRule("env/*", "correct", "ours"),), ignore=(KeyRule("skill/x/**.md", None, "notes"),),
        windows=(NEVER, ALWAYS),
    )  # fmt: skip
    state = DesiredState("prod", "ada", "agents-dir", "ada", "main", {}, sync, resolved=False)

    assert bot_from_json(canonical(bot_to_json(state)), "here").sync == sync


# --- modes ---------------------------------------------------------------------------------------------------------


def test_a_key_may_have_a_mode_of_its_own(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    declare(world, {**desired, "env/LEVEL": "new"}, replace(BASE, keys=(KeyRule("skill/git", "detect"),)))
    damage(world)

    report = world.report("reconcile", status=0)

    check_report(report)
    found = changes_of(report, "prod/ada")
    assert {key: (change["result"], change.get("held")) for key, change in found.items()} == {
        "env/LEVEL": ("applied", None),
        "skill/docker": ("applied", None),
        "skill/git": ("kept", "detect"),
    }
    assert state_of(report, "prod/ada") == "drifted"
    assert "1 drifted (only watched)" in world.molthub("plan").stdout


def test_the_first_rule_counts_against_the_bots_mode(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    rules = (KeyRule("skill/git", "correct"), KeyRule("skill/*", "detect"))
    declare(world, desired, replace(BASE, mode="detect", keys=rules))
    damage(world)

    found = changes_of(world.report("reconcile", status=0), "prod/ada")

    assert {key: change["result"] for key, change in found.items()} == {"skill/docker": "kept", "skill/git": "applied"}


@pytest.mark.parametrize(
    ("sync", "keeps"),
    [
        (SyncPolicy("detect"), "detect"),
        (SyncPolicy("detect", keys=(KeyRule("skill/git", "correct"),)), None),  # some of it is changed
        (SyncPolicy("correct", keys=(KeyRule("*", "detect"),)), None),
        (SyncPolicy("detect", suspend=Suspension()), "suspended"),
        (SyncPolicy("correct"), None),
    ],
)
def test_a_bot_is_kept_as_it_is_where_nothing_of_it_may_change(sync: SyncPolicy, keeps: str | None) -> None:
    assert policy_of(sync, datetime(2026, 11, 21, tzinfo=UTC)).keeps == keeps


# --- what is ignored -------------------------------------------------------------------------------------------------


def test_ignored_keys_are_neither_written_nor_told(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    damage(world)
    before = contents(world.home("prod/ada"))
    declare(world, {**desired, "env/NEW": "new"}, ignoring("skill/**", "env/NEW"))

    report = world.report("reconcile", status=0)

    assert (changes_of(report, "prod/ada"), state_of(report, "prod/ada")) == ({}, "in-sync")
    assert contents(world.home("prod/ada")) == before
    shown = world.report("drift", "--show-ignored", status=0)
    check_report(shown)
    found = changes_of(shown, "prod/ada")
    theirs = ("env/NEW", "skill/docker", "skill/git")
    assert {key: change["ignored"] for key, change in found.items()} == dict.fromkeys(theirs, "it is theirs")
    assert shown["summary"]["changes"] == 0
    assert "env/NEW" in changes_of(world.report("plan", "--show-ignored", status=0), "prod/ada")
    assert "ignored (it is theirs)" in world.molthub("plan", "--show-ignored").stdout


def test_a_key_that_is_ignored_is_not_taken_away_either(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, "openclaw")
    before = contents(world.home("prod/ada"))
    declare(world, {}, ignoring("mcp/*", "skill/git"), "openclaw")

    world.report("reconcile", status=0)

    after = contents(world.home("prod/ada"))
    kept = (".openclaw/openclaw.json", ".openclaw/molthub/mcp.json5", ".openclaw/workspace/skills/git/SKILL.md")
    assert json.loads(after[kept[0]])["mcp"] == json.loads(before[kept[0]])["mcp"]
    assert {path: after.get(path) for path in kept[1:]} == {path: before[path] for path in kept[1:]}
    assert ".openclaw/workspace/skills/docker/SKILL.md" not in after


def test_a_key_that_is_ignored_no_more_is_taken_away_as_git_says(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, "openclaw")
    declare(world, {}, ignoring("mcp/*", "skill/git"), "openclaw")
    world.report("reconcile", status=0)
    declare(world, {}, BASE, "openclaw")

    world.report("reconcile", "--allow-mass-removal", status=0)

    left = contents(world.home("prod/ada"))
    assert not [path for path in left if "skills/git" in path]
    assert b"server-github" not in b"".join(content for content in left.values() if isinstance(content, bytes))


def test_a_line_stays_for_a_server_that_is_ignored(world: World, desired: dict[str, Json]) -> None:
    both: dict[str, Json] = {**desired, "mcp/other": {"command": "true"}}
    start(world, both, "openclaw")
    before = json.loads(contents(world.home("prod/ada"))[".openclaw/openclaw.json"])
    declare(world, desired, ignoring("mcp/github"), "openclaw")
    world.report("reconcile", status=0)
    declare(world, {"env/LEVEL": "info"}, ignoring("mcp/github"), "openclaw")

    world.report("reconcile", "--allow-mass-removal", status=0)

    after = contents(world.home("prod/ada"))
    assert json.loads(after[".openclaw/openclaw.json"])["mcp"] == before["mcp"]
    assert "server-github" in str(after[".openclaw/molthub/mcp.json5"])


def test_an_ignored_part_of_a_server_stays_as_it_is_while_the_rest_is_kept(
    world: World, desired: dict[str, Json]
) -> None:
    start(world, desired)
    declare(world, desired, ignoring("mcp/*/env/LEVEL"))
    edit_manifest(world, '"LEVEL": "debug",\n        "TOKEN"', '"LEVEL": "trace",\n        "TOKEN"')

    report = world.report("reconcile", status=0)
    assert (changes_of(report, "prod/ada"), state_of(report, "prod/ada")) == ({}, "in-sync")
    edit_manifest(world, "server-github", "server-evil")
    found = changes_of(world.report("drift", status=3), "prod/ada")
    assert [part["part"] for part in found["mcp/github"]["parts"]] == ["/args/1"]
    world.report("reconcile", status=0)

    server = json.loads((world.home("prod/ada") / ".agents/molthub.json").read_text())["mcp"]["github"]
    assert server["env"] == {"TOKEN": "${secrets.token}", "LEVEL": "trace"}
    assert server["args"][1] == "server-github"
    shown = changes_of(world.report("drift", "--show-ignored", status=0), "prod/ada")
    assert [(part["part"], part["before"]) for part in shown["mcp/github"]["parts"]] == [("/env/LEVEL", "trace")]


def test_a_part_that_the_bot_took_away_stays_away(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    declare(world, desired, ignoring("mcp/*/env/LEVEL"))
    file = world.home("prod/ada") / ".agents/molthub.json"
    document = json.loads(file.read_text())
    del document["mcp"]["github"]["env"]["LEVEL"]
    document["mcp"]["github"]["command"] = "evil"
    file.write_text(json.dumps(document))

    world.report("reconcile", status=0)

    assert json.loads(file.read_text())["mcp"]["github"] == {
        "command": "npx", "args": ["-y", "server-github"], "env": {"TOKEN": "${secrets.token}"}
    }  # fmt: skip


def test_ignored_files_of_a_skill_survive_its_correction_and_its_update(world: World) -> None:
    files = {"SKILL.md": "one", "docs/a.md": "one", "notes/mine.md": "one", "data.txt": "one"}
    start(world, {"skill/notes": world.site.skill("notes", "1.0.0", files)})
    policy = ignoring("skill/notes/notes", "skill/notes/docs/**.md")
    declare(world, {"skill/notes": world.site.skill("notes", "1.0.0", files)}, policy)
    skill = world.home("prod/ada") / ".agents/skills/notes"
    (skill / "notes/mine.md").write_text("my notes")
    (skill / "notes/more.md").write_text("more of them")
    (skill / "docs/a.md").unlink()

    report = world.report("reconcile", status=0)
    assert changes_of(report, "prod/ada") == {}
    (skill / "data.txt").write_text("edited")
    found = changes_of(world.report("drift", status=3), "prod/ada")["skill/notes"]
    assert [part["part"] for part in found["parts"]] == ["data.txt"]
    world.report("reconcile", status=0)
    own = {"notes/mine.md": b"my notes", "notes/more.md": b"more of them"}
    assert contents(skill) == {"SKILL.md": b"one", "data.txt": b"one", **own}
    shown = changes_of(world.report("drift", "--show-ignored", status=0), "prod/ada")["skill/notes"]
    assert [part["part"] for part in shown["parts"]] == ["docs/a.md", "notes/mine.md", "notes/more.md"]

    newer = dict.fromkeys(files, "two")
    declare(world, {"skill/notes": world.site.skill("notes", "2.0.0", newer)}, policy)
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"
    assert contents(skill) == {"SKILL.md": b"two", "data.txt": b"two", **own}
    assert world.report("drift", "--full", status=0)["summary"]["changes"] == 0


def test_a_link_among_ignored_files_is_not_followed(world: World) -> None:
    start(world, {"skill/notes": world.site.skill("notes", "1.0.0", {"SKILL.md": "one", "notes/a.md": "one"})})
    digest = world.site.skill("notes", "1.0.0", {"SKILL.md": "one", "notes/a.md": "one"})
    declare(world, {"skill/notes": digest}, ignoring("skill/notes/notes"))
    skill = world.home("prod/ada") / ".agents/skills/notes"
    secret = world.folder / "secret.txt"
    secret.write_text("of another bot")
    (skill / "notes/a.md").unlink()
    (skill / "notes/a.md").symlink_to(secret)
    (skill / "SKILL.md").write_text("edited")

    world.molthub("reconcile")

    assert not any(path.is_file() and path.read_text() == "of another bot" for path in skill.rglob("*.md"))


# --- suspended -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "held"),
    [
        ("2026-11-21T12:00:00Z", None),  # now
        ("2026-11-21T12:00:01Z", "suspended"),
        ("2026-11-21T13:00:00+01:00", None),
        ("2026-11-21T13:00:00-01:00", "suspended"),
        ("2020-01-01T00:00:00Z", None),
        ("some day", "suspended"),
        ("2026-11-21T11:00:00", "suspended"),  # of no zone: nobody knows when that is
        (None, "suspended"),
    ],
)
def test_a_suspension_ends_when_it_says(until: str | None, held: str | None) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    found = policy_of(SyncPolicy(suspend=Suspension(reason="audit", until=until)), now)
    assert found.held == held
    if found.problem is not None and until is not None:
        assert f", until {until}: audit" in found.problem.message


def test_a_suspended_bot_is_never_touched(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    damage(world)
    (world.home("prod/ada") / ".molthub-staging").mkdir()
    before = stamps(world.home("prod/ada"))
    declare(world, {"env/LEVEL": "new"}, replace(BASE, suspend=Suspension(reason="incident 4711")))

    report = world.report("reconcile", "--bot", "ada", "--force", status=0)

    check_report(report)
    assert stamps(world.home("prod/ada")) == before
    assert state_of(report, "prod/ada") == "suspended"
    assert {change["held"] for change in changes_of(report, "prod/ada").values()} == {"suspended"}
    assert report["bots"][0]["problems"][0]["message"].endswith(": incident 4711")
    assert world.report("plan", status=3)["bots"][0]["state"] == "suspended"
    outcome = world.molthub("rollback", "prod/ada")
    assert (outcome.status, "the bot is suspended" in outcome.stderr) == (1, True)

    declare(world, desired, BASE)
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"


def test_what_a_suspended_bot_was_never_brought_to_is_nothing_to_go_back_to(
    world: World, desired: dict[str, Json]
) -> None:
    start(world, desired)
    for level in ("info", "trace"):
        declare(world, {**desired, "env/LEVEL": level}, replace(BASE, suspend=Suspension(reason="a law")))
        world.molthub("reconcile")

    documents = world.report("history", "prod/ada", status=0)["documents"]

    assert [one["current"] for one in documents] == [True]
    assert documents[0]["digest"] == digest_of(desired)


def test_a_suspended_bot_that_is_in_sync_asks_nobody_for_anything(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    declare(world, desired, replace(BASE, suspend=Suspension(reason="audit", since="2020-01-01T00:00:00Z")))

    report = world.report("drift", status=0)

    assert "days: audit" in report["bots"][0]["problems"][0]["message"]


def test_the_age_of_a_suspension_is_that_of_the_first_pass_that_saw_it(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    declare(world, desired, replace(BASE, suspend=Suspension(reason="audit")))
    assert "suspended: audit" in world.molthub("reconcile").stderr
    assert "suspended just now: audit" in world.molthub("reconcile").stderr


@pytest.mark.parametrize(
    ("since", "age"),
    [
        ("2026-11-20T10:00:00Z", "for 1 day"),
        ("2026-11-21T09:59:00Z", "for 2 hours"),
        ("2026-11-21T11:58:59Z", "for 1 minute"),
        ("2026-11-21T12:00:00Z", "just now"),
        ("yesterday", "since yesterday"),
        ("2026-11-20T10:00:00", "since 2026-11-20T10:00:00"),
    ],
)
def test_an_age_is_told_roughly(since: str, age: str) -> None:
    assert age_of(since, datetime(2026, 11, 21, 12, tzinfo=UTC)) == age


# --- windows ---------------------------------------------------------------------------------------------------------


def test_nothing_changes_outside_a_window(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    damage(world)
    before = stamps(world.home("prod/ada"))
    declare(world, {**desired, "env/LEVEL": "new"}, replace(BASE, windows=(NEVER,)))

    report = world.report("reconcile", status=0)

    check_report(report)
    assert stamps(world.home("prod/ada")) == before
    assert {change["held"] for change in changes_of(report, "prod/ada").values()} == {"window"}
    (problem,) = report["bots"][0]["problems"]
    assert problem["id"] == "MH715"
    assert "(the shop is closed); the next one: none within five years" in problem["message"]
    assert "waiting for a window" in world.molthub("plan").stdout


def test_who_is_named_need_not_wait_and_history_says_so(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    damage(world)
    declare(world, desired, replace(BASE, windows=(NEVER,)))

    report = world.report("reconcile", "--bot", "ada", "--force", status=0)

    assert state_of(report, "prod/ada") == "in-sync"
    assert world.report("history", "prod/ada", status=0)["passes"][0]["forced"] is True
    assert "forced: drifted" in world.molthub("history", "ada").stdout
    assert world.molthub("reconcile", "--force").status == 2


def test_a_closed_window_is_not_told_of_a_bot_that_is_in_sync(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    declare(world, desired, replace(BASE, windows=(NEVER,)))

    assert world.report("drift", status=0)["bots"][0]["problems"] == []


def test_an_open_window_changes_nothing(world: World, desired: dict[str, Json]) -> None:
    declare(world, desired, replace(BASE, windows=(ALWAYS,)))

    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"


@pytest.mark.parametrize(
    "sync",
    [
        replace(BASE, windows=(Window("allow", "every day", "1h"),)),
        replace(BASE, ignore=(KeyRule("nonsense/**", reason="x"),)),
    ],
)
def test_a_policy_that_cannot_be_read_is_no_leave_to_write(
    world: World, desired: dict[str, Json], sync: SyncPolicy
) -> None:
    start(world, desired)
    damage(world)
    before = stamps(world.home("prod/ada"))
    declare(world, desired, sync)
    world.site.bot("prod/bob", desired)
    world.site.publish()

    report = world.report("reconcile", status=4)

    assert stamps(world.home("prod/ada")) == before
    assert (state_of(report, "prod/ada"), state_of(report, "prod/bob")) == ("failed", "in-sync")
    assert [problem["id"] for problem in report["bots"][0]["problems"]] == ["MH718"]


def test_orphans_of_a_suspended_or_closed_fleet_stay(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/bob", desired)
    start(world, desired)
    del world.site.bots["prod/ada"]
    before = stamps(world.home("prod/ada"))
    for fields in (
        {"sync": SyncPolicy(orphans="delete", suspend=Suspension(reason="x"))},
        {"sync": SyncPolicy(orphans="delete"), "windows": (NEVER,)},
    ):
        world.site.fleet("prod", **fields)
        world.site.publish()
        world.molthub("reconcile", "--allow-mass-removal")
        assert stamps(world.home("prod/ada")) == before
    world.site.fleet("prod", windows=())
    world.site.publish()
    world.molthub("reconcile", "--allow-mass-removal")
    assert not (world.home("prod/ada") / ".agents/skills/git").exists()


def test_a_suspension_may_be_ended_for_one_bot() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)

    assert policy_of(SyncPolicy(suspend=Suspension(active=False)), now).held is None
