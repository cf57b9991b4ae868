"""Secrets in a real keyring, as a desktop has it: kept, given, taken away, and locked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.secret_service import SecretService, secret_service
from tests.secrets.places import manifest, settings

VALUE = 'token "with" $signs\nand ü'
TELL = "import json, os; print(json.dumps(os.environ['TOKEN']))"
SERVER = {"command": sys.executable, "args": ["-c", TELL], "env": {"TOKEN": "${secrets.token}"}}


@pytest.fixture
def service() -> Iterator[SecretService]:
    with tempfile.TemporaryDirectory(prefix="molthub-") as name, secret_service(Path(name)) as service:
        yield service


def run(service: SecretService, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own, led to the keyring."""
    command = [sys.executable, "-m", "molthub.cli.door", *words]
    wanted = {"DBUS_SESSION_BUS_ADDRESS": service.environment["DBUS_SESSION_BUS_ADDRESS"]}
    return subprocess.run(
        command, env={**os.environ, **wanted}, input=said, capture_output=True, text=True, check=False
    )


def test_a_secret_goes_into_the_keyring_and_comes_out_where_it_is_needed(home: Path, service: SecretService) -> None:
    settings(home, "providers: {ring: {kind: keyring}}\norder: [ring]\n")
    manifest(home, mcp={"seeing": SERVER})
    kept = run(service, "secrets", "set", "token", said=VALUE + "\n")
    assert (kept.returncode, kept.stdout) == (0, "token is kept in the keyring, service molthub-secrets\n"), kept
    assert run(service, "secrets", "check").returncode == 0
    started = run(service, "exec", "--server", "seeing")
    assert json.loads(started.stdout) == VALUE, started
    held = b"".join(path.read_bytes() for path in service.folder.rglob("*.keyring"))
    assert held
    assert b"signs" not in held, "the keyring keeps it sealed"
    service.lock()
    locked = run(service, "exec", "--server", "seeing")
    assert (locked.returncode, "unlock or set up the system's keyring" in locked.stderr) == (1, True), locked
    assert run(service, "secrets", "unset", "token").returncode == 1
    service.stop()
    service.start(password="opens it")
    taken = run(service, "secrets", "unset", "token")
    assert (taken.returncode, taken.stdout) == (0, "token is no longer in the keyring, service molthub-secrets\n")
    assert run(service, "secrets", "unset", "token").returncode == 1
    assert "the keyring has no token" in run(service, "exec", "--server", "seeing").stderr


def test_no_bus_is_said_in_a_line(home: Path, tmp_path: Path) -> None:
    settings(home, "providers: {ring: {kind: keyring}}\norder: [ring]\n")
    nowhere = SecretService(tmp_path, {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none"})
    ran = run(nowhere, "secrets", "set", "token", said="CANARY")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "CANARY" not in ran.stderr
