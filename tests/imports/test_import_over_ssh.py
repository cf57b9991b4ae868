"""Importing from a real OpenSSH server: what it gives, and which hosts are not believed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports.command import entry, files_below, run_import
from tests.imports.git_host import NOTES, commit_skills
from tests.peers.ssh_server import SshServer, hand_over, key_pair, ssh_server
from tests.registry.command import Ran


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("keys")) as running:
        commit_skills(running.folder / "skills.git", NOTES)
        hand_over(running.folder)
        yield running


@pytest.fixture
def ssh(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> SshServer:
    """Return the server, to a user who has its key and whom it has not met."""
    (server.keys / "known_hosts").unlink(missing_ok=True)
    monkeypatch.setenv("PATH", f"{server.programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return server


def test_a_skill_comes_from_a_host_that_is_known(
    capsys: pytest.CaptureFixture[str], place: Path, ssh: SshServer
) -> None:
    ssh.introduce()
    ran = run_import(capsys, place, "--from", ssh.address("skills.git"), "--path", "skills/notes")
    assert ran.status == 0, (ran, (ssh.folder / "log").read_text())
    assert files_below(place / "skills/notes") == ["1.0.0/SKILL.md", "1.0.0/skill.yaml", "project.yaml"]
    assert entry(place, "notes", "1.0.0")["upstream"]["git"] == ssh.address("skills.git")


def test_a_host_that_is_not_known_is_not_believed(
    capsys: pytest.CaptureFixture[str], place: Path, ssh: SshServer
) -> None:
    ran = run_import(capsys, place, "--from", ssh.address("skills.git"), "--path", "skills/notes")
    refused(ran, place, "ssh does not know its host key")
    assert not (ssh.keys / "known_hosts").exists(), "it was not asked, and met nobody"


def test_a_host_whose_key_has_changed_is_not_believed(
    capsys: pytest.CaptureFixture[str], place: Path, ssh: SshServer, tmp_path: Path
) -> None:
    ssh.introduce(key_pair(tmp_path / "other"))
    before = (ssh.keys / "known_hosts").read_bytes()
    ran = run_import(capsys, place, "--from", ssh.address("skills.git"), "--path", "skills/notes")
    refused(ran, place, "it shows another host key than ssh knows of it")
    assert (ssh.keys / "known_hosts").read_bytes() == before


def test_a_user_without_the_key_gets_nothing(
    capsys: pytest.CaptureFixture[str], place: Path, ssh: SshServer, tmp_path: Path
) -> None:
    ssh.introduce()
    stranger = key_pair(tmp_path / "stranger")
    kept = tmp_path / "kept"
    shutil.copy2(ssh.keys / "user", kept)
    try:
        shutil.copy2(stranger, ssh.keys / "user")
        ran = run_import(capsys, place, "--from", ssh.address("skills.git"), "--path", "skills/notes")
    finally:
        shutil.copy2(kept, ssh.keys / "user")
    refused(ran, place, "it gives nothing to this user")


def refused(ran: Ran, place: Path, why: str) -> None:
    assert ran.status == 1, ran
    assert why in ran.err, ran
    assert not (place / "skills/notes").exists()
