"""A fleet of any size with 20 skills for each bot: its index, its plan, a controller that has digests at hand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from clock import timed
from made_up import change, document, import_repository, next_pack
from works import Works

PASSES = 1000
FLOOR = "floor: read, hash and parse every bot's document"
WAVES = "  rollout:\n    waves:\n      - name: canary\n        count: 1\n      - name: all\n"


class FleetBench(Works):
    """One fleet. Homes are another bench's: nothing here depends on how many files a skill has."""

    def run(self) -> None:
        """Measure everything and print it."""
        self.say(f"making up {self.size.bots} bots of {self.size.bot_skills} skills")
        import_repository(self.registry, self.size)
        self._build()
        self._plan()
        changed = self._changed_index()
        self._controlled("at once", changed)
        shutil.rmtree(changed)
        packs = "  packs:\n    - name: bot-pack\n"
        change(
            self.registry, {"fleets/bench/fleet.yaml": document("Fleet", "bench", packs + WAVES)}, "Roll out in waves"
        )
        timed(self._command(self.site), runs=1)
        self._controlled("in waves", None)

    def _command(self, out: Path) -> list[str]:
        return ["molthub", "build", "--registry", str(self.registry), "--out", str(out), "--fleets", "--quiet"]

    def _build(self) -> None:
        self.say("building its index")
        self.note("build, cold", timed(self._command(self.site), runs=1))
        self.note("build, unchanged", timed(self._command(self.site), runs=self.runs))
        changes = {
            "one bot changed": self._bot(0, "envVars:\n    BOT: another"),
            "one label": self._bot(1, "envVars:\n    BOT: bot-00001", labels="  labels:\n    ring: canary\n"),
            "an overlay comes to one bot": {
                "overlays/edge.yaml": document("Overlay", "edge", "  envVars:\n    EDGE: one\n"),
                **self._bot(2, "overlays: [edge]"),
            },
            "that overlay changed": {"overlays/edge.yaml": document("Overlay", "edge", "  envVars:\n    EDGE: two\n")},
        }
        for what, files in changes.items():
            change(self.registry, files, f"Change: {what}")
            self.note(f"build, {what}", timed(self._command(self.site), runs=1))
            self.note(f"check, {what}", timed(self._check(), runs=1))

    def _bot(self, number: int, spec: str, labels: str = "") -> dict[str, bytes]:
        """Return the file of one bot, that of the made-up fleet but for what is given."""
        name = f"bot-{number:05d}"
        manifest = document("Bot", name, f"  platform: agents-dir\n  {spec}\n")
        return {f"fleets/bench/bots/{name}.yaml": manifest.replace(b"spec:\n", f"{labels}spec:\n".encode(), 1)}

    def _check(self) -> list[str]:
        where = ["--registry", str(self.registry), "--base", "HEAD~1", "--actor", "bench"]
        return ["molthub", "check", *where, "--quiet"]

    def _plan(self) -> None:
        self.say("planning from nothing")
        where = ["--index", str(self.site), "--target", str(self.folder / "bots"), "--state", str(self.folder / "none")]
        plan = timed(["molthub", "plan", *where, "--elsewhere", "--quiet"], runs=1, environment=self.environment(),
                     expect=(3,))  # fmt: skip
        self.note("plan, from nothing", plan)
        self.note(FLOOR, timed([sys.executable, "-c", _FLOOR, str(self.site / "bots")], runs=1))
        self.ratio("plan, from nothing", FLOOR, "cpu")
        print(f"  {'':10} budget 10 s and 256 MiB for 10,000 bots")

    def _changed_index(self) -> Path:
        """Return a copy of the index in which the pack that all bots have is another version."""
        self.say("changing the pack that all bots have")
        changed = self.folder / "changed"
        shutil.copytree(self.site, changed)
        change(self.registry, next_pack(self.registry, "bot-pack"), "Publish another version of the pack")
        self.note("build, one pack changed", timed(self._command(changed), runs=1))
        self.note("check, one pack changed", timed(self._check(), runs=1))
        return changed

    def _controlled(self, how: str, changed: Path | None) -> None:
        self.say(f"a controller of agents that get changes {how}; {PASSES} passes")
        script, folder = str(Path(__file__).with_name("controlled.py")), self.folder / f"controlled-{how[-5:]}"
        command = [sys.executable, script, str(self.site), str(folder), str(PASSES)]
        done = subprocess.run(
            [*command, *([str(changed)] if changed else [])], check=True, capture_output=True, text=True
        )
        said: dict[str, Any] = json.loads(done.stdout)
        for key, name in _PASSES.items():
            if key in said:
                cpu, wall = said[key]
                print(f"  {f'{how}: {name}':60} {cpu * 1000:8.1f} ms CPU {wall * 1000:8.1f} ms wall", flush=True)
        before, after = said["memory"]
        print(f"  {'':10} at rest {said['opened']} files of bots opened; {said['written']} written in {PASSES} passes; "
              f"{before:.1f} MiB after 10 passes, {after:.1f} after {PASSES}", flush=True)  # fmt: skip
        shutil.rmtree(folder)


_PASSES = {
    "first": "first pass: all assigned",
    "told": "pass in which all have told",
    "rest": "pass at rest",
    "changed": "pass after the pack changed: all assigned anew",
}
_FLOOR = """
import hashlib, json, os, sys
for entry in os.scandir(sys.argv[1]):
    if entry.name.endswith(".json"):
        with open(entry.path, "rb", buffering=0) as file:
            content = file.read()
        hashlib.sha256(content).hexdigest()
        json.loads(content)
"""
