"""Problems in the forms that other programs read: workflow commands of GitHub, and SARIF 2.1.0. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from molthub.errors import Problem
from molthub.model import Json
from molthub.problem_ids import PROBLEMS

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
DOCS = "https://molthub.dev/docs/PROBLEMS.html"
_MAX_URI = 4096


def github_commands(problems: Iterable[Problem], *, prefix: str = "") -> Iterator[str]:
    """Yield a workflow command for each problem, as GitHub Actions shows them in the diff.

    ``prefix`` leads from the repository's root to the registry. Escaping follows "Workflow commands for GitHub Actions"
    and its toolkit: %, CR and LF in messages; colons and commas besides in properties.
    """
    for problem in problems:
        place = {
            "file": prefix + problem.file if problem.file else None,
            "line": problem.line,
            "col": problem.column,
            "title": f"{problem.id}: {PROBLEMS[problem.id]}",
        }
        properties = ",".join(f"{key}={_property(str(value))}" for key, value in place.items() if value is not None)
        text = problem.message + (f"\n{problem.remedy}" if problem.remedy else "")
        yield f"::{problem.severity} {properties}::{_message(text)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def sarif(problems: Iterable[Problem], *, version: str, revision: str = "", prefix: str = "") -> dict[str, Json]:
    """Return a SARIF 2.1.0 log (OASIS standard, section 3.13) of one run of this ``version`` of molthub."""
    found = list(problems)
    ids = sorted({problem.id for problem in found})
    driver = {
        "name": "molthub",
        "version": version,
        "informationUri": "https://molthub.dev/",
        "rules": [_rule(problem_id) for problem_id in ids],
    }
    results = [_result(problem, ids.index(problem.id), prefix) for problem in found]
    run: dict[str, Json] = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    if revision:
        run["properties"] = {"revision": revision}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(problem_id: str) -> dict[str, Json]:
    title = PROBLEMS[problem_id]
    return {"id": problem_id, "shortDescription": {"text": title}, "helpUri": f"{DOCS}#{problem_id.lower()}"}


def _result(problem: Problem, rule: int, prefix: str) -> dict[str, Json]:
    text = problem.message + (f" ({problem.remedy})" if problem.remedy else "")
    result: dict[str, Json] = {
        "ruleId": problem.id,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": text},
    }
    if problem.file:
        place: dict[str, Json] = {"artifactLocation": {"uri": quote(prefix + problem.file, safe="/@")[:_MAX_URI]}}
        if problem.line:
            region = {"startLine": problem.line, "startColumn": problem.column}
            place["region"] = {key: value for key, value in region.items() if value}
        result["locations"] = [{"physicalLocation": place}]
    return result
