"""What really crosses the wire is what its schemas say."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from molthub import schema_files
from molthub_reconciler.remote.exchange import answer_to_bytes
from molthub_reconciler.remote.orders import Outcome, order_from_json, order_of
from molthub_reconciler.remote.token_files import Owner
from tests.reconciler.site import GIT
from tests.reconciler.world import World, run_molthub
from tests.remote.inside import inside
from tests.remote.test_gates import gate

ADA = "prod/ada"


def check(kind: str, content: bytes | str) -> Any:
    names = ("common", "report", kind)
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in map(schema_files.load, names)
    )
    document = json.loads(content)
    Draft202012Validator(schema_files.load(kind), registry=registry).validate(document)
    return document


def test_an_exchange_from_nothing_to_a_gates_answer(world: World) -> None:
    world.site.skill("git", "1.2.0", GIT)
    world.site.fleet("prod", rollout={"waves": [{"name": "canary"}], "gates": [gate(world.folder)]})
    world.site.bot(ADA, {"env/LEVEL": "debug"})
    world.site.publish()
    with inside(world) as controlled:
        token = controlled.enrol(ADA)
        controlled.token_file(ADA, token)
        operator = controlled.place.agents.tokens.enrol(Owner(operator="ann"))
        path = f"/v1/bots/{ADA}/assignment"
        assert check("assignment", controlled.ask(path, token)[1])["document"] is None
        assert check("observed-bots", controlled.ask("/v1/bots", operator)[1])["bots"] == []
        asked: set[int] = set()
        answers: list[Any] = []
        for _ in range(3):
            controlled.look()
            asked.add(len(check("assignment", answer_to_bytes(controlled.place.agents.answer(ADA)))["asks"]))
            assert run_molthub(*controlled.agent(ADA, "--run-gates"), "--once").status == 0
            told = check("report", controlled.place.agents.records.report(ADA) or b"")
            answers += told.get("answers", {}).values()
        assert asked == {0, 1}
        assert [one["passed"] for one in answers] == [True]
        (bot,) = check("observed-bots", controlled.ask("/v1/bots", operator)[1])["bots"]
        assert bot["bot"] == ADA


def test_orders_and_outcomes_are_what_they_say() -> None:
    order = order_of("rollback", {"bots": ("prod/ada",), "dry_run": True, "to": None, "target": "x"})
    said = check("order", json.dumps(order.to_json()))
    assert order_from_json(said, "test") == order
    check("outcome", json.dumps(Outcome(3, "out\n", "").to_json()))
