"""The whole line on one value: LOG_LEVEL, from four YAML files to a bot's disk, broken there, found, and mended."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from molthub.documents import digest_of, shard_key

STORY = Path(__file__).parent.parent / "cases" / "story" / "registry"
LAYERS = [
    {"layer": "bot", "at": "fleets/prod/bots/ada.yaml:11", "value": "debug"},
    {"layer": "overlay/prod", "at": "overlays/prod.yaml:9", "value": "error"},
    {"layer": "profile/backend", "at": "profiles/backend.yaml:6", "value": "warning"},
    {"layer": "pack/standard-dev@3", "at": "packs/standard-dev/3.yaml:21", "value": "info"},
]


class Story:
    """A registry in git, its index, and the folder where bots live; every step is a command line."""

    def __init__(self, folder: Path) -> None:
        self.registry, self.site, self.bots = folder / "registry", folder / "site", folder / "bots"
        shutil.copytree(STORY, self.registry)
        for arguments in (["init"], ["add", "--all"], ["commit", "--message", "Declare the registry"]):
            subprocess.run(["git", *arguments], cwd=self.registry, check=True, capture_output=True)

    def molthub(self, *arguments: str | Path, expect: int = 0) -> Any:
        """Run a command with --json and return what it printed."""
        command = ["molthub", *(str(argument) for argument in arguments), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout)

    def build(self) -> Any:
        return self.molthub("build", "--registry", self.registry, "--out", self.site, "--fleets")

    def bot(self, command: str, *options: str, expect: int = 0) -> Any:
        """Run plan, drift or reconcile and return what it says of the one bot."""
        report = self.molthub(command, "--index", self.site, "--target", self.bots, *options, expect=expect)
        assert report["format"] == "molthub.report/1"
        [bot] = report["bots"]
        return bot

    @property
    def home(self) -> Path:
        return self.bots / "prod" / "ada"

    @property
    def servers(self) -> Path:
        return self.home / ".openclaw" / "molthub" / "mcp.json5"

    @property
    def skills(self) -> Path:
        return self.home / ".openclaw" / "workspace" / "skills"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_a_value_goes_from_yaml_to_a_bot_is_broken_there_and_mended(story: Story) -> None:
    # Four layers say something about LOG_LEVEL; the bot's own word wins, and every word is remembered.
    assert story.molthub("check", "--registry", story.registry)["summary"]["errors"] == 0
    told = story.molthub("explain", "ada", "LOG_LEVEL", "--registry", story.registry)
    assert "debug" in json.dumps(told)

    # The index holds the bot as one document: what it shall have, and why.
    story.build()
    document = json.loads((story.site / "bots" / "prod" / "ada.json").read_bytes())
    assert document["origins"]["env/LOG_LEVEL"] == LAYERS
    assert document["desired"]["env/LOG_LEVEL"] == "debug"
    assert document["digest"] == digest_of(document["desired"])
    root = json.loads((story.site / "registry.json").read_bytes())
    assert {shard_key("skill", "git", 1), shard_key("pack", "standard-dev", 1)} <= root["shards"].keys() == {*"0146b"}

    # A bot that has nothing yet lacks everything; nothing is written by a plan.
    bot = story.bot("plan", expect=3)
    assert (bot["state"], {change["action"] for change in bot["changes"]}) == ("pending", {"create"})
    assert not story.home.exists()

    # Reconciling writes the agent program's own files.
    bot = story.bot("reconcile", "--once")
    assert bot["observed"] == bot["desired"] == document["digest"]
    servers = json.loads(story.servers.read_text())["servers"]
    assert servers["github"]["env"] == {"GITHUB_TOKEN": "${GITHUB_TOKEN}", "LOG_LEVEL": "debug"}
    assert sorted(path.name for path in story.skills.iterdir()) == [
        "code-review", "docker", "git", "postgres", "shell-safety",
    ]  # fmt: skip
    assert story.bot("drift")["state"] == "in-sync"

    # Somebody sets another level, deletes a skill and edits a third thing. All of it is found, with its origin.
    story.servers.write_text(story.servers.read_text().replace('"debug"', '"trace"'))
    shutil.rmtree(story.skills / "docker")
    with (story.skills / "git" / "SKILL.md").open("a") as skill:
        skill.write("Never mind the above.\n")
    bot = story.bot("drift", expect=3)
    assert bot["state"] == "drifted"
    server, missing, edited = bot["changes"]
    assert server == {
        "key": "mcp/github", "action": "update", "cause": "drifted", "drift": "modified",
        "file": ".openclaw/molthub/mcp.json5", "origin": "packs/standard-dev/3.yaml:13",
        "parts": [{"part": "/env/LOG_LEVEL", "before": "trace", "after": "debug",
                   "origin": "fleets/prod/bots/ada.yaml:11"}],
    }  # fmt: skip
    assert (missing["key"], missing["action"], missing["drift"]) == ("skill/docker", "create", "missing")
    assert (missing["before"], missing["origin"]) == (None, "packs/standard-dev/3.yaml:10")
    assert (edited["key"], edited["action"], edited["drift"]) == ("skill/git", "update", "modified")
    assert [part["part"] for part in edited["parts"]] == ["SKILL.md"]
    assert bot["observed"] != bot["desired"]

    # One pass mends it; the next finds nothing and writes nothing.
    bot = story.bot("reconcile", "--once")
    assert {change["result"] for change in bot["changes"]} == {"applied"}
    assert story.bot("drift")["observed"] == document["digest"]
    assert '"debug"' in story.servers.read_text()
    before = {path: path.stat().st_mtime_ns for path in story.bots.rglob("*")}
    assert story.bot("reconcile", "--once")["changes"] == []
    assert {path: path.stat().st_mtime_ns for path in story.bots.rglob("*")} == before


def test_a_new_word_in_git_reaches_the_bot_and_what_the_owner_keeps_there_stays(story: Story) -> None:
    story.build()
    story.home.joinpath(".openclaw").mkdir(parents=True)
    own = '// mine\n{ gateway: { port: 4000 }, // keep\n  mcp: { servers: { notes: { command: "notes" } } } }\n'
    settings = story.home / ".openclaw" / "openclaw.json"
    settings.write_text(own)
    (story.skills / "my-own").mkdir(parents=True)
    (story.skills / "my-own" / "SKILL.md").write_text("---\nname: my-own\ndescription: Mine.\n---\n")
    story.bot("reconcile", "--once")
    for kept in ("// mine", "port: 4000 }, // keep", 'notes: { command: "notes" }'):
        assert kept in settings.read_text()

    manifest = story.registry / "fleets" / "prod" / "bots" / "ada.yaml"
    manifest.write_text(manifest.read_text().replace("LOG_LEVEL: debug", "LOG_LEVEL: trace"))
    subprocess.run(
        ["git", "commit", "--all", "--quiet", "--message", "Ask ada for more"], cwd=story.registry, check=True
    )
    story.build()
    bot = story.bot("plan", expect=3)
    assert {(change["key"], change["cause"]) for change in bot["changes"] if change.get("drift") != "extra"} == {
        ("env/LOG_LEVEL", "declared"), ("mcp/github", "declared"),
    }  # fmt: skip
    assert [change["key"] for change in bot["changes"] if change.get("drift") == "extra"] == ["skill/my-own"]
    story.bot("reconcile", "--once")
    assert '"trace"' in story.servers.read_text()
    assert (story.skills / "my-own" / "SKILL.md").exists()
