"""A pack as the JSON of other services, and back: nothing changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import commit, pack, registry, skill
from tests.registry.command import Command

DEV = {
    "displayName": "Dev",
    "description": "For developers",
    "skills": ["git", {"name": "sql", "version": "^1.0", "config": {"lines": 5}}],
    "mcps": [{"name": "github", "command": "npx", "args": ["-y", "srv"], "env": {"A": "1"}}],
    "envVars": {"TOKEN": "${secrets.token}"},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    skills = (skill("git"), skill("sql"))
    tree = registry(
        *skills,
        pack("dev", DEV, labels={"workspace": "ws-1"}),
        pack("edge", {"extends": ["dev"], "envVars": {"TOKEN": None}}),
    )
    return Path(commit(tree, tmp_path / "registry") and tmp_path / "registry")


def test_what_is_exported_is_taken_in_without_a_change(place: Path, molthub: Command, tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    ran = molthub("skill-packs", "export", "dev", file, "--format", "json", "--registry", place, "--json")
    assert (ran.status, ran.json["leftOut"]) == (0, {})
    record = json.loads(file.read_text())["skillPacks"][0]
    assert (record["id"], record["name"], record["workspaceId"], record["version"]) == ("dev", "Dev", "ws-1", 1)
    again = molthub("skill-packs", "import", file, "--registry", place, "--json")
    assert [(one["pack"], one["result"]) for one in again.json["packs"]] == [("dev", "unchanged")]

    other = tmp_path / "other"
    commit(registry(skill("git"), skill("sql")), other)
    assert molthub("skill-packs", "import", file, "--registry", other).status == 0
    shown = [molthub("skill-packs", "show", "dev", "--registry", one, "--json").json for one in (place, other)]
    assert shown[0] == {**shown[1], "published": shown[0]["published"], "digest": shown[0]["digest"]}


def test_what_has_no_place_there_is_named(place: Path, molthub: Command) -> None:
    ran = molthub("skill-packs", "export", "edge", "-", "--format", "json", "--registry", place)
    assert ran.status == 4
    assert "pack/dev is left out" in ran.err
    assert "env/TOKEN is left out" in ran.err
    assert json.loads(ran.out)["skillPacks"][0]["name"] == "edge"


def test_what_an_index_says_of_a_pack_is_no_pack(place: Path, molthub: Command, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert molthub("build", "--registry", place, "--out", site, "--fleets").status == 0
    ran = molthub("skill-packs", "import", site / "api/v1/skill-packs.json", "--registry", place, "--json")
    assert ran.status == 1
    assert {one["problems"][0]["remedy"].split(",")[0] for one in ran.json["packs"]} == {
        "molthub import pack/dev --from URL",
        "molthub import pack/edge --from URL",
    }
