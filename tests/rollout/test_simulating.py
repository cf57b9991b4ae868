"""What `molthub rollout simulate` prints: the steps of a change among made-up bots."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from molthub.model import Window
from molthub_reconciler.rollout.replay import Span, lines_of
from tests.reconciler.site import GIT, Site
from tests.reconciler.world import Outcome, run_molthub

GATE = {"name": "load", "http": {"url": "https://gates.example.com/", "hook": "confirm-promotion"}}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "site")
    digest = made.skill("git", "1.0.0", GIT)
    for bot in ("ada", "eve"):
        made.bot(f"prod/{bot}", {"skill/git": digest})
    made.fleet("prod", rollout={"gates": [GATE]})
    made.publish()
    return made


def simulate(site: Site, *options: str) -> Outcome:
    return run_molthub("rollout", "simulate", "prod", "--registry", str(site.folder), *options)


def outcome(site: Site, *options: str) -> Any:
    return json.loads(simulate(site, "--json", *options).stdout)


def test_a_change_of_many_bots_is_told_step_by_step(site: Site) -> None:
    ran = simulate(site, "--bots", "200")
    assert ran.status == 0, ran
    assert ran.stdout.splitlines()[-1].startswith("200 bots, done after 0:")
    told = outcome(site, "--bots", "200")
    assert [step["new"] for step in told["steps"]][:2] == [1, 20]
    assert told["steps"][-1]["new"] == 200
    assert max(step["unavailable"] for step in told["steps"]) <= 50
    assert told == outcome(site, "--bots", "200"), "the same again"


def test_failures_that_are_invented_stop_it(site: Site) -> None:
    told = outcome(site, "--bots", "100", "--fail", "canary")
    assert (told["outcome"], max(step["new"] for step in told["steps"])) == ("rolled-back", 1)
    assert simulate(site, "--bots", "100", "--fail-rate", "0.2").status == 4
    assert outcome(site, "--bots", "100", "--offline", "0.3")["outcome"] == "done"
    told = outcome(site, "--refuse", "load")
    assert (told["outcome"], "asks load (confirm-promotion)" in told["why"]) == ("waiting", True)
    assert told["took"] < 2 * 3600, "nothing happens any more by itself, so there is nothing to look on for"


def test_history_says_how_single_bots_were(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text('{"at": 0, "bot": "ada", "health": "failed"}\n{"at": 0, "bot": "eve", "health": "failed"}\n')
    assert outcome(site, "--history", str(file))["outcome"] == "rolled-back"
    file.write_text('{"at": 0, "bot": "nobody", "health": "failed"}\n')
    assert (simulate(site, "--history", str(file)).status) == 2
    file.write_text("nothing\n")
    assert "this is no line of history" in simulate(site, "--history", str(file)).stderr


def test_what_is_exported_of_a_change_ends_with_it() -> None:
    states = {"11:59:00": "failed", "12:00:00": "in-sync", "12:10:00": "failed", "12:10:01": "in-sync"}
    lines = [{"at": f"2026-11-21T{at}Z", "state": state} for at, state in states.items()]
    began = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())

    found = list(lines_of({"ada": lines, "eve": lines[1:2]}, Span(began, began + 600)))

    assert [(one["at"], one["bot"], one["health"]) for one in found] == [
        (0, "ada", "failed"),
        (0, "ada", "healthy"),
        (600, "ada", "failed"),
    ]


def test_what_an_operator_decides_by_is_said_last(site: Site) -> None:
    lines = simulate(site, "--bots", "100", "--fail", "tenth").stdout.splitlines()
    assert lines[-5:] == [
        "wave    bots  begins   is over",
        "canary  1     0:00:00  0:01:00",
        "tenth   9     0:01:00",
        f"the change reached 10; at most 10 were away at a time (maxUnavailable: 25%); 9 failed: {first_failed(site)}",
        "100 bots, rolled-back after 0:02:00",
    ]
    told = outcome(site, "--bots", "100", "--fail", "tenth")
    assert (told["reached"], told["mostUnavailable"], told["failed"], len(told["failedBots"])) == (10, 10, 9, 9)
    assert told["waves"][0] == {"wave": "canary", "bots": 1, "began": 0, "over": 60}


def first_failed(site: Site) -> str:
    failed = outcome(site, "--bots", "100", "--fail", "tenth")["failedBots"]
    return f"{', '.join(failed[:3])} and {len(failed) - 3} more"


def test_looks_at_which_hardly_anybody_is_changed_are_told_together(site: Site) -> None:
    site.fleet("prod", rollout={"maxUnavailable": 2})
    site.publish()
    rows = simulate(site, "--bots", "1000").stdout.splitlines()
    together = [row for row in rows if "looks)" in row]
    assert len(together) == 3
    assert together[0].split()[:4] == ["0:01:00", "+99", "100", "2"], "the sum of what was changed, the most away"
    assert len(outcome(site, "--bots", "1000")["steps"]) > 500, "each look is told to programs"


def test_many_runs_say_how_often_it_ends_how(site: Site) -> None:
    ran = simulate(site, "--bots", "100", "--fail-rate", "0.01", "--runs", "20")
    told = json.loads(simulate(site, "--bots", "100", "--fail-rate", "0.01", "--runs", "20", "--json").stdout)["runs"]
    assert ran.status == 4
    assert [one["seed"] for one in told] == list(range(1, 21))
    done = [one for one in told if one["outcome"] == "done"]
    assert 0 < len(done) < 20
    assert all(one["failed"] == 0 for one in done)
    assert f"done         {len(done)}" in ran.stdout or f"done{' ' * 9}{len(done)}" in ran.stdout
    worst = max((one for one in told if one["outcome"] != "done"), key=lambda one: one["reached"])
    assert f"20 runs of 100 bots; the worst is --seed {worst['seed']}: rolled-back" in ran.stdout
    again = outcome(site, "--bots", "100", "--fail-rate", "0.01", "--seed", str(worst["seed"]))
    assert (again["reached"], again["why"]) == (worst["reached"], worst["why"])
    assert simulate(site, "--bots", "100", "--runs", "3").status == 0


def test_windows_are_followed_from_the_time_that_is_said(site: Site) -> None:
    workdays = Window("allow", "0 9 * * 1-5", "8h", "Europe/Berlin")
    site.fleet("prod", rollout={"maxUnavailable": 2}, windows=(workdays,))
    site.publish()
    told = outcome(site, "--bots", "20", "--at", "2026-11-20T16:58:00+0100")
    assert told["outcome"] == "done"
    by_friday = [step["new"] for step in told["steps"] if step["at"] < 120]
    assert max(by_friday) < 10
    monday = 64 * 3600 + 120
    later = [step["at"] for step in told["steps"] if step["at"] >= 600]
    assert monday <= later[0] < monday + 120, "nothing is changed over the weekend"
    assert told["waves"][-1]["over"] > monday


@pytest.mark.parametrize("options", [("--fail", "nowhere"), ("--refuse", "nothing"), ("--fail-rate", "2")])
def test_what_there_is_not_is_said(site: Site, options: tuple[str, str]) -> None:
    assert simulate(site, *options).status == 2
