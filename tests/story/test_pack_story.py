"""The users' own workflow: create a pack, attach it to a fleet, update it, sync, verify. Every step is a command line.

The registry is a real repository, the index real files, the bots' homes those of Claude Code and OpenClaw.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.builders import bot, commit, fleet, registry, skill
from tests.registry.command import Command

DD = "npx -y datadog-mcp"


class Workflow:
    """A registry with a fleet of two agent programs, its index, the bots' homes, and a context that names them."""

    def __init__(self, folder: Path, molthub: Command) -> None:
        self.folder, self._molthub = folder, molthub
        self.registry, self.site, self.bots = folder / "registry", folder / "site", folder / "bots"
        parts = [bot("prod", "bot-1", platform="claude-code"), bot("prod", "bot-2", platform="openclaw"),
                 bot("lab", "bot-3", platform="agents-dir")]  # fmt: skip
        tree = registry(skill("alerts", "1.0.0"), skill("runbooks", "1.0.0"), fleet("prod"), fleet("lab"), *parts)
        commit(tree, self.registry)
        self.run("context", "set", "here", "--index", self.site, "--target", self.bots, "--registry", self.registry)

    def run(self, *arguments: object, expect: int = 0) -> Any:
        """Run a command with --json and return what it printed."""
        ran = self._molthub(*arguments, "--json")
        assert ran.status == expect, ran
        return ran.json

    def pack(self, *arguments: object, expect: int = 0) -> Any:
        """Run a command that edits packs in the registry."""
        return self.run("skill-packs", *arguments, "--registry", self.registry, expect=expect)

    def build(self) -> None:
        self.run("build", "--registry", self.registry, "--out", self.site, "--fleets")

    def servers(self, name: str) -> dict[str, Any]:
        """Return the MCP servers that a bot's agent program reads from its home."""
        home = self.bots / "prod" / name
        if name == "bot-1":
            found: dict[str, Any] = json.loads((home / ".claude.json").read_text()).get("mcpServers", {})
            return found
        servers: dict[str, Any] = json.loads((home / ".openclaw" / "molthub" / "mcp.json5").read_text())["servers"]
        return servers

    def versions(self) -> dict[str, tuple[int | None, int | None]]:
        """Return, for every bot that has the pack, the version it should have and the one it has."""
        found = self.run("skill-packs", "bots", "production-monitoring")["bots"]
        return {one["botId"]: (one["version"], one.get("has")) for one in found}


@pytest.fixture
def workflow(tmp_path: Path, molthub: Command) -> Workflow:
    return Workflow(tmp_path, molthub)


@contextmanager
def reconciling() -> Iterator[subprocess.Popen[str]]:
    """Let `molthub reconcile` keep the current context's bots, looking at the index once an hour unless asked."""
    command = [sys.executable, "-m", "molthub.cli.main", "reconcile", "--interval", "3600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert "reconciling" in process.stderr.readline()
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def test_create_attach_update_sync_verify(workflow: Workflow) -> None:
    # 1. Create the pack.
    made = workflow.pack("create", "--name", "Production Monitoring", "--skills", "alerts", "--mcp", f"datadog={DD}",
                         "--env", "DD_API_KEY=${secrets.datadog}")  # fmt: skip
    assert (made["pack"], made["version"]) == ("production-monitoring", 1)

    # 2. Attach it to a fleet: its bots of now, and those to come.
    attached = workflow.pack("attach", "production-monitoring", "--fleet", "prod")
    assert attached["bots"] == ["prod/bot-1", "prod/bot-2"]
    workflow.build()
    synced = workflow.run("skill-packs", "sync", "production-monitoring", "--once")
    assert synced["summary"] == {"bots": 2, "inSync": 2}
    assert workflow.servers("bot-1")["datadog"]["command"] == "npx"
    assert workflow.servers("bot-2")["datadog"]["command"] == "npx"
    assert workflow.versions() == {"prod/bot-1": (1, 1), "prod/bot-2": (1, 1)}

    with reconciling():
        # 3. Update the pack: the next number, locked anew.
        changed = workflow.pack("update", "production-monitoring", "--mcp", "pagerduty=npx -y pagerduty-mcp",
                                "--skills", "runbooks")  # fmt: skip
        assert changed["changes"][0]["version"] == 2
        assert workflow.versions() == {"prod/bot-1": (2, 1), "prod/bot-2": (2, 1)}
        workflow.build()

        # 4. Sync: whoever keeps the bots looks at once, though its next look would be in an hour.
        synced = workflow.run("skill-packs", "sync", "production-monitoring", "--timeout", "60")
        assert synced["summary"] == {"bots": 2, "inSync": 2}
        assert {one["state"] for one in synced["bots"]} == {"in-sync"}

        # 5. Verify.
        assert workflow.versions() == {"prod/bot-1": (2, 2), "prod/bot-2": (2, 2)}
        for name in ("bot-1", "bot-2"):
            assert workflow.servers(name).keys() == {"datadog", "pagerduty"}
            assert list((workflow.bots / "prod" / name).rglob("runbooks/SKILL.md"))

        shown = workflow.run("bots", "show", "bot-1", "--registry", workflow.registry)
        assert (shown["observed"]["state"], shown["observed"]["packs"]) == ("in-sync", {"production-monitoring": 2})
        listed = workflow.run("bots", "list", "--fleet", "prod")["bots"]
        assert [one["observed"]["packs"] for one in listed] == [{"production-monitoring": 2}] * 2

        # One bot is detached; it loses the pack, the other keeps it.
        answer = workflow.pack("detach", "production-monitoring", "--bots", "bot-2,bot-9", expect=4)
        assert answer == {"successful": ["bot-2"], "failed": [{"botId": "bot-9", "error": "Bot not found"}]}
        workflow.build()
        synced = workflow.run("skill-packs", "sync", "production-monitoring", "--timeout", "60")
        assert [one["bot"] for one in synced["bots"]] == ["prod/bot-1", "prod/bot-2"]
        assert workflow.versions() == {"prod/bot-1": (2, 2)}
        assert "datadog" not in workflow.servers("bot-2")


def test_a_bot_that_joins_the_fleet_later_gets_its_pack(workflow: Workflow) -> None:
    workflow.pack("create", "production-monitoring", "--mcp", f"datadog={DD}")
    workflow.pack("attach", "production-monitoring", "--fleet", "prod")
    tree = {path.relative_to(workflow.registry).as_posix(): path.read_bytes()
            for path in workflow.registry.rglob("*") if path.is_file() and ".git" not in path.parts}  # fmt: skip
    commit(tree | bot("prod", "bot-7", platform="claude-code"), workflow.registry)
    workflow.build()
    synced = workflow.run("skill-packs", "sync", "production-monitoring", "--once")
    assert [one["bot"] for one in synced["bots"]] == ["prod/bot-1", "prod/bot-2", "prod/bot-7"]


def test_sync_says_what_it_waits_for_and_who_lags(workflow: Workflow, molthub: Command) -> None:
    workflow.pack("create", "production-monitoring", "--mcp", f"datadog={DD}")
    workflow.pack("attach", "production-monitoring", "--fleet", "prod")
    workflow.build()
    # Nobody keeps these bots: it looks once and says so.
    ran = molthub("skill-packs", "sync", "production-monitoring")
    assert (ran.status, "no `molthub reconcile` runs on this target" in ran.err) == (4, True)
    assert "prod/bot-1  pending" in ran.out
    assert "production-monitoring: 0 of 2 bots in sync" in ran.out
    assert workflow.run("skill-packs", "sync", "production-monitoring", "--no-wait")["asked"] is None
    # The index does not hold the commit: no bot can be as git says.
    workflow.pack("update", "production-monitoring", "--env", "A=b")
    ran = molthub("skill-packs", "sync", "production-monitoring", "--timeout", "0.2", "--once")
    assert (ran.status, f"molthub build --out {workflow.site} --fleets" in ran.err) == (4, True)
    assert "the index does not hold" in ran.out
    assert "2 bots wait: prod/bot-1, prod/bot-2" in ran.out
    # One bot cannot be brought in sync, and is named with the reason; the other is.
    workflow.build()
    home = workflow.bots / "prod" / "bot-1"
    home.mkdir(parents=True)
    (home / ".claude.json").write_text("{ not json")
    synced = workflow.run("skill-packs", "sync", "production-monitoring", "--once", "--timeout", "0", expect=4)
    assert {one["bot"]: one["inSync"] for one in synced["bots"]} == {"prod/bot-1": False, "prod/bot-2": True}
    assert synced["bots"][0]["problems"][0]["id"] == "MH701"


def test_an_index_that_cannot_be_read_for_a_moment_is_waited_out(workflow: Workflow) -> None:
    workflow.pack("create", "production-monitoring", "--mcp", f"datadog={DD}")
    workflow.pack("attach", "production-monitoring", "--fleet", "prod")
    workflow.build()
    workflow.pack("update", "production-monitoring", "--env", "A=b")
    root = workflow.site / "registry.json"
    command = ["skill-packs", "sync", "production-monitoring", "--timeout", "60", "--once"]
    with subprocess.Popen([sys.executable, "-m", "molthub.cli.main", *command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as waiting:  # fmt: skip
        assert waiting.stderr is not None
        assert "waiting for" in waiting.stderr.readline()
        root.rename(workflow.folder / "registry.json")
        assert "trying again" in waiting.stderr.readline()
        (workflow.folder / "registry.json").rename(root)
        workflow.build()
        out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, "2 of 2 bots in sync" in out) == (0, True), out + err


def test_patterns_are_no_bots_and_who_is_only_watched_lags_at_once(workflow: Workflow, molthub: Command) -> None:
    tree = {path.relative_to(workflow.registry).as_posix(): path.read_bytes()
            for path in workflow.registry.rglob("*") if path.is_file() and ".git" not in path.parts}  # fmt: skip
    more = bot("prod", "made-later", template=True) | bot("prod", "watched", sync={"mode": "detect"})
    commit(tree | more, workflow.registry)
    workflow.pack("create", "production-monitoring", "--mcp", f"datadog={DD}")
    workflow.pack("attach", "production-monitoring", "--fleet", "prod")
    workflow.build()
    with reconciling():
        ran = molthub("skill-packs", "sync", "production-monitoring", "--timeout", "600")
    assert (ran.status, "2 of 3 bots in sync" in ran.out, "made-later" in ran.out) == (4, True, False)
    assert "prod/watched  pending  it is only watched" in ran.out


def test_without_a_checkout_the_index_says_what_bots_should_have(
    workflow: Workflow, molthub: Command, tmp_path: Path
) -> None:
    workflow.pack("create", "production-monitoring", "--mcp", f"datadog={DD}")
    workflow.pack("attach", "production-monitoring", "--bots", "bot-1,bot-3")
    workflow.build()
    elsewhere = ("--context", "there")
    molthub("context", "set", "there", "--index", workflow.site, "--target", workflow.bots)
    (tmp_path / "empty").mkdir()
    found = workflow.run("skill-packs", "sync", "production-monitoring", *elsewhere, "--once")
    assert (found["commit"], found["summary"]) == (None, {"bots": 2, "inSync": 2})
    listed = workflow.run("skill-packs", "bots", "production-monitoring", *elsewhere, "--fleet", "lab")
    assert [(one["botId"], one["version"], one["has"]) for one in listed["bots"]] == [("lab/bot-3", 1, 1)]
    assert molthub("skill-packs", "bots", "none", *elsewhere).status == 1
    assert molthub("skill-packs", "bots", "production-monitoring", *elsewhere, "--fleet", "none").status == 1
    nowhere = molthub("skill-packs", "bots", "production-monitoring", "--target", workflow.bots)
    assert (nowhere.status, "there is no registry" in nowhere.err or "no registry" in nowhere.err) == (1, True)
