"""Drift for other programs and for people: valid, escaped, and without a secret."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import xmlschema

from molthub.errors import Problem
from molthub.model import Json
from molthub_reconciler.formats.junit import junit
from molthub_reconciler.formats.markdown import markdown
from molthub_reconciler.formats.masked import masked
from molthub_reconciler.formats.page import page
from molthub_reconciler.formats.sarif import sarif
from molthub_reconciler.formats.text_differences import file_difference, side_by_side, unified
from molthub_reconciler.formats.told import Told
from molthub_reconciler.report import BotReport, Report
from tests.reconciler.drifted import TOKEN, damaged
from tests.reconciler.site import contents
from tests.reconciler.world import Outcome, World

CASES = Path(__file__).parents[1] / "cases" / "report_formats"


@pytest.fixture
def drifted(world: World, desired: dict[str, Json]) -> World:
    """Return a world in which every sort of thing drifted, some of it with ill will."""
    return damaged(world, desired)


def drift(world: World, form: str, *options: str) -> Outcome:
    return world.molthub("drift", "--format", form, *options)


def test_sarif_is_valid_and_points_at_git_and_at_the_bots_file(drifted: World) -> None:
    outcome = drift(drifted, "sarif", "--prefix", "registry-index/", "--show-ignored")

    log = json.loads(outcome.stdout)
    jsonschema.Draft4Validator(json.loads((CASES / "sarif-2.1.0.json").read_text())).validate(log)
    assert outcome.status == 3
    (run,) = log["runs"]
    found = {result["message"]["text"].partition(" ")[0]: result for result in run["results"]}
    git = found["skill/git"]
    assert git["ruleId"] == "drift/modified"
    assert run["tool"]["driver"]["rules"][git["ruleIndex"]]["id"] == "drift/modified"
    assert git["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "registry-index/fleets/prod/bots/ada.yaml"}, "region": {"startLine": 9}
    }  # fmt: skip
    assert git["relatedLocations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "prod/ada/.openclaw/workspace/skills/git", "uriBaseId": "BOTS"
    }  # fmt: skip
    extra = found["skill/mine"]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert (found["skill/mine"]["level"], extra["uriBaseId"]) == ("note", "BOTS")
    again = json.loads(drift(drifted, "sarif").stdout)["runs"][0]["results"]
    assert [one["partialFingerprints"] for one in again if one["ruleId"] == "drift/modified"] == [
        one["partialFingerprints"] for one in run["results"] if one["ruleId"] == "drift/modified"
    ]


def test_sarif_of_what_failed_and_of_nothing_is_valid(world: World, desired: dict[str, Json]) -> None:
    world.site.bot("prod/ada", desired, platform="openclaw")
    world.site.publish()
    world.report("reconcile", status=0)
    schema = jsonschema.Draft4Validator(json.loads((CASES / "sarif-2.1.0.json").read_text()))
    nothing = drift(world, "sarif")
    schema.validate(json.loads(nothing.stdout))
    assert nothing.status == 0
    (world.home("prod/ada") / ".openclaw/openclaw.json").write_text("{")

    log = json.loads(drift(world, "sarif").stdout)

    schema.validate(log)
    assert {result["ruleId"] for result in log["runs"][0]["results"]} == {"drift/unreadable", "MH701"}


def test_sarif_of_a_large_fleet_holds_the_worst_and_says_how_many_it_leaves_out() -> None:
    change: dict[str, Json] = {"key": "skill/git", "action": "update", "cause": "drifted", "drift": "modified",
                               "origin": "packs/a/1.yaml:3", "file": ".agents/skills/git"}  # fmt: skip
    extra: dict[str, Json] = {**change, "key": "skill/mine", "drift": "extra", "action": "keep"}
    bots = tuple(BotReport(f"prod/b{number}", "drifted", changes=(extra, change)) for number in range(15_000))
    log: Any = sarif(Told(Report("drift", "2026-11-21T12:00:00Z", None, bots)), version="1.0.0")
    (run,) = log["runs"]
    assert [result["level"] for result in run["results"]] == [*["warning"] * 15_000, *["note"] * 10_000]
    (said,) = run["invocations"][0]["toolExecutionNotifications"]
    assert said["message"]["text"].startswith("5000 of 30000 results are left out")
    few = {**log, "runs": [{**run, "results": run["results"][:2]}]}
    jsonschema.Draft4Validator(json.loads((CASES / "sarif-2.1.0.json").read_text())).validate(few)
    assert len(gzip.compress(json.dumps(log).encode())) < 10 * 2**20, "what GitHub takes"


def test_what_git_names_in_other_letters_is_an_address(drifted: World) -> None:
    log = json.loads(drift(drifted, "sarif", "--prefix", "our registry/").stdout)
    (result,) = [one for one in log["runs"][0]["results"] if one["message"]["text"].startswith("skill/git ")]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("our%20registry/")
    prints = [one.get("partialFingerprints", {}).get("molthubDrift/v1") for one in log["runs"][0]["results"]]
    assert len(set(filter(None, prints))) == len([one for one in prints if one]) > 1


def test_what_xml_cannot_hold_is_replaced_and_what_cannot_be_read_has_its_line() -> None:
    problem = Problem("MH701", "bell \x07", "mend it", file="a.json", line=3, column=7)
    bots = (BotReport("prod/ada", "failed", problems=(problem,)), BotReport("prod/bob", "in-sync"))
    told = Told(Report("drift", "2026-11-21T12:00:00Z", None, bots))
    text = junit(told).decode()
    xmlschema.XMLSchema(str(CASES / "junit-10.xsd")).validate(text)
    assert "bell \ufffd" in text
    log: Any = sarif(told, version="1.0.0")
    region = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 7}


def test_what_nobody_sees_or_what_ends_a_fence_is_spelled_out() -> None:
    found = file_difference("a", "a\u202eb\n".encode(), b"```\n````\n")
    change: dict[str, Json] = {"key": "skill/x", "action": "update", "cause": "drifted", "drift": "modified"}
    bot = BotReport("prod/ada", "drifted", changes=(change,))
    told = Told(Report("drift", "2026-11-21T12:00:00Z", None, (bot,)), {("prod/ada", "skill/x"): (found,)})
    text = markdown(told)
    assert "\u202e" not in text
    assert "a\\u202eb" in text
    assert "\n`````diff\n" in text


def test_junit_is_valid_and_counts(drifted: World) -> None:
    outcome = drift(drifted, "junit", "--show-ignored")

    xmlschema.XMLSchema(str(CASES / "junit-10.xsd")).validate(outcome.stdout)
    root = ET.fromstring(outcome.stdout)  # noqa: S314 (our own)
    suites = {suite.get("name"): suite for suite in root}
    assert {name: (suite.get("tests"), suite.get("failures")) for name, suite in suites.items()} == {
        "prod/ada": ("4", "2"), "prod/bob": ("1", "0")
    }  # fmt: skip
    failure = next(case.find("failure") for case in suites["prod/ada"] if case.get("name") == "skill/git")
    assert failure is not None
    assert failure.get("type") == "modified"
    assert "-line 29\n line 31" not in str(failure.text)
    assert "+line 30" in str(failure.text)


def test_markdown_shows_everything_as_it_is(drifted: World) -> None:
    text = drift(drifted, "markdown").stdout

    outside = re.sub(r"(?ms)^(`{3,})diff$.*?^\1$", "", text)
    assert "<script>" not in outside
    assert "javascript:" not in outside
    assert "### prod/ada: drifted" in text
    assert "@everyone" not in outside
    assert "+line 30" in text


@pytest.mark.parametrize("form", ["sarif", "junit", "html", "markdown", "json"])
def test_no_form_holds_a_secret(drifted: World, form: str) -> None:
    outcome = drift(drifted, form)

    assert "skill/git" in outcome.stdout
    assert TOKEN not in outcome.stdout


def test_looking_for_differences_writes_nothing_but_the_file(drifted: World) -> None:
    before = contents(drifted.target) | contents(drifted.state)

    outcome = drift(drifted, "html", "--output", str(drifted.folder / "drift.html"))

    assert (outcome.status, outcome.stdout) == (3, "")
    assert contents(drifted.target) | contents(drifted.state) == before
    assert (drifted.folder / "drift.html").read_text().startswith("<!doctype html>")


def test_what_many_bots_have_in_common_is_told_once(world: World, desired: dict[str, Json]) -> None:
    for bot in ("ada", "bob", "cyd", "dan", "eve"):
        world.site.bot(f"prod/{bot}", desired)
    world.site.publish()
    world.report("reconcile", status=0)
    for bot in ("ada", "bob", "cyd", "dan"):
        (world.home(f"prod/{bot}") / ".agents/skills/git/SKILL.md").write_text("mine")
    (world.home("prod/eve") / ".agents/skills/extra").mkdir()
    (world.home("prod/eve") / ".agents/skills/extra/SKILL.md").write_text("mine")

    ran = world.molthub("drift", "--by-key")

    cells = [line.split("  ") for line in ran.stdout.splitlines()[:3]]
    rows = [[cell.strip() for cell in row if cell.strip()] for row in cells]
    assert (ran.status, rows[1][:4]) == (3, ["skill/git", "modified", "4", "prod/ada, prod/bob, prod/cyd and 1 more"])
    assert rows[2][:4] == ["skill/extra", "extra", "1", "prod/eve"]
    assert "prod: 5 bots, 1 in sync, 4 drifted" in ran.stdout
    page = drift(world, "html").stdout
    assert page.index("What differs, and on how many bots") < page.index('<nav aria-label="Bots">')
    assert '<td>4</td><td><a href="#prod/ada">prod/ada</a>, ' in page
    assert world.molthub("drift", "--by-key", "--detail").status == 2


def test_forms_exclude_each_other(drifted: World) -> None:
    assert drift(drifted, "html", "--json").status == 2
    assert drifted.molthub("drift", "--output", "x").status == 2
    assert drift(drifted, "html", "--output", str(drifted.folder / "no/such/x.html")).status == 1


def test_the_page_is_one_file_without_script(drifted: World) -> None:
    text = drift(drifted, "html").stdout

    assert "<script" not in text
    assert re.search(r'content="default-src &#39;none&#39;; style-src &#39;sha256-', text)
    assert not re.search(r"(?:src|href)=\"(?!#)", text)
    assert "only its mode differs" in text
    assert "not text" in text
    assert "lines that are the same are left out" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nothing here is secret, not even a token.", "Nothing here is secret, not even a token."),
        (f"export GITHUB_TOKEN={TOKEN}", "export GITHUB_TOKEN=***"),
        ('"api_key": "abcd1234"', '"api_key": "***"'),
        ("password: hunter22", "password: ***"),
        ("TOKEN: ${secrets.github_token}", "TOKEN: ${secrets.github_token}"),
        ("postgres://me:hunter2@db/x", "postgres://me:***@db/x"),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer ***"),
        ("see AKIAABCDEFGHIJKLMNOP", "see ***"),
        ("sha256:" + "ab" * 32, "sha256:" + "ab" * 32),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\nx", "***\n\n\nx"),
    ],
)
def test_what_may_be_secret_is_not_shown(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text", ["x", "token", "a.", "eyJ-", "a://:", "-----BEGIN ", "token ", "api_key=\n", "eyJaaaaaaaa."]
)
def test_the_longest_line_is_masked_as_fast_as_many(text: str) -> None:
    assert len(masked(text * (2**18 // len(text)))) > 0, "what is slow for each pair of its letters never ends here"


def test_a_difference_that_is_only_a_secret_says_so() -> None:
    found = file_difference("a", b"token=abcdef1", b"token=abcdef2")

    assert "looks like a secret" in found.note


def test_sides_hold_numbers_and_kinds() -> None:
    found = file_difference("a", b"1\n2\n3\n", b"1\nzwei\n3\n4\n")

    rows = [(row.kind, row.has_number, row.should_number) for row in side_by_side(found)]
    assert rows == [("same", 1, 1), ("changed", 2, 2), ("same", 3, 3), ("added", None, 4)]
    assert unified(found).splitlines()[:2] == ["--- bot/a", "+++ git/a"]
    assert unified(file_difference("a", None, b"1\n")).startswith("--- /dev/null")


def test_problems_of_bots_and_of_all_are_shown_escaped() -> None:
    problem = Problem("MH703", "<b>too much</b>", "look")
    bot = BotReport("prod/ada", "failed", problems=(problem,))
    told = Told(Report("drift", "2026-11-21T12:00:00Z", None, (bot,), (problem,)))

    assert "<b>" not in page(told)
    assert "<b>" not in markdown(told)
