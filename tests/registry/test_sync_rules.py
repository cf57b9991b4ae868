"""How bots are kept: what the check says of it, how it is inherited, and what explain shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from molthub.errors import Problem
from molthub.registry.catalog import read_catalog
from molthub.registry.check import check
from molthub.registry.resolve import resolve_bots
from tests.builders import Tree, TreeSource, bot, fleet, profile, registry, skill, write_tree
from tests.registry.command import run_molthub

ALLOW = {"kind": "allow", "schedule": "0 9 * * 1-5", "duration": "8h", "timeZone": "Europe/Berlin"}


def tree(fleet_spec: dict[str, Any], bot_spec: dict[str, Any] | None = None) -> Tree:
    content = (
        skill("git", "1.0.0"),
        profile("base", skills=["git"], envVars={"LOG_LEVEL": "info"}, mcps=[{"name": "gh", "command": "npx"}]),
        fleet("prod", **fleet_spec),
        bot("prod", "ada", profile="base", **(bot_spec or {})),
    )
    return registry(*content)


def found(tree: Tree) -> list[Problem]:
    return [problem for problem in check(TreeSource(tree)).problems if problem.id in ("MH110", "MH111", "MH112")]


def test_good_policy_says_nothing() -> None:
    sync = {
        "ignore": [{"match": "mcp/*/env/LOG_LEVEL", "reason": "x"}, {"match": "skill/git/**.md", "reason": "x"}],
        "keys": [{"match": "env/*", "mode": "detect"}],
        "suspend": {"reason": "audit"},
    }
    assert found(tree({"sync": sync, "windows": [ALLOW]}, {"sync": {"suspend": False}})) == []


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({**ALLOW, "schedule": "0 9 * *"}, "no cron schedule"),
        ({**ALLOW, "timeZone": "Europe/Nowhere"}, "no time zone"),
        ({"kind": "deny", "schedule": "0 0 * * *", "duration": "24h"}, "never open"),
    ],
)
def test_a_window_that_cannot_be_read_or_never_opens_is_an_error(window: dict[str, str], said: str) -> None:
    (problem,) = found(tree({"windows": [ALLOW, window] if said == "never open" else [window]}))

    assert (problem.id, problem.severity, problem.file) == ("MH110", "error", "fleets/prod/fleet.yaml")
    assert problem.line
    assert said in problem.message


@pytest.mark.parametrize(
    ("rule", "severity", "said"),
    [
        ({"match": "server/github", "reason": "x"}, "error", "a key begins with"),
        ({"match": "env/LOG_LEVLE", "reason": "x"}, "warning", "matches no key, nor reaches into one"),
        ({"match": "env/LOG_LEVEL/x", "mode": "detect"}, "warning", "matches no key of the bot"),
    ],
)
def test_a_rule_that_matches_nothing_is_told(rule: dict[str, str], severity: str, said: str) -> None:
    field = "keys" if "mode" in rule else "ignore"
    (problem,) = found(tree({}, {"sync": {field: [rule]}}))

    assert (problem.id, problem.severity, problem.file) == ("MH111", severity, "fleets/prod/bots/ada.yaml")
    assert said in problem.message


def test_a_suspension_that_says_no_reason_is_warned_about() -> None:
    (problem,) = found(tree({"sync": {"suspend": True}}))

    assert (problem.id, problem.severity) == ("MH112", "warning")


def test_a_bot_inherits_and_adds() -> None:
    sync = {
        "mode": "detect", "revoked": "remove", "suspend": {"reason": "audit"},
        "keys": [{"match": "env/*", "mode": "correct"}], "ignore": [{"match": "env/A", "reason": "fleet"}],
    }  # fmt: skip
    own = {
        "suspend": False, "keys": [{"match": "env/B", "mode": "detect"}],
        "ignore": [{"match": "env/C", "reason": "bot"}],
    }  # fmt: skip
    catalog = read_catalog(TreeSource(tree({"sync": sync, "windows": [ALLOW]}, {"sync": own})))

    policy = resolve_bots(catalog)["prod/ada"].sync

    assert (policy.mode, policy.revoked) == ("detect", "remove")
    assert policy.suspend is not None
    assert not policy.suspend.active
    assert [rule.match for rule in policy.keys] == ["env/B", "env/*"]
    assert [rule.match for rule in policy.ignore] == ["env/C", "env/A"]
    assert [window.schedule for window in policy.windows] == ["0 9 * * 1-5"]


def test_explain_shows_who_says_how_a_bot_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sync = {"mode": "detect", "ignore": [{"match": "env/LOG_LEVEL", "reason": "whoever debugs"}]}
    place = write_tree(tree({"sync": sync, "windows": [ALLOW]}, {"sync": {"mode": "correct"}}), tmp_path / "r")

    outcome = run_molthub(capsys, "explain", "ada", "--registry", str(place), "--worktree")

    rows = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert "SYNC VALUE FROM WHY" in rows
    assert "mode correct fleets/prod/bots/ada.yaml" in rows
    assert any(
        row.startswith("ignore env/LOG_LEVEL fleets/prod/fleet.yaml:") and "whoever debugs" in row for row in rows
    )
    assert any(row.startswith("windows allow 0 9 * * 1-5 for 8h (Europe/Berlin) fleets/prod/") for row in rows)
