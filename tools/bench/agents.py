"""A controller with thousands of agents: what they cost while nothing changes, and how soon they hear of a change."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

import pygit2
from clock import timed
from made_up import commit, document, import_repository
from works import Works

from molthub_reconciler.records.state import NUDGE, TargetState
from molthub_reconciler.remote.store import AgentStore
from molthub_reconciler.remote.token_files import Owner

IN_A_PROCESS = 500
IDLE = 30.0
PATIENCE = 120.0


class Heard:
    """What agents printed: when each took which assignment."""

    def __init__(self) -> None:
        self.at: dict[str, dict[int, float]] = {}
        self._lock = threading.Lock()

    def listen(self, process: subprocess.Popen[str]) -> None:
        """Read what a process prints, until it ends."""
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            with self._lock:
                self.at.setdefault(said["bot"], {})[said["serial"]] = said["at"]

    def count(self, least: int) -> int:
        """Return how many agents took at least so many assignments."""
        with self._lock:
            return sum(len(found) >= least for found in self.at.values())


class AgentsBench(Works):
    """One fleet of which every bot is on another machine."""

    def run(self) -> None:
        """Measure everything and print it."""
        count = self.size.bots
        self.say(f"making up a fleet of {count} bots")
        import_repository(self.registry, self.size)
        self._publish("one")
        state = TargetState(self.folder / "state", str(self.folder / "bots"))
        store = AgentStore(state)
        tokens = {bot: store.tokens.enrol(Owner(bot=bot)) for bot in self._bots()}
        with ExitStack() as stack:
            controller, url = stack.enter_context(self._controller())
            self._wait(lambda: all(store.records.assignment(bot) for bot in tokens), "first pass")
            empty = _memory(controller)
            self.say(f"starting {count} agents")
            heard = Heard()
            for number in range(0, count, IN_A_PROCESS):
                some = list(tokens)[number : number + IN_A_PROCESS]
                stack.enter_context(self._agents(url, {bot: tokens[bot] for bot in some}, heard))
            self._wait(lambda: heard.count(1) == count, "agents came")
            self._quiet(controller)
            self._idle(controller, empty)
            self._change(controller, store, heard)

    def _bots(self) -> list[str]:
        return [f"bench/bot-{number:05d}" for number in range(self.size.bots)]

    def _publish(self, level: str) -> None:
        """Commit another value of a variable that every bot has, and build the index."""
        repo = pygit2.Repository(str(self.registry))
        index = pygit2.Index()
        index.read_tree(repo.revparse_single("HEAD").peel(pygit2.Tree))
        files = {
            "fleets/bench/fleet.yaml": document("Fleet", "bench", "  packs:\n    - name: bot-pack\n  profile: bench\n"),
            "profiles/bench.yaml": document("Profile", "bench", f"  envVars:\n    LEVEL: {level}\n"),
        }
        for path, content in files.items():
            index.add(pygit2.IndexEntry(path, repo.create_blob(content), pygit2.enums.FileMode.BLOB))
        commit(repo, index, f"Say {level}")
        build = ["molthub", "build", "--registry", str(self.registry), "--out", str(self.site), "--fleets", "--quiet"]
        timed(build, runs=1)

    @contextmanager
    def _controller(self) -> Iterator[tuple[int, str]]:
        command = [sys.executable, "-u", "-m", "molthub.cli.main", "reconcile", "--index", str(self.site), "--target",
                   str(self.folder / "bots"), "--state", str(self.folder / "state"), "--listen", "127.0.0.1:0",
                   "--interval", "3600"]  # fmt: skip
        log = self.folder / "controller.log"
        with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
            try:
                self._wait(lambda: "listening" in log.read_text(), "listening")
                found = re.search(r"http://\S+", log.read_text())
                assert found is not None
                yield process.pid, found[0]
            finally:
                process.terminate()

    @contextmanager
    def _agents(self, url: str, tokens: dict[str, str], heard: Heard) -> Iterator[None]:
        folder = self.folder / "agents" / next(iter(tokens)).replace("/", "-")
        command = [sys.executable, str(Path(__file__).with_name("simulated_agents.py")), url, str(folder)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            process.stdin.write("".join(f"{bot} {token}\n" for bot, token in tokens.items()))
            process.stdin.close()
            threading.Thread(target=heard.listen, args=(process,), daemon=True).start()
            try:
                yield
            finally:
                process.terminate()

    def _idle(self, controller: int, empty: float) -> None:
        before = _cpu(controller)
        time.sleep(IDLE)
        share = (_cpu(controller) - before) / IDLE
        memory = _memory(controller)
        each = (memory - empty) * 1024 / self.size.bots
        print(f"  {'idle':28} {share:8.2%} of a processor, {memory:5.0f} MiB ({each:.0f} KiB for each agent)")

    def _change(self, controller: int, store: AgentStore, heard: Heard) -> None:
        self.say("changing every bot")
        self._publish("two")
        before, cpu, begin = {bot: set(found) for bot, found in heard.at.items()}, _cpu(controller), time.time()
        store.state.keep_note("", NUDGE, f"{begin}".encode())
        self._wait(lambda: heard.count(2) == self.size.bots, "agents heard")
        late: list[float] = []
        waited: list[float] = []
        for bot, found in heard.at.items():
            at = next(at for serial, at in found.items() if serial not in before[bot])
            given = next(serial for serial in found if serial not in before[bot]) / 1000  # it is when it was given
            late.append(max(0.0, at - given))
            waited.append(at - begin)
        self._quiet(controller)
        print(
            f"  {'assigned -> agent knows':28} median {median(late) * 1000:6.0f} ms, 99 % {_most(late) * 1000:6.0f} ms"
        )
        print(f"  {'nudge -> agent knows':28} median {median(waited):6.2f} s, last {max(waited):6.2f} s "
              f"(a pass over {self.size.bots} bots)")  # fmt: skip
        print(f"  {'CPU of it all':28} {_cpu(controller) - cpu:6.1f} s, with a report of each")

    def _quiet(self, controller: int) -> None:
        """Wait until the controller has nothing to do."""
        while True:
            before = _cpu(controller)
            time.sleep(2)
            if _cpu(controller) - before < 0.5:  # noqa: PLR2004 (a quarter of a processor)
                return

    def _wait(self, happened: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not happened():
            if time.monotonic() > deadline:
                raise SystemExit(f"{what}: not within {PATIENCE:.0f} s")
            time.sleep(0.1)


def _most(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def _cpu(process: int) -> float:
    """Return the CPU seconds that a process took."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: int) -> float:
    """Return the memory that a process has, in MiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
