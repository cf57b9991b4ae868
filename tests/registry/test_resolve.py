"""Every rule of resolution, as data: `tests/cases/resolve/*.yaml` hold a small registry and what comes of its bots.

`skills`, `env`, `mcp`, `config` and `packs` of an expectation are whole: nothing else may be there. `layers` names, for
some keys, the layers that spoke, the winner first. `problems` are `ID: part of the message`, one per finding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from molthub.registry.catalog import read_catalog
from molthub.registry.resolve import Resolution, resolve_bots
from molthub.yaml_text import parse
from tests.builders import TreeSource
from tests.registry.declared import declared

CASES = sorted((Path(__file__).parents[1] / "cases" / "resolve").glob("*.yaml"))


def shown(resolution: Resolution) -> dict[str, Any]:
    def kind(prefix: str) -> dict[str, Any]:
        return {
            key.partition("/")[2]: value for key, value in resolution.desired.items() if key.startswith(f"{prefix}/")
        }

    return {
        "skills": {name: lock.version for name, lock in resolution.skills.items()},
        "env": kind("env"),
        "mcp": kind("mcp"),
        "config": kind("config"),
        "packs": {name: pack.version for name, pack in resolution.packs.items()},
    }


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_a_case_comes_out_as_it_says(path: Path) -> None:
    case = parse(path.read_bytes(), path.name).value
    resolutions = resolve_bots(read_catalog(TreeSource(declared(case))))
    assert set(case["expect"]) == {bot.name for bot in (found.bot for found in resolutions.values())}
    for name, expected in case["expect"].items():
        check(resolutions[f"lab/{name}"], expected)


def check(resolution: Resolution, expected: dict[str, Any]) -> None:
    problems = [f"{problem.id}: {problem.message}" for problem in resolution.problems]
    wanted = expected.get("problems", [])
    assert len(problems) == len(wanted), problems
    for found, want in zip(sorted(problems), sorted(wanted), strict=True):
        problem_id, _, part = want.partition(": ")
        assert found.startswith(problem_id), problems
        assert part in found, problems
    assert resolution.resolved is expected.get("resolved", True)
    came_out = shown(resolution)
    for part in came_out.keys() & expected.keys():
        assert came_out[part] == expected[part]
    for key, layers in expected.get("layers", {}).items():
        assert [origin.layer for origin in resolution.origins.get(key, ())] == layers, key
    if not resolution.resolved:
        assert not any((resolution.desired, resolution.skills, resolution.origins, resolution.packs))
    every_skill = {f"skill/{skill}": lock.digest for skill, lock in resolution.skills.items()}
    assert {key: value for key, value in resolution.desired.items() if key.startswith("skill/")} == every_skill
    assert resolution.desired.keys() <= resolution.origins.keys()
