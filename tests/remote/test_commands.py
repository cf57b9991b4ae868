"""`molthub agents`, the options of agents and controllers, and the systemd unit."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from molthub.errors import MolthubError
from molthub_reconciler.agent.unit import Unit, quoted
from tests.reconciler.world import World, run_molthub
from tests.remote.fleet import Fleet


@pytest.fixture
def fleet(world: World) -> Fleet:
    world.site.bot("prod/ada", {"env/A": "1"})
    world.site.publish()
    return Fleet(world)


def test_tokens_are_made_listed_and_revoked(fleet: Fleet) -> None:
    assert run_molthub("agents", "list", *fleet.places).stderr.startswith("no bot has a token")
    made = run_molthub("agents", "token", "prod/ada", *fleet.places, "--json")
    assert (made.status, json.loads(made.stdout)["bot"]) == (0, "prod/ada")
    again = run_molthub("agents", "token", "prod/ada", *fleet.places)
    assert "is worth nothing now" in again.stderr
    assert again.stdout.strip() != json.loads(made.stdout)["token"]
    listed = run_molthub("agents", "list", *fleet.places)
    assert (listed.status, "prod/ada" in listed.stdout, "never" in listed.stdout) == (3, True, True)
    assert json.loads(run_molthub("agents", "list", *fleet.places, "--json").stdout)["agents"][0]["age"] is None
    assert run_molthub("agents", "revoke", "prod/ada", *fleet.places).status == 0
    gone = run_molthub("agents", "revoke", "prod/ada", *fleet.places)
    assert (gone.status, "there is no token of prod/ada" in gone.stderr) == (1, True)


def test_a_bot_without_its_agent_is_told_and_never_blocks(fleet: Fleet) -> None:
    fleet.world.site.bot("prod/bob", {"env/A": "1"})
    fleet.world.site.publish()
    fleet.token("prod/ada")
    report = fleet.world.report("reconcile", status=4)
    states = {bot["bot"]: bot["state"] for bot in report["bots"]}
    assert states == {"prod/ada": "offline", "prod/bob": "in-sync"}
    assert not fleet.world.home("prod/ada").exists()
    assert fleet.store.assignment("prod/ada") is not None
    assert "1 in sync, 1 offline" in fleet.world.molthub("plan").stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--controller", "http://127.0.0.1:1/"], "an agent keeps one bot"),
        (["--controller", "http://127.0.0.1:1/", "--bot", "ada"], "an agent keeps one bot"),
        (["--controller", "http://127.0.0.1:1/", "--bot", "prod/ada", "--listen", "1"], "exclude each other"),
        (["--controller", "http://fleet.example.com/", "--bot", "prod/ada"], "could read the token"),
        (["--token-file", "x"], "--token-file is an agent's"),
        (["--install"], "the unit of an agent"),
        (["--controller", "http://127.0.0.1:1/", "--bot", "prod/ada", "--write"], "add --install"),
        (["--controller", "http://127.0.0.1:1/", "--bot", "prod/ada", "--install", "--once"], "keeps running"),
        (["--listen", "0.0.0.0:0"], "could read the tokens"),
        (["--listen", "1", "--once"], "keeps all bots"),
        (["--insecure-listen"], "nobody listens"),
        (["--listen", "1", "--tls-key", "/dev/null"], "goes with its certificate"),
        (["--controller", "http://127.0.0.1:1/", "--bot", "prod/ada", "--token-file", "none"], "cannot be had"),
    ],
)
def test_options_that_do_not_go_together(fleet: Fleet, options: list[str], said: str) -> None:
    outcome = run_molthub("reconcile", "--index", str(fleet.world.site.folder), *fleet.places, *options)
    assert (outcome.status, said in outcome.stderr) == (2, True), outcome


@pytest.mark.parametrize("bot", ["ada", "../x", "a/b/c", "Prod/ada", ""])
def test_what_names_no_bot_gets_no_token(fleet: Fleet, bot: str) -> None:
    outcome = run_molthub("agents", "token", bot, *fleet.places)
    assert (outcome.status, "names no bot" in outcome.stderr) == (2, True)
    assert not fleet.store.folder.exists()


def test_tokens_are_made_on_the_controllers_machine(fleet: Fleet) -> None:
    assert run_molthub("agents", "token", *fleet.places).status == 2
    assert run_molthub("agents", "revoke", *fleet.places).status == 2
    assert run_molthub("context", "set", "far", "--target", "http://127.0.0.1:9/", "--index", "x").status == 0
    for command in (
        ["agents", "token", "prod/ada"],
        ["agents", "revoke", "prod/ada"],
        ["reconcile", "--once"],
    ):
        outcome = run_molthub(*command)
        assert (outcome.status, "on the controller's machine" in outcome.stderr) == (2, True), outcome
    for command in (["agents", "list"], ["plan"], ["history", "prod/ada"]):
        outcome = run_molthub(*command)
        assert (outcome.status, "the controller does not answer" in outcome.stderr) == (1, True), outcome
    outcome = run_molthub("agents", "list", "--target", "http://127.0.0.1:9/")
    assert (outcome.status, "http://127.0.0.1:9/: the controller" in outcome.stderr) == (1, True), outcome


def test_a_token_file_that_others_may_read_is_refused(fleet: Fleet) -> None:
    place = fleet.token("prod/ada")
    place.chmod(0o644)
    outcome = run_molthub("reconcile", *fleet.agent_options("prod/ada"), "--once")
    assert (outcome.status, "others may read it" in outcome.stderr) == (2, True), outcome
    place.chmod(0o600)
    place.write_text("two words\n")
    outcome = run_molthub("reconcile", *fleet.agent_options("prod/ada"), "--once")
    assert (outcome.status, "there is no token in it" in outcome.stderr) == (2, True), outcome


# --- the unit ------------------------------------------------------------------------------------------------------


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Read a unit file as systemd.syntax(7) says; every line must be a section, a comment or a setting."""
    found: dict[str, dict[str, str]] = {}
    section = ""
    for line in text.splitlines():
        if not line or line.startswith(("#", ";")):
            continue
        if line.startswith("["):
            assert line.endswith("]")
            section = line[1:-1]
            found[section] = {}
            continue
        key, equals, value = line.partition("=")
        assert equals
        assert key.isalnum(), line
        assert section, line
        assert key not in found[section], line
        found[section][key] = value
    return found


def test_the_unit_starts_the_agent_that_was_described(fleet: Fleet) -> None:
    token = fleet.token("prod/ada")
    fleet.machine("prod/ada").joinpath("bots").mkdir()
    fleet.port = 8443
    shown = run_molthub("reconcile", *fleet.agent_options("prod/ada", "--install", "--interval", "30"))
    assert shown.status == 0, shown
    unit = parsed(shown.stdout)
    assert unit["Service"]["LoadCredential"] == f"agent-token:{token}"
    words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(words[0]).is_absolute()
    assert words[words.index("--bot") + 1] == "prod/ada"
    assert words[words.index("--controller") + 1] == fleet.url
    assert words[words.index("--token-file") + 1] == "%d/agent-token"
    assert words[words.index("--interval") + 1] == "30"
    assert token.read_text().strip() not in shown.stdout
    assert not list(fleet.world.folder.rglob("*.service"))


def test_the_unit_is_put_in_its_place(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(fleet.world.folder / "config"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    fleet.port = 8443
    options = [one for one in fleet.agent_options("prod/ada") if one != "--token-file" and not one.endswith("token")]
    outcome = run_molthub("reconcile", *options, "--install", "--write", "--json")
    assert outcome.status == 0, outcome
    place = Path(json.loads(outcome.stdout)["path"])
    assert place == fleet.world.folder / "config/systemd/user/molthub-agent-prod.ada.service"
    unit = parsed(place.read_text())
    assert unit["Install"]["WantedBy"] == "default.target"
    assert "User" not in unit["Service"]
    assert "systemctl --user daemon-reload" in outcome.stderr


def test_a_unit_of_the_system_writes_to_its_own_folders_only() -> None:
    made = Unit("prod/ada", "https://fleet.example.com/", ["/opt/my programs/molthub", "a$b", "100%"],
                Path("/etc/molthub/ada %1.token"), "bots",
                (Path("/srv/my bots"), Path("/var/lib/molthub")))  # fmt: skip
    unit = parsed(made.text())
    assert unit["Service"]["User"] == "bots"
    assert unit["Service"]["ExecStart"] == '"/opt/my programs/molthub" a$$b 100%% --token-file %d/agent-token'
    assert unit["Service"]["LoadCredential"] == "agent-token:/etc/molthub/ada %%1.token"
    assert unit["Service"]["ReadWritePaths"] == '"/srv/my bots" /var/lib/molthub'
    assert unit["Install"]["WantedBy"] == "multi-user.target"


def test_no_word_ends_the_line() -> None:
    with pytest.raises(MolthubError, match="no line ends"):
        quoted("a\nExecStartPre=/bin/evil")
    assert quoted('say "x\\y"') == '"say \\"x\\\\y\\""'
    assert quoted("") == '""'
