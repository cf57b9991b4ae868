"""A real Kubernetes API: kube-apiserver over etcd on loopback, built once per machine as ``kubernetes/*/go.mod`` say.

Nothing else of a cluster runs: no pod starts, and nobody collects what its owner left behind. Who has the two programs
names their folder in ``KUBEBUILDER_ASSETS``, as other projects' tests have it.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from kubernetes import client

from tests.peers.certificates import free_port, own_certificate
from tests.peers.go_programs import own_go_program

ISSUER = "https://kubernetes.default.svc"
_VERSION = "v1.36.3"
_ADMIN = "admin-of-these-tests"
_PATIENCE = 90.0


def etcd() -> Path:
    """Return the program etcd."""
    flags = ("-trimpath", "-ldflags=-s -w")
    return _given("etcd") or own_go_program("kubernetes/etcd", "go.etcd.io/etcd/server/v3", *flags, is_large=True)


def kube_apiserver() -> Path:
    """Return the program kube-apiserver."""
    of_version = "-X k8s.io/component-base/version."
    major, minor = _VERSION.removeprefix("v").split(".")[:2]
    said = f"{of_version}gitVersion={_VERSION} {of_version}gitMajor={major} {of_version}gitMinor={minor}"
    flags = ("-trimpath", f"-ldflags=-s -w {said}")
    package = "k8s.io/kubernetes/cmd/kube-apiserver"
    return _given("kube-apiserver") or own_go_program("kubernetes/kube-apiserver", package, *flags, is_large=True)


def _given(program: str) -> Path | None:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(folder) / program if folder else None


@dataclass(frozen=True)
class KubernetesServer:
    """One that runs. ``admin`` is a token that may do everything, ``ca`` what its certificate is checked with."""

    address: str
    ca: Path
    folder: Path
    admin: str = _ADMIN

    def api(self, token: str | None = None) -> client.ApiClient:
        """Return a client with a token, or the one that may do everything."""
        settings = client.Configuration(host=self.address, api_key={"authorization": f"Bearer {token or self.admin}"})
        settings.ssl_ca_cert = str(self.ca)
        return client.ApiClient(settings)

    def namespace(self, name: str) -> str:
        """Make a namespace; return its name."""
        client.CoreV1Api(self.api()).create_namespace({"metadata": {"name": name}})
        return name

    def secret(self, namespace: str, name: str, values: Mapping[str, str], **fields: Any) -> None:
        """Make a Secret."""
        body = {"metadata": {"name": name}, "stringData": dict(values), **fields}
        client.CoreV1Api(self.api()).create_namespaced_secret(namespace, body)

    def account(self, namespace: str, name: str, rules: Sequence[Mapping[str, list[str]]] = ()) -> str:
        """Make a service account that ``rules`` of a Role allow something; return a token of it."""
        core, access = client.CoreV1Api(self.api()), client.RbacAuthorizationV1Api(self.api())
        core.create_namespaced_service_account(namespace, {"metadata": {"name": name}})
        if rules:
            access.create_namespaced_role(namespace, {"metadata": {"name": name}, "rules": list(rules)})
            role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
            who = [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
            body = {"metadata": {"name": name}, "roleRef": role, "subjects": who}
            access.create_namespaced_role_binding(namespace, body)
        asked = {"spec": {"audiences": [ISSUER], "expirationSeconds": 3600}}
        made = core.create_namespaced_service_account_token(name, namespace, asked)
        token: str = made.status.token
        return token

    def admin_account(self, namespace: str, name: str) -> str:
        """Make a service account that may do everything; return a token of it."""
        token = self.account(namespace, name)
        who = [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        body = {"metadata": {"name": f"{namespace}-{name}"}, "roleRef": role, "subjects": who}
        client.RbacAuthorizationV1Api(self.api()).create_cluster_role_binding(body)
        return token

    def kubeconfig(self, place: Path, token: str, namespace: str = "default") -> Path:
        """Write a kubeconfig of a token."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [
                {"name": "c", "cluster": {"server": self.address, "certificate-authority": str(self.ca)}}
            ],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
        }  # fmt: skip
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(config))
        place.chmod(0o600)
        return place


@contextmanager
def kubernetes_server(folder: Path) -> Iterator[KubernetesServer]:
    """Run one until the block ends, with what it leaves in ``folder``."""
    programs = etcd(), kube_apiserver()
    certificate, key = own_certificate(folder)
    store, peer, port = free_port(), free_port(), free_port()
    (folder / "tokens.csv").write_text(f'{_ADMIN},admin,admin,"system:masters"\n')
    with ExitStack() as running:
        running.enter_context(_running(folder, "etcd", _etcd_command(programs[0], folder, store, peer)))
        command = _apiserver_command(programs[1], folder, store, port, certificate, key)
        apiserver = running.enter_context(_running(folder, "kube-apiserver", command))
        server = KubernetesServer(f"https://127.0.0.1:{port}", certificate, folder)
        _wait(apiserver, server)
        yield server


def _etcd_command(program: Path, folder: Path, port: int, peer: int) -> list[str | Path]:
    own, others = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    return [
        program,
        *("--data-dir", folder / "etcd", "--unsafe-no-fsync", "--log-level", "warn"),
        *("--listen-client-urls", own, "--advertise-client-urls", own, "--listen-peer-urls", others),
        *("--initial-advertise-peer-urls", others, "--initial-cluster", f"default={others}"),
    ]


def _apiserver_command(
    program: Path, folder: Path, store: int, port: int, certificate: Path, key: Path
) -> list[str | Path]:
    signing = folder / "accounts.key"
    signing.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return [
        program,
        f"--etcd-servers=http://127.0.0.1:{store}",
        f"--cert-dir={folder}",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--service-account-key-file={signing}",
        f"--service-account-signing-key-file={signing}",
        f"--service-account-issuer={ISSUER}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--service-cluster-ip-range=10.0.0.0/24",
    ]


@contextmanager
def _running(folder: Path, name: str, command: list[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as said:
        program = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder, env={"PATH": os.environ["PATH"]})
        try:
            yield program
        finally:
            program.kill()  # nothing of it is kept
            program.wait()


def _wait(running: subprocess.Popen[bytes], server: KubernetesServer) -> None:
    deadline = time.monotonic() + _PATIENCE
    headers = {"Authorization": f"Bearer {server.admin}"}
    log = server.folder / "kube-apiserver.log"
    while time.monotonic() < deadline:
        assert running.poll() is None, log.read_text()[-4000:]
        try:
            if requests.get(f"{server.address}/readyz", headers=headers, verify=str(server.ca), timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError(f"kube-apiserver is not ready:\n{log.read_text()[-4000:]}")
