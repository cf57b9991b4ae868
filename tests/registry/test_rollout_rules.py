"""What a fleet's rollout says: what has no effect is told, what contradicts itself is refused."""

from __future__ import annotations

from typing import Any

import pytest

from molthub.documents import fleet_from_json
from molthub.documents.rollouts import rollout_from_json, rollout_to_json
from molthub.index.build import build_index
from molthub.model.rollouts import REST, Rollout, Wave, members
from molthub.registry.catalog import read_catalog
from molthub.registry.check import check
from tests.builders import TreeSource, bot, fleet, one_of_everything, registry, skill

GATE = {"name": "g", "http": {"url": "https://g.example.com/"}}


def tree(rollout: Any) -> TreeSource:
    bots = [bot("prod", name, labels={"tier": "canary"} if name == "ada" else {}) for name in ("ada", "eve")]
    return TreeSource(registry(skill("git"), fleet("prod", rollout=rollout), *bots))


def found(rollout: Any) -> list[tuple[str, str, str]]:
    problems = check(tree(rollout)).problems
    return [(one.id, one.severity, one.message) for one in problems if one.file == "fleets/prod/fleet.yaml"]


@pytest.mark.parametrize(
    "rollout",
    [
        {},
        {"waves": [{"name": "canary", "matchLabels": {"tier": "canary"}, "soak": "10m"}, {"name": "all"}]},
        {"gates": [{**GATE, "waves": ["canary"]}], "maxUnavailable": 3, "maxFailed": "1%", "deadline": "2h"},
    ],
)
def test_a_rollout_that_can_be_followed_is_published_with_everything_said(rollout: Any) -> None:
    assert found(rollout) == []
    source = tree(rollout)
    built = dict(build_index(read_catalog(source), source, fleets=True).files)
    state = fleet_from_json(built["fleets/prod.json"], "prod")
    assert state.rollout is not None
    assert rollout_to_json(rollout_from_json(state.rollout, "")) == dict(state.rollout)
    assert rollout_from_json(rollout, "") == rollout_from_json(state.rollout, "")
    named = {"tier": "canary"} if "matchLabels" in str(rollout) else {}
    assert (state.bots["ada"].labels, state.bots["eve"].labels) == (named, {})


@pytest.mark.parametrize(
    ("rollout", "severity", "message"),
    [
        ({"waves": [{"name": "a", "matchLabels": {"tier": "x"}}]}, "warning", "no bot of the fleet has its labels"),
        ({"waves": [{"name": "a"}, {"name": "b", "percent": 50}]}, "warning", "in waves before it"),
        ({"waves": [{"name": "a"}, {"name": "a"}]}, "error", "two waves have one name"),
        ({"waves": [{"name": "a", "count": 1, "percent": 5}]}, "error", "one of them decides"),
        ({"gates": [{**GATE, "waves": ["nowhere"]}]}, "error", "which there is not"),
        ({"gates": [{"name": "g"}]}, "error", "is not one of probe, scenarios and http"),
        ({"gates": [{"name": "g", "http": {"url": "http://g.example.com/"}}]}, "warning", "without encryption"),
    ],
)
def test_what_has_no_effect_or_contradicts_itself_is_told(rollout: Any, severity: str, message: str) -> None:
    ((problem_id, how, said),) = found(rollout)
    assert (problem_id, how) == ("MH217", severity)
    assert message in said


@pytest.mark.parametrize("rollout", [{"waves": [{"name": "a", "percent": 101}]}, {"maxUnavailable": "101%"}, {"x": 1}])
def test_the_schema_refuses_what_no_rollout_says(rollout: Any) -> None:
    assert {problem_id for problem_id, _, _ in found(rollout)} & {"MH101", "MH102"}


def test_everybody_is_in_one_wave_and_the_order_is_always_the_same() -> None:
    bots = {f"bot-{number}": {"tier": "x"} if number % 3 == 0 else {} for number in range(100)}
    waves = (Wave("one", count=1), Wave("x", {"tier": "x"}, percent=50), Wave("tenth", percent=30))
    held = members(waves, bots)
    assert [(name, len(names)) for name, names in held] == [("one", 1), ("x", 16), ("tenth", 13), (REST, 70)]
    assert sorted(bot for _, names in held for bot in names) == sorted(bots)
    assert members(waves, dict(reversed(bots.items()))) == held
    assert members(Rollout().waves, bots)[0].bots != ("bot-0",)


def test_what_is_declared_everywhere_else_is_as_before() -> None:
    assert "fleets/prod/fleet.yaml" not in {problem.file for problem in check(TreeSource(one_of_everything())).problems}
