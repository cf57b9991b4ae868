"""`molthub bots list|show` and `molthub skill-packs bots`: the declared side."""

from __future__ import annotations

import contextlib
import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from molthub import schema_files
from molthub.cli.listed_bots import age
from molthub.observed import STATES
from molthub.spreadsheet import csv_text
from tests.builders import bot, commit, fleet, overlay, pack, profile, registry, skill
from tests.registry.command import Command

TIME = "2026-11-19T10:00:00Z"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    own = {"name": "dev", "attachedAt": TIME, "envOverrides": {"TOKEN": "${secrets.ada}", "LEVEL": "debug"}}
    clear = {"name": "dev", "envOverrides": {"TOKEN": "in-clear", "LEVEL": "debug"}}
    tree = registry(
        skill("git"),
        pack("dev", {"skills": ["git"], "envVars": {"TOKEN": "${secrets.t}"}}, {"envVars": {"TOKEN": "${secrets.t}"}}),
        pack("ops", {"mcps": [{"name": "m", "command": "run"}], "extends": ["dev"]}),
        profile("backend", packs=[{"name": "dev", "version": 1}]),
        overlay("edge", packs=[{"name": "ops", "when": {"matchLabels": {"tier": "edge"}}}]),
        fleet("prod", labels={"tier": "edge"}, packs=["dev"], overlays=["edge"]),
        fleet("lab"),
        bot("prod", "ada", packs=[own], labels={"team": "a"}, platform="openclaw"),
        bot("prod", "ben", profile="backend"),
        bot("prod", "eve", packs=[{"name": "dev", "enabled": False}], overlays=[]),
        bot("lab", "joe", packs=[clear]),
    )
    return Path(commit(tree, tmp_path) and tmp_path)


def test_a_packs_bots_are_listed_with_their_attachments(molthub: Command, place: Path) -> None:
    found = molthub("skill-packs", "bots", "dev", "--registry", place, "--json").json["bots"]
    ada, ben, joe = sorted(found, key=lambda one: {"ada": 0, "ben": 1, "joe": 2}[one["botId"].partition("/")[2]])
    assert ada == {
        "botId": "prod/ada",
        "fleet": "prod",
        "version": 2,
        "attachedAt": TIME,
        "envOverrides": {"TOKEN": "${secrets.ada}", "LEVEL": "debug"},
        "attachedBy": [
            {"layer": "fleet/prod", "at": "fleets/prod/fleet.yaml:9"},
            {"layer": "bot", "at": "fleets/prod/bots/ada.yaml:10"},
        ],
    }
    assert (ben["version"], ben["attachedBy"][1]) == (
        1, {"layer": "profile/backend", "at": "profiles/backend.yaml:7", "version": 1},
    )  # fmt: skip
    # A bot that does not resolve may hold a secret in clear: no literal of it is shown.
    assert (joe["version"], joe["envOverrides"]) == (None, {"TOKEN": "***", "LEVEL": "***"})
    assert "MH105" in [problem["id"] for problem in joe["problems"]]


def test_the_table_says_by_whom_and_since_when(molthub: Command, place: Path) -> None:
    ran = molthub("skill-packs", "bots", "dev", "--registry", place, "--fleet", "prod")
    line = ran.out.splitlines()[1]
    assert line.split() == [
        "prod/ada", "2", "fleet/prod,", "bot", TIME, "TOKEN=${secrets.ada},", "LEVEL=debug"
    ]  # fmt: skip
    assert "in-clear" not in molthub("skill-packs", "bots", "dev", "--registry", place).out
    ops = molthub("skill-packs", "bots", "ops", "--registry", place, "--json").json["bots"]
    assert [one["botId"] for one in ops] == ["prod/ada", "prod/ben"]
    assert ops[0]["attachedBy"][0]["when"] == {"tier": "edge"}
    none = molthub("skill-packs", "bots", "ops", "--registry", place, "--fleet", "lab")
    assert (none.status, "no bot has ops; attach it" in none.err) == (0, True)
    assert "did you mean prod?" in molthub("skill-packs", "bots", "dev", "--registry", place, "--fleet", "prd").err


def test_bots_are_listed_by_fleet_and_labels(molthub: Command, place: Path) -> None:
    def names(*arguments: str) -> list[str]:
        return [one["bot"] for one in molthub("bots", "list", "--registry", place, *arguments, "--json").json["bots"]]

    assert names() == ["lab/joe", "prod/ada", "prod/ben", "prod/eve"]
    assert names("--fleet", "prod", "--selector", "team=a") == ["prod/ada"]
    assert names("--selector", "molthub.dev/platform=openclaw,tier=edge") == ["prod/ada"]
    assert names("--selector", "team=b") == []
    listed = molthub("bots", "list", "--registry", place)
    assert listed.out.splitlines()[0].split() == ["BOT", "PLATFORM", "PACKS", "PROFILE", "RESOLVED"]
    assert listed.out.splitlines()[2].split() == ["prod/ada", "openclaw", "dev@2,", "ops@1", "edge", "yes"]
    assert listed.out.splitlines()[1].split()[-1] == "no"
    assert "1 bot not resolved: molthub bots show BOT says why" in listed.err
    assert "no bot is declared that fits" in molthub("bots", "list", "--registry", place, "--selector", "a=b").err
    assert molthub("bots", "list", "--registry", place, "--fleet", "none").status == 1
    assert molthub("bots", "list", "--registry", place, "--rev", "HEAD", "--worktree").status == 2


def test_one_bot_is_shown_with_what_it_resolves_to_or_why_not(molthub: Command, place: Path) -> None:
    shown = molthub("bots", "show", "ada", "--registry", place, "--json").json
    assert (shown["bot"], shown["resolved"], shown["overlays"], shown["mcps"]) == ("prod/ada", True, ["edge"], ["m"])
    assert shown["packs"]["ops"] == {
        "version": 1,
        "attachedBy": [{"layer": "overlay/edge", "at": "overlays/edge.yaml:7", "when": {"tier": "edge"}}],
    }
    assert shown["labels"]["team"] == "a"
    broken = molthub("bots", "show", "joe", "--registry", place)
    assert (broken.status, "resolved: false" in broken.out, "MH105" in broken.err) == (0, True, True)
    assert "in-clear" not in broken.out + broken.err
    assert "did you mean ada?" in molthub("bots", "show", "adaa", "--registry", place).err


def test_labels_are_selected_as_kubectl_does(molthub: Command, place: Path) -> None:
    def names(selector: str) -> list[str]:
        return molthub("bots", "list", "--registry", place, "-l", selector, "-o", "name").out.split()

    everyone = ["lab/joe", "prod/ada", "prod/ben", "prod/eve"]
    assert names("team!=a") == ["lab/joe", "prod/ben", "prod/eve"]
    assert names("team") == names("team in (a, b)") == names("team==a") == ["prod/ada"]
    assert names("!tier") == names("tier notin (edge),molthub.dev/fleet=lab") == ["lab/joe"]
    assert names("") == everyone
    refused = molthub("bots", "list", "--registry", place, "-l", "team=a,in (b)")
    assert (refused.status, "'in (b)' is no condition" in refused.err) == (2, True)


def test_the_wide_list_has_digests_and_labels(molthub: Command, place: Path) -> None:
    listed = molthub("bots", "list", "--registry", place, "-o", "wide", "--fleet", "prod", "--pack", "ops@1")
    assert listed.out.splitlines()[0].split()[-2:] == ["DESIRED", "LABELS"]
    assert listed.out.splitlines()[1].split()[-1] == "team=a,tier=edge"
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == ["prod/ada", "prod/ben"]
    digest = molthub("bots", "list", "--registry", place, "--platform", "openclaw", "-o", "json").json["bots"][0][
        "digest"
    ]
    assert digest.partition(":")[2][:8] in listed.out
    assert molthub("bots", "list", "--registry", place, "--pack", "ops@2", "-o", "name").out == ""


def test_without_a_checkout_the_index_says_which_bots_there_are(molthub: Command, place: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert molthub("build", "--registry", place, "--out", site, "--fleets", "--views", "none").status == 4
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    with contextlib.chdir(nowhere):
        found = molthub("bots", "list", "--index", site, "--json").json["bots"]
        listed = molthub("bots", "list", "--index", site, "--fleet", "prod", "-l", "team=a")
    with contextlib.chdir(nowhere):
        shown = molthub("bots", "show", "ada", "--index", site, "--json").json
        assert (shown["packs"]["ops"], shown["mcps"]) == ({"version": 1}, ["m"])
        assert "did you mean ada?" in molthub("bots", "show", "adda", "--index", site).err
        assert "resolved: false" in molthub("bots", "show", "lab/joe", "--index", site).out
    declared = {one["bot"]: one for one in molthub("bots", "list", "--registry", place, "--json").json["bots"]}
    assert {one["bot"]: one.get("digest") for one in found} == {
        name: one.get("digest") for name, one in declared.items()
    }
    assert [line.split()[:4] for line in listed.out.splitlines()[1:]] == [["prod/ada", "openclaw", "dev@2,", "ops@1"]]


def test_states_are_known_to_a_target_alone(molthub: Command, place: Path, tmp_path: Path) -> None:
    assert "did you mean drifted?" in molthub("bots", "list", "--registry", place, "--status", "drited").err
    assert "needs a target" in molthub("bots", "list", "--registry", place, "--status", "drifted").err
    words = ("bots", "list", "--registry", place, "--target", tmp_path / "bots", "-o", "wide", "--status", "unknown")
    listed = molthub(*words)
    assert len(listed.out.splitlines()) == 5
    assert listed.out.splitlines()[0].split()[-3:] == ["OBSERVED", "SEEN", "LABELS"]
    assert schema_files.load("report")["properties"]["bots"]["items"]["properties"]["state"]["enum"] == [*STATES]


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2026-11-21T11:59:15Z", "45s"),
        ("2026-11-21T11:48:00Z", "12m"),
        ("2026-11-21T06:00:00Z", "6h"),
        ("2026-11-18T10:00:00Z", "3d"),
        ("2026-11-21T12:00:09Z", "0s"),
        (None, "-"),
        ("yesterday", "-"),
    ],
)
def test_how_long_ago_it_was(at: str | None, shown: str) -> None:
    assert age(at, datetime(2026, 11, 21, 12, tzinfo=UTC)) == shown


def test_bots_are_found_by_the_versions_of_their_skills(molthub: Command, place: Path) -> None:
    def found(wanted: str) -> list[str]:
        return molthub("bots", "list", "--skill", wanted, "--registry", place, "-o", "name").out.split()

    assert found("git") == found("git@<2") == found("git@1.0.0") == ["prod/ben"]
    assert found("git@>=1.0.1") == found("docker") == []
    shown = molthub("bots", "list", "--skill", "git@<2", "--registry", place).out.splitlines()
    assert (shown[0].split()[-1], shown[1].split()[-2:]) == ("SKILL", ["git", "1.0.0"])
    refused = molthub("bots", "list", "--skill", "git@=>x", "--registry", place)
    assert (refused.status, "is not a version range" in refused.err) == (1, True)


def test_a_spreadsheet_gets_every_bot_with_all_that_is_known(molthub: Command, place: Path) -> None:
    ran = molthub("bots", "list", "--registry", place, "-o", "csv")
    lines = {line["bot"]: line for line in csv.DictReader(ran.out.splitlines())}
    assert [*lines] == ["lab/joe", "prod/ada", "prod/ben", "prod/eve"]
    assert (lines["prod/ben"]["skills"], lines["prod/ben"]["packs"]) == ("git@1.0.0", "dev@1 ops@1")
    assert "team=a" in lines["prod/ada"]["labels"].split()
    assert lines["lab/joe"]["resolved"] == "no"
    assert csv_text(["a"], [["=1+1"], ["-5"], ['fine, "you"']]) == 'a\r\n\'=1+1\r\n\'-5\r\n"fine, ""you"""\r\n'
