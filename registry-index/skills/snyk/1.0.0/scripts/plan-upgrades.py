#!/usr/bin/env python3
"""Group Snyk's findings into ranked upgrades, as JSON. No network.

Input:  what `snyk test --json` prints, as a file or on standard input.
Exit:   0 nothing left to do, 1 there is something to do, 2 not Snyk's JSON.
"""
from __future__ import annotations

import argparse
import json
import re
import sys

LEVELS = ["low", "medium", "high", "critical"]
WEIGHT = {"low": 1, "medium": 3, "high": 8, "critical": 20}
KNOWN_EXPLOIT = {"mature", "functional", "high", "attacked"}


def split(package: str) -> tuple[str, str]:
    """Name and version of name@version, scoped names included."""
    name, _, version = package.rpartition("@")
    return (name, version) if name else (package, "")


def major(version: str) -> str:
    found = re.match(r"[vV]?(\d+)(?:\.(\d+))?", version)
    if not found:
        return version
    return f"0.{found.group(2) or 0}" if found.group(1) == "0" else found.group(1)


def exploit_of(finding: dict) -> str:
    return str(finding.get("exploit") or "unknown").lower()


def worth(finding: dict) -> int:
    points = WEIGHT.get(finding.get("severity"), 1)
    return points * 2 if exploit_of(finding) in KNOWN_EXPLOIT else points


def first_step(finding: dict) -> tuple[str, str] | None:
    """(direct package now, direct package to upgrade to); None without an upgrade."""
    path, now = finding.get("upgradePath") or [], finding.get("from") or []
    for index, step in enumerate(path):
        if isinstance(step, str) and index < len(now) and isinstance(now[index], str) and step != now[index]:
            return now[index], step
    return None


def distinct(projects: list[dict], least: str) -> list[dict]:
    """Findings at or above a severity, each path once."""
    seen, found = set(), []
    for project in projects:
        for finding in project.get("vulnerabilities") or []:
            if not isinstance(finding, dict) or finding.get("severity") not in LEVELS or finding.get("type") == "license":
                continue
            key = (finding.get("id"), tuple(str(p) for p in finding.get("from") or []))
            if key not in seen and LEVELS.index(finding["severity"]) >= LEVELS.index(least):
                seen.add(key)
                found.append(finding)
    return found


def higher(one: str, other: str) -> str:
    """The higher of two versions, by their numbers."""
    def numbers(version: str) -> list[int]:
        return [int(n) for n in re.findall(r"\d+", version.split("-")[0])]
    return max(one, other, key=numbers)


def plan(findings: list[dict]) -> tuple[list[dict], list[dict]]:
    """Ranked upgrades, and what no upgrade repairs."""
    upgrades: dict[str, dict] = {}
    stuck: dict[str, dict] = {}
    for finding in findings:
        step = first_step(finding)
        if step is None:
            stuck.setdefault(str(finding.get("id")), {
                "id": finding.get("id"), "package": f"{finding.get('packageName')}@{finding.get('version')}", "severity": finding["severity"],
                "title": finding.get("title"), "exploit": exploit_of(finding), "reachable": finding.get("reachability") or "unknown",
                "through": [str(p) for p in finding.get("from") or []][1:]})
            continue
        (name, now), (_, then) = split(step[0]), split(step[1])
        entry = upgrades.setdefault(f"{name}@{now}", {"package": name, "from": now, "to": then, "ids": {}, "score": 0})
        entry["to"] = higher(entry["to"], then)
        if finding.get("id") not in entry["ids"]:
            entry["ids"][finding.get("id")] = finding
            entry["score"] += worth(finding)
    ranked = []
    for entry in sorted(upgrades.values(), key=lambda e: (-e["score"], e["package"])):
        ids = entry.pop("ids")
        worst = max((f["severity"] for f in ids.values()), key=LEVELS.index)
        exploited = sorted(str(i) for i, f in ids.items() if exploit_of(f) in KNOWN_EXPLOIT)
        ranked.append({**entry, "major": major(entry["from"]) != major(entry["to"]), "severity": worst, "repairs": len(ids),
                       "ids": sorted(str(i) for i in ids), "known_exploits": exploited})
    return ranked, sorted(stuck.values(), key=lambda s: (-LEVELS.index(s["severity"]), str(s["id"])))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="FILE", nargs="?", default="-", help="Snyk's JSON; default: standard input")
    parser.add_argument("--severity", choices=LEVELS, default="low", help="leave out what is below")
    options = parser.parse_args()
    try:
        if options.path == "-":
            raw = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
        else:
            with open(options.path, "rb") as stream:
                raw = stream.read()
        document = json.loads(raw.decode("utf-8", "replace") or "null")
        projects = document if isinstance(document, list) else [document]
        if not projects or not all(isinstance(p, dict) and ("vulnerabilities" in p or "error" in p) for p in projects):
            raise ValueError("not what snyk test --json prints")
    except (OSError, ValueError) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass the JSON of `snyk test --json`"}))
        return 2
    failed = [{"project": p.get("projectName") or p.get("path") or "?", "error": str(p["error"])[:300]} for p in projects if "error" in p]
    findings = distinct(projects, options.severity)
    upgrades, no_fix = plan(findings)
    unique = {f.get("id"): f["severity"] for f in findings}
    counts = {level: sum(s == level for s in unique.values()) for level in reversed(LEVELS)}
    print(json.dumps({"projects": len(projects), "counts": counts, "upgrades": upgrades, "no_fix": no_fix, "failed": failed}, indent=2))
    return 1 if upgrades or no_fix or failed else 0


if __name__ == "__main__":
    sys.exit(main())
