"""``make bench``: times the line on a made-up registry, beside the nearest tools, in one run on one machine.

Usage: ``python tools/bench [--quick | --size N | --bots N | --fleet N | --agents N]``; ``--size`` times building,
checking and searching alone, of N skill versions (up to 100,000, which takes some 10 minutes on an idle machine and
12 GB), ``--bots`` keeping N bots in sync (10,000 are 210,000 files and 1.2 GB), ``--fleet`` the index and the plan of
a fleet of N bots with 20 skills each, and 1,000 passes of its controller, ``--agents`` a controller that the agents of
N bots on other machines follow. Prints a table of whole processes (medians) and ratios of equal work. Numbers of other
machines or runs cannot be compared with these; ratios of one run can.
"""

from __future__ import annotations

import argparse
import compileall
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from building import BuildBench
from clock import Figure, timed
from made_up import Size, change, import_repository, name_of, publish_one_more, renewed, write_repository
from works import Works

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

FULL = Size()
QUICK = Size(skills=200, versions=5, bots=100)


class Bench(Works):
    """The works, in the order of the line, and what they took."""

    def run(self) -> None:
        """Time everything and print it."""
        print(f"making up {self.size.skills * self.size.versions} skill versions and {self.size.bots} bots ...")
        write_repository(self.registry, self.size)
        self._start()
        self._build()
        with self._served() as url:
            self._install(url)
        self._reconcile()

    def _start(self) -> None:
        print("start")
        self.note("python -c pass", timed([sys.executable, "-c", "pass"], runs=self.runs))
        self.note("skills --version", timed(["skills", "--version"], runs=self.runs))

    def _build(self) -> None:
        print("build")
        build = ["molthub", "build", "--registry", str(self.registry), "--out", str(self.site), "--fleets", "--quiet"]
        self.note("build, cold", timed(build, runs=1, before=lambda: shutil.rmtree(self.site, ignore_errors=True)))
        self.note("build, unchanged", timed(build, runs=1))
        publish_one_more(self.registry, self.size)
        self.note("build, after one change", timed(build, runs=1))
        self.note("dumb-pypi, as many files", self.dumb_pypi())
        self.ratio("build, cold", "dumb-pypi, as many files", "cpu")

    @contextmanager
    def _served(self) -> Iterator[str]:
        command = ["molthub", "serve", "--index", str(self.site), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
            assert server.stdout is not None
            found = None
            while not found:
                found = re.search(r"http://\S+", server.stdout.readline())
            # It tells of every request; a full pipe would stop it.
            threading.Thread(target=server.stdout.read, daemon=True).start()
            try:
                yield found.group(0)
            finally:
                server.terminate()

    def _install(self, url: str) -> None:
        print("install, cold, from loopback, verified")
        one, pack = name_of(0), "pack/bench-pack"
        self.note("skills install, 1", self._installed(["skills", "install", one, "--registry", url, "--project"]))
        self.note(
            f"skills install, pack of {self.size.pack_skills}",
            self._installed(["skills", "install", pack, "--registry", url, "--project"]),
        )
        again = self._in_place(["skills", "install", pack, "--registry", url, "--project"])
        self.note("skills install, the same again", again)
        self.note("skills list", self._in_place(["skills", "list"]))
        self.note("skills verify", self._in_place(["skills", "verify"]))
        self._peer_installs(url, one)

    def _peer_installs(self, url: str, one: str) -> None:
        from tests.peers.npm_programs import npm_program

        program = str(npm_program("skills"))
        tail = ["--skill", "*", "-y", "-a", "claude-code", "--copy"]
        self.note("npm skills add, 1", self._installed([program, "add", f"{url.rstrip('/')}/s/{one}", *tail]))
        self.note(
            f"npm skills add, pack of {self.size.pack_skills}",
            self._installed([program, "add", f"{url.rstrip('/')}/p/bench-pack", *tail]),
        )
        for work in ("1", f"pack of {self.size.pack_skills}"):
            self.ratio(f"skills install, {work}", f"npm skills add, {work}")

    def _fresh(self) -> Path:
        place = self.folder / "project"
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(self.folder / "home", ignore_errors=True)
        place.mkdir()
        (self.folder / "home").mkdir()
        return place

    def _installed(self, command: list[str]) -> Figure:
        place = self._fresh()
        return timed(command, runs=self.runs, before=lambda: (self._fresh(), None)[1], folder=place,
                     environment=self.environment())  # fmt: skip

    def _in_place(self, command: list[str]) -> Figure:
        return timed(command, runs=self.runs, folder=self.folder / "project", environment=self.environment())

    def _reconcile(self) -> None:
        print(f"reconcile {self.size.bots} bots")
        bots, state = self.folder / "bots", self.folder / "state"
        where = ["--index", str(self.site), "--target", str(bots), "--state", str(state), "--quiet"]

        def forget() -> None:
            shutil.rmtree(bots, ignore_errors=True)
            shutil.rmtree(state, ignore_errors=True)

        plan = timed(["molthub", "plan", *where], runs=1, before=forget, environment=self.environment(), expect=(3,))
        self.note("plan, from nothing", plan)
        cold = timed(["molthub", "reconcile", *where, "--once"], runs=1, before=forget, environment=self.environment())
        self.note("reconcile, cold: every bot changed", cold)
        self.note("cp -R of what it wrote", timed(["cp", "-R", str(bots), str(self.folder / "copy")], runs=1))
        self.ratio("reconcile, cold: every bot changed", "cp -R of what it wrote")
        shutil.rmtree(self.folder / "copy")
        noop = timed(["molthub", "reconcile", *where, "--once"], runs=self.runs, environment=self.environment())
        self.note("reconcile, nothing to do", noop)
        self.note("drift", timed(["molthub", "drift", *where], runs=self.runs, environment=self.environment()))
        change(self.registry, renewed(self.registry, "bot-pack"), "Give all bots another version of one skill")
        timed(["molthub", "build", "--registry", str(self.registry), "--out", str(self.site), "--fleets", "--quiet"],
              runs=1)  # fmt: skip
        changed = timed(["molthub", "reconcile", *where, "--once"], runs=1, environment=self.environment())
        self.note("reconcile, one skill of each bot changed", changed)
        per_second = {what: self.size.bots / figure.wall
                      for what, figure in {"first": cold, "verified": noop, "changed": changed}.items()}  # fmt: skip
        print(f"  {'':10} bots/s: {', '.join(f'{what} {rate:.0f}' for what, rate in per_second.items())}")


class BotsBench(Bench):
    """Keeping any number of bots in sync, alone."""

    def run(self) -> None:
        """Time everything and print it."""
        print(f"making up {self.size.bots} bots ...")
        import_repository(self.registry, self.size)
        build = ["molthub", "build", "--registry", str(self.registry), "--out", str(self.site), "--fleets", "--quiet"]
        self.note("build, cold", timed(build, runs=1))
        self._reconcile()


def compile_everything() -> None:
    """Compile what is timed, as pip does when it installs it: uv does not, and a shell may forbid Python to."""
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), ROOT / "tools", ROOT / "reconciler"}:
        compileall.compile_dir(str(folder), quiet=2, workers=0)


def asked() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--quick", action="store_true", help="a small registry, fewer runs")
    one.add_argument("--size", type=int, metavar="N", help="building, checking, searching: N skill versions")
    one.add_argument("--fleet", type=int, metavar="N", help="a fleet of N bots: its index, its plan, its controller")
    one.add_argument("--agents", type=int, metavar="N", help="a controller with N agents on other machines")
    one.add_argument("--bots", type=int, metavar="N", help="keeping N bots in sync")
    return parser.parse_args()


def main() -> None:
    """Run the bench in a temporary folder."""
    options = asked()
    compile_everything()
    with tempfile.TemporaryDirectory(prefix="molthub-bench-") as folder:
        if options.size:
            BuildBench(Path(folder), Size(skills=max(options.size // 5, 100), bots=0), runs=3).run()
        elif options.fleet:
            from fleets import FleetBench

            FleetBench(Path(folder), Size(skills=100, versions=1, bots=options.fleet, bot_skills=20), runs=3).run()
        elif options.agents:
            from agents import AgentsBench

            AgentsBench(Path(folder), Size(skills=10, versions=1, bots=options.agents, pack_skills=5), runs=1).run()
        elif options.bots:
            BotsBench(Path(folder), Size(skills=100, versions=1, bots=options.bots), runs=3).run()
        else:
            print(
                f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, {os.uname().sysname}; whole processes"
            )
            Bench(Path(folder), QUICK if options.quick else FULL, runs=3 if options.quick else 5).run()


if __name__ == "__main__":
    main()
