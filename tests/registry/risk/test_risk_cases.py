"""Each rule finds its class of attack in many shapes, and leaves alone what only looks like it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from molthub.problem_ids import PROBLEMS
from molthub.registry.risk import scan_skill

CASES = Path(__file__).parents[2] / "cases" / "risk"


def cases() -> Iterator[Any]:
    for file in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(file.read_text("utf-8"))["cases"]:
            yield pytest.param(case, id=f"{file.stem}: {case['name']}")


@pytest.mark.parametrize("case", list(cases()))
def test_what_is_found_is_exactly_what_is_meant(case: dict[str, Any]) -> None:
    text = case.get("text", "").replace("TOKEN", "".join(case.get("token", ())) or "TOKEN")
    content = bytes.fromhex(case["hex"]) if "hex" in case else text.encode()
    found = scan_skill({case.get("path", "SKILL.md"): content}, environment=case.get("environment"))
    assert sorted({finding.id for finding in found if finding.blocks}) == sorted(case.get("blocks", []))
    assert sorted({finding.id for finding in found if not finding.blocks}) == sorted(case.get("warns", []))
    assert all(finding.message and finding.path for finding in found)


def test_every_risk_that_blocks_or_warns_has_a_case() -> None:
    named = {
        problem_id
        for file in CASES.glob("*.yaml")
        for case in yaml.safe_load(file.read_text("utf-8"))["cases"]
        for problem_id in (*case.get("blocks", ()), *case.get("warns", ()))
    }
    elsewhere = {"MH818", "MH820", "MH821"}  # sizes and allow-comments have tests of their own
    assert {problem_id for problem_id in PROBLEMS if problem_id.startswith("MH8")} - elsewhere == named
