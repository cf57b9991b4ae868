"""`molthub agents`, and the options of agents and controllers."""

from __future__ import annotations

import json

import pytest

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
        (["--controller", "http://127.0.0.1:1/", "--bot", "prod/ada", "--write"], "add --install"),
        (["--controller", "http://127.0.0.1:1/", "--bot", "prod/ada", "--install", "--once"], "no single pass"),
        (["--install", "--bot", "prod/ada"], "leave --bot out"),
        (["--install", "--uninstall"], "exclude each other"),
        (["--install", "--force", "--bot", "prod/ada", "--once"], "no single pass"),
        (["--install", "--allow-mass-removal"], "--allow-mass-removal is for one pass"),
        (["--install", "--notify", "https://hooks.example.com/T0/B0/x"], "is a secret"),
        (["--install", "--listen", "0.0.0.0:8443"], "could read the tokens"),
        (["--uninstall", "--bot", "ada"], "name it by --bot FLEET/BOT"),
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


def test_a_token_that_only_nudges_is_an_operators(fleet: Fleet) -> None:
    made = run_molthub("agents", "token", "--operator", "--name", "ci", "--nudge", *fleet.places)
    assert (made.status, made.stdout.startswith("mho_ci_")) == (0, True), made
    for options in (["prod/ada"], ["--operator", "--operate"]):
        refused = run_molthub("agents", "token", *options, "--nudge", *fleet.places)
        assert (refused.status, "does nothing else" in refused.stderr) == (2, True), refused


def test_a_token_file_that_others_may_read_is_refused(fleet: Fleet) -> None:
    place = fleet.token("prod/ada")
    place.chmod(0o644)
    outcome = run_molthub("reconcile", *fleet.agent_options("prod/ada"), "--once")
    assert (outcome.status, "others may read it" in outcome.stderr) == (2, True), outcome
    place.chmod(0o600)
    place.write_text("two words\n")
    outcome = run_molthub("reconcile", *fleet.agent_options("prod/ada"), "--once")
    assert (outcome.status, "there is no token in it" in outcome.stderr) == (2, True), outcome
