"""Others' programs for transparency logs, in Go, read our log: Go's own packages, and Tessera's checker."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from molthub.index.release_log import empty_log, extend_log
from molthub.transparency.checkpoint import signed_checkpoint, verifier_key
from molthub.transparency.entries import LoggedRelease
from tests.builders import write_tree
from tests.index_fixture import serve
from tests.peers.go_programs import TESSERA_FSCK, go_program, own_go_program

pytestmark = pytest.mark.peers

ORIGIN = "skills.example.com/log"
SIZES = [1, 2, 255, 256, 257, 300, 700, 66_000]
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()


@pytest.fixture(scope="module")
def states() -> list[dict[str, bytes]]:
    """Return the files of a log after each of some sizes; the later ones still hold the earlier ones' tiles."""
    files: dict[str, bytes] = {}
    log = empty_log(ORIGIN)
    found = []
    for size in SIZES:
        new = [
            LoggedRelease("skill", "git", f"1.{number}.0", f"sha256:{'ab' * 32}") for number in range(log.size, size)
        ]
        update = extend_log(log, files.get, new, "memory")
        log = update.checkpoint
        files = {**files, **update.files, "log/checkpoint": signed_checkpoint(log, PUBLIC, KEY.sign).encode()}
        found.append(files)
    return found


def test_gos_packages_prove_every_entry_and_every_older_checkpoint(
    states: list[dict[str, bytes]], tmp_path: Path
) -> None:
    older: list[str] = []
    for size, files in zip(SIZES, states, strict=True):
        folder = write_tree(files, tmp_path / str(size)) / "log"
        done = tlog(folder, *older)
        assert (done.returncode, done.stdout.strip()) == (0, str(size)), done.stderr
        older.append(str(folder / "checkpoint"))


@pytest.mark.parametrize("path", ["tile/0/001.p/44", "tile/entries/000", "checkpoint", "tile/1/000.p/1"])
def test_gos_packages_refuse_what_we_would_refuse(path: str, states: list[dict[str, bytes]], tmp_path: Path) -> None:
    folder = write_tree(states[SIZES.index(300)], tmp_path) / "log"
    content = (folder / path).read_bytes()
    (folder / path).write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    assert tlog(folder).returncode == 1


def test_tessera_finds_nothing_wrong(states: list[dict[str, bytes]], tmp_path: Path) -> None:
    """Its checker reads the log over HTTP, computes every tile anew and compares."""
    key = tmp_path / "key"
    key.write_text(verifier_key(ORIGIN, PUBLIC))
    with serve(states[-1]) as server:
        command = [str(go_program(TESSERA_FSCK)), "--storage_url", f"{server.url}log/", "--public_key", str(key)]
        done = subprocess.run([*command, "--ui=false", "--N=4"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def tlog(folder: Path, *older: str) -> subprocess.CompletedProcess[str]:
    command = [str(own_go_program("tlog")), str(folder), verifier_key(ORIGIN, PUBLIC), *older]
    return subprocess.run(command, capture_output=True, text=True, check=False)
