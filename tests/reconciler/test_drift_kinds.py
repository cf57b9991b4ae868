"""Each kind of drift is told apart: missing, modified, stale, extra, revoked, secret-rotated, unreadable."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from molthub.client.cache import Store
from molthub.documents import canonical, digest_of, hex_of, shard_key, shard_to_json
from molthub.model import Artifact, DesiredState, Json, Mode, Shard, SkillEntry, SkillRelease, Status, SyncPolicy
from molthub_reconciler.reconcile import Rules, run_pass
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.targets.directory import DirectoryTarget
from tests.reconciler.site import GIT, contents
from tests.reconciler.test_commands import check_report
from tests.reconciler.world import World, changes_of, state_of

OLD = {**GIT, "SKILL.md": "---\nname: git\ndescription: Git.\n---\nOnce upon a time.\n"}


def start(world: World, desired: dict[str, Json], **fields: Any) -> None:
    world.site.bot("prod/ada", desired, **fields)
    world.site.publish()
    world.report("reconcile", status=0)


def write_skill(world: World, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (world.home("prod/ada") / ".agents/skills/git" / path).write_text(text)


def kinds(report: Mapping[str, Json]) -> dict[str, str | None]:
    return {key: change.get("drift") for key, change in changes_of(dict(report), "prod/ada").items()}


def shard(world: World, name: str, releases: Mapping[str, SkillRelease], status: Status = "active") -> None:
    """Put what the index says of one skill into the site."""
    content = gzip.compress(canonical(shard_to_json(Shard({name: SkillEntry(name, status, "", releases)}))), mtime=0)
    place = world.site.folder / "shards" / f"{hex_of(content)}.json.gz"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(content)
    root = json.loads((world.site.folder / "registry.json").read_text())
    root["shards"] = {shard_key("skill", name, 1): hex_of(content)}
    (world.site.folder / "registry.json").write_bytes(canonical(root))


def release(artifact: Artifact, **withdrawn: Any) -> SkillRelease:
    return SkillRelease(artifact, "2026-11-01T00:00:00Z", **withdrawn)


def test_an_earlier_version_that_we_wrote_is_stale(world: World, desired: dict[str, Json]) -> None:
    old = world.site.skill("git", "1.1.0", OLD)
    start(world, {**desired, "skill/git": old, "env/LEVEL": "info"})
    earlier = (world.home("prod/ada") / ".agents/molthub.json").read_bytes()
    start(world, desired)
    write_skill(world, OLD)
    (world.home("prod/ada") / ".agents/molthub.json").write_bytes(earlier)

    report = world.report("drift", status=3)

    check_report(report)
    assert kinds(report) == {"skill/git": "stale", "env/LEVEL": "stale"}
    outcome = world.molthub("drift")
    assert "stale: SKILL.md" in outcome.stdout
    assert "stale: info -> debug" in outcome.stdout


def test_a_version_that_only_the_index_knows_is_stale_as_well(world: World, desired: dict[str, Json]) -> None:
    old = world.site.skill("git", "1.1.0", OLD)
    start(world, desired)
    artifacts = (world.site.artifacts[old], world.site.artifacts[str(desired["skill/git"])])
    shard(world, "git", {artifact.version: release(artifact) for artifact in artifacts})
    write_skill(world, OLD)

    assert kinds(world.report("drift", status=3)) == {"skill/git": "stale"}
    write_skill(world, {"SKILL.md": "edited"})
    assert kinds(world.report("drift", status=3)) == {"skill/git": "modified"}


def test_a_mixture_of_old_and_new_is_modified(world: World, desired: dict[str, Json]) -> None:
    old = world.site.skill("git", "1.1.0", {**OLD, "scripts/run.sh": "old"})
    start(world, {**desired, "skill/git": old})
    start(world, desired)
    write_skill(world, {"SKILL.md": OLD["SKILL.md"]})

    assert kinds(world.report("drift", status=3)) == {"skill/git": "modified"}


@pytest.mark.parametrize("how", ["yanked", "quarantined", "removed"])
def test_a_skill_that_was_withdrawn_is_told_and_stays(world: World, desired: dict[str, Json], how: str) -> None:
    start(world, desired)
    artifact = world.site.artifacts[str(desired["skill/git"])]
    shard(world, "git", {artifact.version: release(artifact, **{how: "It deletes branches."})})
    before = contents(world.home("prod/ada"))

    report = world.report("reconcile", status=0)

    check_report(report)
    assert (kinds(report), state_of(report, "prod/ada")) == ({"skill/git": "revoked"}, "revoked")
    assert report["bots"][0]["desired"] == report["bots"][0]["observed"]
    (problem,) = report["bots"][0]["problems"]
    assert problem["message"] == f"git 1.2.0 was {how}: It deletes branches.; it stays on the bot"
    assert contents(world.home("prod/ada")) == before
    outcome = world.molthub("drift")
    assert (outcome.status, "revoked: 1.2.0" in outcome.stdout) == (3, True)


def test_policy_takes_a_withdrawn_skill_away_and_nothing_brings_it_back(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, sync=SyncPolicy("correct", prune=True, revoked="remove"))
    artifact = world.site.artifacts[str(desired["skill/git"])]
    registry = (world.site.folder / "registry.json").read_bytes()
    shard(world, "git", {artifact.version: release(artifact, quarantined="Stolen.")})

    looked = world.report("plan", status=3)
    assert changes_of(looked, "prod/ada")["skill/git"]["drift"] == "revoked"
    report = world.report("reconcile", status=0)

    change = changes_of(report, "prod/ada")["skill/git"]
    assert (change["action"], change["drift"], change["result"]) == ("delete", "revoked", "applied")
    assert state_of(report, "prod/ada") == "revoked"
    assert report["bots"][0]["desired"] != report["bots"][0]["observed"]
    assert not (world.home("prod/ada") / ".agents/skills/git").exists()
    again = world.report("reconcile", status=0)
    assert (changes_of(again, "prod/ada"), state_of(again, "prod/ada")) == ({}, "revoked")

    # While the index cannot be reached, the store still has it: it is remembered that it was withdrawn.
    from molthub_reconciler.subjects import Choice
    from molthub_reconciler.workplace import Workplace

    place = Workplace(str(world.site.folder), world.target, world.state, Choice())
    place.offline(Rules(act=True))
    assert not (world.home("prod/ada") / ".agents/skills/git").exists()

    (world.site.folder / "registry.json").write_bytes(registry)  # it was a mistake
    world.report("reconcile", status=0)
    assert (world.home("prod/ada") / ".agents/skills/git").exists()


def test_a_quarantined_project_withdraws_all_its_versions(world: World, desired: dict[str, Json]) -> None:
    start(world, desired)
    artifact = world.site.artifacts[str(desired["skill/git"])]
    shard(world, "git", {artifact.version: release(artifact)}, status="quarantined")

    assert kinds(world.report("drift", status=3)) == {"skill/git": "revoked"}


def test_a_withdrawn_skill_that_the_owner_edited_is_kept(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, sync=SyncPolicy("correct", prune=True, revoked="remove"))
    artifact = world.site.artifacts[str(desired["skill/git"])]
    shard(world, "git", {artifact.version: release(artifact, removed="Gone.")})
    write_skill(world, {"SKILL.md": "mine now"})

    report = world.report("reconcile", status=4)

    assert changes_of(report, "prod/ada")["skill/git"]["action"] == "keep"
    assert (world.home("prod/ada") / ".agents/skills/git/SKILL.md").read_text() == "mine now"


def test_a_file_that_cannot_be_read_stops_only_its_own_keys(world: World, desired: dict[str, Json]) -> None:
    start(world, desired, platform="openclaw")
    home = world.home("prod/ada") / ".openclaw"
    (home / "openclaw.json").write_text("{ mcp:")
    (home / "workspace/skills/git/SKILL.md").write_text("edited")

    report = world.report("reconcile", status=1)

    check_report(report)
    found = changes_of(report, "prod/ada")
    assert {key for key, change in found.items() if change.get("drift") == "unreadable"} == set(desired) - {
        "skill/git",
        "skill/docker",
    }
    assert found["skill/git"]["result"] == "applied"
    assert found["mcp/github"]["file"] == ".openclaw/openclaw.json"
    assert [problem["id"] for problem in report["bots"][0]["problems"]] == ["MH701"]
    assert (home / "openclaw.json").read_text() == "{ mcp:"
    assert report["bots"][0]["desired"] != report["bots"][0]["observed"]


class Versions:
    """A provider whose secrets can be rotated."""

    def __init__(self) -> None:
        self.now = {"token": "v1"}

    def rotate(self, name: str, version: str) -> None:
        self.now[name] = version

    def versions(self, bot: str, secrets: Collection[str]) -> Mapping[str, str]:
        assert bot == "prod/ada"
        return {name: self.now[name] for name in secrets if name in self.now}


def test_a_secret_that_was_rotated_is_told_once_it_was(tmp_path: Path) -> None:
    desired: dict[str, Json] = {"env/TOKEN": "${secrets.token}", "env/OTHER": "${secrets.other}", "env/PLAIN": "x"}
    secrets = Versions()
    assert [told(tmp_path, desired, secrets, act=act) for act in (True, True, False)] == [
        {"env/OTHER": None, "env/PLAIN": None, "env/TOKEN": None},
        {},
        {},
    ]

    secrets.rotate("token", "v2")
    assert told(tmp_path, desired, secrets, act=False) == {"env/TOKEN": "secret-rotated"}
    assert told(tmp_path, desired, secrets, act=True, mode="detect") == {"env/TOKEN": "secret-rotated"}
    secrets.now["other"] = "v1"  # which was never known is no change
    assert told(tmp_path, desired, secrets, act=True) == {"env/TOKEN": "secret-rotated"}
    assert told(tmp_path, desired, secrets, act=True) == {}
    del secrets.now["token"]  # nobody can be asked just now
    assert told(tmp_path, desired, secrets, act=True) == {}
    secrets.rotate("token", "v2")
    assert told(tmp_path, desired, secrets, act=True) == {}


def told(
    root: Path, desired: dict[str, Json], secrets: Versions, *, act: bool, mode: Mode = "correct"
) -> dict[str, object]:
    (root / "bots").mkdir(exist_ok=True)
    state, store = TargetState(root / "state", "bots"), Store(root / "store")
    bot = DesiredState("prod", "ada", "agents-dir", "ada", "main", {}, SyncPolicy(mode, prune=True),
                       digest=digest_of(desired), desired=desired)  # fmt: skip
    report = run_pass("reconcile", [Subject("prod/ada", bot, "0" * 64)], DirectoryTarget(root / "bots", store, state),
                      state, Supply(store, None), rules=Rules(act=act), secrets=secrets)  # fmt: skip
    (found,) = report.bots
    if found.state == "in-sync":
        assert found.desired == found.observed
    for change in found.changes:
        if change.get("drift") == "secret-rotated":
            assert change["secrets"] == ["token"]
    return {change["key"]: change.get("drift") for change in found.changes}
