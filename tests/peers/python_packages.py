"""Other people's Python packages that this environment cannot hold, in a cache outside of the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.peers.npm_programs import cache_folder


def python_packages(requirements: Path, python: str) -> Path:
    """Return the folder with what ``requirements`` names by hash, installed as Python version ``python`` would."""
    key = hashlib.sha256(requirements.read_bytes() + python.encode()).hexdigest()[:16]
    place = cache_folder() / f"{requirements.parent.name}-{key}"
    if not place.exists():
        staged = place.with_name(f"{place.name}.{os.getpid()}")
        shutil.rmtree(staged, ignore_errors=True)
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        environment = {"UV_SYSTEM_CERTS": "true", **os.environ}
        subprocess.run([*command, "--python-version", python, "--target", str(staged), "-r", str(requirements)],
                       env=environment, check=True)  # fmt: skip
        try:
            staged.rename(place)
        except OSError:
            shutil.rmtree(staged)
    return place
