"""Building, checking and searching alone, of a registry of any size, beside the least that the same work takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from clock import timed
from made_up import import_repository, name_of, publish_one_more
from works import Works

FLOOR = "floor: ls-tree, cat-file, tar, gzip, hash, write"


class BuildBench(Works):
    """One registry, from nothing to every kind of small change."""

    def run(self) -> None:
        """Time everything and print it, at last as one table."""
        self.say(f"making up {self.size.skills * self.size.versions} skill versions of {self.size.skills} skills")
        import_repository(self.registry, self.size)
        self._cold()
        self._changes()
        self._search()
        self._peers()
        self._table()

    def _command(self, out: Path, *more: str) -> list[str]:
        return ["molthub", "build", "--registry", str(self.registry), "--out", str(out), "--quiet", *more]

    def _cold(self) -> None:
        self.say("building from nothing, the read path alone")
        alone = self.folder / "alone"
        self.note("build, cold, read path, one process",
                  timed(self._command(alone, "--views", "none", "--jobs", "1"), runs=1))  # fmt: skip
        self._count(alone)
        shutil.rmtree(alone)
        self.say("its archives alone, and in a bare loop")
        made, bare = (self._archives(*arguments) for arguments in ((), ("--bare",)))
        rest = self.figures["build, cold, read path, one process"].cpu - made
        print(f"  {'':10} archives {made:.1f} s CPU, in a bare loop {bare:.1f}: ratio {made / bare:.2f}; "
              f"all the rest {rest:.1f} s CPU", flush=True)  # fmt: skip
        self.say("building from nothing, with every view")
        self.note("build, cold, every view, all processors", timed(self._command(self.site), runs=1))
        self._count(self.site)

    def _archives(self, *arguments: str) -> float:
        out = self.folder / "archives"
        script = str(Path(__file__).with_name("archives.py"))
        command = [sys.executable, script, str(self.registry), str(out), *arguments]
        seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        shutil.rmtree(out)
        return seconds

    def _changes(self) -> None:
        self.say("building and checking what changed")
        self.note("build, unchanged", timed(self._command(self.site), runs=self.runs))
        middle = self.size.skills // 2
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
        works = (
            ("the same words", middle, False),
            ("other words", middle + 1, True),
            ("other words, first name", 0, True),
        )
        for what, number, other_words in works:
            publish_one_more(self.registry, self.size, number, other_words=other_words)
            self.note(f"build, one version more, {what}", timed(self._command(self.site), runs=1))
        self.note("check of one version more", timed([*check, "--quiet"], runs=self.runs))

    def _search(self) -> None:
        self.say("searching")
        for what, words in (
            ("one word", ["deploy"]),
            ("two words", ["deploy", "review"]),
            ("a rare word", [name_of(7).rpartition("-")[2]]),
            ("a misspelled word", ["reviwe"]),
        ):
            command = ["skills", "search", *words, "--registry", str(self.site)]
            self.note(f"skills search, {what}", timed(command, runs=self.runs, environment=self.environment()))

    def _peers(self) -> None:
        self.say("the least that archives take")
        out = self.folder / "floor"
        floor = [sys.executable, str(Path(__file__).with_name("floor.py")), str(self.registry), str(out)]
        self.note(FLOOR, timed(floor, runs=1))
        shutil.rmtree(out)
        self.say("dumb-pypi")
        self.note("dumb-pypi, as many files", self.dumb_pypi())
        self.note("dumb-pypi, one file more, --previous", self.dumb_pypi(previous=True))

    def _count(self, folder: Path) -> None:
        sizes = [os.lstat(f"{at}/{name}").st_size for at, _folders, names in os.walk(folder) for name in names]
        print(f"  {'':10} {len(sizes)} files, {sum(sizes) / 1024**2:.0f} MiB", flush=True)

    def _table(self) -> None:
        print(f"\n| {self.size.skills * self.size.versions} versions of {self.size.skills} skills "
              "| CPU seconds | wall seconds | peak |\n|---|---:|---:|---:|")  # fmt: skip
        for work, figure in self.figures.items():
            print(f"| {work} | {figure.cpu:.2f} | {figure.wall:.2f} | {figure.peak:.0f} MiB |")
        print()
        self.ratio("build, cold, read path, one process", FLOOR, "cpu")
        self.ratio("build, cold, read path, one process", "dumb-pypi, as many files", "cpu")
        self.ratio("build, one version more, the same words", "dumb-pypi, one file more, --previous", "cpu")
