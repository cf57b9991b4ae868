"""What is on record of bots on other machines: one file, whole after any kill, read by others while it is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molthub.documents import canonical_plain
from molthub.errors import FormatError
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.records.elsewhere import PASSES_KEPT, Elsewhere, Known
from molthub_reconciler.records.receipt import Receipt, receipt_to_bytes
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.remote.exchange import Answer, Assignment, answer_to_bytes
from molthub_reconciler.remote.known import known_bots
from molthub_reconciler.remote.store import AgentStore
from molthub_reconciler.remote.token_files import Owner
from molthub_reconciler.report import Report
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace
from tests.reconciler.world import World
from tests.scale.opened import touched

ADA, BOB = "prod/ada", "prod/bob"
BOTS = [f"prod/bot-{number}" for number in range(20)]
DIGEST = "sha256:" + "d" * 64


def line(said: str, **more: Any) -> dict[str, Any]:
    return {"at": "2026-11-22T03:00:00Z", "revision": "r", "state": said, "changes": [], "problems": [], **more}


@pytest.fixture
def state(tmp_path: Path) -> TargetState:
    return TargetState(tmp_path / "state", "/srv/bots")


# --- history ------------------------------------------------------------------------------------------------------


def test_a_bots_history_is_its_last_lines_in_order(tmp_path: Path) -> None:
    kept = Elsewhere(tmp_path)
    for number in range(PASSES_KEPT + 30):
        kept.note(ADA, None, line(str(number)))
        kept.note(BOB, None, line(f"bob {number // 100}"))
    kept.settle()
    assert [one["state"] for one in kept.passes(ADA)] == [str(number) for number in range(30, PASSES_KEPT + 30)]
    assert [one["state"] for one in kept.passes(BOB)] == ["bob 0", "bob 1", "bob 2"]
    assert {told.bot: told.line["state"] for told in kept.last_told()} == {ADA: "229", BOB: "bob 2"}


def test_what_a_pass_finds_again_leaves_no_line(tmp_path: Path) -> None:
    kept = Elsewhere(tmp_path)
    for revision in "abc":
        kept.note(ADA, Known(None, "codex"), {**line("in-sync"), "revision": revision})
        kept.settle()
    assert [one["revision"] for one in kept.passes(ADA)] == ["a"]
    assert kept.known(ADA) == (None, "codex")
    kept.note(ADA, None, line("drifted"))
    kept.settle()
    assert kept.known(ADA) == (None, "codex")


def test_whoever_is_forgotten_leaves_the_others(tmp_path: Path) -> None:
    kept = Elsewhere(tmp_path)
    for bot in (ADA, BOB):
        kept.note(bot, None, *(line(str(number)) for number in range(250)))
    kept.settle()
    kept.keep({ADA: b"given", BOB: b"given"}, {ADA: b"told"})
    kept.forget(ADA)
    assert (kept.bots(), kept.passes(ADA), kept.assignment(ADA), kept.report(ADA)) == ({BOB}, [], None, None)
    assert (len(kept.passes(BOB)), kept.assignment(BOB)) == (PASSES_KEPT, b"given")
    kept.note(ADA, None, line("back"))  # another bot of that name takes nothing over
    kept.settle()
    assert [one["state"] for one in kept.passes(ADA)] == ["back"]


def test_looking_makes_no_file(state: TargetState) -> None:
    assert (state.bots(), state.passes(ADA), state.receipt(ADA)[0]) == ((), (), Receipt(ADA))
    assert AgentStore(state).assignment(ADA) is None
    assert not state.root.exists()


# --- a bot moves --------------------------------------------------------------------------------------------------


def test_a_history_goes_along_where_a_bot_moves_there_and_back(state: TargetState) -> None:
    at = iter(f"2026-11-22T03:00:{number:02}Z" for number in range(60))
    with state.lock():
        state.save(Receipt(ADA, home="prod/ada", platform="codex"))
        state.settle()
        state.add_pass(ADA, {**line("here"), "at": next(at)})
        state.elsewhere.note(ADA, Known(None, "codex"), {**line("there"), "at": next(at)})
        state.elsewhere.settle()
        assert [one["state"] for one in state.passes(ADA)] == ["here", "there"]
        state.add_pass(ADA, {**line("here again"), "at": next(at)})
        assert [one["state"] for one in state.passes(ADA)] == ["here", "there", "here again"]
    assert Elsewhere(state.folder).passes(ADA) == []
    assert [one["state"] for one in state.passes(ADA)] == ["here", "there", "here again"]


# --- files of an earlier version ----------------------------------------------------------------------------------

lines = st.lists(st.sampled_from(["in-sync", "drifted", "failed"]).map(line), max_size=6)
old_bots = st.fixed_dictionaries({
    "serial": st.none() | st.integers(1, 10**13),
    "told": st.none() | st.binary(max_size=40),
    "passes": lines,
    "lived_here": st.booleans(),
})  # fmt: skip


def write_old(folder: Path, bot: str, old: dict[str, Any]) -> None:
    """Write what an earlier version kept of a bot."""
    agent, state = folder / "agents" / bot, folder / "bots" / bot
    for place in (agent, state):
        place.mkdir(parents=True, exist_ok=True)
    (agent / "token.json").write_text("{}")
    if old["serial"] is not None:
        given = Assignment(bot, "a" * 64, DIGEST, serial=old["serial"])
        (agent / "assignment.json").write_bytes(answer_to_bytes(Answer(given)))
    if old["told"] is not None:
        (agent / "report.json").write_bytes(old["told"])
    receipt = Receipt(bot, home="prod/x" if old["lived_here"] else "", platform="codex", document="b" * 64)
    (state / "receipt.json").write_bytes(receipt_to_bytes(receipt))
    (state / "passes.jsonl").write_bytes(b"".join(canonical_plain(one) + b"\n" for one in old["passes"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(BOTS[:6]), old_bots, max_size=6), st.booleans())
def test_nothing_that_an_earlier_version_kept_is_lost(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, dict[str, Any]], twice: bool
) -> None:
    state = TargetState(tmp_path_factory.mktemp("old"), "/srv/bots")
    for bot, kept in old.items():
        write_old(state.folder, bot, kept)
    with state.lock():
        pass
    if twice:  # a kill came before the files went: they are taken in again
        for bot, kept in old.items():
            write_old(state.folder, bot, kept)
    with state.lock():
        pass
    store = AgentStore(state)
    assert state.bots() == tuple(sorted(old))
    for bot, kept in old.items():
        assert list(state.passes(bot)) == kept["passes"]
        assert (state.receipt(bot)[0].document, state.receipt(bot)[0].platform) == ("b" * 64, "codex")
        assert state.elsewhere.report(bot) == kept["told"]
        given = store.assignment(bot)
        assert (given.serial if given is not None else None) == kept["serial"]
        assert [path.name for path in (state.folder / "agents" / bot).iterdir()] == ["token.json"]
        taken_in = (kept["serial"], kept["told"]) != (None, None)
        assert (state.folder / "bots" / bot).exists() is (kept["lived_here"] or not taken_in)


def test_an_older_copy_that_is_put_back_counts_for_nothing(state: TargetState) -> None:
    old = {"serial": 5, "told": b"old", "passes": [], "lived_here": False}
    write_old(state.folder, ADA, {**old, "serial": 7, "told": b"new"})
    with state.lock():
        pass
    write_old(state.folder, ADA, old)
    with state.lock():
        pass
    given = AgentStore(state).assignment(ADA)
    assert given is not None
    assert (given.serial, state.elsewhere.report(ADA)) == (7, b"new")


# --- kills, damage, no room ---------------------------------------------------------------------------------------

_WRITING = """
import sys
from pathlib import Path
from molthub_reconciler.records.elsewhere import Elsewhere, Known
kept, number = Elsewhere(Path(sys.argv[1])), 0
while True:
    number += 1
    for bot in range(20):
        kept.note(f"prod/bot-{bot}", Known(None, str(number)), {"state": str(number), "at": "", "revision": ""})
    kept.settle({f"prod/bot-{bot}": str(number).encode() for bot in range(20)})
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_kill_leaves_all_of_a_pass_or_nothing(tmp_path: Path, after: int) -> None:
    with subprocess.Popen([sys.executable, "-c", _WRITING, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(after):
            settled = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        settled = max([settled, *map(int, writer.stdout.read().split())])
    kept = Elsewhere(tmp_path)
    found = {kept.assignment(bot) for bot in BOTS}
    assert len(found) == 1
    (number,) = (int(one) for one in found if one is not None)
    assert number in (settled, settled + 1)
    assert {told.line["state"] for told in kept.last_told()} == {str(number)}
    assert {kept.known(bot) for bot in BOTS} == {(None, str(number))}


def test_others_read_what_was_settled_while_it_is_written(tmp_path: Path) -> None:
    writing, reading = Elsewhere(tmp_path), Elsewhere(tmp_path)
    writing.note(ADA, None, line("before"))
    writing.settle()
    with writing.file.changing() as database:
        database.execute("DELETE FROM bots")
        assert [one["state"] for one in reading.passes(ADA)] == ["before"]
    assert reading.passes(ADA) == []


class Controlled:
    """A controller of bots elsewhere; between its passes anything may happen to its state."""

    def __init__(self, world: World) -> None:
        self.world = world
        for bot in BOTS:
            world.site.bot(bot, {"env/LEVEL": "debug"})
        world.site.publish()
        self.place = Workplace(str(world.site.folder), world.target, world.state, Choice())
        self.place.make_target()
        for bot in BOTS:
            self.place.agents.tokens.enrol(Owner(bot=bot))

    @property
    def file(self) -> Path:
        return self.place.state.elsewhere.file.place

    def look(self) -> Report:
        self.place.refresh()
        with self.place.state.lock():
            return self.place.once("reconcile", Rules(act=True))

    def serials(self) -> dict[str, int]:
        fresh = AgentStore(TargetState(self.world.state, str(self.world.target)))
        return {bot: given.serial for bot in BOTS if (given := fresh.assignment(bot)) is not None}


@pytest.fixture
def controlled(tmp_path: Path) -> Controlled:
    return Controlled(World(tmp_path))


def test_a_pass_writes_one_file_for_all_bots(controlled: Controlled) -> None:
    with touched() as found:
        controlled.look()
    assert set(controlled.serials()) == set(BOTS)
    assert [path for path in found if "mkdir" in path and "prod" in path] == []
    files = Counter(path.name.partition("-")[0] for path in controlled.place.state.folder.rglob("*") if path.is_file())
    assert files.pop("token.json") == len(BOTS)
    assert files[controlled.file.name] <= 3
    assert files.total() < 8


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_put_aside_and_all_is_given_again(controlled: Controlled, damage: bytes) -> None:
    controlled.look()
    before = controlled.serials()
    controlled.place.state.elsewhere.reread()
    controlled.file.write_bytes(damage)
    with pytest.raises(FormatError, match="cannot be read"):
        TargetState(controlled.world.state, str(controlled.world.target)).bots()
    controlled.place.doubt()
    report = controlled.look()
    assert "MH709" in {problem.id for problem in report.problems}
    assert controlled.file.with_name(f"{controlled.file.name}.unreadable").read_bytes() == damage
    controlled.look()
    after = controlled.serials()
    assert set(after) == set(BOTS)
    assert all(after[bot] > before[bot] for bot in BOTS)


def test_one_of_a_newer_molthub_is_left_as_it_is(controlled: Controlled) -> None:
    controlled.look()
    with controlled.place.state.elsewhere.file.changing() as database:
        database.execute("PRAGMA user_version = 9")
    controlled.place.state.elsewhere.file.close()
    content = controlled.file.read_bytes()
    with pytest.raises(FormatError, match="newer molthub"):
        controlled.look()
    assert controlled.file.read_bytes() == content


def test_without_room_bots_keep_what_they_were_given_until_there_is(controlled: Controlled) -> None:
    controlled.look()
    before = controlled.serials()
    for bot in BOTS:
        controlled.world.site.bot(bot, {"env/LEVEL": "info"})
    controlled.world.site.publish()
    kept = controlled.place.state.elsewhere
    with controlled.place.state.lock():
        controlled.place.refresh()
        ((pages,),) = kept.file.rows("PRAGMA page_count")
        kept.file.rows(f"PRAGMA max_page_count = {pages}")
        report = controlled.place.once("reconcile", Rules(act=True))
        assert [problem.id for problem in report.problems] == ["MH702"]
        assert "disk is full" in report.problems[0].remedy
        assert controlled.serials() == before
        kept.file.rows(f"PRAGMA max_page_count = {pages + 10_000}")
        assert controlled.place.once("reconcile", Rules(act=True)).problems == ()
    assert all(controlled.serials()[bot] > before[bot] for bot in BOTS)


# --- what operators see -------------------------------------------------------------------------------------------


def test_all_bots_are_told_in_one_look(controlled: Controlled) -> None:
    controlled.look()
    known_bots(controlled.place.state)
    with touched() as found:
        bots = known_bots(controlled.place.state)
    assert [bot["bot"] for bot in bots] == sorted(BOTS)
    assert not [path for path in found if "/bots/prod" in path or "/agents/prod" in path]


def test_packs_of_another_document_are_looked_up_again(state: TargetState) -> None:
    content = {"format": "molthub.bot/1", "fleet": "prod", "bot": "ada", "platform": "codex", "home": "ada",
               "agent": "main", "resolved": False, "packs": {"base": {"version": 4}}}  # fmt: skip
    state.keep_document(ADA, "a" * 64, json.dumps(content).encode())
    for document, packs in (("a" * 64, {"base": 4}), ("b" * 64, {}), ("a" * 64, {"base": 4})):
        state.elsewhere.note(ADA, Known(document, "codex"), line(f"at {document[0]} {time.time_ns()}"))
        state.elsewhere.settle()
        assert [known_bots(state)[0]["packs"] for _ in range(2)] == [packs, packs]
