"""A real OpenSSH server on this machine, for one user, with keys that are thrown away.

It runs without rights: where the tests are root's, as ``nobody``, whom a list of its own gives a shell (nss_wrapper).
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.debian_programs import debian_program

NOBODY = 65534
_SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv PATH={path}
"""
_CLIENT = """\
IdentityFile {keys}/user
IdentitiesOnly yes
UserKnownHostsFile {keys}/known_hosts
GlobalKnownHostsFile /dev/null
UpdateHostKeys no
"""


@dataclass
class SshServer:
    """A server that gives the repositories below ``folder`` to whoever holds ``keys``/user.

    ``programs`` holds the real ``ssh``, told to read ``keys`` instead of the user's own ``~/.ssh``; it comes first on
    PATH. The host is unknown until it is introduced.
    """

    folder: Path
    keys: Path
    programs: Path
    port: int
    user: str

    def address(self, repository: str) -> str:
        """Return the address of a repository below ``folder``."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}{self.folder}/{repository}"

    def introduce(self, host_key: Path | None = None) -> None:
        """Write a host key, the server's own or another, into the user's list of known hosts."""
        public = (host_key or self.folder / "host").with_name((host_key or Path("host")).name + ".pub").read_text()
        (self.keys / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}")


def key_pair(path: Path) -> Path:
    """Make a key without a passphrase at ``path``, its public half beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


@contextmanager
def ssh_server(keys: Path) -> Iterator[SshServer]:
    """Serve over SSH until the block ends; ``keys`` is an empty folder for the user's side."""
    with tempfile.TemporaryDirectory(prefix="molthub-sshd-") as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        folder, port = Path(name), probe.getsockname()[1]
        probe.close()
        user = "git" if os.geteuid() == 0 else getpass.getuser()
        server = SshServer(folder, keys, keys / "programs", port, user)
        _write(server)
        command: list[str | Path] = [folder / "sshd", "-D", "-f", folder / "sshd_config", "-E", folder / "log"]
        rights = NOBODY if os.geteuid() == 0 else None
        with subprocess.Popen(command, env=_environment(folder), user=rights) as running:
            try:
                _wait(running, server)
                yield server
            finally:
                running.terminate()


def hand_over(folder: Path) -> None:
    """Make everything in a server's folder its own: git serves nobody what belongs to others."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)


def _write(server: SshServer) -> None:
    folder, keys = server.folder, server.keys
    key_pair(folder / "host")
    shutil.copy(key_pair(keys / "user").with_suffix(".pub"), folder / "user.pub")
    shutil.copy(_sshd(), folder)  # who runs it may not read the cache
    config = _SERVER.format(port=server.port, folder=folder, path=os.environ["PATH"])
    for option, part in (("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")):
        program = _sshd().parents[1] / "lib" / "openssh" / part
        config += f"{option} {program}\n" if program.exists() else ""
    (folder / "sshd_config").write_text(config)
    (folder / "passwd").write_text(f"git:x:{NOBODY}:{NOBODY}::{folder}:/bin/sh\n")
    (folder / "group").write_text(f"git:x:{NOBODY}:\n")
    (keys / "config").write_text(_CLIENT.format(keys=keys))
    server.programs.mkdir()
    (server.programs / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {keys / "config"} "$@"\n')
    (server.programs / "ssh").chmod(0o755)
    hand_over(folder)


def _sshd() -> Path:
    return debian_program("openssh-server", "usr/sbin/sshd")


def _environment(folder: Path) -> dict[str, str]:
    environment = {"PATH": os.environ["PATH"]}
    if shutil.which("apt-get"):
        wrap = next(debian_program("libwrap0", ".").rglob("libwrap.so.0"))
        wrapper = next(debian_program("libnss-wrapper", ".").rglob("libnss_wrapper.so"))
        for library in (wrap, wrapper):
            shutil.copy(library, folder)
        environment["LD_LIBRARY_PATH"] = str(folder)
        if os.geteuid() == 0:
            environment |= {"LD_PRELOAD": str(folder / wrapper.name), "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
                            "NSS_WRAPPER_GROUP": str(folder / "group")}  # fmt: skip
    return environment


def _wait(running: subprocess.Popen[bytes], server: SshServer) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        assert running.poll() is None, (server.folder / "log").read_text()
        time.sleep(0.02)
