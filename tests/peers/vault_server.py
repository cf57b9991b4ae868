"""A real Vault on loopback, in memory: built once per machine from Vault's own packages, as ``vault/main.go`` says.

Vault 1.14.1 is the last series under the Mozilla Public License. Namespaces are no part of it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hvac
import requests

from tests.peers.certificates import free_port, own_certificate
from tests.peers.go_programs import own_go_program

_PATIENCE = 60.0


@dataclass(frozen=True)
class VaultServer:
    """One that runs, initialized and unsealed: ``secret`` is an engine of version 2, ``old`` one of version 1.

    ``root`` is a token that may do everything, ``ca`` the certificate of its own authority.
    """

    address: str
    root: str
    ca: Path
    key: str
    log: Path

    def client(self, token: str | None = None) -> Any:
        """Return a client with a token, or the one that may do everything."""
        return hvac.Client(url=self.address, token=token or self.root, verify=str(self.ca))

    def policy(self, name: str, rules: Mapping[str, list[str]]) -> str:
        """Allow capabilities on paths under a name; return it."""
        text = "\n".join(
            f'path "{path}" {{ capabilities = [{", ".join(map(repr, can))}] }}'.replace("'", '"')
            for path, can in rules.items()
        )
        self.client().sys.create_or_update_policy(name, text)
        return name

    def token(self, *policies: str, **options: Any) -> str:
        """Make a token."""
        made: str = self.client().auth.token.create(policies=list(policies), **options)["auth"]["client_token"]
        return made


@contextmanager
def vault_server(folder: Path) -> Iterator[VaultServer]:
    """Run one until the block ends, with what it leaves in ``folder``."""
    program = own_go_program("vault", ".", "-trimpath", "-ldflags=-s -w", is_large=True)
    certificate, key = own_certificate(folder)
    port, log = free_port(), folder / "vault.log"
    command: list[str | Path] = [program, f"127.0.0.1:{port}", certificate, key]
    with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said, env={}) as running:
        try:
            address = f"https://127.0.0.1:{port}"
            _wait(running, address, certificate, log)
            yield _ready(address, certificate, log)
        finally:
            running.terminate()


def _ready(address: str, ca: Path, log: Path) -> VaultServer:
    client = hvac.Client(url=address, verify=str(ca))
    made = client.sys.initialize(1, 1)
    client.sys.submit_unseal_key(made["keys"][0])
    server = VaultServer(address, made["root_token"], ca, made["keys"][0], log)
    client = server.client()
    for path, version in (("secret", "2"), ("old", "1")):
        client.sys.enable_secrets_engine("kv", path, options={"version": version})
    for _ in range(600):  # an engine of version 2 is made ready after it is there
        try:
            client.secrets.kv.v2.read_configuration(mount_point="secret")
            break
        except hvac.exceptions.InvalidRequest:
            time.sleep(0.05)
    return server


def _wait(running: subprocess.Popen[bytes], address: str, ca: Path, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        assert running.poll() is None, log.read_text()
        try:
            requests.get(f"{address}/v1/sys/init", verify=str(ca), timeout=5)
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"Vault does not answer:\n{log.read_text()}")
