"""Deploying with the real rsync, to its real daemon."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from molthub.errors import MolthubError, UnreachableError
from molthub.index.deploy.addresses import open_place
from tests.deploy.places import NOW, BreakingOff, generation, send
from tests.index import walk
from tests.index.made import site


@pytest.fixture(scope="module")
def rsync() -> str:
    """Return the path of rsync, installed when it is not there."""
    found = shutil.which("rsync")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "rsync"], check=True, stdout=subprocess.DEVNULL)
        found = shutil.which("rsync")
    assert found, "these tests need rsync on PATH"
    return found


@pytest.fixture
def daemon(rsync: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Run rsync's daemon with one module; yield its address and its folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "rsyncd.conf"
    config.write_text(f"use chroot = no\n[www]\npath = {folder}\nread only = no\n"
                      f"{'uid = root' + chr(10) + 'gid = root' + chr(10) if os.geteuid() == 0 else ''}")  # fmt: skip
    command = [rsync, "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}", f"--config={config}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as running:
        while running.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"rsync://127.0.0.1:{port}/www", folder
        running.terminate()


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sites")
    return [site(generation(number), folder / str(number), fleets=True) for number in range(2)]


def test_a_second_index_sends_what_changed_and_removes_what_is_over(
    daemon: tuple[str, Path], sites: list[Path]
) -> None:
    address, folder = daemon
    first = send(sites[0], open_place(address))
    assert first.unchanged == 0
    assert walk.verify(folder) == walk.verify(sites[0])
    assert send(sites[0], open_place(address)).sent == ()
    then = send(sites[1], open_place(address), now=NOW + timedelta(days=1))
    assert 0 < len(then.sent) < len(first.sent)
    assert walk.verify(folder) == walk.verify(sites[1])
    late = send(sites[1], open_place(address), now=NOW + timedelta(days=40))
    assert any(path.endswith(".registry.json") for path in late.removed)
    ours = {path for path in walk.contents(sites[1]) if not path.startswith(".molthub")}
    assert walk.contents(folder).keys() == {*ours, "replaced.json"}
    assert {oct(path.stat().st_mode & 0o777) for path in folder.rglob("*") if path.is_file()} == {"0o644"}


def test_a_place_that_does_not_exist_yet_is_made(daemon: tuple[str, Path], sites: list[Path]) -> None:
    address, folder = daemon
    send(sites[0], open_place(f"{address}/a/b"))
    walk.verify(folder / "a/b")


def test_names_that_are_not_ascii_arrive_as_they_are(daemon: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = daemon
    built = site(generation(0), tmp_path / "built")
    (built / "s/git/über uns.md").write_text("hello")
    send(built, open_place(address))
    assert (folder / "s/git/über uns.md").read_text() == "hello"
    assert send(built, open_place(address)).sent == ()
    (built / "s/git/über uns.md").unlink()
    assert send(built, open_place(address)).removed == ("s/git/über uns.md",)
    assert not (folder / "s/git/über uns.md").exists()


def test_breaking_off_leaves_a_whole_index(daemon: tuple[str, Path], sites: list[Path]) -> None:
    address, folder = daemon
    send(sites[0], open_place(address))
    for left in (None, 9, 1):  # how many files are still to be sent when it breaks off
        steps = len(send(sites[1], open_place(address), dry_run=True).sent)
        with pytest.raises(UnreachableError):
            send(sites[1], BreakingOff(open_place(address), 0 if left is None else steps - left))
        walk.verify(folder)
    send(sites[1], open_place(address))
    assert walk.verify(folder) == walk.verify(sites[1])


def test_a_host_that_does_not_answer_is_named_without_its_password(rsync: str, sites: list[Path]) -> None:
    assert rsync
    with pytest.raises(UnreachableError) as refused:
        send(sites[0], open_place("rsync://ada:secret@127.0.0.1:9/www"))
    assert "secret" not in str(refused.value)
    assert "rsync://127.0.0.1:9/www" in str(refused.value)


def test_without_the_program_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MolthubError, match="the program rsync is not on PATH"):
        open_place("ada@host:/srv")
