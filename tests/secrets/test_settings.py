"""``secrets.yaml``: who is asked for whom, and what the file may say."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from molthub.errors import ManifestError, MolthubError, NotFoundError, UsageError
from molthub.secrets.assemble import resolver_for
from molthub.secrets.read_settings import read_settings
from molthub.secrets.resolver import Resolver
from molthub.secrets.settings import Settings
from molthub.secrets.settings_text import settings_of
from molthub.yaml_text import parse
from tests.registry.command import schema_validator
from tests.secrets.fakes import FakeProvider
from tests.secrets.places import private, settings

WHOLE = """
format: molthub.secrets-settings/1
watch: true
providers:
  own:
    kind: directory
    path: ~/kept/{fleet}/{bot}
  env-file:
    kind: file
    path: /etc/bots/{fleet}.env
  op:
    kind: exec
    command: [/usr/local/bin/op-secrets, --vault, bots]
    env: [OP_SERVICE_ACCOUNT_TOKEN]
    seconds: 20
  ring: {kind: keyring, service: bots}
  k8s: {kind: kubernetes, secret: "{fleet}-{bot}", namespace: bots, context: prod, kubeconfig: ~/.kube/bots}
  bao: {kind: vault, address: "https://bao.example:8200", path: "bots/{bot}", mount: kv, engine: 1, role: bots}
order: [environment, own]
names:
  github_token: GH_PAT
  db.url: {own: database, environment: DB}
fleets:
  prod:
    order: [op]
    names:
      github_token: github/prod
bots:
  prod/ada:
    names: {github_token: github/ada}
  lab/eve:
    order: []
"""


def values(resolver: Resolver, *names: str) -> dict[str, str]:
    return {name: value.reveal() for name, value in resolver.resolve(names).values.items()}


# --- what the file says --------------------------------------------------------------------------------------------


def test_the_nearest_order_counts_and_names_are_joined() -> None:
    found = settings_of(WHOLE.encode(), "secrets.yaml")
    both = {"own": "database", "environment": "DB"}
    assert found.for_bot(None).order == ("environment", "own")
    assert found.for_bot("lab/bob") == found.for_bot(None)
    assert found.for_bot("prod/bob").order == ("op",)
    assert found.for_bot("prod/ada").order == ("op",)
    assert found.for_bot("prod/ada").names == {"github_token": "github/ada", "db.url": both}
    assert found.for_bot("lab/eve").order == ()
    assert found.watch


def test_without_a_file_the_environment_is_asked_and_then_the_users_directory(home: Path) -> None:
    found = read_settings()
    assert found == Settings()
    private(home / ".config/molthub/secrets/db", "d")
    private(home / "service/key", "k")
    known = {"GITHUB_TOKEN": "g", "CREDENTIALS_DIRECTORY": str(home / "service")}
    resolver = resolver_for(found, None, known)
    assert [provider.name for provider in resolver.providers] == ["environment", "credentials", "directory"]
    assert values(resolver, "github_token", "db", "key", "x") == {"github_token": "g", "db": "d", "key": "k"}
    assert [provider.name for provider in resolver_for(found, None, {}).providers] == ["environment", "directory"]


def test_one_bots_secrets_are_out_of_anothers_reach(home: Path) -> None:
    text = """
providers:
  own: {kind: directory, path: "~/kept/{fleet}/{bot}"}
order: [own]
"""
    private(home / "kept/prod/ada/token", "of ada")
    private(home / "kept/prod/bob/token", "of bob")
    found = settings_of(text.encode(), "secrets.yaml")
    assert values(resolver_for(found, "prod/ada"), "token") == {"token": "of ada"}
    assert values(resolver_for(found, "prod/bob"), "token") == {"token": "of bob"}
    assert values(resolver_for(found, "prod/eve"), "token") == {}
    with pytest.raises(UsageError, match="no bot is named"):
        resolver_for(found, None)


def test_places_are_below_home_or_the_settings_own_folder(home: Path) -> None:
    text = "providers:\n  a: {kind: directory, path: own}\n  b: {kind: file, path: ~/x.json}\norder: [a, b]\n"
    resolver = resolver_for(settings_of(text.encode(), "secrets.yaml"), None)
    assert [provider.where for provider in resolver.providers] == [f"{home}/.config/molthub/own", f"{home}/x.json"]


# --- what it may not say -------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[str, int, str]] = {
    "a list": ("- a", 1, "this is a map"),
    "a newer format": ("format: molthub.secrets-settings/2", 1, "newer"),
    "an unknown key": ("watch: true\nsecret: x", 2, "unknown key secret"),
    "watch": ("watch: maybe", 1, "true or false"),
    "providers": ("providers: []", 1, "providers is a map"),
    "a provider's name": ("providers:\n  A B: {kind: environment}", 2, "no name"),
    "no kind": ("providers:\n  a: {path: x}", 2, "no kind that is known: environment"),
    "an unknown kind": ("providers:\n  a: {kind: clipboard}", 2, "no kind that is known"),
    "a provider that is text": ("providers:\n  a: x", 2, "no kind that is known"),
    "a missing option": ("providers:\n  a: {kind: file}", 2, "needs path"),
    "an unknown option": ("providers:\n  a:\n    kind: file\n    path: x\n    token: t", 5, "unknown key token"),
    "a path": ("providers:\n  a:\n    kind: file\n    path: 5", 4, "path is a text"),
    "a command line": ("providers:\n  a:\n    kind: exec\n    command: /bin/x y", 4, "a program and its arguments"),
    "a program on PATH": ("providers:\n  a:\n    kind: exec\n    command: [x]", 4, "absolute path"),
    "variables": ("providers:\n  a:\n    kind: exec\n    command: [/x]\n    env: A", 5, "list of environment"),
    "no end": ("providers:\n  a:\n    kind: exec\n    command: [/x]\n    seconds: 0", 5, "number of seconds"),
    "yes seconds": ("providers:\n  a:\n    kind: exec\n    command: [/x]\n    seconds: true", 5, "number of seconds"),
    "an address in clear": (
        "providers:\n  a:\n    kind: vault\n    path: x\n    address: http://v.eu",
        5,
        "https",
    ),
    "a password in it": ("providers:\n  a:\n    kind: vault\n    path: x\n    address: https://u:p@v/", 5, "https"),
    "an engine": ("providers:\n  a:\n    kind: vault\n    path: x\n    address: https://v\n    engine: 3", 6, "1 or 2"),
    "a Secret": ("providers:\n  a: {kind: kubernetes}", 2, "needs secret"),
    "another kind's option": (
        "providers:\n  a:\n    kind: kubernetes\n    secret: x\n    service: y",
        5,
        "unknown key",
    ),
    "order": ("order: environment", 1, "order is a list"),
    "an unknown provider": ("order:\n  - environment\n  - vault", 3, "no provider vault"),
    "names": ("names: [a]", 1, "names is a map"),
    "a secret's name": ("names:\n  GITHUB: x", 2, "no secret's name"),
    "an id": ("names:\n  a: [x]", 2, "is a text"),
    "an id of nobody's": ("names:\n  a: {vault: x}", 2, "no provider vault"),
    "an id that is none": ("names:\n  a: {environment: 5}", 2, "is a text"),
    "fleets": ("fleets: x", 1, "fleets is a map"),
    "a fleet's name": ("fleets:\n  Prod: {}", 2, "no name of a fleet"),
    "a bot's name": ("bots:\n  ada: {}", 2, "FLEET/BOT"),
    "a section": ("bots:\n  prod/ada: x", 2, "this is a map"),
    "a section's key": ("bots:\n  prod/ada:\n    watch: true", 3, "unknown key watch"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_said_with_its_line(case: str) -> None:
    text, line, said = REFUSED[case]
    with pytest.raises(ManifestError) as caught:
        settings_of(text.encode(), "secrets.yaml")
    assert [(problem.line, said in problem.message) for problem in caught.value.problems] == [(line, True)]


def test_the_published_schema_says_the_same() -> None:
    """What refers to something else in the file is beyond a schema."""
    validator = schema_validator("secrets-settings")
    taken = {case for case, (text, *_) in REFUSED.items() if validator.is_valid(parse(text, "x").value)}
    assert taken == {"an unknown provider", "an id of nobody's"}
    assert validator.is_valid(parse(WHOLE, "x").value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ManifestError) as caught:
        settings_of(b"a: 1\nb: 2\norder: [x]", "secrets.yaml")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3]


def test_a_file_that_others_may_write_is_refused(home: Path) -> None:
    place = settings(home, WHOLE)
    place.chmod(0o666)
    with pytest.raises(MolthubError) as caught:
        read_settings()
    assert caught.value.remedy == f"chmod go-w {place}"
    place.chmod(0o644)
    assert read_settings().watch
    with pytest.raises(NotFoundError):
        read_settings(home / "other.yaml")


# --- asking --------------------------------------------------------------------------------------------------------


def test_each_provider_is_asked_once_for_all_that_is_still_missing() -> None:
    first, second = FakeProvider("first", {"a": "1"}), FakeProvider("second", {"b": "2", "a": "older"})
    found = Resolver([first, second]).resolve(["a", "b", "c", "a"])
    assert first.asked == [("a", "b", "c")]
    assert second.asked == [("b", "c")]
    assert {name: value.reveal() for name, value in found.values.items()} == {"a": "1", "b": "2"}
    assert found.providers == {"a": "first", "b": "second"}
    assert found.missing["c"].reason == "first: no c; second: no c"


def test_a_provider_that_cannot_say_is_not_passed_over() -> None:
    first, second = FakeProvider("first", {}, failing={"a": "LOCKED"}), FakeProvider("second", {"a": "older", "b": "2"})
    found = Resolver([first, second]).resolve(["a", "b"])
    assert second.asked == [("b",)]
    assert found.missing["a"].said[0][1].code == "LOCKED"
    assert found.missing["a"].remedy == "open it"


def test_a_secret_that_is_kept_at_one_provider_is_asked_of_no_other() -> None:
    first, second = FakeProvider("first", {"a": "1"}), FakeProvider("second", {"own": "2"})
    found = Resolver([first, second], {"a": {"second": "own"}}).resolve(["a"])
    assert (first.asked, second.asked) == ([], [("own",)])
    assert found.providers == {"a": "second"}
    nowhere = Resolver([first], {"a": {"second": "own"}}).resolve(["a"]).missing["a"]
    assert nowhere.reason == "no provider is asked"


def test_nothing_shows_what_was_found() -> None:
    found = Resolver([FakeProvider("first", {"a": "CANARY"})]).resolve(["a"])
    assert "CANARY" not in repr(found)


def test_variables_that_hold_secrets_or_let_somebody_in_are_known() -> None:
    text = """
providers:
  op: {kind: exec, command: [/bin/op], env: [OP_TOKEN]}
order: [environment, op]
names: {github_token: GH_PAT}
"""
    resolver = resolver_for(settings_of(text.encode(), "x"), None, dict(os.environ))
    assert resolver.variables(["github_token", "db"]) == {"GH_PAT", "DB", "OP_TOKEN"}


@pytest.mark.parametrize("key", ["format", "watch", "providers", "order", "names", "fleets", "bots", "command", "env"])
@pytest.mark.parametrize("value", ["x", "5", "[]", "{}", "[1]", "{1: 2}", "{a: {1: x}}"])
def test_values_of_any_kind_are_taken_or_refused(key: str, value: str) -> None:
    text = f"{key}: {value}" if key not in ("command", "env") else f"providers: {{a: {{kind: exec, {key}: {value}}}}}"
    with suppress(ManifestError):
        assert isinstance(settings_of(text.encode(), "x"), Settings)
