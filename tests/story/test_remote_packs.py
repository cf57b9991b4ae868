"""The users' own workflow where bots live on other machines: one controller, agents, and an operator's context.

Controller and agent are real processes over loopback; the operator has no access to their folders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.builders import bot, commit, fleet, registry, skill
from tests.reconciler.world import World, run_molthub
from tests.registry.command import assert_printed
from tests.remote.fleet import Fleet


class Operator:
    """An operator's machine: a checkout, the index, and a context whose target is the controller."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet(World(folder))
        self.registry = folder / "registry"
        bots = [bot("prod", name, platform="claude-code") for name in ("ada", "ben")]
        commit(registry(skill("alerts"), skill("runbooks"), fleet("prod"), *bots), self.registry)
        self.build()

    def build(self) -> None:
        out = str(self.fleet.world.site.folder)
        done = run_molthub("build", "--registry", str(self.registry), "--out", out, "--fleets", "--views", "none")
        assert done.status == 0, done

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the controller run, and the agent of ada; ben's machine is off."""
        for name in ("prod/ada", "prod/ben"):
            self.fleet.token(name)
        with self.fleet.controller("--interval", "1"), self.fleet.agent("prod/ada", "--interval", "1"):
            index = str(self.fleet.world.site.folder)
            words = ("context", "set", "far", "--index", index, "--target", self.fleet.url)
            done = run_molthub(*words, "--registry", str(self.registry))
            assert done.status == 0, done
            yield

    def json(self, *words: str, status: int = 0) -> Any:
        done = run_molthub(*words, "--json")
        assert done.status == status, done
        found = json.loads(done.stdout)
        assert_printed(words, found)
        return found


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    operator = Operator(tmp_path)
    token = tmp_path / "operator.token"
    token.touch(0o600)
    done = run_molthub("agents", "token", "--operator", *operator.fleet.places)
    assert done.status == 0, done
    token.write_text(done.stdout)
    monkeypatch.setenv("MOLTHUB_OPERATOR_TOKEN_FILE", str(token))
    return operator


def test_a_pack_is_synced_to_bots_on_other_machines(operator: Operator) -> None:
    place = ("--registry", str(operator.registry))
    with operator.running():
        operator.json("skill-packs", "create", "--name", "Watch", "--skills", "alerts", "--mcp", "dd=npx -y dd", *place)
        operator.json("skill-packs", "attach", "watch", "--fleet", "prod", *place)
        waits = operator.json("skill-packs", "sync", "watch", "--no-wait", status=4)
        assert (waits["published"], [one["bot"] for one in waits["bots"]]) == (False, ["prod/ada", "prod/ben"])

        operator.build()
        synced = operator.json("skill-packs", "sync", "watch", "--timeout", "60", status=4)
        told = {one["bot"]: one for one in synced["bots"]}
        assert (told["prod/ada"]["inSync"], told["prod/ada"]["version"]) == (True, 1)
        assert (told["prod/ben"]["inSync"], told["prod/ben"]["state"]) == (False, "offline")
        assert "dd" in json.loads((operator.fleet.home("prod/ada") / ".claude.json").read_text())["mcpServers"]

        operator.json("skill-packs", "update", "watch", "--skills", "runbooks", *place)
        operator.build()
        operator.json("skill-packs", "sync", "watch", "--timeout", "60", status=4)
        bots = {one["botId"]: one for one in operator.json("skill-packs", "bots", "watch")["bots"]}
        assert (bots["prod/ada"]["version"], bots["prod/ada"]["has"], bots["prod/ada"]["state"]) == (2, 2, "in-sync")
        assert (bots["prod/ben"]["version"], bots["prod/ben"].get("has")) == (2, None)
        listed = run_molthub("bots", "list", "--status", "offline", "-o", "name")
        assert listed.stdout.split() == ["prod/ben"]
        wide = run_molthub("bots", "list", "-o", "wide").stdout.splitlines()
        ada = dict(zip(wide[0].split(), wide[1].split(), strict=False))
        assert (ada["STATE"], ada["HAS"], ada["OBSERVED"]) == ("in-sync", "watch@2", ada["DESIRED"])
        shown = operator.json("bots", "show", "ada")
        assert shown["observed"]["packs"] == {"watch": 2}
