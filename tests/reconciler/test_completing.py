"""What a shell offers after the beginning of a bot's name: what is on record on this machine."""

from __future__ import annotations

import pytest

from molthub.model import Json
from tests.reconciler.world import World, run_molthub
from tests.registry.test_completing import offered


@pytest.fixture
def known(world: World, desired: dict[str, Json]) -> World:
    """Return a world whose bots are on record; a context names it."""
    for bot in ("lab/eve", "prod/ada", "prod/eve"):
        world.site.bot(bot, desired)
    world.site.publish()
    world.report("reconcile", status=0)
    places = ["--index", str(world.site.folder), "--target", str(world.target), "--state", str(world.state)]
    assert run_molthub("context", "set", "here", *places).status == 0
    return world


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("history ", ["lab/eve", "prod/ada", "prod/eve"]),
        ("history pro", ["prod/ada", "prod/eve"]),
        ("history a", ["ada"]),
        ("history e", []),  # two bots have that name
        ("plan --bot lab/", ["lab/eve"]),
        ("drift --fleet ", ["lab", "prod"]),
        ("reconcile --once --bot prod/a", ["prod/ada"]),
        ("rollback p", ["prod", "prod/ada", "prod/eve"]),
        ("history --context nowhere a", []),
        ("plan --context h", ["here"]),
    ],
)
def test_names_on_record_are_offered(words: str, expected: list[str]) -> None:
    assert offered(words) == expected


def test_the_target_is_the_one_that_was_typed(known: World) -> None:
    assert offered(f"history --target {known.folder / 'none'} ") == []
    assert offered("history --target https://fleet.example.com/ a") == []
