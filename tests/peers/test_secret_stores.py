"""Secrets in a real Kubernetes and a real Vault: read, written, taken away, and refused."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from kubernetes import client

from molthub.errors import MolthubError
from molthub.secrets.assemble import provider_of
from molthub.secrets.provider import Answer, Keeping, Listing, Provider
from molthub.secrets.settings import Declared
from molthub.secrets.value import SecretValue
from tests.peers.kubernetes_server import KubernetesServer, kubernetes_server
from tests.peers.vault_server import VaultServer, vault_server
from tests.secrets.leaks import leaks
from tests.secrets.places import manifest, private, settings

pytestmark = pytest.mark.peers

CANARY = 'canary/9d41c7e2"ü%b85f03<a6e917d4>'


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesServer]:
    with kubernetes_server(tmp_path_factory.mktemp("cluster")) as server:
        yield server


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    with vault_server(tmp_path_factory.mktemp("vault")) as server:
        yield server


def values(answer: Answer) -> dict[str, str]:
    return {name: value.reveal() for name, value in answer.values.items()}


def codes(answer: Answer) -> dict[str, str]:
    return {name: failure.code for name, failure in answer.errors.items()}


def made(kind: str, options: dict[str, Any], environment: dict[str, str] | None = None) -> Provider:
    provider = provider_of("it", Declared(kind, options), "prod/ada", environment or {})
    assert provider is not None
    return provider


def keeping(provider: Provider) -> Keeping:
    return cast("Keeping", provider)


def ids(provider: Provider) -> tuple[str, ...]:
    return cast("Listing", provider).ids()


# --- Kubernetes ----------------------------------------------------------------------------------------------------


def rule(*verbs: str, names: list[str] | None = None) -> dict[str, list[str]]:
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": list(verbs)}
    return rule | ({"resourceNames": names} if names else {})


def test_a_bot_reads_the_one_secret_that_it_may(cluster: KubernetesServer, home: Path) -> None:
    namespace = cluster.namespace("reading")
    cluster.secret(namespace, "prod-ada", {"github_token": "tok\n", "ca.crt": "ü"})
    cluster.secret(namespace, "prod-bob", {"github_token": "of bob"})
    token = cluster.account(namespace, "ada", [rule("get", names=["prod-ada"])])
    config = cluster.kubeconfig(home / "kubeconfig", token, namespace)
    own = made("kubernetes", {"secret": "{fleet}-{bot}", "kubeconfig": str(config)})
    answer = own.resolve(["github_token", "ca.crt", "other"])
    assert (values(answer), codes(answer)) == ({"github_token": "tok\n", "ca.crt": "ü"}, {"other": "NOT_FOUND"})
    assert ids(own) == ("ca.crt", "github_token")
    other = made("kubernetes", {"secret": "prod-bob", "kubeconfig": str(config)})
    denied = other.resolve(["github_token"])
    assert (codes(denied), "verb get" in denied.errors["github_token"].remedy) == ({"github_token": "DENIED"}, True)
    with pytest.raises(MolthubError, match="may not be written") as caught:
        keeping(own).keep("github_token", SecretValue("CANARY"))
    assert "verb patch" in caught.value.remedy
    assert "CANARY" not in repr(caught.value)
    config = cluster.kubeconfig(home / "expired", "no.such.token", namespace)
    assert codes(made("kubernetes", {"secret": "prod-ada", "kubeconfig": str(config)}).resolve(["a"])) == {
        "a": "DENIED"
    }


def test_keys_are_written_one_by_one(cluster: KubernetesServer, home: Path) -> None:
    namespace = cluster.namespace("writing")
    token = cluster.account(namespace, "ada", [rule("get", "patch", names=["prod-ada"]), rule("create")])
    config = cluster.kubeconfig(home / "kubeconfig", token, namespace)
    provider = made("kubernetes", {"secret": "prod-ada", "kubeconfig": str(config)})
    assert codes(provider.resolve(["a"])) == {"a": "NOT_FOUND"}
    assert keeping(provider).forget("a") is None
    assert keeping(provider).keep("a", SecretValue("1")) == "Secret prod-ada"
    assert keeping(provider).keep("b", SecretValue('"ü"\n')) == "Secret prod-ada"
    held = client.CoreV1Api(cluster.api()).read_namespaced_secret("prod-ada", namespace)
    assert {key: base64.b64decode(value).decode() for key, value in held.data.items()} == {"a": "1", "b": '"ü"\n'}
    assert held.type == "Opaque"
    assert values(provider.resolve(["a", "b"])) == {"a": "1", "b": '"ü"\n'}
    assert keeping(provider).forget("a") == "Secret prod-ada"
    assert ids(provider) == ("b",)
    with pytest.raises(MolthubError, match="takes no such change"):
        keeping(provider).keep("no key", SecretValue("x"))


def test_an_immutable_secret_is_left_alone(cluster: KubernetesServer, home: Path) -> None:
    namespace = cluster.namespace("immutable")
    cluster.secret(namespace, "prod-ada", {"a": "1"}, immutable=True)
    config = cluster.kubeconfig(home / "kubeconfig", cluster.admin, namespace)
    provider = made("kubernetes", {"secret": "prod-ada", "kubeconfig": str(config)})
    changes: list[Callable[[], object]] = [
        lambda: keeping(provider).keep("a", SecretValue("2")),
        lambda: keeping(provider).forget("a"),
    ]
    for change in changes:
        with pytest.raises(MolthubError, match="takes no such change") as caught:
            change()
        assert "immutable" in caught.value.remedy
    assert values(provider.resolve(["a"])) == {"a": "1"}


# --- Vault ---------------------------------------------------------------------------------------------------------


def at(vault: VaultServer, token: str | None = None, **options: Any) -> Provider:
    where = {"address": vault.address, "path": "bots/ada", "ca": str(vault.ca), **options}
    return made("vault", where, {"VAULT_TOKEN": token} if token else {})


@pytest.mark.parametrize(("mount", "engine"), [("secret", 2), ("old", 1)])
def test_both_engines_keep_fields_of_one_path(vault: VaultServer, mount: str, engine: int) -> None:
    provider = at(vault, vault.root, mount=mount, engine=engine, path=f"engine/{engine}")
    assert codes(provider.resolve(["a"])) == {"a": "NOT_FOUND"}
    assert ids(provider) == ()
    for name, value in (("a", "1"), ("b", '"ü"\n'), ("below/it#c", "3")):
        keeping(provider).keep(name, SecretValue(value))
    assert values(provider.resolve(["a", "b", "below/it#c"])) == {"a": "1", "b": '"ü"\n', "below/it#c": "3"}
    assert ids(provider) == ("a", "b")
    assert keeping(provider).forget("a") is not None
    assert keeping(provider).forget("a") is None
    assert keeping(provider).forget("b") is not None
    assert ids(provider) == ()
    keeping(provider).keep("a", SecretValue("again"))
    assert values(provider.resolve(["a"])) == {"a": "again"}


def test_a_version_that_was_deleted_is_not_there_and_may_be_followed(vault: VaultServer) -> None:
    provider = at(vault, vault.root, path="deleted")
    keeping(provider).keep("a", SecretValue("1"))
    vault.client().secrets.kv.v2.delete_latest_version_of_secret("deleted", mount_point="secret")
    assert codes(provider.resolve(["a"])) == {"a": "NOT_FOUND"}
    keeping(provider).keep("b", SecretValue("2"))
    assert ids(provider) == ("b",)


def test_an_engine_of_the_other_version_is_not_written_to(vault: VaultServer) -> None:
    for mount, engine in (("secret", 1), ("old", 2)):
        with pytest.raises(MolthubError, match=f"not {engine}") as caught:
            keeping(at(vault, vault.root, mount=mount, engine=engine, path="other")).keep("a", SecretValue("CANARY"))
        assert caught.value.remedy == f"write `engine: {3 - engine}` to the provider"


def test_a_policy_says_what_a_token_may(vault: VaultServer, home: Path) -> None:
    keeping(at(vault, vault.root)).keep("a", SecretValue("1"))
    reading = vault.token(vault.policy("reading", {"secret/data/bots/ada": ["read"]}))
    assert values(at(vault, reading).resolve(["a"])) == {"a": "1"}
    assert codes(at(vault, reading, path="bots/bob").resolve(["a"])) == {"a": "DENIED"}
    with pytest.raises(MolthubError, match="it is denied") as caught:
        keeping(at(vault, reading)).keep("a", SecretValue("CANARY"))
    assert "CANARY" not in repr(caught.value)
    sink = private(home / "sink", vault.token("reading", ttl="1s", explicit_max_ttl="1s"))
    renewed = at(vault, **{"token-file": str(sink)})
    vault.client().auth.token.revoke(sink.read_text())
    assert codes(renewed.resolve(["a"])) == {"a": "DENIED"}
    private(sink, vault.token("reading") + "\n")
    assert values(renewed.resolve(["a"])) == {"a": "1"}


def tokens(vault: VaultServer) -> int:
    """Return how many tokens there are."""
    return len(vault.client().auth.token.list_accessors()["data"]["keys"])


def test_an_approle_is_let_in_and_leaves_no_token_behind(vault: VaultServer) -> None:
    keeping(at(vault, vault.root)).keep("a", SecretValue("1"))
    vault.policy("reading", {"secret/data/bots/ada": ["read"]})
    root = vault.client()
    root.sys.enable_auth_method("approle", path="of-bots")
    role = {"role_name": "ada", "mount_point": "of-bots"}
    root.auth.approle.create_or_update_approle(token_policies=["reading"], **role)
    shown = {
        "VAULT_ROLE_ID": root.auth.approle.read_role_id(**role)["data"]["role_id"],
        "VAULT_SECRET_ID": root.auth.approle.generate_secret_id(**role)["data"]["secret_id"],
    }
    where = {"address": vault.address, "path": "bots/ada", "ca": str(vault.ca), "auth-mount": "of-bots"}
    before = tokens(vault)
    assert values(made("vault", where, shown).resolve(["a"])) == {"a": "1"}
    assert tokens(vault) == before
    wrong = made("vault", where, {**shown, "VAULT_SECRET_ID": "no"}).resolve(["a"])
    assert codes(wrong) == {"a": "REFUSED"}
    assert shown["VAULT_ROLE_ID"] not in repr(wrong)


def test_a_service_account_is_let_in(vault: VaultServer, cluster: KubernetesServer, home: Path) -> None:
    keeping(at(vault, vault.root)).keep("a", SecretValue("1"))
    vault.policy("reading", {"secret/data/bots/ada": ["read"]})
    namespace = cluster.namespace("of-vault")
    root = vault.client()
    root.sys.enable_auth_method("kubernetes", path="clusters/here")
    root.auth.kubernetes.configure(
        cluster.address,
        kubernetes_ca_cert=cluster.ca.read_text(),
        token_reviewer_jwt=cluster.admin_account(namespace, "reviewer"),
        disable_local_ca_jwt=True,
        mount_point="clusters/here",
    )
    root.auth.kubernetes.create_role("ada", ["ada"], [namespace], policies=["reading"], mount_point="clusters/here")
    account = private(home / "account", cluster.account(namespace, "ada"), 0o644)
    options = {"role": "ada", "auth-mount": "clusters/here", "account-file": str(account)}
    before = tokens(vault)
    assert values(at(vault, **options).resolve(["a"])) == {"a": "1"}
    assert tokens(vault) == before
    private(account, cluster.account(namespace, "bob"), 0o644)
    assert codes(at(vault, **options).resolve(["a"])) == {"a": "DENIED"}


def test_only_its_own_authority_is_believed_and_a_sealed_one_is_said(vault: VaultServer, tmp_path: Path) -> None:
    foreign = made("vault", {"address": vault.address, "path": "bots/ada"}, {"VAULT_TOKEN": vault.root})
    assert codes(foreign.resolve(["a"])) == {"a": "UNREACHABLE"}
    with vault_server(tmp_path) as other:
        other.client().sys.seal()
        assert codes(at(other, other.root).resolve(["a"])) == {"a": "SEALED"}


# --- as it is typed ------------------------------------------------------------------------------------------------


def test_secrets_are_set_checked_used_and_taken_away(vault: VaultServer, cluster: KubernetesServer, home: Path) -> None:
    namespace = cluster.namespace("typed")
    token = cluster.account(namespace, "ada", [rule("get", "patch", names=["prod-ada"]), rule("create")])
    config = cluster.kubeconfig(home / "kubeconfig", token, namespace)
    settings(
        home,
        "providers:\n"
        f"  cluster: {{kind: kubernetes, secret: '{{fleet}}-{{bot}}', kubeconfig: {config}}}\n"
        f"  vault: {{kind: vault, address: '{vault.address}', path: 'typed/{{bot}}', ca: {vault.ca}}}\n"
        "order: [cluster, vault]\n",
    )
    told = "import json, os; print(json.dumps([os.environ['A'], os.environ['B'], 'VAULT_TOKEN' in os.environ]))"
    env = {"A": "${secrets.a}", "B": "${secrets.b}"}
    server = {"command": sys.executable, "args": ["-c", told], "env": env}
    manifest(home, mcp={"seeing": server}, bots={"prod/ada": {}})

    printed: list[str] = []

    def run(*words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "molthub.cli.door", *words]
        environment = {**os.environ, "VAULT_TOKEN": vault.root}
        ran = subprocess.run(command, env=environment, input=said, capture_output=True, text=True, check=False)
        printed.extend([ran.stderr, *([] if words[0] == "exec" else [ran.stdout])])
        return ran

    assert run("secrets", "check").returncode == 3
    for name, provider in (("a", "cluster"), ("b", "vault")):
        ran = run("secrets", "set", name, "--provider", provider, "--bot", "prod/ada", said=f"{name}{CANARY}")
        assert ran.returncode == 0, ran
    assert run("secrets", "check").returncode == 0
    assert json.loads(run("exec", "--server", "seeing").stdout) == [f"a{CANARY}", f"b{CANARY}", False]
    assert run("exec", "--debug", "--env", "--", "no-such-program").returncode == 1
    listed = json.loads(run("secrets", "list", "--bot", "prod/ada", "--json").stdout)["secrets"]
    assert [(one["provider"], one["name"]) for one in listed] == [("cluster", "a"), ("vault", "b")]
    for name in ("a", "b"):
        assert run("secrets", "unset", name, "--bot", "prod/ada").returncode == 0
    ran = run("secrets", "check", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["summary"]["missing"]) == (3, 2)
    printed += [
        log.read_text() for log in (vault.log, cluster.folder / "kube-apiserver.log", cluster.folder / "etcd.log")
    ]
    assert leaks([CANARY, vault.root, token], printed, [home], [config]) == []
