"""``molthub exec``: what the program gets, what it does not, and that it is the program itself that runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from molthub.cli.door import plain_exec
from tests.registry.command import Command
from tests.secrets.places import SERVER, manifest, secret, settings

TELLING = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getpid()]))"
TELL = (sys.executable, "-c", TELLING)


Ran = subprocess.CompletedProcess


def run(*words: str, **variables: str) -> Ran[str]:
    """Run the command as an agent program does: as a process of its own."""
    command = [sys.executable, "-m", "molthub.cli.door", *words]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)


def told(*words: str, **variables: str) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the environment that a program got."""
    ran = run(*words, **variables)
    assert ran.returncode == 0, ran
    arguments, environment, _ = json.loads(ran.stdout)
    return arguments, environment


def test_a_server_gets_its_own_variables_with_secrets_filled_in(home: Path) -> None:
    manifest(home, mcp={"github": SERVER})
    _, environment = told("exec", "--server", "github", "--", *TELL, GITHUB_TOKEN="tok-1")
    assert (environment["TOKEN"], environment["LEVEL"]) == ("tok-1", "debug")
    assert environment["HOME"] == str(home)


def test_what_holds_secrets_of_others_is_taken_away(home: Path) -> None:
    other = {"command": "x", "env": {"T": "${secrets.other-token}"}}
    manifest(home, mcp={"github": SERVER, "other": other}, env={"DB": "${secrets.db}"})
    held = {"GITHUB_TOKEN": "tok-1", "OTHER_TOKEN": "o", "DB": "d", "UNRELATED": "u"}
    _, environment = told("exec", "--server", "github", "--", *TELL, **held)
    assert {name: environment.get(name) for name in (*held, "TOKEN")} == {
        "GITHUB_TOKEN": None,
        "OTHER_TOKEN": None,
        "DB": None,
        "UNRELATED": "u",
        "TOKEN": "tok-1",
    }


def test_what_lets_molthub_in_somewhere_is_taken_away(home: Path) -> None:
    manifest(home, mcp={"github": SERVER})
    own = {
        "MOLTHUB_TOKEN_SKILLS_EXAMPLE_COM": "a",
        "MOLTHUB_OPERATOR_TOKEN": "b",
        "MOLTHUB_GIT_TOKEN": "c",
        "MOLTHUB_NOTIFY_SECRET": "d",
    }
    _, environment = told("exec", "--server", "github", "--", *TELL, GITHUB_TOKEN="t", MOLTHUB_CONTEXT="prod", **own)
    assert {name for name in environment if name.startswith("MOLTHUB_")} - {"MOLTHUB_TEST_CACHE"} == {"MOLTHUB_CONTEXT"}


def test_arguments_are_in_the_declared_form(home: Path) -> None:
    manifest(home, mcp={"github": SERVER})
    words = ["--token=${secrets.github_token}", "a$$b", "$HOME", "--", "--server", "x"]
    arguments, _ = told("exec", "--server", "github", "--", *TELL, *words, GITHUB_TOKEN="tok-1")
    assert arguments == ["--token=tok-1", "a$b", "$HOME", "--", "--server", "x"]


def test_without_a_command_the_manifests_own_is_run(home: Path) -> None:
    args = [*TELL[1:], "${secrets.github_token}"]
    manifest(home, mcp={"github": {"command": sys.executable, "args": args}})
    assert told("exec", "--server", "github", GITHUB_TOKEN="tok-1")[0] == ["tok-1"]


def test_any_program_gets_the_bots_environment_and_its_words_as_they_are(home: Path) -> None:
    manifest(home, env={"GITHUB_TOKEN": "${secrets.github_token}", "URL": "u:${secrets.db}", "PRICE": "5$$"})
    secret(home, "github_token", "tok-1\n")
    secret(home, "db", "d")
    arguments, environment = told("exec", "--env", "--", *TELL, "$$", "${secrets.github_token}")
    assert arguments == ["$$", "${secrets.github_token}"]
    assert [environment[name] for name in ("GITHUB_TOKEN", "URL", "PRICE")] == ["tok-1", "u:d", "5$"]


def test_the_bots_own_program_gets_what_its_files_refer_to(home: Path) -> None:
    """An agent program's file says `${GITHUB_TOKEN}` for a server's secret: it must find that variable."""
    url = {"url": "https://a.example/", "headers": {"Authorization": "Bearer ${secrets.mcp-token}"}}
    env = {"MCP_TOKEN": "another by that name", "LEVEL": "debug"}
    manifest(home, mcp={"github": SERVER, "tickets": url}, env=env, config={"git": {"key": "${secrets.key}"}})
    for name in ("github_token", "mcp-token", "key"):
        secret(home, name, f"{name}-value")
    _, environment = told("exec", "--env", "--", *TELL)
    assert {name: environment.get(name) for name in ("GITHUB_TOKEN", "MCP_TOKEN", "KEY", "LEVEL", "TOKEN")} == {
        "GITHUB_TOKEN": "github_token-value",
        "MCP_TOKEN": "another by that name",
        "KEY": "key-value",
        "LEVEL": "debug",
        "TOKEN": None,
    }


def test_signals_status_and_streams_are_the_programs_own(home: Path) -> None:
    manifest(home, mcp={"github": SERVER})
    program = 'trap "exit 42" TERM; echo $$$$; cat; while :; do sleep 0.05; done'
    command = [sys.executable, "-m", "molthub.cli.door", "exec", "--server", "github", "--", "sh", "-c", program]
    environment = {**os.environ, "GITHUB_TOKEN": "t"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as started:
        assert started.stdin is not None
        assert started.stdout is not None
        assert int(started.stdout.readline()) == started.pid, "it is the program itself"
        started.stdin.write("heard\n")
        started.stdin.close()
        assert started.stdout.readline() == "heard\n"
        started.send_signal(signal.SIGTERM)
        assert started.wait() == 42


def test_a_pipe_that_nobody_reads_ends_the_program_as_it_does_elsewhere(home: Path) -> None:
    manifest(home, mcp={"github": SERVER})
    command = [sys.executable, "-m", "molthub.cli.door", "exec", "--server", "github", "--", "yes"]
    environment = {**os.environ, "GITHUB_TOKEN": "t"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.read(10)
        started.stdout.close()
        assert started.wait() == -signal.SIGPIPE


def test_what_does_not_resolve_is_named_and_nothing_is_started(home: Path, tmp_path: Path) -> None:
    server = {"command": "x", "env": {"A": "${secrets.first}", "B": "${secrets.second}", "C": "${secrets.held}"}}
    manifest(home, mcp={"github": server})
    before = sorted(home.rglob("*"))
    ran = run("exec", "--server", "github", "--", "touch", str(tmp_path / "started"), HELD="CANARY")
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "secret first does not resolve" in ran.stderr
    assert "secret second does not resolve" in ran.stderr
    assert "CANARY" not in ran.stderr
    assert not (tmp_path / "started").exists()
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    "value", ["${secrets.b}", "$$", "${B}", " two ", "a\nb", "\ttab\r\nend", "x" * 64 * 1024, "ä𝄞", "'\"\\`$(true)"]
)
def test_a_value_arrives_as_it_is(home: Path, value: str) -> None:
    manifest(home, mcp={"a": {"command": "x", "args": ["${secrets.a}"], "env": {"A": "${secrets.a}"}}})
    secret(home, "a", f"{value}\n")
    secret(home, "b", "of another")
    ran = run("exec", "--server", "a", "--", *TELL, "${secrets.a}")
    arguments, environment, _ = json.loads(ran.stdout)
    assert (arguments, environment["A"]) == ([value], value)


REFUSED: Mapping[str, tuple[list[str], int, str]] = {
    "no such server": (["--server", "gitlab", "--", "x"], 1, "it has: github, large, odd, web, zero"),
    "runs elsewhere": (["--server", "web", "--", "x"], 2, "nothing to start"),
    "no program": (["--env", "--"], 2, "no program is named"),
    "neither": (["--", "x"], 2, "say for what"),
    "both": (["--env", "--server", "github", "--", "x"], 2, "say for what"),
    "not there": (["--server", "github", "--", "no-such-program-here"], 1, "no-such-program-here: it cannot be run"),
    "no manifest": (["--home", "nowhere", "--env", "--", "x"], 1, "molthub reconcile"),
    "no settings": (["--secrets", "nowhere.yaml", "--env", "--", "x"], 1, "no such file"),
    "a zero byte": (["--server", "zero", "--", "x"], 1, "directory: what it has is no text that a program"),
    "declared with one": (["--server", "odd", "--", "x"], 1, "the variable A would hold a zero byte"),
    "too large": (["--server", "large", "--", "env"], 1, "on Linux 128 KiB"),
    "no right to": (["--server", "github", "--", "/"], 1, "the right to run it"),
    "no bot": (["--bot", "ada", "--env", "--", "x"], 2, "FLEET/BOT"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_said_in_a_line(home: Path, case: str) -> None:
    words, status, said = REFUSED[case]
    zero = {"command": "x", "env": {"A": "${secrets.zero}"}}
    odd, large = {"command": "x", "env": {"A": "\0"}}, {"command": "x", "env": {"A": "${secrets.large}"}}
    known = {"github": SERVER, "web": {"url": "https://a.example/"}, "zero": zero, "odd": odd, "large": large}
    manifest(home, mcp=known)
    secret(home, "zero", "CANARY\0")
    secret(home, "large", "CANARY" * 30_000)
    ran = run("exec", *words, GITHUB_TOKEN="CANARY")
    assert ran.returncode == status, ran
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "CANARY" not in ran.stdout + ran.stderr


def test_the_whole_command_line_and_the_short_way_do_the_same(home: Path, molthub: Command) -> None:
    manifest(home, mcp={"github": SERVER})
    assert plain_exec(["exec", "--quiet", "--server", "github", "--", "x"]) is None
    words = ("exec", "--quiet", "--server=github", *TELL)
    assert told(*words, GITHUB_TOKEN="tok-1")[1]["TOKEN"] == "tok-1"
    ran = molthub("exec", "--server", "github", "x")
    assert (ran.status, "secret github_token does not resolve" in ran.err) == (1, True)


def test_places_may_be_named(home: Path, tmp_path: Path) -> None:
    place = manifest(tmp_path / "elsewhere", mcp={"github": SERVER})
    held = tmp_path / "held.yaml"
    settings(home, "order: []").rename(held)
    for words in (["--home", str(tmp_path / "elsewhere")], ["--manifest", str(place)]):
        assert told("exec", "--server", "github", *words, "--", *TELL, GITHUB_TOKEN="t")[1]["TOKEN"] == "t"
        ran = run("exec", "--server", "github", *words, "--secrets", str(held), "--", *TELL, GITHUB_TOKEN="t")
        assert "no provider is asked" in ran.stderr


def test_the_short_way_loads_no_command_line(home: Path) -> None:
    manifest(home, mcp={"github": SERVER})
    program = (
        "import sys; from molthub.cli import door; asked = door.plain_exec(['exec', '--env', '--', 'x'])\n"
        "heavy = ('click', 'yaml', 'ssl', 'subprocess', 'molthub.client.index')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_installed_command_takes_the_short_way() -> None:
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert declared["project"]["scripts"]["molthub"] == "molthub.cli.door:molthub"
