"""The agent's unit as systemd itself reads it: systemd-analyze(1) verify."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from molthub_reconciler.agent.unit import Unit
from tests.peers.debian_programs import debian_program

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("user", [None, "root"])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, user: str | None) -> None:
    program = debian_program("systemd", "usr/bin/systemd-analyze")
    shared = debian_program("libsystemd-shared", "usr/lib")
    folders = {str(path.parent) for path in shared.parent.rglob("libsystemd-shared*.so")}
    home = tmp_path / "my bots"
    command = ["/bin/sh", "-c", 'echo "$1" 100%; exit', "--bot", "prod/ada", "--target", str(home)]
    unit = Unit("prod/ada", "https://fleet.example.com/", command, tmp_path / "ada.token", user, (home,))
    place = tmp_path / unit.name
    place.write_text(unit.text())
    own = [
        path
        for path in (program.parents[2]).rglob("systemd/user" if user is None else "systemd/system")
        if path.is_dir()
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "LD_LIBRARY_PATH": ":".join(sorted(folders)),
        "SYSTEMD_UNIT_PATH": ":".join(map(str, own)),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "HOME": str(tmp_path),
    }
    manager = ["--user"] if user is None else []
    done = subprocess.run([program, *manager, "--man=no", "--recursive-errors=no", "verify", place], env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    place.write_text(unit.text().replace("Restart=always", "Restart=now and then"))
    done = subprocess.run([program, *manager, "--man=no", "--recursive-errors=no", "verify", place], env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert "Failed to parse service restart specifier" in done.stderr
