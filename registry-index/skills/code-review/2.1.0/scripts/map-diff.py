#!/usr/bin/env python3
"""Turn a unified diff into a map for a reviewer, as JSON.

Input:  a file with a unified diff, or standard input.
Exit:   0 mapped, 1 mapped and something needs a second pair of eyes, 2 not a unified diff.
"""
from __future__ import annotations

import argparse
import json
import re
import sys

LARGE = 400
ADDED_SIGNALS = [
    ("secret-shape", 5, r"gh[pousr]_\w{20,}|AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|"
                        r"(?i:password|secret|token|api_?key)\s*[:=]\s*[\"'][^\"'$<{]{8,}[\"']"),
    ("sql-in-string", 4, r"(?i)(f[\"']|[\"']\s*\+|%\s*\(|\.format\()?.*\b(select|insert|update|delete)\b.*(\{|%s[\"']\s*%|[\"']\s*\+)"),
    ("disabled-check", 4, r"(?i)verify\s*=\s*False|InsecureSkipVerify:\s*true|rejectUnauthorized:\s*false|--no-verify|"
                          r"# ?noqa|# type: ignore|eslint-disable|@SuppressWarnings|\bskip(if)?\b.*test"),
    ("swallowed-error", 3, r"except\s*(Exception|BaseException)?\s*:\s*(pass)?$|catch\s*(\([^)]*\))?\s*\{\s*\}|\|\|\s*true\b"),
    ("debug-left", 2, r"\bconsole\.log\(|\bdebugger\b|\bpdb\.set_trace|\bbreakpoint\(\)|\bdbg!\("),
    ("todo-left", 1, r"\b(TODO|FIXME|XXX|HACK)\b"),
]
REMOVED_TEST = re.compile(r"^\s*(def test_|it\(|test\(|func Test|@Test\b|#\[test\])")
KINDS = [
    ("test", r"(^|/)(tests?|spec|__tests__)/|(^|/)test_[^/]*$|[._](test|spec)\.\w+$|_test\.\w+$"),
    ("lockfile", r"(^|/)(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|uv\.lock|Cargo\.lock|go\.sum|Gemfile\.lock)$"),
    ("migration", r"(^|/)migrations?/|\.sql$"),
    ("pipeline", r"(^|/)\.github/|\.gitlab-ci|Jenkinsfile|(^|/)\.circleci/"),
    ("infrastructure", r"\.tf$|(^|/)(helm|k8s|kubernetes|deploy|charts)/|Dockerfile|docker-compose"),
    ("dependency", r"(^|/)(package\.json|pyproject\.toml|requirements[^/]*\.txt|go\.mod|Cargo\.toml|pom\.xml|build\.gradle(\.kts)?)$"),
    ("documentation", r"\.(md|rst|adoc|txt)$|(^|/)docs?/"),
]
WEIGHT = {"migration": 6, "pipeline": 5, "infrastructure": 5, "dependency": 4, "code": 3, "test": 1, "documentation": 0, "lockfile": 0}


def unquoted(name: str) -> str:
    """A path of a diff header without prefix, quotes and timestamp."""
    name = name.split("\t")[0].strip()
    if name.startswith('"') and name.endswith('"'):
        raw = name[1:-1].encode("latin-1", "replace").decode("unicode_escape")
        name = raw.encode("latin-1", "replace").decode("utf-8", "replace")
    return re.sub(r"^[abciow]/", "", name)


def kind_of(path: str) -> str:
    return next((kind for kind, pattern in KINDS if re.search(pattern, path)), "code")


def empty(path: str) -> dict:
    return {"path": path, "status": "modified", "added": 0, "removed": 0, "hunks": [], "kind": kind_of(path), "signals": []}


def signals_of(sign: str, text: str, line: int) -> list[dict]:
    """Hints in one added or removed line."""
    if sign == "-":
        return [{"signal": "test-removed", "line": line}] if REMOVED_TEST.match(text) else []
    return [{"signal": name, "line": line} for name, _, pattern in ADDED_SIGNALS if re.search(pattern, text)]


def parse(text: str) -> list[dict]:
    """The files of a unified diff."""
    files, current, left, old_path, new_line = [], None, [0, 0], "", 0
    for raw in text.splitlines():
        if current and (left[0] > 0 or left[1] > 0) and raw[:1] in ("+", "-", " ", "\\", ""):
            sign = raw[:1] or " "
            if sign in "+ ":
                left[1] -= 1
            if sign in "- ":
                left[0] -= 1
            if sign == "+":
                current["added"] += 1
                current["signals"] += signals_of("+", raw[1:], new_line)
            elif sign == "-":
                current["removed"] += 1
                current["signals"] += signals_of("-", raw[1:], new_line)
            new_line += sign in "+ "
            continue
        if raw.startswith("diff --git "):
            match = re.match(r'diff --git "?a/(.+?)"? "?b/(.+?)"?$', raw)
            current = empty(match.group(2) if match else raw[11:])
            files.append(current)
        elif raw.startswith("--- "):
            old_path = unquoted(raw[4:])
        elif raw.startswith("+++ "):
            path = unquoted(raw[4:])
            gone = path == "/dev/null"
            if current is None or current["hunks"]:
                current = empty(old_path if gone else path)
                files.append(current)
            current["path"] = old_path if gone else path
            current["kind"] = kind_of(current["path"])
            if gone:
                current["status"] = "deleted"
            elif old_path == "/dev/null":
                current["status"] = "added"
        elif current and raw.startswith(("rename from", "rename to")):
            current["status"] = "renamed"
        elif current and raw.startswith(("Binary files", "GIT binary patch")):
            current["signals"].append({"signal": "binary", "line": 0})
        elif current and raw.startswith("@@ "):
            match = re.match(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", raw)
            if match:
                left = [int(match.group(1) or 1), int(match.group(3) or 1)]
                new_line = int(match.group(2))
                current["hunks"].append({"line": new_line, "in": match.group(4)[:80]})
    return files


def risk(entry: dict) -> int:
    """Reading order: kind, size and signals."""
    points = {name: weight for name, weight, _ in ADDED_SIGNALS}
    size = min(5, (entry["added"] + entry["removed"]) // 40)
    return WEIGHT[entry["kind"]] * 2 + size + sum(points.get(s["signal"], 3) for s in entry["signals"])


def questions(files: list[dict], total: int) -> list[str]:
    kinds, asked = {f["kind"] for f in files}, []
    if total > LARGE:
        asked.append(f"{total} changed lines: can this be split?")
    if "code" in kinds and "test" not in kinds:
        asked.append("Code changes, no test does: which test would fail without this change?")
    if "migration" in kinds and "code" in kinds:
        asked.append("Schema and code change together: can the old code run against the new schema?")
    if "lockfile" in kinds and "dependency" not in kinds:
        asked.append("A lock file changes alone: who asked for it?")
    if "dependency" in kinds:
        asked.append("Dependencies change: what do they bring, and under which licence?")
    if any(s["signal"] == "test-removed" for f in files for s in f["signals"]):
        asked.append("Tests go away: what do the rest still prove?")
    return asked


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="DIFF", nargs="?", default="-", help="a file with a unified diff (default: standard input)")
    path = parser.parse_args().path
    try:
        if path == "-":
            text = "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode("utf-8", "replace")
        else:
            with open(path, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
        files = parse(text)
        if not files:
            raise ValueError("no unified diff found")
    except (OSError, ValueError) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass the output of git diff --no-color"}))
        return 2
    for entry in files:
        if entry["added"] + entry["removed"] > LARGE and entry["kind"] != "lockfile":
            entry["signals"].append({"signal": "large", "line": 0})
        if entry["kind"] == "lockfile" and len(files) == 1:
            entry["signals"].append({"signal": "lockfile-only", "line": 0})
    added, removed = sum(f["added"] for f in files), sum(f["removed"] for f in files)
    order = [f["path"] for f in sorted(files, key=lambda f: (-risk(f), f["path"]))]
    report = {"totals": {"files": len(files), "added": added, "removed": removed}, "order": order,
              "questions": questions(files, added + removed), "files": files}
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return 1 if report["questions"] or any(f["signals"] for f in files) else 0


if __name__ == "__main__":
    sys.exit(main())
