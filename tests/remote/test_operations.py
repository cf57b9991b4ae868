"""Orders as the controller takes them: only what is listed, only by who may, and nothing of them is a shell's word."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from molthub.errors import FormatError
from molthub_reconciler.remote.orders import order_from_json, outcome_from_json
from molthub_reconciler.remote.token_files import Owner
from tests.reconciler.world import World
from tests.remote.fleet import level
from tests.remote.inside import Inside, inside

ADA = "prod/ada"


@pytest.fixture
def controlled(world: World) -> Iterator[Inside]:
    """Return a controller of a bot on its own machine, which was changed once."""
    world.site.publish()
    with inside(world) as found:
        for value in ("debug", "info"):
            world.site.bot(ADA, {"env/LEVEL": value})
            world.site.publish()
            found.look()
        yield found


def token(controlled: Inside, *, may_operate: bool = True) -> str:
    return controlled.place.agents.tokens.enrol(Owner(operator="ann"), may_operate=may_operate)


def order(controlled: Inside, shown: str, command: str, /, **options: Any) -> tuple[int, Any]:
    said = {"format": "molthub.order/1", "command": command, "options": options}
    body = json.dumps(said).encode()
    status, content, _ = controlled.ask("/v1/commands", shown, method="POST", body=body)
    return status, json.loads(content)


def between_passes(controlled: Inside, shown: str, **options: Any) -> tuple[int, Any]:
    """Order a rollback, and be the controller that does it at its next look."""
    found: list[tuple[int, Any]] = []
    asking = threading.Thread(target=lambda: found.append(order(controlled, shown, "rollback", **options)))
    asking.start()
    assert controlled.place.news.wait(20)
    controlled.place.news.clear()
    controlled.place.refresh()
    asking.join(20)
    return found[0]


def test_going_back_is_done_between_two_passes_and_told(controlled: Inside) -> None:
    shown = token(controlled)
    with controlled.place.state.lock():  # as a running controller has it
        status, done = between_passes(controlled, shown, bots=[ADA])
        assert (status, done["status"]) == (200, 0), done
        assert '"LEVEL": "debug"' in level(controlled.world.home(ADA))
        _, failed = between_passes(controlled, shown, bots=["prod/nobody"])
        assert (failed["status"], "nobody" in failed["errors"]) == (1, True), failed
        _, released = between_passes(controlled, shown, bots=[ADA], release=True, as_json=True)
        assert json.loads(released["output"])["released"] == [ADA]
    assert controlled.warned[0] == "the operator ann asks for: rollback -- prod/ada"


def test_who_may_only_look_looks(controlled: Inside) -> None:
    shown = token(controlled, may_operate=False)
    status, refused = order(controlled, shown, "rollback", bots=[ADA])
    assert (status, "may look, and operate nothing" in refused["error"]["message"]) == (403, True)
    assert controlled.warned == []
    status, done = order(controlled, shown, "history", bot=ADA, as_json=True)
    assert (status, done["status"]) == (200, 0), done
    assert json.loads(done["output"])["bot"] == ADA


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("reconcile", {}),
        ("agents token", {"bot": ADA}),
        ("plan", {"target": "/"}),
        ("plan", {"bots": [{"a": 1}]}),
        ("plan", {"bots": ["a\nb"]}),
        ("plan", {"bots": ["a" * 1000]}),
        ("plan", {"output": "/etc/passwd"}),
        ("drift --output=/etc/passwd", {}),
    ],
)
def test_what_is_not_listed_is_not_run(controlled: Inside, command: str, options: dict[str, Any]) -> None:
    assert order(controlled, token(controlled), command, **options)[0] == 400


def test_no_value_is_taken_for_an_option(controlled: Inside) -> None:
    shown = token(controlled)
    _, done = order(controlled, shown, "history", bot="--help")
    assert (done["status"], "nothing is on record of a bot --help" in done["errors"]) == (1, True), done
    _, done = order(controlled, shown, "plan", bots=["--index=x"])
    assert done["status"] != 0
    assert "--index=x" in done["errors"]


@pytest.mark.parametrize("said", [None, {}, {"format": "molthub.order/2", "command": "plan", "options": {}}])
def test_an_order_that_is_none_is_refused(said: dict[str, Any] | None) -> None:
    with pytest.raises(FormatError):
        order_from_json(said, "test")


def test_what_comes_back_does_nothing_to_a_terminal() -> None:
    said = {"status": 0, "output": "a\x1b[2Jb\tc\n", "errors": None}
    assert outcome_from_json(said, "test").output == "a?[2Jb\tc\n"
    for wrong in ({"status": True, "output": ""}, {"status": 0}, {"status": "0", "output": ""}):
        with pytest.raises(FormatError):
            outcome_from_json(wrong, "test")
