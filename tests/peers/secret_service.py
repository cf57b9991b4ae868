"""A real keyring of the desktop, headless: gnome-keyring from Debian's packages on a message bus of its own."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jeepney import DBusAddress, new_method_call  # type: ignore[import-untyped] # it has no types
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped] # likewise

from tests.peers.debian_programs import debian_program

_PATIENCE = 30.0
_BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_LIBRARIES = {"libgck-1.so.0": "libgck-1-0", "libgcr-base-3.so.1": "libgcr-base-3-1"}


@dataclass
class SecretService:
    """One that runs: ``environment`` leads programs to it. Its keyring is open until it is locked."""

    folder: Path
    environment: Mapping[str, str]
    _programs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *, password: str | None) -> None:
        """Start the keyring; without a password it stays locked, and nobody is there to be asked."""
        command: list[str | Path] = [
            _daemon(),
            "--foreground",
            "--components=secrets",
            "--control-directory",
            self.folder / "run",
        ]
        command += ["--unlock"] if password is not None else []
        running = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._programs.append(running)
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write((password or "").encode())
        running.stdin.close()
        running.stdout.readline()  # it says where it is once it is there
        _wait_for(self._has_owner)

    def lock(self) -> None:
        """Start it anew, locked."""
        self.stop()
        _wait_for(lambda: not self._has_owner())
        self.start(password=None)

    def stop(self) -> None:
        """End the keyring."""
        for running in self._programs:
            running.terminate()
            running.wait()
            if running.stdout is not None:
                running.stdout.close()
        self._programs.clear()

    def _has_owner(self) -> bool:
        address = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
        with open_dbus_connection(self.environment["DBUS_SESSION_BUS_ADDRESS"]) as bus:
            asked = new_method_call(address, "NameHasOwner", "s", ("org.freedesktop.secrets",))
            return bool(bus.send_and_get_reply(asked, timeout=10).body[0])


@contextmanager
def secret_service(folder: Path) -> Iterator[SecretService]:
    """Run one until the block ends; ``folder`` is short, for it holds a socket."""
    (folder / "run").mkdir(mode=0o700)
    (folder / "bus.conf").write_text(_BUS.format(folder=folder))
    libraries = folder / "libraries"
    libraries.mkdir()
    for library, package in _LIBRARIES.items():
        shutil.copy(next(debian_program(package, ".").rglob(library)), libraries)
    environment = {
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "XDG_DATA_HOME": str(folder / "data"),
        "LD_LIBRARY_PATH": str(libraries),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus",
    }
    command: list[str | Path] = [_bus(), "--config-file", folder / "bus.conf", "--nofork", "--nopidfile"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as bus:
        service = SecretService(folder, environment)
        try:
            _wait_for((folder / "bus").exists)
            service.start(password="opens it")  # noqa: S106 (of a keyring that lasts a moment)
            yield service
        finally:
            service.stop()
            bus.terminate()


def _daemon() -> Path:
    return debian_program("gnome-keyring", "usr/bin/gnome-keyring-daemon")


def _bus() -> Path:
    found = shutil.which("dbus-daemon")
    return Path(found) if found else debian_program("dbus-daemon", "usr/bin/dbus-daemon")


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "the keyring does not answer"
        time.sleep(0.02)
