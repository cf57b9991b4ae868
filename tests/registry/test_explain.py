"""`molthub explain`: each value, its file and line, and what it overrode; exit statuses and words of failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from molthub.cli.main import molthub_group
from molthub.console import run
from tests.builders import bot, commit, fleet, pack, profile, registry, skill, write_tree

STORY = Path(__file__).parents[1] / "cases" / "story" / "registry"


def explain(*arguments: str, registry_folder: Path = STORY) -> int:
    return run(molthub_group, ["explain", *arguments, "--registry", str(registry_folder), "--worktree"])


def test_the_table_shows_every_key_its_place_and_what_it_overrode(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("ada") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["KEY", "VALUE", "FROM", "OVERRODE"]
    assert ["env/LOG_LEVEL", "debug", "bot", "fleets/prod/bots/ada.yaml:11", "overlay/prod,", "profile/backend,",
            "pack/standard-dev@3"] in rows  # fmt: skip
    assert [
        "env/DATABASE_URL",
        "(taken",
        "away)",
        "overlay/prod",
        "overlays/prod.yaml:8",
        "pack/standard-dev@3",
    ] in rows
    assert ["skill/shell-safety", "1.0.3", "pack/standard-dev@3", "via", "git@1.2.0", "packs/standard-dev/3.yaml:9",
            "-"] in rows  # fmt: skip
    assert ["env/GITHUB_TOKEN", "${secrets.github_token}", "pack/standard-dev@3", "packs/standard-dev/3.yaml:19",
            "-"] in rows  # fmt: skip


@pytest.mark.parametrize("asked", ["LOG_LEVEL", "env/LOG_LEVEL"])
def test_a_key_shows_the_whole_chain(capsys: pytest.CaptureFixture[str], asked: str) -> None:
    assert explain("prod/ada", asked) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["env/LOG_LEVEL", "=", "debug"],
        ["LAYER", "SAYS", "AT"],
        ["bot", "debug", "fleets/prod/bots/ada.yaml:11"],
        ["overlay/prod", "error", "overlays/prod.yaml:9"],
        ["profile/backend", "warning", "profiles/backend.yaml:6"],
        ["pack/standard-dev@3", "info", "packs/standard-dev/3.yaml:21"],
    ]


def test_servers_skills_and_what_was_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("ada", "mcp/postgres") == 0
    assert "mcp/postgres = (taken away)" in capsys.readouterr().out
    assert explain("ada", "skill/shell-safety") == 0
    out = capsys.readouterr().out
    assert "skill/shell-safety = 1.0.3 sha256:" in out
    assert "needed by git@1.2.0" in out
    assert explain("ada", "github") == 0
    assert '"command": "npx"' in capsys.readouterr().out


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("ada", "--json", "--quiet") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["bot"], document["platform"], document["packs"]) == ("prod/ada", "openclaw", {"standard-dev": 3})
    assert document["labels"]["team"] == "payments"
    assert document["keys"]["env/DATABASE_URL"]["takenAway"] is True
    assert document["keys"]["skill/git"]["version"] == "1.2.0"
    assert document["keys"]["skill/shell-safety"]["origins"] == [
        {"layer": "pack/standard-dev@3", "at": "packs/standard-dev/3.yaml:9", "via": "git@1.2.0"}
    ]
    assert explain("ada", "LOG_LEVEL", "--json", "--quiet") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["key"], document["value"]) == ("env/LOG_LEVEL", "debug")
    assert [origin["value"] for origin in document["origins"]] == ["debug", "error", "warning", "info"]


def test_names_that_do_not_exist_are_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("adaa") == 1
    assert "did you mean ada?" in capsys.readouterr().err
    assert explain("ada", "LOG_LEVL") == 1
    assert "did you mean LOG_LEVEL?" in capsys.readouterr().err
    assert explain("ada", "skill/code-reveiw") == 1
    assert "did you mean skill/code-review?" in capsys.readouterr().err
    assert explain("ada", "skill/pager-duty") == 1
    assert "see molthub explain prod/ada" in capsys.readouterr().err
    assert explain("ada", "nothing-like-it") == 1
    assert "see molthub explain prod/ada" in capsys.readouterr().err


def test_a_name_of_several_bots_or_values_asks_which(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tree = registry(
        skill("git"),
        fleet("lab"),
        fleet("prod"),
        bot(
            "lab",
            "ada",
            skills=[{"name": "git", "config": {"a": 1}}],
            mcps=[{"name": "web", "url": "https://x.example/"}],
        ),
        bot("prod", "ada"),
    )
    write_tree(tree, tmp_path)
    assert explain("ada", registry_folder=tmp_path) == 2
    assert "say which: lab/ada, prod/ada" in capsys.readouterr().err
    assert explain("lab/ada", "git", registry_folder=tmp_path) == 2
    assert "say which: config/git, skill/git" in capsys.readouterr().err
    assert explain("lab/ada", registry_folder=tmp_path) == 0
    assert "https://x.example/" in capsys.readouterr().out


def test_a_bot_that_does_not_resolve_says_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_tree(registry(fleet("lab"), bot("lab", "ada", skills=["nothing"])), tmp_path)
    assert explain("ada", registry_folder=tmp_path) == 1
    err = capsys.readouterr().err
    assert "fleets/lab/bots/ada.yaml:8" in err
    assert "MH203: skill nothing is not in this registry" in err
    assert "lab/ada: the bot does not resolve" in err


def test_warnings_are_said_and_revisions_can_be_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    base = [fleet("lab"), bot("lab", "ada", profile="p", packs=[{"name": "dev", "version": 1}])]
    yanked = pack("dev", {"envVars": {"A": "x"}}, {}, records={1: {"yanked": "Wrong."}})
    first = commit(registry(*base, yanked, profile("p", envVars={"B": "old"})), tmp_path)
    commit(registry(*base, yanked, profile("p", envVars={"B": "new"})), tmp_path)
    (tmp_path / "profiles" / "new.yaml").write_text("not committed")
    assert run(molthub_group, ["explain", "ada", "B", "--registry", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "env/B = new" in shown.out
    assert "1 uncommitted file is not read; --worktree reads them" in shown.err
    assert "MH211: pack/dev@1 is yanked: Wrong." in shown.err
    assert run(molthub_group, ["explain", "ada", "B", "--registry", str(tmp_path), "--rev", first]) == 0
    assert "env/B = old" in capsys.readouterr().out
    assert run(molthub_group, ["explain", "ada", "--registry", str(tmp_path), "--rev", first, "--worktree"]) == 2
