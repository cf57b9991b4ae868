"""Other people's programs from npm, installed once per machine into a cache outside of the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def cache_folder() -> Path:
    """Return where peers are kept between runs: ``$MOLTHUB_TEST_CACHE`` or ``~/.cache/molthub-tests``."""
    return Path(os.environ.get("MOLTHUB_TEST_CACHE") or Path.home() / ".cache" / "molthub-tests")


def npm_program(name: str, folder: Path = HERE / "npm") -> Path:
    """Return the path of a program of the packages that ``folder`` locks, installing them when they are not there."""
    return npm_file(f".bin/{name}", folder)


def npm_file(path: str, folder: Path, inner: str = "") -> Path:
    """Return a file of the packages that ``folder`` locks, installing them when they are not there.

    ``inner`` is a folder among them that locks packages of its own, which its package's script would install.
    """
    key = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()[:16]
    place = cache_folder() / f"{folder.name}-{key}"
    file = place / "node_modules" / path
    if not file.exists():
        _install(folder, place, inner)
    return file


def _install(folder: Path, place: Path, inner: str) -> None:
    """Install beside, then rename: two runs at once, or one that was killed, leave no half installation."""
    staged = place.with_name(f"{place.name}.{os.getpid()}")
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(folder, staged)
    environment = {**os.environ, "HOME": str(staged)}
    options = ("--no-audit", "--no-fund", "--ignore-scripts")
    subprocess.run(["npm", "ci", *options], cwd=staged, env=environment, check=True, stdout=subprocess.DEVNULL)
    if inner:  # as its own script says: what its lock has, and what that lacks
        command = ["npm", "install", "--omit=dev", *options]
        subprocess.run(command, cwd=staged / "node_modules" / inner, env=environment, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        staged.rename(place)
    except OSError:
        shutil.rmtree(staged)
