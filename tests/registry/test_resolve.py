"""Every rule of resolution, as data: `tests/cases/resolve/*.yaml` hold a small registry and what comes of its bots.

`skills`, `env`, `mcp`, `config` and `packs` of an expectation are whole: nothing else may be there. `layers` names, for
some keys, the layers that spoke, the winner first. `problems` are `ID: part of the message`, one per finding.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from molthub.registry.catalog import read_catalog
from molthub.registry.resolve import Resolution, resolve_bots
from molthub.yaml_text import parse
from tests import builders
from tests.builders import Tree, TreeSource

CASES = sorted((Path(__file__).parents[1] / "cases" / "resolve").glob("*.yaml"))


def declared(case: dict[str, Any]) -> Tree:
    tree: Tree = {}
    for name, versions in case.get("skills", {}).items():
        tree |= declared_skill(name, versions)
    for name, pack in case.get("packs", {}).items():
        whole = pack if isinstance(pack, dict) else {"versions": pack}
        records = {int(number): record for number, record in whole.get("records", {}).items()}
        tree |= builders.pack(name, *whole["versions"], project=whole.get("project"), records=records)
    for name, spec in case.get("profiles", {}).items():
        tree |= builders.profile(name, **spec)
    for name, spec in case.get("overlays", {}).items():
        tree |= builders.overlay(name, **spec)
    tree |= builders.fleet("lab", **case.get("fleet", {}))
    for name, spec in case["bots"].items():
        tree |= builders.bot("lab", name, **spec)
    tree = builders.registry(with_digests(tree), hosts=case.get("hosts", []))
    files: Tree = case.get("files", {})
    return tree | files


def with_digests(tree: Tree) -> Tree:
    """Fill in `DIGEST name@version` in packs' locks from what the skills' projects record."""
    digests = {
        f"DIGEST {path.split('/', 1)[1].rpartition('/')[0]}@{number}": entry["digest"]
        for path, text in tree.items()
        if path.startswith("skills/") and path.endswith("/project.yaml")
        for number, entry in yaml.safe_load(text)["versions"].items()
    }
    for path, text in tree.items():
        if path.startswith("packs/"):
            tree[path] = re.sub(r"DIGEST [^'\"}\s]+", lambda match: digests[match[0]], str(text))
    return tree


def declared_skill(name: str, versions: Any) -> Tree:
    if isinstance(versions, list):
        return builders.skill(name, *versions)
    project = versions.pop("project", None)
    records = {number: version.pop("record", {}) for number, version in versions.items()}
    made = {number: builders.skill_version(name, number, **fields) for number, fields in versions.items()}
    return builders.skill(name, versions=made, records=records, project=project)


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
