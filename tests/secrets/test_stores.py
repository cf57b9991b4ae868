"""Secrets in Kubernetes, in Vault and in the keyring: by the makers' own clients, against what they document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from urllib3 import HTTPResponse

from molthub.errors import DeniedError, MolthubError
from molthub.secrets.assemble import provider_of
from molthub.secrets.kubernetes_secret import KubernetesProvider
from molthub.secrets.provider import Answer, Keeping, Listing, Provider
from molthub.secrets.settings import Declared
from molthub.secrets.system_keyring import KeyringProvider
from molthub.secrets.value import SecretValue
from molthub.secrets.vault import VaultProvider
from molthub.secrets.vault_login import Login
from molthub.secrets.vault_session import Patience
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
    provider = VaultProvider("v", vault.address, "bots/ada", login=Login(roles))
    assert values(provider.resolve(["a"])) == {"a": "1"}
    assert vault.asked[-3][3] == {"role_id": "bots", "secret_id": "s"}
    assert codes(at(vault, role="bots").resolve(["a"])) == {"a": "NOT_FOUND"}, "there is no service account here"


def test_vault_is_not_followed_elsewhere(vault: Store) -> None:
    vault.answers["/v1/secret/data/bots/ada"] = 307
    vault.answers["/elsewhere"] = {"data": {"data": {"a": "1"}}}
    assert codes(at(vault).resolve(["a"])) == {"a": "MALFORMED"}
    assert [path for _, path, _, _ in vault.asked] == ["/v1/secret/data/bots/ada"]


def test_a_token_is_shown_to_no_proxy_where_nothing_is_encrypted(vault: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving("X-Vault-Token") as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.address)
        vault.vault_secret("secret", "bots/ada", {"a": "1"})
        assert values(at(vault).resolve(["a"])) == {"a": "1"}
        assert proxy.asked == []


def test_vault_is_asked_again_when_it_says_so(vault: Store) -> None:
    vault.vault_secret("secret", "bots/ada", {"a": "1"})
    vault.busy = ["0", "0"]
    assert values(at(vault).resolve(["a"])) == {"a": "1"}
    assert len(vault.asked) == 3
    vault.busy = ["0"] * 9
    assert codes(at(vault).resolve(["a"])) == {"a": "BUSY"}


def test_nobody_waits_as_long_as_a_server_likes() -> None:
    patience = Patience(total=1)
    assert patience.get_retry_after(HTTPResponse(headers={"Retry-After": "86400"})) == 5
    assert patience.get_retry_after(HTTPResponse()) is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (500, "UNREACHABLE"),
        (503, "SEALED"),
        (400, "REFUSED"),
        (b"CANARY", "MALFORMED"),
        ({"data": "CANARY"}, "MALFORMED"),
    ],
)
def test_what_vault_says_besides_is_not_repeated(vault: Store, said: object, code: str) -> None:
    vault.answers["/v1/secret/data/bots/ada"] = said
    assert codes(at(vault).resolve(["a"])) == {"a": code}


def keeping(provider: Provider) -> Keeping:
    return cast("Keeping", provider)


@pytest.mark.parametrize("engine", [1, 2])
def test_a_field_is_written_beside_the_others_and_taken_away(vault: Store, engine: int) -> None:
    vault.engine("secret", engine)
    vault.vault_secret("secret", "bots/ada", {"a": "1"}, engine=engine)
    provider = at(vault, engine=engine)
    where = f"{vault.address}, secret/bots/ada"
    assert keeping(provider).keep("b", SecretValue("2")) == where
    assert keeping(provider).keep("below#c", SecretValue("3")) == where
    assert values(provider.resolve(["a", "b", "below#c"])) == {"a": "1", "b": "2", "below#c": "3"}
    assert cast("Listing", provider).ids() == ("a", "b")
    older = " (its older versions still hold it: vault kv destroy)" if engine == 2 else ""
    assert keeping(provider).forget("a") == where + older
    assert keeping(provider).forget("a") is None
    assert keeping(provider).forget("below#c") is not None
    assert cast("Listing", provider).ids() == ("b",)


def test_a_change_of_somebody_else_in_between_is_kept(vault: Store) -> None:
    vault.engine("secret", 2)
    vault.vault_secret("secret", "bots/ada", {"a": "1"})
    vault.meanwhile = lambda: vault.vault_secret("secret", "bots/ada", {"a": "1", "theirs": "2"}, version=4)
    keeping(at(vault)).keep("b", SecretValue("3"))
    assert cast("Listing", at(vault)).ids() == ("a", "b", "theirs")


def test_nothing_is_written_to_an_engine_of_the_other_version(vault: Store) -> None:
    vault.engine("secret", 1)
    with pytest.raises(MolthubError, match="an engine of version 1, not 2") as caught:
        keeping(at(vault)).keep("a", SecretValue("CANARY"))
    assert caught.value.remedy == "write `engine: 1` to the provider"
    assert not [path for _, path, _, body in vault.asked if body]


def test_what_may_not_be_written_or_listed_is_said(vault: Store, cluster: Store, home: Path) -> None:
    provider = at(vault, token="wrong")
    asked: list[Callable[[], object]] = [
        lambda: keeping(provider).keep("a", SecretValue("CANARY")),
        cast("Listing", provider).ids,
    ]
    for ask in asked:
        with pytest.raises(MolthubError, match="it is denied") as caught:
            ask()
        assert "CANARY" not in repr(caught.value)
    denied = KubernetesProvider("k", "x", kubeconfig=kubeconfig(home, cluster, "another"))
    asked = [lambda: denied.keep("a", SecretValue("CANARY")), denied.ids, lambda: denied.forget("a")]
    for ask in asked:
        with pytest.raises(MolthubError, match="may not be") as caught:
            ask()
        assert "grant the verb" in caught.value.remedy


def test_a_key_is_written_into_a_secret_of_kubernetes(home: Path, cluster: Store) -> None:
    provider = KubernetesProvider("k", "ada", kubeconfig=kubeconfig(home, cluster))
    assert provider.ids() == ()
    assert provider.forget("a") is None
    assert provider.keep("a", SecretValue("1")) == "Secret ada"
    assert provider.keep("b", SecretValue("ü\n")) == "Secret ada"
    assert values(provider.resolve(["a", "b"])) == {"a": "1", "b": "ü\n"}
    assert provider.forget("a") == "Secret ada"
    assert provider.ids() == ("b",)
    cluster.answers["/api/v1/namespaces/bots/secrets/ada"] = 422
    with pytest.raises(MolthubError, match="takes no such change"):
        provider.keep("a", SecretValue("CANARY"))


def test_a_token_that_is_put_anew_is_read_anew(vault: Store, home: Path) -> None:
    vault.vault_secret("secret", "bots/ada", {"a": "1"})
    kept = private(home / "sink", "too-old\n")
    provider = at(vault, token=None, **{"token-file": str(kept)})
    assert codes(provider.resolve(["a"])) == {"a": "DENIED"}
    private(kept, "let-me-in\n")
    assert values(provider.resolve(["a"])) == {"a": "1"}


def test_a_token_that_was_made_for_one_question_is_given_back(vault: Store, home: Path) -> None:
    vault.vault_secret("secret", "bots/ada", {"a": "1"})
    vault.answers["/v1/auth/clusters/here/login"] = {"auth": {"client_token": "let-me-in"}}
    account = private(home / "account", "a.service.account", 0o644)
    provider = at(vault, token=None, role="bots", **{"auth-mount": "clusters/here", "account-file": str(account)})
    assert values(provider.resolve(["a"])) == {"a": "1"}
    paths = [path for _, path, _, _ in vault.asked]
    assert paths == ["/v1/auth/clusters/here/login", "/v1/secret/data/bots/ada", "/v1/auth/token/revoke-self"]
    assert vault.asked[0][3] == {"jwt": "a.service.account", "role": "bots"}


def test_a_namespace_is_named(vault: Store) -> None:
    vault.vault_secret("secret", "bots/ada", {"a": "1"})
    assert values(at(vault, namespace="teams/a").resolve(["a"])) == {"a": "1"}
    assert vault.asked[0][2]["X-Vault-Namespace"] == "teams/a"


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

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


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
    assert provider.forget("github_token") == "the keyring, service molthub-secrets"
    assert provider.forget("github_token") is None


def test_a_locked_keyring_is_said(ring: Ring) -> None:
    ring.locked = True
    answer = KeyringProvider("ring").resolve(["a", "b"])
    assert codes(answer) == {"a": "UNAVAILABLE", "b": "UNAVAILABLE"}
    assert answer.errors["a"].remedy == "unlock or set up the system's keyring"
    with pytest.raises(DeniedError) as caught:
        KeyringProvider("ring").keep("a", SecretValue("CANARY"))
    assert "CANARY" not in str(caught.value)
    with pytest.raises(DeniedError):
        KeyringProvider("ring").forget("a")
