"""A controller that runs for weeks holds no more than after its first hour: counted in objects."""

from __future__ import annotations

import gc
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from molthub.console import Console
from molthub.documents import canonical_plain
from molthub_reconciler.controller import FULL_EVERY, Controller
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.remote.token_files import Owner
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace
from tests.reconciler.site import GIT
from tests.reconciler.world import World
from tests.remote.reports import report_json

HERE = [f"prod/here-{number}" for number in range(3)]
ELSEWHERE = [f"prod/there-{number}" for number in range(6)]
WAVES = {"waves": [{"name": "canary", "count": 1}, {"name": "all"}]}


class Passes(Controller):
    """A controller whose rounds are done when the test wants one."""

    def do(self, count: int) -> None:
        for _ in range(count):
            self._poll()


def objects(place: Workplace) -> int:
    """Return how many blocks of memory the interpreter's objects take.

    The file of records is let go of before: its module remembers up to 200 questions asked, and forgets them at once.
    """
    place.state.elsewhere.file.close()
    gc.collect()
    return sys.getallocatedblocks()


def tell(place: Workplace, said: str) -> None:
    """Tell what agents tell that have what they were given."""
    for bot in ELSEWHERE:
        given = place.agents.assignment(bot)
        assert given is not None
        place.agents.presence.heard(bot, 86_400.0)
        report = report_json(bot, desired=given.digest, observed=given.digest, reload=said)
        place.agents.told(bot, canonical_plain({**report, "document": given.document, "generation": given.generation}))


@pytest.mark.parametrize("rollout", [{}, {"rollout": WAVES}], ids=["at once", "in waves"])
def test_a_thousand_passes_hold_what_a_hundred_do(tmp_path: Path, rollout: dict[str, object]) -> None:
    world = World(tmp_path)
    git = world.site.skill("git", "1.2.0", GIT)
    world.site.fleet("prod", **rollout)
    for bot in (*HERE, *ELSEWHERE):
        world.site.bot(bot, {"env/LEVEL": "debug", "skill/git": git})
    world.site.publish()
    place = Workplace(str(world.site.folder), world.target, world.state, Choice())
    place.make_target()
    for bot in ELSEWHERE:
        place.agents.tokens.enrol(Owner(bot=bot))
    controller = Passes(place, Rules(act=True), 3600.0, Console(quiet=True))
    with place.state.lock(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        place.refresh()
        for number in range(6):
            controller.do(1)
            tell(place, str(number))
        controller.do(2 * FULL_EVERY)
        counts = [objects(place)]
        for number in range(4):
            controller.do(3 * FULL_EVERY)
            tell(place, str(number))  # something else each time, and then the same as in the beginning
            controller.do(FULL_EVERY)
            counts.append(objects(place))
    grown = counts[-1] - counts[1]
    assert abs(grown) < 30, counts
