"""Bringing a bot on another machine back, also to what its agent never asked for, and saying so where that is gone."""

from __future__ import annotations

import pytest

from molthub_reconciler.remote.exchange import Assignment
from tests.reconciler.world import World, run_molthub
from tests.remote.fleet import level
from tests.remote.inside import Inside

ADA = "prod/ada"


def given(controlled: Inside) -> Assignment:
    found = controlled.place.agents.assignment(ADA)
    assert found is not None
    return found


@pytest.fixture
def moved_on(controlled: Inside) -> Inside:
    """Let git ask for something else, twice, while the bot's machine is off."""
    for number, value in enumerate(("info", "warning")):
        controlled.world.site.bot(ADA, {"env/LEVEL": value})
        controlled.world.site.revision = str(number + 2) * 40
        controlled.world.site.publish()
        controlled.look()
    return controlled


def roll_back(world: World, *options: str) -> tuple[int, str]:
    done = world.molthub("rollback", ADA, *options)
    return done.status, done.stdout + done.stderr


def test_a_bot_goes_back_to_what_its_agent_never_asked_for(moved_on: Inside) -> None:
    newest = given(moved_on)
    assert not moved_on.place.state.documents(ADA)
    status, said = roll_back(moved_on.world, "--dry-run", "--to", "2" * 40)
    assert (status, given(moved_on)) == (3, newest), said
    assert not moved_on.place.state.documents(ADA)
    status, said = roll_back(moved_on.world, "--to", "2" * 40)
    assert status == 3, said  # its agent has not done it yet
    moved_on.place.doubt()
    assert given(moved_on).document != newest.document
    assert run_molthub(*moved_on.agent(ADA), "--once", "--index", str(moved_on.world.site.folder)).status == 0
    assert '"LEVEL": "info"' in level(moved_on.machine(ADA) / "bots" / ADA)
    assert next(bot.state for bot in moved_on.look().bots) == "rolled-back"
    assert roll_back(moved_on.world, "--release") == (0, f"{ADA}: follows git again from the next pass on\n")
    moved_on.look()
    assert given(moved_on).document == newest.document


def test_without_to_it_is_what_the_bot_was_given_before(moved_on: Inside) -> None:
    assert roll_back(moved_on.world)[0] == 3
    moved_on.place.doubt()
    content = moved_on.place.state.document(ADA, given(moved_on).document)
    assert content is not None
    assert content.desired == {"env/LEVEL": "info"}


def test_a_document_is_had_by_its_whole_name_where_everything_else_was_lost(moved_on: Inside) -> None:
    lines = moved_on.place.state.passes(ADA)
    first = str(lines[0]["given"])
    moved_on.place.state.elsewhere.forget_passes(ADA)
    assert "is not at hand" in roll_back(moved_on.world, "--to", first[:20])[1]
    assert roll_back(moved_on.world, "--to", first)[0] == 3
    moved_on.place.doubt()
    assert given(moved_on).document == first


def test_what_the_index_has_no_more_is_said(moved_on: Inside) -> None:
    newest = given(moved_on)
    before = str(moved_on.place.state.passes(ADA)[1]["given"])
    (moved_on.world.site.folder / f"bots/{before}.json").unlink()
    status, said = roll_back(moved_on.world, "--to", "2" * 40)
    assert (status, "is not at hand, and the index does not give it" in said) == (1, True), said
    assert "keeps for 30 days" in said
    moved_on.place.doubt()
    assert given(moved_on) == newest
    moved_on.world.site.bot("prod/bob", {})
    moved_on.world.site.publish()
    others = next(place for place in (moved_on.world.site.folder / "bots").glob("*.json")
                  if b'"bob"' in place.read_bytes())  # fmt: skip
    status, said = roll_back(moved_on.world, "--to", others.stem)
    assert (status, f"no document that {ADA} can have" in said) == (1, True), said


def test_history_tells_what_it_was_given(moved_on: Inside) -> None:
    assert [line["given"] for line in moved_on.place.state.passes(ADA)][-1] == given(moved_on).document
