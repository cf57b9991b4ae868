"""Findings as GitHub and SARIF readers take them."""

from __future__ import annotations

from molthub.errors import Problem
from molthub.registry.report_formats import github_commands, sarif

NASTY = Problem(
    "MH203", "50% of a:b, c\nis gone\r", "write\nit", file="profiles/a,b:c%.yaml", line=5, column=2, at="/spec"
)
PLAIN = Problem("MH014", "a stray", severity="warning")


def test_workflow_commands_escape_what_would_end_them() -> None:
    first, second = github_commands([NASTY, PLAIN], prefix="registry-index/")
    assert first == (
        "::error file=registry-index/profiles/a%2Cb%3Ac%25.yaml,line=5,col=2,"
        "title=MH203%3A reference to something that is not in this registry"
        "::50%25 of a:b, c%0Ais gone%0D%0Awrite%0Ait"
    )
    assert second == "::warning title=MH014%3A file that stands where nothing is declared::a stray"
    assert "\n" not in first


def test_sarif_names_rules_levels_and_regions() -> None:
    log = sarif([NASTY, PLAIN, NASTY], version="1.2.3", revision="abc", prefix="r/")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (log["version"], driver["name"], driver["version"]) == ("2.1.0", "molthub", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["MH014", "MH203"]
    first, second, _ = run["results"]
    assert driver["rules"][first["ruleIndex"]]["id"] == first["ruleId"] == "MH203"
    assert first["level"] == "error"
    place = first["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "r/profiles/a%2Cb%3Ac%25.yaml"},
        "region": {"startLine": 5, "startColumn": 2},
    }
    assert "locations" not in second
    assert run["properties"] == {"revision": "abc"}


def test_no_findings_are_a_valid_empty_run() -> None:
    (run,) = sarif([], version="1")["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])
    assert "properties" not in run
