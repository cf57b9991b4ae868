"""Drift as SARIF 2.1.0 (OASIS standard), for code scanning. Pure.

A result stands at the line of git that declares the key, so that it shows in the repository; the bot's own file is a
related location, below the base ``BOTS``. What git says nothing of stands in the bot's file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from molthub.documents import canonical, hex_of
from molthub.errors import Problem
from molthub.model import Json
from molthub.problem_ids import PROBLEMS
from molthub_reconciler.formats.told import SORTS, Told, sentence, sort_of
from molthub_reconciler.report import BotReport

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
DOCS = "https://molthub.dev/docs"
MOST_RESULTS = 25_000
"""As many as GitHub takes of one run (docs.github.com, "SARIF results exceed limits"); it shows the 5,000 worst."""
_WORST_FIRST = ("error", "warning", "note")
_LEVELS = {"extra": "note", "pending": "note", "ignored": "note", "secret-rotated": "note", "unreadable": "error",
           "conflict": "error"}  # fmt: skip


def sarif(told: Told, *, version: str, prefix: str = "") -> dict[str, Json]:
    """Return a log of one run. ``prefix`` leads from the repository's root to the registry's folder."""
    found = sorted(_results(told, prefix), key=lambda result: _WORST_FIRST.index(str(result["level"])))
    results = found[:MOST_RESULTS]
    ids = sorted({str(result["ruleId"]) for result in results})
    for result in results:
        result["ruleIndex"] = ids.index(str(result["ruleId"]))
    driver = {
        "name": "molthub",
        "version": version,
        "informationUri": "https://molthub.dev/",
        "rules": [_rule(rule) for rule in ids],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "molthub/drift/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"BOTS": {"description": {"text": "The folder of the bots' homes."}}},
        "results": results,
    }
    if len(found) > len(results):
        text = f"{len(found) - len(results)} of {len(found)} results are left out, the least severe ones"
        notification = {"level": "warning", "message": {"text": text}}
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": [notification]}]
    if told.report.revision:
        run["properties"] = {"revision": told.report.revision}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: str) -> dict[str, Json]:
    if rule.startswith("drift/"):
        sort = rule.partition("/")[2]
        return {"id": rule, "shortDescription": {"text": SORTS[sort]}, "helpUri": f"{DOCS}/DRIFT.html#what-there-is"}
    return {"id": rule, "shortDescription": {"text": PROBLEMS[rule]},
            "helpUri": f"{DOCS}/PROBLEMS.html#{rule.lower()}"}  # fmt: skip


def _results(told: Told, prefix: str) -> Iterator[dict[str, Json]]:
    for bot in told.report.bots:
        for change in bot.changes:
            yield _of_change(bot, change, prefix)
        yield from (_of_problem(bot, problem) for problem in bot.problems if problem.severity == "error")


def _of_change(bot: BotReport, change: Mapping[str, Json], prefix: str) -> dict[str, Json]:
    sort = sort_of(change)
    said = sentence(bot, change)
    fingerprint = canonical([bot.bot, change["key"], sort, str(change.get("before"))])
    result: dict[str, Json] = {
        "ruleId": f"drift/{sort}",
        "level": _LEVELS.get(sort, "warning"),
        "message": {"text": said},
        "partialFingerprints": {"molthubDrift/v1": hex_of(fingerprint)},
    }
    if "ignored" in change:
        result["suppressions"] = [{"kind": "external", "justification": str(change["ignored"])}]
    on_bot = _on_bot(bot, str(change.get("file") or ""))
    declared = _declared(change.get("origin"), prefix)
    result["locations"] = [declared or on_bot]
    if declared:
        result["relatedLocations"] = [{**on_bot, "id": 0, "message": {"text": f"on {bot.bot}"}}]
    return result


def _of_problem(bot: BotReport, problem: Problem) -> dict[str, Json]:
    text = f"{bot.bot}: {problem.message}" + (f" ({problem.remedy})" if problem.remedy else "")
    place = _on_bot(bot, problem.file or "")
    if problem.file and problem.line:
        region = {"startLine": problem.line, "startColumn": problem.column}
        place["physicalLocation"]["region"] = {key: value for key, value in region.items() if value}
    return {"ruleId": problem.id, "level": "error", "message": {"text": text}, "locations": [place]}


def _on_bot(bot: BotReport, file: str) -> dict[str, Json]:
    path = "/".join(filter(None, (bot.home or bot.bot, file)))
    return {"physicalLocation": {"artifactLocation": {"uri": quote(path, safe="/@"), "uriBaseId": "BOTS"}}}


def _declared(origin: Json, prefix: str) -> dict[str, Json] | None:
    file, _, line = str(origin or "").rpartition(":")
    if not file or not line.isdecimal():
        return None
    place: dict[str, Json] = {"artifactLocation": {"uri": quote(prefix + file, safe="/@")}}
    return {"physicalLocation": {**place, "region": {"startLine": int(line)}}}
