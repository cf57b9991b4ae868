"""Programs from Debian's packages, unpacked into a cache outside of the checkout: nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.peers.npm_programs import cache_folder


def debian_program(package: str, path: str) -> Path:
    """Return a program of a package of this machine's Debian, fetching and unpacking that when it is not there."""
    place = cache_folder() / f"debian-{package}"
    if not place.exists():
        staged = place.with_name(f"{place.name}.{os.getpid()}")
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        subprocess.run(["apt-get", "download", "-qq", package], cwd=staged, check=True, stderr=subprocess.DEVNULL)
        (archive,) = staged.glob("*.deb")
        subprocess.run(["dpkg", "-x", archive, staged], check=True)
        try:
            staged.rename(place)
        except OSError:
            shutil.rmtree(staged)
    return place / path
