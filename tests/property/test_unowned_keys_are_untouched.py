"""What neither git declares nor we wrote stays as it is, byte for byte, whatever is declared and taken away."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.client.cache import Store
from molthub.documents import digest_of
from molthub.model import DesiredState, Json, SyncPolicy
from molthub_reconciler.reconcile import Rules, run_pass
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.targets.directory import DirectoryTarget
from tests.reconciler.site import contents

names = st.sampled_from(["github", "postgres", "files"])
servers: st.SearchStrategy[Json] = st.sampled_from(
    [{"command": "npx"}, {"command": "uvx", "env": {"T": "${secrets.t}"}}, {"url": "https://mcp.example.com/"}]
)
desireds = st.dictionaries(names.map(lambda name: f"mcp/{name}"), servers, max_size=3)
owned = st.dictionaries(st.sampled_from(["mine", "Théo", "a/b"]), servers, min_size=1, max_size=3)
layouts = st.sampled_from([None, 0, 2, 4, "\t"])


@settings(max_examples=20, deadline=None)
@given(owned, layouts, st.lists(desireds, min_size=1, max_size=4))
def test_the_owners_servers_and_files_stay(mine: dict[str, Json], indent: Any, declared: list[dict[str, Json]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        home = root / "bots" / "prod" / "ada"
        (home / ".claude" / "skills" / "own").mkdir(parents=True)
        (home / ".claude" / "skills" / "own" / "SKILL.md").write_text("mine\n")
        (home / "notes.txt").write_text("mine too\n")
        text = json.dumps({"numStartups": 3, "mcpServers": mine, "last": [1, 2.50]}, indent=indent, ensure_ascii=False)
        (home / ".claude.json").write_text(text)
        before = contents(home)

        for desired in (*declared, {}):
            reconcile(root, desired)
            after = json.loads((home / ".claude.json").read_text())
            theirs = {name: server for name, server in after["mcpServers"].items() if f"mcp/{name}" not in desired}
            assert theirs == mine
            assert {key: after[key] for key in ("numStartups", "last")} == {"numStartups": 3, "last": [1, 2.5]}

        left = contents(home)
        left.pop(".agents/molthub.json", None)
        assert left == before


def reconcile(root: Path, desired: dict[str, Json]) -> None:
    state = TargetState(root / "state", "bots")
    store = Store(root / "store")
    bot = DesiredState("prod", "ada", "claude-code", "ada", "main", {}, SyncPolicy("correct", prune=True),
                       digest=digest_of(desired), desired=desired)  # fmt: skip
    report = run_pass("reconcile", [Subject("prod/ada", bot, "0" * 64)], DirectoryTarget(root / "bots", store, state),
                      state, Supply(store, None), rules=Rules(act=True))  # fmt: skip
    assert report.bots[0].state == "in-sync"
