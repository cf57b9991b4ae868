#!/usr/bin/env python3
"""Say which conditions of a SonarQube quality gate failed, as JSON.

Input:  --project KEY [--branch NAME | --pull-request ID], or --file with a saved answer.
Env:    SONAR_HOST_URL, SONAR_TOKEN (never printed).
Exit:   0 passed, 1 failed, 2 wrong use or an unusable answer, 3 the server could not be reached or refused.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

RATINGS = {"1": "A", "2": "B", "3": "C", "4": "D", "5": "E"}
ADVICE = {
    "coverage": "test the branches of the new lines that carry a decision",
    "duplicated_lines_density": "extract what changes for one reason",
    "reliability_rating": "repair each new bug",
    "bugs": "repair each new bug",
    "security_rating": "follow the data from its source to the sink and repair there",
    "vulnerabilities": "follow the data from its source to the sink and repair there",
    "security_hotspots_reviewed": "review each new hotspot and write the reason down",
    "maintainability_rating": "repair the new code smells",
    "code_smells": "repair the new code smells",
    "violations": "sort the new issues by severity and begin at the top",
}


class Problem(Exception):
    """What went wrong, the exit status and the remedy."""

    def __init__(self, status: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.status, self.remedy = status, remedy


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects, so that the token goes to the named server only."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # noqa: ARG002, the base class's signature
        raise Problem(3, f"the server redirects to {urllib.parse.urlsplit(newurl).netloc}", "set SONAR_HOST_URL to the final address")


def fetch(options: argparse.Namespace) -> bytes:
    """The answer of api/qualitygates/project_status."""
    host = os.environ.get("SONAR_HOST_URL", "").rstrip("/")
    parts = urllib.parse.urlsplit(host)
    if parts.scheme not in ("https", "http") or not parts.netloc:
        raise Problem(2, "SONAR_HOST_URL is not set to an http or https address", "SONAR_HOST_URL=https://sonarcloud.io")
    query = {"projectKey": options.project}
    if options.branch:
        query["branch"] = options.branch
    if options.pull_request:
        query["pullRequest"] = options.pull_request
    request = urllib.request.Request(f"{host}/api/qualitygates/project_status?{urllib.parse.urlencode(query)}")
    if os.environ.get("SONAR_TOKEN"):
        request.add_header("Authorization", "Bearer " + os.environ["SONAR_TOKEN"].strip())
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=options.timeout) as answer:
            return answer.read(5_000_000)
    except urllib.error.HTTPError as error:
        hint = {401: "renew SONAR_TOKEN", 403: "the token may not browse this project", 404: "check the project key and the branch"}
        raise Problem(3, f"the server answered {error.code}", hint.get(error.code, "try again later")) from None
    except (OSError, ValueError) as error:
        raise Problem(3, f"the server could not be reached: {getattr(error, 'reason', error)}", "check SONAR_HOST_URL and the network") from None


def describe(condition: dict) -> dict:
    """One condition, in words."""
    metric = str(condition.get("metricKey", "?"))
    bare = metric[4:] if metric.startswith("new_") else metric
    actual, limit = str(condition.get("actualValue", "none")), str(condition.get("errorThreshold", "?"))
    if bare.endswith("_rating"):
        actual, limit = RATINGS.get(actual.split(".")[0], actual), RATINGS.get(limit.split(".")[0], limit)
    word = "at least" if condition.get("comparator") == "LT" else "at most"
    return {"metric": metric, "actual": actual, "needs": f"{word} {limit}", "on_new_code": metric.startswith("new_"),
            "advice": ADVICE.get(bare, "read the rule behind the metric")}


def report(raw: bytes) -> dict:
    try:
        status = json.loads(raw.decode("utf-8", "replace"))["projectStatus"]
        conditions = [c for c in status.get("conditions") or [] if isinstance(c, dict)]
        return {"status": str(status["status"]),
                "failed": [describe(c) for c in conditions if c.get("status") == "ERROR"],
                "passed": [str(c.get("metricKey")) for c in conditions if c.get("status") != "ERROR"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Problem(2, "not an answer of api/qualitygates/project_status", "check the file or the server's address") from None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--project", metavar="KEY")
    source.add_argument("--file", metavar="FILE", help="a saved answer; no network")
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--branch", metavar="NAME")
    scope.add_argument("--pull-request", metavar="ID")
    parser.add_argument("--timeout", type=float, default=20.0, metavar="SECONDS")
    options = parser.parse_args()
    try:
        if options.file:
            try:
                with open(options.file, "rb") as stream:
                    raw = stream.read()
            except OSError as error:
                raise Problem(2, str(error), "pass a readable file") from None
        else:
            raw = fetch(options)
        result = report(raw)
    except Problem as problem:
        print(json.dumps({"error": str(problem), "remedy": problem.remedy}))
        return problem.status
    print(json.dumps(result, indent=2))
    return 1 if result["status"] == "ERROR" else 0


if __name__ == "__main__":
    sys.exit(main())
