"""OpenClaw's gateway, running in a bot's home: what it says while files change under it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.agent_homes import environment

_PATIENCE = 90.0
"""Seconds until a gateway that says nothing is given up; it is usually ready after fifteen."""


@dataclass
class Gateway:
    """One running gateway. ``log`` is what it prints."""

    program: Path
    home: Path
    log: Path
    process: subprocess.Popen[bytes]

    def wait_for(self, words: str, *, after: int = 0) -> str:
        """Wait until the gateway has said ``words`` beyond the first ``after`` characters; return that line."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            line = next((line for line in self.log.read_text()[after:].splitlines() if words in line), None)
            if line is not None:
                return line
            time.sleep(0.1)
        raise AssertionError(f"the gateway never said {words!r}:\n{self.log.read_text()}")

    def said(self) -> int:
        """Return how much it has said so far."""
        return len(self.log.read_text())

    def ask(self, *arguments: str) -> Any:
        """Run the program beside the gateway and return the JSON that it prints."""
        done = subprocess.run([str(self.program), *arguments, "--json"], cwd=self.home, env=_variables(self.home),
                              capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


def owners_settings() -> str:
    """Return an owner's ``openclaw.json`` whose gateway listens on a free port of loopback."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    return (
        "// Ada's gateway\n"
        f"{{\n  gateway: {{ mode: 'local', port: {port}, bind: 'loopback', auth: {{ mode: 'none' }} }}, // keep\n"
        "  mcp: { servers: { mine: { command: 'true' } } }, // by hand\n}\n"
    )


@contextmanager
def running_gateway(program: Path, home: Path, log: Path) -> Iterator[Gateway]:
    """Run the gateway in ``home`` until it is ready, and end it afterwards."""
    with log.open("wb") as said:
        process = subprocess.Popen([str(program), "gateway", "run"], cwd=home, env=_variables(home), stdout=said,
                                   stderr=said, stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    try:
        gateway = Gateway(program, home, log, process)
        gateway.wait_for("[gateway] ready")
        yield gateway
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _variables(home: Path) -> dict[str, str]:
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    return environment(home, TMPDIR=str(temporary))
