"""What nothing refers to goes; what bots have, or can go back to, or somebody may be about to use, stays."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from molthub.client.cache import default_store
from molthub.client.paths import cache_folder
from molthub.model import Json
from molthub_reconciler.pruning.daily import kept_for, prune_daily
from molthub_reconciler.pruning.prune import DAY, USUAL_AGE, shown_size
from molthub_reconciler.records.state import TargetState
from tests.reconciler.site import GIT, contents, stamps
from tests.reconciler.world import Outcome, World, run_molthub
from tests.registry.command import assert_document


def publish(world: World, desired: dict[str, Json], number: int, **fields: Any) -> str:
    """Let a bot have another version of a skill, and return its digest."""
    digest = world.site.skill("git", f"1.2.{number}", {**GIT, "more.md": str(number)})
    world.site.bot("prod/ada", {**desired, "skill/git": digest}, **fields)
    world.site.publish()
    world.report("reconcile", status=0)
    return digest


def age(days: float = 40) -> None:
    """Let everything in the store and the cache have been used so long ago."""
    then = time.time() - days * DAY
    for place in cache_folder().rglob("*"):
        os.utime(place, (then, then))


def prune(world: World, *options: str) -> Outcome:
    return run_molthub("prune", "--state", str(world.state), *options)


def pruned(world: World, *options: str, status: int = 0) -> Any:
    outcome = prune(world, "--json", *options)
    assert outcome.status == status, outcome
    document = json.loads(outcome.stdout)
    assert_document("prune-result", document)
    return document


def kinds(document: Any) -> list[str]:
    return [one["kind"] for one in document["removed"]]


def test_what_a_bot_has_or_can_go_back_to_stays_and_older_versions_go(world: World, desired: dict[str, Json]) -> None:
    digests = [publish(world, desired, number) for number in range(8)]
    age()

    document = pruned(world)

    store = default_store()
    assert [store.has(digest) for digest in digests] == [False] * 3 + [True] * 5
    assert kinds(document) == ["archive"] * 3
    assert document["summary"]["kept"] == 6  # docker, too
    assert document["summary"]["bytes"] == sum(one["bytes"] for one in document["removed"])
    assert world.molthub("rollback", "prod/ada", "--to", world.site.bots["prod/ada"].digest or "").status == 1
    assert world.report("rollback", "prod/ada", status=0)["bots"][0]["state"] == "rolled-back"


def test_what_was_needed_lately_stays_and_the_age_is_for_the_operator_to_say(
    world: World, desired: dict[str, Json]
) -> None:
    old, *_ = [publish(world, desired, number) for number in range(7)]
    age(20)

    assert kinds(pruned(world)) == []
    assert kinds(pruned(world, "--older-than", "7d")) == ["archive", "archive"]

    publish(world, desired, 9)
    assert not default_store().has(old)


def test_whoever_asks_for_an_archive_keeps_it_from_going(world: World, desired: dict[str, Json]) -> None:
    first, *_ = [publish(world, desired, number) for number in range(7)]
    age()
    (found,) = [one for one in default_store().archives() if one.digest == first]

    assert default_store().has(first)

    assert not default_store().drop_unused(found)
    assert default_store().has(first)
    assert len(kinds(pruned(world))) == 1


def test_a_dry_run_says_the_same_and_takes_nothing(world: World, desired: dict[str, Json]) -> None:
    for number in range(7):
        publish(world, desired, number)
    age()
    (world.home("prod/ada") / ".molthub-staging/1").mkdir(parents=True)
    before, homes = contents(cache_folder()), stamps(world.folder)

    said = pruned(world, "--dry-run", status=3)

    assert (contents(cache_folder()), stamps(world.folder)) == (before, homes)
    done = pruned(world)
    assert {key: said[key] for key in ("removed", "summary")} == {key: done[key] for key in ("removed", "summary")}
    assert pruned(world, "--dry-run")["removed"] == []


def test_what_killed_passes_left_goes(world: World, desired: dict[str, Json]) -> None:
    publish(world, desired, 0)
    (world.home("prod/ada") / ".molthub-staging/1/docs").mkdir(parents=True)
    (world.home("prod/ada") / ".molthub-staging/1/docs/a.md").write_text("half")
    bot = world.bot_state("prod/ada")
    old, young = bot / ".receipt.json.staged", bot / ".passes.jsonl.0123.tmp"
    for file in (old, young):
        file.write_text("half a")
    os.utime(old, (1, 1))
    cut_off = default_store().root / ".adding/0123"
    cut_off.write_bytes(b"half")
    os.utime(cut_off, (1, 1))
    homes = contents(world.home("prod/ada"))

    assert sorted(kinds(pruned(world))) == ["download", "staging", "temporary"]

    assert not old.exists()
    assert young.exists()
    assert not cut_off.exists()
    left = {name: content for name, content in homes.items() if not name.startswith(".molthub-staging")}
    assert contents(world.home("prod/ada")) == left
    assert world.report("drift", "--full", status=0)["summary"]["changes"] == 0


def test_no_link_is_followed(world: World, desired: dict[str, Json], tmp_path: Path) -> None:
    publish(world, desired, 0)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.md").write_text("years of work")
    (world.home("prod/ada") / ".molthub-staging").symlink_to(precious)
    (world.target / "prod/eve").symlink_to(precious)
    (precious / ".molthub-staging").mkdir()

    assert kinds(pruned(world)) == []

    assert (precious / "thesis.md").exists()
    assert (precious / ".molthub-staging").is_dir()


def test_records_of_a_bot_of_which_nothing_is_left_go_in_time(world: World, desired: dict[str, Json]) -> None:
    publish(world, desired, 0)
    for bot in ("prod/gone", "prod/pinned"):
        TargetState(world.state, str(world.target)).add_pass(bot, {"at": "x", "changes": [], "problems": []})
    (world.bot_state("prod/pinned") / "pin.json").write_text("{}")
    aside = world.bot_state("prod/ada") / "receipt.unreadable.json"
    aside.write_text("?")
    assert kinds(pruned(world)) == []
    for place in (*world.bot_state("prod/gone").rglob("*"), *world.bot_state("prod").rglob("*")):
        os.utime(place, (1, 1))

    assert sorted(kinds(pruned(world))) == ["bot", "receipt"]

    assert not world.bot_state("prod/gone").exists()
    assert world.bot_state("prod/pinned").exists()
    assert (world.bot_state("prod/ada") / "receipt.json").exists()


def test_a_target_that_somebody_works_on_is_left_out_and_said(world: World, desired: dict[str, Json]) -> None:
    publish(world, desired, 0)
    (world.home("prod/ada") / ".molthub-staging").mkdir()

    with TargetState(world.state, str(world.target)).lock():
        document = pruned(world, status=4)

    assert [problem["id"] for problem in document["problems"]] == ["MH738"]
    assert (world.home("prod/ada") / ".molthub-staging").exists()
    assert kinds(pruned(world)) == ["staging"]


def test_a_target_whose_folder_is_gone_is_forgotten_only_where_that_is_said(
    world: World, desired: dict[str, Json]
) -> None:
    digest = publish(world, desired, 0)
    shutil.rmtree(world.target)
    age()

    document = pruned(world)

    assert (kinds(document), [problem["id"] for problem in document["problems"]]) == ([], ["MH737"])
    assert default_store().has(digest)
    age()
    assert sorted(kinds(pruned(world, "--forget-gone"))) == ["archive", "archive", "target"]
    assert list((world.state / "targets").iterdir()) == []


def test_every_state_folder_that_uses_the_store_counts(world: World, desired: dict[str, Json], tmp_path: Path) -> None:
    digest = publish(world, desired, 0)
    age()

    outcome = run_molthub("prune", "--state", str(tmp_path / "another"), "--json")

    assert json.loads(outcome.stdout)["removed"] == []
    assert default_store().has(digest)


def test_a_state_that_cannot_be_read_keeps_everything(world: World, desired: dict[str, Json]) -> None:
    for number in range(7):
        publish(world, desired, number)
    age()
    receipt = world.bot_state("prod/ada") / "receipt.json"
    receipt.unlink()
    receipt.mkdir()
    shutil.rmtree(world.bot_state("prod/ada") / "documents")
    (world.bot_state("prod/ada") / "documents").symlink_to("documents")

    document = pruned(world, status=4)

    assert "archive" not in kinds(document)


def test_what_was_fetched_of_an_index_that_nobody_asks_any_more_goes(world: World, desired: dict[str, Json]) -> None:
    publish(world, desired, 0)
    old, young = cache_folder() / "index/0123", cache_folder() / "index/4567"
    for folder in (old, young):
        (folder / "blobs").mkdir(parents=True)
        (folder / "registry.json").write_text("{}")
    for place in (*old.rglob("*"), old):
        os.utime(place, (1, 1))

    assert kinds(pruned(world)) == ["index"]

    assert young.exists()
    assert not old.exists()


def test_it_is_done_once_a_day_by_whoever_reconciles(world: World, desired: dict[str, Json]) -> None:
    digests = [publish(world, desired, number) for number in range(7)]
    store, now = default_store(), time.time()
    age()
    (world.home("prod/ada") / ".molthub-staging").mkdir()

    assert prune_daily(world.state, store, USUAL_AGE, now) is None  # the passes above did it today
    assert prune_daily(world.state, store, None, now + DAY) is None
    found = prune_daily(world.state, store, USUAL_AGE, now + DAY)

    assert found is not None
    assert [one.kind for one in found.taken] == ["archive", "archive"]
    assert [store.path(digest).exists() for digest in digests] == [False] * 2 + [True] * 5
    assert (world.home("prod/ada") / ".molthub-staging").exists()
    assert prune_daily(world.state, store, USUAL_AGE, now + DAY + 60) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("", USUAL_AGE), ("prune: 7d", 7 * DAY), ("prune: never", None), ("reload:", USUAL_AGE)]
)
def test_the_operator_says_for_how_long(tmp_path: Path, text: str, seconds: float | None) -> None:
    (tmp_path / "reconcile.yaml").write_text(text)
    (tmp_path / "reconcile.yaml").chmod(0o600)

    assert kept_for(tmp_path) == seconds


@pytest.mark.parametrize("text", ["prune: 1h", "prune: soon", "prune: [7d]"])
def test_a_time_that_cannot_be_meant_is_refused_with_its_line(
    world: World, desired: dict[str, Json], text: str
) -> None:
    folder = Path(os.environ["XDG_CONFIG_HOME"], "molthub")
    folder.mkdir(parents=True)
    (folder / "reconcile.yaml").write_text(f"# mine\n{text}\n")
    world.site.bot("prod/ada", desired)
    world.site.publish()

    outcome = world.molthub("reconcile")

    assert (outcome.status, "reconcile.yaml:2" in outcome.stderr) == (1, True)


@pytest.mark.parametrize("said", ["1d", "soon"])
def test_an_age_that_cannot_be_meant_is_refused(world: World, said: str) -> None:
    assert prune(world, "--older-than", said).status == 2


def test_people_are_told_what_and_how_much(world: World, desired: dict[str, Json]) -> None:
    for number in range(7):
        publish(world, desired, number)
    age()

    lines = [" ".join(line.split()) for line in prune(world).stdout.splitlines()]

    assert lines[0] == "what number size"
    assert lines[1].startswith("skill archives that no bot has or can go back to 2 ")
    assert lines[-1].startswith("2 things taken away, ")
    assert prune(world).stdout.startswith("nothing to take away; 6 archives kept, ")


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (7e9, "7.0 GB")]
)
def test_sizes_are_shown_as_people_read_them(size: float, text: str) -> None:
    assert shown_size(size) == text
