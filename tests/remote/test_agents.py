"""Agents, a controller and a rollout as real processes over loopback."""

from __future__ import annotations

import json

import pytest

from molthub.errors import UsageError
from molthub.model import Json
from molthub.observed import open_target
from tests.reconciler.running import holds, wait_for
from tests.reconciler.site import GIT
from tests.reconciler.world import World, run_molthub
from tests.remote.fleet import Fleet, level

WAVES: Json = {"waves": [{"name": "canary", "matchLabels": {"ring": "first"}}, {"name": "all"}]}


@pytest.fixture
def fleet(world: World) -> Fleet:
    """Return a fleet of one bot on the controller's machine and two on others."""
    world.site.skill("git", "1.2.0", GIT)
    world.site.fleet("prod", rollout=WAVES)
    _declare(world, "debug")
    return Fleet(world)


def _declare(world: World, said: str) -> None:
    git = next(digest for digest, one in world.site.artifacts.items() if one.name == "git")
    for bot, ring in (("ada", "first"), ("bob", "later"), ("here", "later")):
        world.site.bot(f"prod/{bot}", {"env/LEVEL": said, "skill/git": git}, labels={"ring": ring})
    world.site.publish()


def test_a_rollout_reaches_bots_on_other_machines_and_one_that_is_off_catches_up(fleet: Fleet) -> None:
    for bot in ("prod/ada", "prod/bob"):
        fleet.token(bot)
    with fleet.controller() as controller, fleet.agent("prod/ada") as ada:
        with fleet.agent("prod/bob") as bob:
            wait_for(lambda: fleet.state_of("prod/ada") == fleet.state_of("prod/bob") == "in-sync", controller)
            assert '"LEVEL": "debug"' in level(fleet.home("prod/ada"))
            assert (fleet.home("prod/bob") / ".agents/skills/git/SKILL.md").exists()
            assert not (fleet.world.target / "prod/ada").exists()
            wait_for(lambda: fleet.state_of("prod/here") == "in-sync", controller)
            bob.kill()
        wait_for(lambda: fleet.state_of("prod/bob") == "offline", controller)
        listed = run_molthub("agents", "list", *fleet.places)
        assert (listed.status, "offline" in listed.stdout, " ago" in listed.stdout) == (3, True, True)

        _declare(fleet.world, "info")
        wait_for(lambda: '"LEVEL": "info"' in level(fleet.world.home("prod/here")), controller)  # nobody waits for bob
        assert '"LEVEL": "info"' in level(fleet.home("prod/ada"))
        assert '"LEVEL": "debug"' in level(fleet.home("prod/bob"))
        wait_for(lambda: run_molthub("rollout", "status", "prod", *fleet.places).status == 0, controller)

        with fleet.agent("prod/bob"):
            wait_for(lambda: '"LEVEL": "info"' in level(fleet.home("prod/bob")), controller)
            wait_for(lambda: fleet.state_of("prod/bob") == "in-sync", controller)
        assert ada.stop() == 0
        assert controller.stop() == 0


def test_an_agent_works_on_without_its_controller_which_forgets_nothing(fleet: Fleet) -> None:
    fleet.token("prod/ada")
    skill = fleet.home("prod/ada") / ".agents/skills/git/SKILL.md"
    with fleet.controller() as controller, fleet.agent("prod/ada") as agent:
        wait_for(lambda: fleet.state_of("prod/ada") == "in-sync", controller)
        assert controller.stop() == 0
        told = fleet.store.report("prod/ada")
        wait_for(holds(agent.log, f"the controller {fleet.url} cannot be read, bots are kept"))
        skill.write_text("edited")
        wait_for(lambda: "Commit." in skill.read_text(), agent)
        assert fleet.store.report("prod/ada") == told
        with fleet.controller() as again:
            wait_for(holds(agent.log, "can be read again"))
            _declare(fleet.world, "info")
            wait_for(lambda: '"LEVEL": "info"' in level(fleet.home("prod/ada")), again)
            assert agent.process.poll() is None


def test_an_operator_elsewhere_sees_the_controllers_bots(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.token("prod/ada")
    token = fleet.world.folder / "operator"
    token.touch(0o600)
    token.write_text(run_molthub("agents", "token", "--operator", *fleet.places).stdout)
    monkeypatch.setenv("MOLTHUB_OPERATOR_TOKEN_FILE", str(token))
    with fleet.controller() as controller, fleet.agent("prod/ada"):
        wait_for(lambda: fleet.state_of("prod/ada") == "in-sync", controller)
        assert run_molthub("context", "set", "far", "--target", fleet.url).status == 0
        target = open_target(fleet.url, index=None, state=None)
        assert target.where == fleet.url
        assert target.remembered()["prod/ada"].is_in_sync
        assert list(target.observe({"prod/ada"})) == ["prod/ada"]
        assert str(target.nudge()).startswith("the controller on ")
        with pytest.raises(UsageError, match="where they live"):
            target.reconcile({"prod/ada"})
        monkeypatch.setenv("MOLTHUB_OPERATOR_TOKEN_FILE", str(fleet.machine("prod/ada") / "token"))
        with pytest.raises(Exception, match="knows no such token"):
            open_target(fleet.url, index=None, state=None).remembered()


def test_one_pass_of_an_agent(fleet: Fleet) -> None:
    fleet.token("prod/ada")
    with fleet.controller() as controller:
        wait_for(lambda: fleet.store.assignment("prod/ada") is not None, controller)
        options = fleet.agent_options("prod/ada")
        planned = run_molthub("reconcile", *options, "--dry-run")
        assert (planned.status, level(fleet.home("prod/ada"))) == (3, "")
        assert fleet.store.report("prod/ada") is None
        done = run_molthub("reconcile", *options, "--once", "--json")
        assert (done.status, json.loads(done.stdout)["summary"]["inSync"]) == (0, 1), done
        told = fleet.store.report("prod/ada")
        assert told is not None
        assert told.bot.state == "in-sync"
        assert fleet.document_of("prod/ada").exists()

        assert run_molthub("agents", "revoke", "prod/ada", *fleet.places).status == 0
        refused = run_molthub("reconcile", *options, "--once")
        assert (refused.status, "knows no such token for prod/ada" in refused.stderr) == (1, True), refused
        wait_for(lambda: '"LEVEL": "debug"' in level(fleet.world.home("prod/ada")), controller)  # it lives here again


def test_a_bot_that_is_declared_no_more_keeps_what_it_has(fleet: Fleet) -> None:
    fleet.token("prod/ada")
    with fleet.controller() as controller, fleet.agent("prod/ada") as agent:
        wait_for(lambda: fleet.state_of("prod/ada") == "in-sync", controller)
        del fleet.world.site.bots["prod/ada"]
        fleet.world.site.publish()
        wait_for(holds(agent.log, "the controller gives it nothing: this bot is no longer declared"))
        assert '"LEVEL": "debug"' in level(fleet.home("prod/ada"))
        wait_for(lambda: fleet.state_of("prod/ada") == "orphaned", controller)
