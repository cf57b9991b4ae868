"""Programs from Debian's packages, unpacked into a cache outside of the checkout: nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.peers.npm_programs import cache_folder


def debian_program(package: str, path: str) -> Path:
    """Return a program of a package of this machine's Debian, fetching and unpacking that when it is not there.

    On a system of another kind it is the one on PATH.
    """
    if shutil.which("apt-get") is None:
        found = shutil.which(Path(path).name)
        assert found, f"this test needs {Path(path).name}: install it"
        return Path(found)
    place = cache_folder() / f"debian-{package}"
    if not place.exists():
        staged = place.with_name(f"{place.name}.{os.getpid()}")
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        if _download(package, staged) != 0:
            subprocess.run(["apt-get", "update", "-qq"], check=False)
            assert _download(package, staged) == 0, f"Debian's package {package} cannot be fetched"
        (archive,) = staged.glob("*.deb")
        subprocess.run(["dpkg", "-x", archive, staged], check=True)
        try:
            staged.rename(place)
        except OSError:
            shutil.rmtree(staged)
    return place / path


def _download(package: str, folder: Path) -> int:
    command = ["apt-get", "download", "-qq", package]
    return subprocess.run(command, cwd=folder, check=False, stderr=subprocess.DEVNULL).returncode
