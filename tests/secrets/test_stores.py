"""Secrets in Kubernetes, in Vault and in the keyring: by the makers' own clients, against what they document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from molthub.errors import DeniedError
from molthub.secrets.assemble import provider_of
from molthub.secrets.kubernetes_secret import KubernetesProvider
from molthub.secrets.provider import Answer, Provider
from molthub.secrets.settings import Declared
from molthub.secrets.system_keyring import KeyringProvider
from molthub.secrets.value import SecretValue
from molthub.secrets.vault import VaultProvider
from tests.secrets.places import private
from tests.secrets.stores import Store, serving


def values(answer: Answer) -> dict[str, str]:
    return {name: value.reveal() for name, value in answer.values.items()}


def codes(answer: Answer) -> dict[str, str]:
    assert "CANARY" not in repr(answer)
    return {name: failure.code for name, failure in answer.errors.items()}


# --- Kubernetes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster() -> Iterator[Store]:
    with serving("Authorization") as store:
        yield store


def kubeconfig(home: Path, store: Store, token: str = "let-me-in") -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": store.address}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "bots"}},
            {"name": "bare", "context": {"cluster": "c", "user": "u"}},
        ],
    }
    return private(home / ".kube" / "config", json.dumps(config))


def test_a_secret_of_kubernetes_is_read_once_for_all_its_keys(home: Path, cluster: Store) -> None:
    place = kubeconfig(home, cluster)
    cluster.kubernetes_secret("bots", "prod-ada", {"github_token": b"tok\n", "bytes": b"\xff"})
    options = {"secret": "{fleet}-{bot}", "kubeconfig": str(place)}
    provider = provider_of("k8s", Declared("kubernetes", options), "prod/ada", {})
    assert provider is not None
    assert provider.own_id("github_token") == "github_token"
    answer = provider.resolve(["github_token", "bytes", "other"])
    assert values(answer) == {"github_token": "tok\n"}
    assert codes(answer) == {"bytes": "NOT_TEXT", "other": "NOT_FOUND"}
    assert [path for _, path, _, _ in cluster.asked] == ["/api/v1/namespaces/bots/secrets/prod-ada"]


def test_a_secret_of_kubernetes_that_cannot_be_read_is_said(home: Path, cluster: Store) -> None:
    place = kubeconfig(home, cluster)
    cluster.answers["/api/v1/namespaces/default/secrets/broken"] = 500
    assert codes(KubernetesProvider("k", "none", kubeconfig=place).resolve(["a"])) == {"a": "NOT_FOUND"}
    broken = KubernetesProvider("k", "broken", kubeconfig=place, context="bare")
    assert codes(broken.resolve(["a"])) == {"a": "UNREACHABLE"}
    assert len([1 for _, path, _, _ in cluster.asked if path.endswith("broken")]) == 1, "it is not asked again"
    kubeconfig(home, cluster, "another")
    denied = KubernetesProvider("k", "prod-ada", namespace="bots", kubeconfig=place).resolve(["a"])
    assert codes(denied) == {"a": "DENIED"}
    assert "verb get" in denied.errors["a"].remedy
    unknown = KubernetesProvider("k", "x", kubeconfig=place, context="nowhere").resolve(["a"])
    assert codes(unknown) == {"a": "NO_CONFIG"}


def test_a_cluster_that_is_not_there_is_unreachable(home: Path) -> None:
    with serving("Authorization") as store:
        place = kubeconfig(home, store)
    assert codes(KubernetesProvider("k", "x", kubeconfig=place).resolve(["a"])) == {"a": "UNREACHABLE"}


# --- Vault ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def vault() -> Iterator[Store]:
    with serving("X-Vault-Token") as store:
        yield store


def at(store: Store, path: str = "bots/ada", token: str | None = "let-me-in", **options: object) -> Provider:
    environment = {"VAULT_TOKEN": token} if token else {}
    declared = Declared("vault", {"address": store.address, "path": path, **options})
    provider = provider_of("v", declared, "prod/ada", environment)
    assert provider is not None
    return provider


def test_each_path_of_vault_is_read_once(vault: Store) -> None:
    vault.vault_secret("secret", "bots/ada", {"github_token": "tok", "number": 5, "empty": ""})
    vault.vault_secret("secret", "bots/ada/db", {"url": "postgres://"})
    answer = at(vault, "bots/{bot}").resolve(["github_token", "number", "empty", "db#url", "db#none", "no/where#x"])
    assert values(answer) == {"github_token": "tok", "db#url": "postgres://"}
    assert codes(answer) == {
        "number": "NOT_TEXT", "empty": "NOT_FOUND", "db#none": "NOT_FOUND", "no/where#x": "NOT_FOUND",
    }  # fmt: skip
    paths = [path for _, path, _, _ in vault.asked]
    assert paths == [f"/v1/secret/data/bots/ada{below}" for below in ("", "/db", "/no/where")]


def test_the_older_engine_and_another_mount(vault: Store) -> None:
    vault.vault_secret("kv", "bots/ada", {"a": "1"}, engine=1)
    assert values(at(vault, mount="kv", engine=1).resolve(["a"])) == {"a": "1"}


def test_vault_is_shown_a_token_a_role_or_nothing(vault: Store, home: Path) -> None:
    vault.vault_secret("secret", "bots/ada", {"a": "1"})
    assert codes(at(vault, token="wrong").resolve(["a"])) == {"a": "DENIED"}
    assert codes(at(vault, token=None).resolve(["a"])) == {"a": "NO_LOGIN"}
    kept = private(home / ".vault-token", "let-me-in\n")
    assert values(at(vault, token=None).resolve(["a"])) == {"a": "1"}
    kept.chmod(0o644)
    assert codes(at(vault, token=None).resolve(["a"])) == {"a": "TOO_OPEN"}
    private(kept, "\n")
    assert codes(at(vault, token=None).resolve(["a"])) == {"a": "NO_LOGIN"}
    vault.answers["/v1/auth/approle/login"] = {"auth": {"client_token": "let-me-in"}}
    roles = {"VAULT_ROLE_ID": "bots", "VAULT_SECRET_ID": "s"}
    provider = VaultProvider("v", vault.address, "bots/ada", environment=roles)
    assert values(provider.resolve(["a"])) == {"a": "1"}
    assert vault.asked[-2][3] == {"role_id": "bots", "secret_id": "s"}
    assert codes(at(vault, role="bots").resolve(["a"])) == {"a": "NOT_FOUND"}, "there is no service account here"


def test_vault_is_not_followed_elsewhere(vault: Store) -> None:
    vault.answers["/v1/secret/data/bots/ada"] = 307
    vault.answers["/elsewhere"] = {"data": {"data": {"a": "1"}}}
    assert codes(at(vault).resolve(["a"])) == {"a": "MALFORMED"}
    assert [path for _, path, _, _ in vault.asked] == ["/v1/secret/data/bots/ada"]


@pytest.mark.parametrize(
    ("said", "code"),
    [(500, "UNREACHABLE"), (503, "UNREACHABLE"), (b"CANARY", "MALFORMED"), ({"data": "CANARY"}, "MALFORMED")],
)
def test_what_vault_says_besides_is_not_repeated(vault: Store, said: object, code: str) -> None:
    vault.answers["/v1/secret/data/bots/ada"] = said
    assert codes(at(vault).resolve(["a"])) == {"a": code}


def test_a_vault_that_is_not_there_is_unreachable() -> None:
    with serving("X-Vault-Token") as store:
        provider = at(store)
    assert codes(provider.resolve(["a"])) == {"a": "UNREACHABLE"}


# --- the keyring ---------------------------------------------------------------------------------------------------


class Ring(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # the library's
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("CANARY")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("CANARY")
        self.held[service, username] = password


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, found = keyring.get_keyring(), Ring()
    keyring.set_keyring(found)
    yield found
    keyring.set_keyring(before)


def test_the_keyring_keeps_and_gives(ring: Ring) -> None:
    provider = KeyringProvider("ring")
    assert provider.keep("github_token", SecretValue("tok")) == "the keyring, service molthub-secrets"
    assert ring.held == {("molthub-secrets", "github_token"): "tok"}
    answer = provider.resolve([provider.own_id("github_token"), "other"])
    assert values(answer) == {"github_token": "tok"}
    assert codes(answer) == {"other": "NOT_FOUND"}
    assert codes(KeyringProvider("ring", "another").resolve(["github_token"])) == {"github_token": "NOT_FOUND"}


def test_a_locked_keyring_is_said(ring: Ring) -> None:
    ring.locked = True
    answer = KeyringProvider("ring").resolve(["a", "b"])
    assert codes(answer) == {"a": "UNAVAILABLE", "b": "UNAVAILABLE"}
    assert answer.errors["a"].remedy == "unlock or set up the system's keyring"
    with pytest.raises(DeniedError) as caught:
        KeyringProvider("ring").keep("a", SecretValue("CANARY"))
    assert "CANARY" not in str(caught.value)
