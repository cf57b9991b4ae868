"""``molthub secrets``: check, list, set, providers, as they are typed."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from click.shell_completion import shell_complete

from molthub.cli import main
from molthub.model import Origin
from tests.reconciler.world import World
from tests.registry.command import Command, assert_document
from tests.secrets.places import SERVER, manifest, private, secret, settings

DESIRED = {
    "env/DB_URL": "postgres://${secrets.db_user}:${secrets.db_password}@db/",
    "mcp/github": {**SERVER, "args": ["--key=${secrets.api-key}"]},
    "mcp/postgres": {"command": "pg", "env": {"DB_URL": "postgres://${secrets.db_user}:${secrets.db_password}@db/"}},
}
ORIGINS = {
    "env/DB_URL": (Origin("bot", "fleets/prod/bots/ada.yaml:9"),),
    "mcp/github": (Origin("pack/dev@1", "packs/dev/1.yaml:4"),),
    "mcp/postgres": (Origin("pack/dev@1", "packs/dev/1.yaml:7"),),
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "world")
    world.site.bot("prod/ada", DESIRED, origins=ORIGINS)
    world.site.bot("prod/bob", {"env/LEVEL": "debug"})
    world.site.bot("lab/eve", {"env/TOKEN": "${secrets.lab_token}"})
    world.site.publish()
    return world


# --- check ---------------------------------------------------------------------------------------------------------


def test_the_bot_of_this_home_is_checked(home: Path, molthub: Command) -> None:
    manifest(home, mcp={"github": SERVER}, env={"DB": "${secrets.db}"})
    secret(home, "db", "CANARY")
    ran = molthub("secrets", "check")
    assert ran.status == 3
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[1:] == [
        ["this", "home", "db", "directory", "env/DB"],
        ["this", "home", "github_token", "missing", "mcp/github", "(/env/TOKEN)"],
    ]
    assert "secret github_token does not resolve: environment: no variable GITHUB_TOKEN" in ran.err
    assert "export GITHUB_TOKEN=..." in ran.err
    assert "CANARY" not in ran.out + ran.err
    secret(home, "github_token", "x")
    assert molthub("secrets", "check").status == 0


def test_the_bots_of_an_index_are_checked_with_where_it_was_declared(
    world: World, molthub: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_USER", "CANARY")
    ran = molthub("secrets", "check", "prod", "--registry", world.site.folder, "--json")
    assert ran.status == 3
    assert_document("secrets-check", ran.json)
    assert ran.json["summary"] == {"bots": 2, "secrets": 4, "missing": 3}
    ada = {one["name"]: one for one in ran.json["bots"][0]["secrets"]}
    assert ada["db_user"]["provider"] == "environment"
    assert ada["db_user"]["uses"] == [
        {"key": "env/DB_URL", "part": "", "at": "fleets/prod/bots/ada.yaml:9"},
        {"key": "mcp/postgres", "part": "/env/DB_URL", "at": "fleets/prod/bots/ada.yaml:9"},
    ]
    assert ada["api-key"]["uses"] == [{"key": "mcp/github", "part": "/args/0", "at": "packs/dev/1.yaml:4"}]
    assert ada["github_token"]["provider"] is None
    assert "CANARY" not in ran.out + ran.err


def test_one_bot_all_bots_and_none(world: World, molthub: Command) -> None:
    place = ("--index", world.site.folder)
    assert [bot["bot"] for bot in molthub("secrets", "check", "lab/eve", *place, "--json").json["bots"]] == ["lab/eve"]
    everyone = molthub("secrets", "check", "--all", *place, "--json").json["bots"]
    assert [bot["bot"] for bot in everyone] == ["lab/eve", "prod/ada", "prod/bob"]
    assert molthub("secrets", "check", "prod/bob", *place).status == 0
    assert molthub("secrets", "check", "prod/bub", *place).err.splitlines()[-1].strip() == "did you mean bob?"
    assert molthub("secrets", "check", "prud", *place).status == 1


def test_the_bots_of_a_folder_are_checked(world: World, molthub: Command) -> None:
    assert world.molthub("reconcile").status == 0
    ran = molthub("secrets", "check", "--all", "--target", world.target, "--json")
    assert [bot["bot"] for bot in ran.json["bots"]] == ["lab/eve", "prod/ada", "prod/bob"]
    assert ran.status == 3
    private(world.home("lab/eve") / ".agents/molthub.json", "{")
    ran = molthub("secrets", "check", "lab", "prod/bob", "--target", world.target)
    assert (ran.status, "lab/eve" in ran.err) == (4, True)
    assert molthub("secrets", "check", "lab", "--target", world.target).status == 1
    assert molthub("secrets", "check", "nowhere", "--target", world.target).status == 1


def test_bots_that_share_a_home_are_asked_for_each(home: Path, world: World, molthub: Command) -> None:
    for bot in ("prod/ada", "prod/bob"):
        world.site.bot(bot, {"env/TOKEN": "${secrets.token}"}, home="shared")
    world.site.publish()
    assert world.molthub("reconcile").status == 0
    settings(home, "bots: {prod/bob: {names: {token: OF_BOB}}}")
    ran = molthub("secrets", "check", "prod/bob", "--target", world.target)
    assert "no variable OF_BOB" in ran.err
    assert "no variable TOKEN" in molthub("secrets", "check", "prod/ada", "--target", world.target).err
    ran = molthub("exec", "--home", world.target / "prod" / "shared", "--env", "true")
    assert (ran.status, "several bots live here (prod/ada, prod/bob), and their secrets differ" in ran.err) == (2, True)
    ran = molthub("exec", "--home", world.target / "prod" / "shared", "--bot", "prod/bob", "--env", "true")
    assert (ran.status, "no variable OF_BOB" in ran.err) == (1, True)
    ran = molthub("exec", "--home", world.target / "lab" / "eve", "--env", "true")
    assert (ran.status, "no variable LAB_TOKEN" in ran.err) == (1, True)


def test_a_bot_that_does_not_resolve_is_named(world: World, molthub: Command) -> None:
    world.site.bot("lab/eve", {}, resolved=False, digest=None)
    world.site.publish()
    ran = molthub("secrets", "check", "--all", "--index", world.site.folder, "--json")
    assert ran.status == 4
    assert ran.json["bots"][0]["problems"][0]["id"] == "MH708"


def test_a_bot_whose_providers_cannot_be_told_stops_no_other(home: Path, world: World, molthub: Command) -> None:
    settings(home, "bots: {lab/eve: {order: [own]}}\nproviders: {own: {kind: directory, path: 'x/{bot}'}}\n")
    ran = molthub("secrets", "check", "--all", "--index", world.site.folder, "--json")
    assert ran.status == 3
    manifest(home, env={"A": "${secrets.a}"})
    settings(home, "order: [own]\nproviders: {own: {kind: directory, path: 'x/{bot}'}}\n")
    ran = molthub("secrets", "check")
    assert (ran.status, "no bot is named" in ran.err) == (1, True)
    ran = molthub("secrets", "check", "prod/ada")
    assert (ran.status, "x/ada" in ran.err) == (3, True)


@pytest.mark.parametrize(
    "words",
    [
        ["prod"],
        ["--all"],
        ["a/b/c"],
        ["--index", "x"],
        ["--index", "x", "--target", "y", "--all"],
        ["--index", "x", "--all", "prod"],
        ["prod/ada", "prod/bob"],
    ],
)
def test_what_makes_no_sense_is_said(molthub: Command, words: list[str]) -> None:
    assert molthub("secrets", "check", *words).status == 2


def test_a_value_that_a_bots_program_would_spoil_is_told(home: Path, world: World, molthub: Command) -> None:
    header = {"url": "https://a.example/", "headers": {"X-Key": "${secrets.key}"}}
    world.site.bot("lab/eve", {"mcp/a": header}, platform="opencode")
    world.site.publish()
    secret(home, "key", 'CANARY"quoted')
    ran = molthub("secrets", "check", "lab/eve", "--index", world.site.folder)
    assert (ran.status, "secret key does not reach mcp/a as it is: values are put into the file" in ran.err) == (
        0,
        True,
    )
    told = molthub("secrets", "check", "lab/eve", "--index", world.site.folder, "--json")
    assert_document("secrets-check", told.json)
    assert [problem["id"] for problem in told.json["bots"][0]["warnings"]] == ["MH742"]
    assert "CANARY" not in ran.out + ran.err + told.out


def test_a_value_that_would_be_spoiled_is_told_in_a_folder_of_homes_too(
    home: Path, world: World, molthub: Command
) -> None:
    header = {"url": "https://a.example/", "headers": {"X-Key": "${secrets.key}"}}
    started = {"command": "x", "args": ["${secrets.key}"]}
    for bot, program in (("lab/eve", "opencode"), ("lab/bob", "claude-code"), ("lab/joe", "gemini-cli")):
        world.site.bot(bot, {"mcp/a": header, "mcp/b": started}, platform=program)
    world.site.publish()
    world.molthub("reconcile")
    secret(home, "key", 'CANARY"quoted')
    ran = molthub("secrets", "check", "lab", "--target", world.target, "--json")
    assert_document("secrets-check", ran.json)
    told = {bot["bot"]: [problem["message"] for problem in bot["warnings"]] for bot in ran.json["bots"]}
    assert {bot: len(messages) for bot, messages in told.items()} == {"lab/eve": 1, "lab/bob": 0, "lab/joe": 0}
    assert told["lab/eve"][0].startswith("secret key does not reach mcp/a as it is: values are put into the file")
    assert "CANARY" not in ran.out + ran.err
    here = molthub("secrets", "check", "--home", world.home("lab/eve"))
    assert "this home" not in here.err
    assert "lab/eve: warning MH742: secret key does not reach mcp/a" in here.err


@pytest.mark.parametrize("what", ["link", "pipe", "broken", "folder"])
def test_what_a_bot_puts_in_place_of_its_programs_file_is_not_followed(
    home: Path, world: World, molthub: Command, what: str
) -> None:
    header = {"url": "https://a.example/", "headers": {"X-Key": "${secrets.key}"}}
    world.site.bot("lab/eve", {"mcp/a": header}, platform="opencode")
    world.site.publish()
    world.molthub("reconcile")
    secret(home, "key", 'CANARY"quoted')
    file = world.home("lab/eve") / ".config/opencode/opencode.jsonc"
    file.rename(file.with_name("kept"))
    if what == "link":
        file.symlink_to("kept")
    elif what == "pipe":
        os.mkfifo(file)
    elif what == "folder":
        file.mkdir()
    else:
        file.write_text("{")
    ran = molthub("secrets", "check", "lab", "--target", world.target)
    assert (ran.status, ran.err.splitlines()) == (0, ["1 bot, 1 secret, 0 missing"])


def test_a_manifest_that_nobody_writes_to_keeps_nobody_waiting(world: World, molthub: Command) -> None:
    world.molthub("reconcile")
    file = world.home("lab/eve") / ".agents/molthub.json"
    file.unlink()
    os.mkfifo(file)
    ran = molthub("secrets", "check", "--all", "--target", world.target, "--json")
    assert (ran.status, [len(bot["problems"]) for bot in ran.json["bots"]]) == (4, [1, 0, 0])
    assert ran.json["bots"][0]["problems"][0]["message"] == "no manifest is to be read: it is no regular file"


@pytest.mark.parametrize(
    "server",
    [
        {"command": "x", "args": "${secrets.a}"},
        {"command": "x", "args": [1]},
        {"command": "x", "env": ["${secrets.a}"]},
        {"url": "https://a/", "headers": {"A": None}},
        {"url": "https://a/", "transport": 1},
        {"command": "x", "url": "https://a/"},
        {"args": ["x"]},
        "x",
    ],
)
def test_a_manifest_that_somebody_spoiled_is_said(home: Path, molthub: Command, server: object) -> None:
    manifest(home, mcp={"a": server})
    for words in (("secrets", "check"), ("exec", "--server", "a")):
        ran = molthub(*words)
        assert (ran.status, "the server a is not written as molthub writes one" in ran.err) == (1, True)
    manifest(home, env={"A": 1})
    assert "the variable A is not written" in molthub("exec", "--env", "true").err


# --- set, list, providers ------------------------------------------------------------------------------------------


def test_a_secret_is_kept_from_stdin_and_found_again(
    home: Path, molthub: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("CANARY\n"))
    ran = molthub("secrets", "set", "github_token", "--json")
    place = home / ".config/molthub/secrets/github_token"
    assert_document("secret-kept", ran.json)
    kept = {"format": "molthub.secret-kept/1", "name": "github_token", "provider": "directory", "where": str(place)}
    assert ran.json == {**kept, "kept": True, "answeredBy": "directory"}
    assert (place.read_text(), place.stat().st_mode & 0o777) == ("CANARY", 0o600)
    listed = molthub("secrets", "list", "--json")
    assert_document("secrets-list", listed.json)
    assert listed.json["secrets"] == [{"provider": "directory", "id": "github_token", "name": "github_token"}]
    assert "asked by name alone: environment" in listed.err
    assert "CANARY" not in ran.out + ran.err + listed.out + listed.err


@pytest.mark.parametrize("raw", [b"CANARY\xff", b"CANARY\0", b"\n", b""])
def test_what_is_no_text_is_not_kept(home: Path, molthub: Command, monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    for errors in ("strict", "surrogateescape"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw), "utf-8", errors))
        ran = molthub("secrets", "set", "token")
        assert (ran.status, "nothing was changed" in ran.err, "CANARY" in ran.err) == (2, True, False)
    assert not (home / ".config/molthub/secrets/token").exists()


def test_a_secret_is_kept_where_the_bot_looks_for_it(
    home: Path, molthub: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(
        home,
        "providers: {own: {kind: directory, path: '~/kept/{fleet}/{bot}'}, env: {kind: file, path: .env}}\n"
        "order: [env, own]\nnames: {github_token: gh-pat}\n",
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("tok"))
    assert molthub("secrets", "set", "github_token", "--bot", "prod/ada").status == 0
    assert (home / "kept/prod/ada/gh-pat").read_text() == "tok"
    listed = molthub("secrets", "list", "--bot", "prod/ada")
    assert listed.out.splitlines()[1].split() == ["github_token", "own", "gh-pat"]
    private(home / ".config/molthub/.env", "A=1", 0o644)
    told = molthub("secrets", "list", "--bot", "prod/ada", "--json")
    assert_document("secrets-list", told.json)
    assert (told.status, [one["id"] for one in told.json["problems"]]) == (4, ["MH731"])
    assert told.json["problems"][0]["message"].startswith("env: ")
    listed = molthub("secrets", "list", "--bot", "prod/ada")
    assert (listed.status, "chmod 600" in listed.err) == (4, True)


def test_a_secret_is_taken_away_and_who_has_it_now_is_said(
    home: Path, molthub: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = secret(home, "github_token", "CANARY")
    ran = molthub("secrets", "unset", "github_token", "--json")
    assert_document("secret-kept", ran.json)
    kept = {"format": "molthub.secret-kept/1", "name": "github_token", "provider": "directory", "where": str(place)}
    assert ran.json == {**kept, "kept": False, "answeredBy": None}
    assert "no provider has it now" in ran.err
    assert not place.exists()
    ran = molthub("secrets", "unset", "github_token")
    assert (ran.status, f"there is no github_token in directory ({place.parent})" in ran.err) == (1, True)
    monkeypatch.setenv("GITHUB_TOKEN", "CANARY")
    monkeypatch.setattr("sys.stdin", io.StringIO("CANARY"))
    ran = molthub("secrets", "set", "github_token")
    assert "environment has github_token, and is asked first: bots get that value" in ran.err
    ran = molthub("secrets", "unset", "github_token")
    assert "environment has github_token, and is asked: bots get that value" in ran.err
    assert "CANARY" not in ran.out + ran.err


def test_a_file_is_written_where_it_is_named_and_all_else_stays(
    home: Path, molthub: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(
        home,
        "providers: {env: {kind: file, path: .env}, deep: {kind: file, path: new/deep.json}}\norder: [env, deep]\n"
        "names: {deep: {deep: /a/b}}\n",
    )
    lines = private(home / ".config/molthub/.env", "# mine\nexport TOKEN=old # kept\nB='x\ny'\n")
    ran = molthub("secrets", "set", "token")
    assert (ran.status, "a file is written where --provider names it" in ran.err) == (2, True)
    for name, provider, value in (("token", "env", "it's $new"), ("deep", "deep", "d"), ("top", "deep", "t")):
        monkeypatch.setattr("sys.stdin", io.StringIO(value))
        assert molthub("secrets", "set", name, "--provider", provider).status == 0
    assert lines.read_text() == "# mine\nexport TOKEN=\"it's \\$new\" # kept\nB='x\ny'\n"
    deep = home / ".config/molthub/new/deep.json"
    assert json.loads(deep.read_text()) == {"a": {"b": "d"}, "top": "t"}
    assert (deep.stat().st_mode & 0o777, lines.stat().st_mode & 0o777) == (0o600, 0o600)
    listed = molthub("secrets", "list", "--json").json["secrets"]
    assert [(one["provider"], one["name"]) for one in listed] == [
        ("env", "B"), ("env", "TOKEN"), ("deep", "a"), ("deep", "top"),
    ]  # fmt: skip
    for name, provider in (("token", "env"), ("deep", "deep")):
        assert molthub("secrets", "unset", name, "--provider", provider).status == 0
        assert molthub("secrets", "unset", name, "--provider", provider).status == 1
    assert lines.read_text() == "# mine\nB='x\ny'\n"
    assert json.loads(deep.read_text()) == {"a": {}, "top": "t"}
    monkeypatch.setattr("sys.stdin", io.StringIO("CANARY"))
    private(deep, "{CANARY")
    ran = molthub("secrets", "set", "top", "--provider", "deep")
    assert (ran.status, "is no JSON" in ran.err, "CANARY" in ran.err) == (1, True, False)


def test_a_secret_that_nobody_who_keeps_is_asked_for_is_said(home: Path, molthub: Command) -> None:
    settings(home, "names: {token: {environment: T}}")
    ran = molthub("secrets", "unset", "token")
    assert (ran.status, "token is not asked of directory" in ran.err) == (2, True)


def test_the_bots_of_a_context_are_checked(world: World, home: Path, molthub: Command) -> None:
    assert molthub("context", "set", "staging", "--index", world.site.folder).status == 0
    found = molthub("secrets", "check", "lab", "--context", "staging", "--json").json["bots"]
    assert [bot["bot"] for bot in found] == ["lab/eve"]
    assert molthub("context", "use", "staging").status == 0
    assert [bot["bot"] for bot in molthub("secrets", "check", "--all", "--json").json["bots"]] == [
        "lab/eve", "prod/ada", "prod/bob",
    ]  # fmt: skip
    manifest(home, env={"A": "${secrets.a}"})
    assert molthub("secrets", "check", "--json").json["bots"][0]["bot"] is None, "this home"
    ran = molthub("secrets", "check", "--home", home, "--context", "staging")
    assert (ran.status, "different places" in ran.err) == (2, True)


def test_a_shell_completes_secrets_and_providers(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def completed(line: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", f"molthub {line}")
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" "))))
        shell_complete(main.molthub_group, {}, "molthub", "_MOLTHUB_COMPLETE", "bash_complete")
        return [offered.partition(",")[2] for offered in capsys.readouterr().out.splitlines()]

    manifest(home, mcp={"github": SERVER}, env={"DB": "${secrets.db}"})
    settings(home, "names: {gh_other: X}\n")
    assert completed("secrets set g") == ["gh_other", "github_token"]
    assert completed("secrets unset d") == ["db"]
    assert completed("secrets set x --provider ") == ["environment", "credentials", "directory"]
    settings(home, "order: 5")
    assert completed("secrets set g") == ["github_token"]
    assert completed("secrets set x --provider ") == [""], "nothing"


def test_a_value_on_the_command_line_is_refused_and_not_repeated(molthub: Command) -> None:
    for words in (["github_token", "CANARY"], ["github_token", "--", "CANARY"], ["CANARY="]):
        ran = molthub("secrets", "set", *words)
        assert ran.status == 2
        assert "CANARY" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["token", "--provider", "vault"], 1, "no provider vault is asked here"),
        (["token", "--provider", "environment"], 2, "nothing can be kept there"),
        (["path"], 1, "steers programs"),
        (["token"], 2, "the value is empty"),
    ],
)
def test_what_cannot_be_kept_is_said(
    molthub: Command, monkeypatch: pytest.MonkeyPatch, words: list[str], status: int, said: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    ran = molthub("secrets", "set", *words)
    assert (ran.status, said in ran.err) == (status, True), ran


def test_the_providers_are_listed_in_their_order(home: Path, molthub: Command) -> None:
    ran = molthub("secrets", "providers", "--json")
    assert_document("secrets-providers", ran.json)
    assert [one["name"] for one in ran.json["providers"]] == ["environment", "directory"]
    assert ran.json["settings"] is None
    place = settings(home, "providers: {op: {kind: exec, command: [/bin/op, read]}}\norder: [op, environment]\n")
    ran = molthub("secrets", "providers")
    assert [line.split() for line in ran.out.splitlines()[1:]] == [
        ["1", "op", "exec", "/bin/op"],
        ["2", "environment", "environment", "environment", "variables"],
    ]
    assert f"as {place} says" in ran.err
