"""Other people's programs in Go, built once per machine into a cache outside of the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.peers.npm_programs import cache_folder

VERSITYGW = ("github.com/versity/versitygw/cmd/versitygw", "v1.8.0")
"""An S3 server over a folder; Apache-2.0."""

ACTIONLINT = ("github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12")
"""A checker of GitHub workflows; MIT."""


def go_program(module: tuple[str, str]) -> Path:
    """Return the path of a program, building it when it is not there. It needs Go, and takes minutes the first time."""
    package, version = module
    place = cache_folder() / "go-programs" / f"{package.rpartition('/')[2]}-{version}"
    program = place / package.rpartition("/")[2]
    if not program.exists():
        _build(package, version, place)
    return program


def _build(package: str, version: str, place: Path) -> None:
    """Build beside, then rename: two runs at once, or one that was killed, leave no half program."""
    assert shutil.which("go"), "these tests need Go on PATH"
    staged = place.with_name(f"{place.name}.{os.getpid()}")
    caches = {"GOPATH": str(cache_folder() / "go"), "GOCACHE": str(cache_folder() / "go-build")}
    environment = {**os.environ, **caches, "GOBIN": str(staged), "GOFLAGS": "-modcacherw", "CGO_ENABLED": "0"}
    subprocess.run(["go", "install", f"{package}@{version}"], env=environment, check=True)
    try:
        staged.rename(place)
    except OSError:
        shutil.rmtree(staged)
