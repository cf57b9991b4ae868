"""A pass that finds nothing to do: it compares digests, opens no bot's file, fetches nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from molthub.documents import canonical_plain
from molthub.model import BotRef, FleetState, Json, SyncPolicy
from molthub_reconciler.at_rest.by_digests import Basis, LastPass, asked_of, unmoved
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.remote.token_files import Owner
from molthub_reconciler.report import BotReport, Report
from molthub_reconciler.rollout.records import Assigned, Document
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace
from tests.loopback import serving
from tests.reconciler.site import GIT, stamps
from tests.reconciler.world import World
from tests.remote.reports import report_json
from tests.scale.opened import touched

BOTS = [f"prod/bot-{number}" for number in range(6)]
ACT = Rules(act=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world whose bots have a skill and a variable each."""
    world = World(tmp_path)
    world.site.skill("git", "1.2.0", GIT)
    declare(world, "debug")
    return world


def declare(world: World, said: str, bots: list[str] = BOTS, **fleet: Any) -> None:
    git = next(iter(world.site.artifacts))
    world.site.fleet("prod", **fleet)
    for bot in bots:
        world.site.bot(bot, {"env/LEVEL": said, "skill/git": git})
    world.site.publish()


# --- digests beside digests ---------------------------------------------------------------------------------------


def given(number: int, generation: int = 0) -> Assigned:
    return Assigned(Document(f"{number:064x}", f"sha256:{number:064x}"), generation)


def test_only_what_is_asked_and_known_as_before_is_at_rest() -> None:
    before = {bot: Basis(given(1), "report") for bot in ("a", "b", "c", "d")}
    now = {"a": Basis(given(1), "report"), "b": Basis(given(2), "report"), "c": Basis(given(1), "another"),
           "d": Basis(given(1, 1), "report"), "new": Basis(given(1), "report")}  # fmt: skip
    assert unmoved(before, now) == {"a"}


def test_bots_that_do_not_resolve_templates_and_those_who_wait_are_not_judged_by_digests() -> None:
    refs = {"ada": BotRef("a" * 64, "sha256:" + "1" * 64), "bad": BotRef("b" * 64, None),
            "one": BotRef("c" * 64, "sha256:" + "2" * 64, template=True)}  # fmt: skip
    fleet = FleetState("prod", {}, SyncPolicy(), refs)
    assert asked_of(fleet, None) == {"prod/ada": Assigned(Document("a" * 64, "sha256:" + "1" * 64), 0)}
    assert asked_of(fleet, {}) == {}
    assert asked_of(fleet, {"ada": given(7, 3), "bad": given(1)}) == {"prod/ada": given(7, 3)}


def test_what_is_forgotten_or_judged_without_a_basis_is_looked_at_again() -> None:
    last, basis = LastPass(), Basis(given(1), "report")
    told = BotReport("prod/ada", "in-sync")
    last.keep(told, basis)
    assert last.still({"prod/ada": basis}) == [told]
    last.keep(told, None)
    assert last.still({"prod/ada": basis}) == []
    last.keep(told, basis)
    last.forget()
    assert last.still({"prod/ada": basis}) == []


# --- a controller whose bots live elsewhere ------------------------------------------------------------------------


class Controlled:
    """A controller's workplace, and agents that tell it what it wants to hear."""

    def __init__(self, world: World, index: str = "") -> None:
        self.place = Workplace(index or str(world.site.folder), world.target, world.state, Choice())
        for bot in BOTS:
            self.place.agents.tokens.enrol(Owner(bot=bot))

    def do_a_pass(self) -> Report:
        self.place.refresh()
        return self.place.once("reconcile", ACT)

    def tell(self, bots: list[str] = BOTS, **told: Any) -> None:
        store = self.place.agents
        for bot in bots:
            now = store.assignment(bot)
            assert now is not None
            assert now.document is not None
            assert store.document(bot, now.document)
            store.presence.heard(bot, 60.0)
            said = report_json(bot, desired=now.digest, observed=now.digest, **told)
            store.told(bot, canonical_plain({**said, "document": now.document, "generation": now.generation}))


@pytest.fixture
def controlled(world: World) -> Iterator[Controlled]:
    found = Controlled(world)
    world.target.mkdir()
    with found.place.state.lock():
        found.do_a_pass()
        found.tell()
        found.do_a_pass()
        yield found


def states(report: Report) -> dict[str, str]:
    return {bot.bot: bot.state for bot in report.bots}


WAVES: Json = {"waves": [{"name": "canary", "count": 1}, {"name": "all"}]}


@pytest.mark.parametrize("rollout", [None, WAVES], ids=["at once", "in waves"])
def test_at_rest_no_file_of_a_bot_is_opened_and_nothing_is_written(world: World, rollout: Json) -> None:
    declare(world, "debug", rollout=rollout)
    controlled = Controlled(world)
    world.target.mkdir()
    with controlled.place.state.lock():
        for _ in range(4):  # the canary, the others, and what they tell
            controlled.do_a_pass()
            reached = [bot for bot in BOTS if (one := controlled.place.agents.assignment(bot)) and one.document]
            controlled.tell(reached)
        assert set(states(controlled.do_a_pass()).values()) == {"in-sync"}
        before = stamps(world.state)
        with touched() as found:
            report = controlled.do_a_pass()
        assert stamps(world.state) == before
        assert [path for path in found if "/bots/" in path or "/agents/" in path or "rollout" in path] == []
        assert len(found) <= 3  # registry.json and whose root is trusted, however many bots there are
        assert set(states(report).values()) == {"in-sync"}
        assert report.unmoved == set(BOTS)
        controlled.place.doubt()  # as at every sixtieth poll: then files are read, and none is written
        controlled.do_a_pass()
        assert stamps(world.state) == before


def test_what_moved_is_told_and_the_rest_is_left_alone(world: World, controlled: Controlled) -> None:
    controlled.tell(BOTS[:1], state="drifted")
    report = controlled.do_a_pass()
    assert states(report)[BOTS[0]] == "drifted"
    assert report.unmoved == set(BOTS[1:])
    declare(world, "info", BOTS[1:2])
    with touched() as found:
        report = controlled.do_a_pass()
    assert states(report)[BOTS[1]] == "pending"
    assert report.unmoved == {BOTS[0], *BOTS[2:]}
    assert not [path for path in found if any(bot in path for bot in BOTS[2:])]


def test_an_agent_that_goes_silent_is_noticed_and_comes_back(controlled: Controlled) -> None:
    seen = controlled.place.agents.presence
    seen.heard(BOTS[0], -60.0)  # it asks so often that it is late already
    assert states(controlled.do_a_pass())[BOTS[0]] == "offline"
    report = controlled.do_a_pass()
    assert (states(report)[BOTS[0]], report.unmoved) == ("offline", frozenset(BOTS))
    seen.heard(BOTS[0], 60.0)
    assert states(controlled.do_a_pass())[BOTS[0]] == "in-sync"


def test_a_commit_that_changes_nothing_for_a_bot_reaches_no_agent(world: World, controlled: Controlled) -> None:
    before = controlled.place.agents.assignment(BOTS[0])
    world.site.revision = "2" * 40
    world.site.publish()
    assert controlled.do_a_pass().revision == "2" * 40
    assert controlled.place.agents.assignment(BOTS[0]) == before


def test_whoever_doubts_has_everything_looked_at_again(controlled: Controlled) -> None:
    controlled.place.doubt()
    with touched() as found:
        report = controlled.do_a_pass()
    assert not report.unmoved
    assert all(any(bot in path for path in found) for bot in BOTS)
    assert set(states(report).values()) == {"in-sync"}


def test_a_bot_whose_token_is_taken_lives_here_from_then_on(world: World, controlled: Controlled) -> None:
    elsewhere = Workplace(str(world.site.folder), world.target, world.state, Choice())
    elsewhere.agents.tokens.revoke(Owner(bot=BOTS[0]))
    report = controlled.do_a_pass()
    assert BOTS[0] not in report.unmoved
    assert (world.home(BOTS[0]) / ".agents/skills/git/SKILL.md").exists()


def test_a_bot_that_failed_where_it_lives_is_not_tried_for_ever(controlled: Controlled) -> None:
    controlled.tell(BOTS[:1], state="failed", problems=[{"id": "MH704", "message": "no room"}])
    assert states(controlled.do_a_pass())[BOTS[0]] == "failed"
    again = controlled.do_a_pass()
    assert (states(again)[BOTS[0]], again.unmoved) == ("failed", frozenset(BOTS))


# --- what is fetched -----------------------------------------------------------------------------------------------


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder; yield its address and the paths that were asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path.lstrip("/"))
            super().do_GET()

        def log_request(self, *_answer: Any) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))) as server:
        yield f"http://127.0.0.1:{server.server_port}/", asked


def test_only_documents_that_changed_are_fetched_by_any_process(world: World) -> None:
    with served(world.site.folder) as (url, asked):

        def fetched() -> list[str]:
            """Do a pass as a new process does; return which documents it fetched."""
            asked.clear()
            place = Workplace(url, world.target, world.state, Choice())
            place.refresh()
            report = place.once("reconcile", ACT)
            assert set(states(report).values()) == {"in-sync"}
            return [path for path in asked if path.startswith("bots/")]

        world.target.mkdir()
        assert len(fetched()) == len(BOTS)
        assert fetched() == []
        declare(world, "info", BOTS[3:4])
        assert len(fetched()) == 1
        assert fetched() == []


def test_a_controller_fetches_no_document_of_a_bot_elsewhere_before_its_agent_asks(world: World) -> None:
    with served(world.site.folder) as (url, asked):
        controlled = Controlled(world, url)
        world.target.mkdir()
        with controlled.place.state.lock():
            controlled.do_a_pass()
            assert not [path for path in asked if path.startswith("bots/")]
            controlled.tell(BOTS[:1])
            controlled.tell(BOTS[:1])
            assert len([path for path in asked if path.startswith("bots/")]) == 1
