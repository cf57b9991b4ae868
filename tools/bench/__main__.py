"""``make bench``: times the line on a made-up registry, beside the nearest tools, in one run on one machine.

Usage: ``python tools/bench [--quick | --size N | --bots N]``; ``--size`` times building alone, of N skill versions (up
to 100,000, which takes some 10 minutes and 8 GB), ``--bots`` keeping N bots in sync (10,000 are 210,000 files and
1.2 GB). Prints a table of whole processes (medians) and ratios of equal work. Numbers of other machines or runs cannot
be compared with these; ratios of one run can.
"""

from __future__ import annotations

import compileall
import json
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

from clock import Figure, timed
from made_up import Size, import_repository, name_of, publish_one_more, write_repository

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

FULL = Size()
QUICK = Size(skills=200, versions=5, bots=100)


class Bench:
    """The works, in the order of the line, and what they took."""

    def __init__(self, folder: Path, size: Size, runs: int) -> None:
        self.folder, self.size, self.runs = folder, size, runs
        self.site, self.registry = folder / "site", folder / "registry.git"
        self.figures: dict[str, Figure] = {}

    def run(self) -> None:
        """Time everything and print it."""
        print(f"making up {self.size.skills * self.size.versions} skill versions and {self.size.bots} bots ...")
        write_repository(self.registry, self.size)
        self._start()
        self._build()
        with self._served() as url:
            self._install(url)
        self._reconcile()

    def _note(self, work: str, figure: Figure) -> None:
        self.figures[work] = figure
        print(f"  {work:52} {figure.wall:8.3f} s wall {figure.cpu:8.3f} s CPU {figure.peak:7.0f} MiB")

    def _ratio(self, ours: str, theirs: str, what: str = "wall") -> None:
        value = getattr(self.figures[ours], what) / getattr(self.figures[theirs], what)
        print(f"  {'':10} {ours} / {theirs} = {value:.2f} ({what})")

    def _start(self) -> None:
        print("start")
        self._note("python -c pass", timed([sys.executable, "-c", "pass"], runs=self.runs))
        self._note("skills --version", timed(["skills", "--version"], runs=self.runs))

    def _build(self) -> None:
        print("build")
        build = ["molthub", "build", "--registry", str(self.registry), "--out", str(self.site), "--fleets", "--quiet"]
        self._note("build, cold", timed(build, runs=1, before=lambda: shutil.rmtree(self.site, ignore_errors=True)))
        self._note("build, unchanged", timed(build, runs=1))
        publish_one_more(self.registry, self.size)
        self._note("build, after one change", timed(build, runs=1))
        self._note("dumb-pypi, as many files", self._dumb_pypi())
        self._ratio("build, cold", "dumb-pypi, as many files", "cpu")

    def _dumb_pypi(self) -> Figure:
        listing = self.folder / "packages.json"
        with listing.open("w") as lines:
            for number in range(self.size.skills):
                for minor in range(self.size.versions):
                    file = f"{name_of(number)}-1.{minor}.0.tar.gz"
                    lines.write(json.dumps({"filename": file, "hash": f"sha256={'0' * 64}"}) + "\n")
        out = self.folder / "dumb"
        command = ["dumb-pypi", "--package-list-json", str(listing), "--packages-url", "https://x.example/",
                   "--output-dir", str(out)]  # fmt: skip
        return timed(command, runs=1, before=lambda: shutil.rmtree(out, ignore_errors=True))

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
        self._note("skills install, 1", self._installed(["skills", "install", one, "--registry", url, "--project"]))
        self._note(
            f"skills install, pack of {self.size.pack_skills}",
            self._installed(["skills", "install", pack, "--registry", url, "--project"]),
        )
        again = self._in_place(["skills", "install", pack, "--registry", url, "--project"])
        self._note("skills install, the same again", again)
        self._note("skills list", self._in_place(["skills", "list"]))
        self._note("skills verify", self._in_place(["skills", "verify"]))
        self._peer_installs(url, one)

    def _peer_installs(self, url: str, one: str) -> None:
        from tests.peers.npm_programs import npm_program

        program = str(npm_program("skills"))
        tail = ["--skill", "*", "-y", "-a", "claude-code", "--copy"]
        self._note("npm skills add, 1", self._installed([program, "add", f"{url.rstrip('/')}/s/{one}", *tail]))
        self._note(
            f"npm skills add, pack of {self.size.pack_skills}",
            self._installed([program, "add", f"{url.rstrip('/')}/p/bench-pack", *tail]),
        )
        for work in ("1", f"pack of {self.size.pack_skills}"):
            self._ratio(f"skills install, {work}", f"npm skills add, {work}")

    def _fresh(self) -> Path:
        place = self.folder / "project"
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(self.folder / "home", ignore_errors=True)
        place.mkdir()
        (self.folder / "home").mkdir()
        return place

    def _environment(self) -> dict[str, str]:
        home = str(self.folder / "home")
        return {"HOME": home, "XDG_CACHE_HOME": f"{home}/.cache", "DISABLE_TELEMETRY": "1", "CI": "1"}

    def _installed(self, command: list[str]) -> Figure:
        place = self._fresh()
        return timed(command, runs=self.runs, before=lambda: (self._fresh(), None)[1], folder=place,
                     environment=self._environment())  # fmt: skip

    def _in_place(self, command: list[str]) -> Figure:
        return timed(command, runs=self.runs, folder=self.folder / "project", environment=self._environment())

    def _reconcile(self) -> None:
        print(f"reconcile {self.size.bots} bots")
        bots, state = self.folder / "bots", self.folder / "state"
        where = ["--index", str(self.site), "--target", str(bots), "--state", str(state), "--quiet"]

        def forget() -> None:
            shutil.rmtree(bots, ignore_errors=True)
            shutil.rmtree(state, ignore_errors=True)

        plan = timed(["molthub", "plan", *where], runs=1, before=forget, environment=self._environment(), expect=(3,))
        self._note("plan, from nothing", plan)
        cold = timed(["molthub", "reconcile", *where, "--once"], runs=1, before=forget, environment=self._environment())
        self._note("reconcile, cold: every bot changed", cold)
        self._note("cp -R of what it wrote", timed(["cp", "-R", str(bots), str(self.folder / "copy")], runs=1))
        self._ratio("reconcile, cold: every bot changed", "cp -R of what it wrote")
        shutil.rmtree(self.folder / "copy")
        noop = timed(["molthub", "reconcile", *where, "--once"], runs=self.runs, environment=self._environment())
        self._note("reconcile, nothing to do", noop)
        self._note("drift", timed(["molthub", "drift", *where], runs=self.runs, environment=self._environment()))
        print(f"  {'':10} {self.size.bots / cold.wall:.0f} changed, {self.size.bots / noop.wall:.0f} verified bots/s")


class BotsBench(Bench):
    """Keeping any number of bots in sync, alone."""

    def run(self) -> None:
        """Time everything and print it."""
        print(f"making up {self.size.bots} bots ...")
        import_repository(self.registry, self.size)
        build = ["molthub", "build", "--registry", str(self.registry), "--out", str(self.site), "--fleets", "--quiet"]
        self._note("build, cold", timed(build, runs=1))
        self._reconcile()


class BuildBench(Bench):
    """Building alone, of a registry of any size, beside the least that git, hashing, compressing and writing take."""

    def run(self) -> None:
        """Time everything and print it."""
        print(f"making up {self.size.skills * self.size.versions} skill versions ...")
        import_repository(self.registry, self.size)
        build = ["molthub", "build", "--registry", str(self.registry), "--out", str(self.site), "--quiet"]
        self._note("build, cold, as many processes as processors", timed(build, runs=1))
        self._count()
        self._note("build, unchanged", timed(build, runs=self.runs))
        publish_one_more(self.registry, self.size, 1, other_words=False)
        self._note("build, one version more", timed(build, runs=1))
        publish_one_more(self.registry, self.size)
        self._note("build, one version more, found by other words", timed(build, runs=1))
        check = [
            "molthub",
            "check",
            "--registry",
            str(self.registry),
            "--base",
            "HEAD~1",
            "--actor",
            "bench",
            "--quiet",
        ]
        self._note("check of that version", timed(check, runs=self.runs))
        search = ["skills", "search", "deploy", "review", "--registry", str(self.site)]
        self._note("skills search, two words", timed(search, runs=self.runs, environment=self._environment()))
        shutil.rmtree(self.site)
        self._note("build, cold, one process", timed([*build, "--jobs", "1"], runs=1))
        floor = [
            sys.executable,
            str(Path(__file__).with_name("floor.py")),
            str(self.registry),
            str(self.folder / "floor"),
        ]
        self._note("floor: ls-tree, cat-file, tar, gzip, hash, write", timed(floor, runs=1))
        self._note("dumb-pypi, as many files", self._dumb_pypi())
        self._ratio("build, cold, one process", "floor: ls-tree, cat-file, tar, gzip, hash, write", "cpu")
        self._ratio("build, cold, one process", "dumb-pypi, as many files", "cpu")

    def _count(self) -> None:
        sizes = [
            os.lstat(f"{folder}/{name}").st_size for folder, _folders, names in os.walk(self.site) for name in names
        ]
        print(f"  {'':10} {len(sizes)} files, {sum(sizes) / 1024**2:.0f} MiB")


def compile_everything() -> None:
    """Compile what is timed, as pip does when it installs it: uv does not, and a shell may forbid Python to."""
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), ROOT / "tools", ROOT / "reconciler"}:
        compileall.compile_dir(str(folder), quiet=2, workers=0)


def main() -> None:
    """Run the bench in a temporary folder."""
    compile_everything()
    if "--size" in sys.argv[1:]:
        versions = int(sys.argv[sys.argv.index("--size") + 1])
        with tempfile.TemporaryDirectory(prefix="molthub-bench-") as folder:
            BuildBench(Path(folder), Size(skills=max(versions // 5, 100), bots=0), runs=3).run()
        return
    if "--bots" in sys.argv[1:]:
        bots = int(sys.argv[sys.argv.index("--bots") + 1])
        with tempfile.TemporaryDirectory(prefix="molthub-bench-") as folder:
            BotsBench(Path(folder), Size(skills=100, versions=1, bots=bots), runs=3).run()
        return
    quick = "--quick" in sys.argv[1:]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, {os.uname().sysname}; whole processes")
    with tempfile.TemporaryDirectory(prefix="molthub-bench-") as folder:
        Bench(Path(folder), QUICK if quick else FULL, runs=3 if quick else 5).run()


if __name__ == "__main__":
    main()
