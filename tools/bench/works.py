"""What the benches share: works that are timed one after another, noted, and put beside each other."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from clock import Figure, timed
from made_up import Size, name_of


class Works:
    """Works in one folder, and what they took."""

    def __init__(self, folder: Path, size: Size, runs: int) -> None:
        self.folder, self.size, self.runs = folder, size, runs
        self.site, self.registry = folder / "site", folder / "registry.git"
        self.figures: dict[str, Figure] = {}
        self._started = time.monotonic()

    def note(self, work: str, figure: Figure) -> None:
        """Keep what a work took, and print it."""
        self.figures[work] = figure
        print(f"  {work:52} {figure.wall:8.3f} s wall {figure.cpu:8.3f} s CPU {figure.peak:7.0f} MiB", flush=True)

    def say(self, what: str) -> None:
        """Say what begins, and when."""
        print(f"[{time.monotonic() - self._started:5.0f} s] {what} ...", flush=True)

    def ratio(self, ours: str, theirs: str, what: str = "wall") -> None:
        """Print how two works compare."""
        value = getattr(self.figures[ours], what) / getattr(self.figures[theirs], what)
        print(f"  {'':10} {ours} / {theirs} = {value:.2f} ({what})")

    def environment(self) -> dict[str, str]:
        """Return the variables of a home that holds nothing."""
        home = str(self.folder / "home")
        return {"HOME": home, "XDG_CACHE_HOME": f"{home}/.cache", "DISABLE_TELEMETRY": "1", "CI": "1"}

    def dumb_pypi(self, *, previous: bool = False) -> Figure:
        """Time dumb-pypi on as many files; with ``previous`` once more, with one file more and the list of before."""
        listing, before = self.folder / "packages.json", self.folder / "packages-before.json"
        out = self.folder / "dumb"
        more = ["--previous-package-list-json", str(before)] if previous else []
        if previous:
            listing.rename(before)
        lines = [
            json.dumps({"filename": f"{name_of(number)}-1.{minor}.0.tar.gz", "hash": f"sha256={'0' * 64}"})
            for number in range(self.size.skills)
            for minor in range(self.size.versions + (previous and number == 0))
        ]
        listing.write_text("\n".join(lines) + "\n")
        command = ["dumb-pypi", "--package-list-json", str(listing), "--packages-url", "https://x.example/",
                   "--output-dir", str(out), *more]  # fmt: skip
        return timed(command, runs=1, before=None if previous else lambda: shutil.rmtree(out, ignore_errors=True))
