"""What `molthub rollout simulate` prints: the steps of a change among made-up bots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

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
    assert outcome(site, "--refuse", "load")["outcome"] == "going on"


def test_history_says_how_single_bots_were(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text('{"at": 0, "bot": "ada", "health": "failed"}\n{"at": 0, "bot": "eve", "health": "failed"}\n')
    assert outcome(site, "--history", str(file))["outcome"] == "rolled-back"
    file.write_text('{"at": 0, "bot": "nobody", "health": "failed"}\n')
    assert (simulate(site, "--history", str(file)).status) == 2
    file.write_text("nothing\n")
    assert "this is no line of history" in simulate(site, "--history", str(file)).stderr


@pytest.mark.parametrize("options", [("--fail", "nowhere"), ("--refuse", "nothing"), ("--fail-rate", "2")])
def test_what_there_is_not_is_said(site: Site, options: tuple[str, str]) -> None:
    assert simulate(site, *options).status == 2
