#!/usr/bin/env python3
"""Name the costly nodes of a PostgreSQL plan, and what to try. Talks to no server.

Input:  what EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) prints, as a file or on standard input.
Exit:   0 nothing stands out, 1 findings, 2 not a plan.
"""
from __future__ import annotations

import argparse
import json
import sys


def number(node: dict, key: str) -> float:
    value = node.get(key, 0)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def label(node: dict) -> str:
    target = node.get("Relation Name") or node.get("Index Name") or node.get("CTE Name") or node.get("Function Name")
    return f"{node.get('Node Type', '?')}" + (f" on {target}" if target else "")


def walk(node: dict, depth: int = 0):
    """Every node, parents first."""
    if depth > 400:
        raise ValueError("plan nested too deeply")
    yield node
    for child in node.get("Plans") or []:
        if isinstance(child, dict):
            yield from walk(child, depth + 1)


def total(node: dict) -> float:
    """Milliseconds of a node with its children, over all loops."""
    return number(node, "Actual Total Time") * max(1.0, number(node, "Actual Loops"))


def self_time(node: dict) -> float:
    children = [c for c in node.get("Plans") or [] if isinstance(c, dict) and c.get("Parent Relationship") != "InitPlan"]
    return max(0.0, total(node) - sum(total(c) for c in children))


def rows_of(node: dict) -> float:
    return number(node, "Actual Rows") * max(1.0, number(node, "Actual Loops"))


def judge(node: dict, parent: dict | None, whole: float) -> list[tuple[str, str, str]]:
    """(rule, evidence, proposal) of one node."""
    found, kind = [], str(node.get("Node Type", ""))
    loops, kept = max(1.0, number(node, "Actual Loops")), rows_of(node)
    dropped = number(node, "Rows Removed by Filter") * loops
    heavy = whole <= 0 or total(node) >= 0.1 * whole
    if kind == "Seq Scan" and dropped >= 10_000 and dropped >= 10 * max(1.0, kept) and heavy:
        found.append(("seq-scan-filter", f"keeps {kept:.0f} of {kept + dropped:.0f} rows; filter {node.get('Filter')}",
                      "an index on the columns of the filter"))
    if kind.startswith("Index") and dropped >= 1_000 and dropped >= 5 * max(1.0, kept):
        found.append(("index-filter", f"{dropped:.0f} rows found and dropped; filter {node.get('Filter')}",
                      f"add the filter's column to {node.get('Index Name')}"))
    if kind == "Index Only Scan" and number(node, "Heap Fetches") * loops >= max(1_000.0, 0.1 * kept):
        found.append(("heap-fetches", f"{number(node, 'Heap Fetches'):.0f} visits to the table", "vacuum the table"))
    if node.get("Sort Space Type") == "Disk":
        found.append(("sort-on-disk", f"{number(node, 'Sort Space Used'):.0f} kB on disk", "an index in this order, or fewer columns"))
    if number(node, "Hash Batches") > 1:
        found.append(("hash-batches", f"{number(node, 'Hash Batches'):.0f} batches", "fewer rows or columns, then work_mem"))
    if number(node, "Lossy Heap Blocks") > 0:
        found.append(("lossy-bitmap", f"{number(node, 'Lossy Heap Blocks'):.0f} lossy blocks", "a more selective index"))
    planned, actual = number(node, "Plan Rows"), number(node, "Actual Rows")
    if "Actual Rows" in node and max(planned, actual) >= 100 and max(planned, actual) >= 10 * max(1.0, min(planned, actual)) and heavy:
        found.append(("misestimate", f"expected {planned:.0f}, got {actual:.0f} per loop", "analyze, then extended statistics"))
    if parent is not None and parent.get("Node Type") == "Nested Loop" and loops >= 10_000 and total(node) >= 0.2 * whole:
        found.append(("nested-loop-many", f"runs {loops:.0f} times", "an index on the join column, or repair the estimate"))
    if parent is not None and parent.get("Node Type") == "Limit" and kind == "Sort":
        source = sum(rows_of(c) for c in node.get("Plans") or [] if isinstance(c, dict))
        if source >= 10 * max(1.0, number(parent, "Actual Rows")):
            found.append(("limit-late", f"sorts {source:.0f} rows to return {number(parent, 'Actual Rows'):.0f}",
                          f"an index on {', '.join(map(str, node.get('Sort Key') or []))}"))
    return found


def read(document: dict, top: int) -> dict:
    """The whole report of one plan."""
    root = document["Plan"]
    analyzed = "Actual Total Time" in root
    whole = number(document, "Execution Time") or total(root)
    parents = {id(c): n for n in walk(root) for c in n.get("Plans") or [] if isinstance(c, dict)}
    nodes, findings = [], []
    for node in walk(root):
        own = self_time(node)
        nodes.append({"node": label(node), "target": node.get("Alias"), "self_ms": round(own, 2), "share": round(own / whole, 3) if whole else None,
                      "rows": round(rows_of(node)) if analyzed else None, "estimated": number(node, "Plan Rows"),
                      "loops": round(number(node, "Actual Loops")), "read_blocks": round(number(node, "Shared Read Blocks"))})
        for rule, evidence, proposal in judge(node, parents.get(id(node)), whole):
            findings.append({"rule": rule, "node": label(node), "evidence": evidence, "proposal": proposal, "ms": round(own, 2)})
    if number(document, "Planning Time") > max(50.0, whole):
        findings.append({"rule": "slow-planning", "node": label(root), "evidence": f"{number(document, 'Planning Time')} ms",
                         "proposal": "fewer partitions or joins, a prepared statement", "ms": number(document, "Planning Time")})
    nodes.sort(key=lambda n: -n["self_ms"])
    findings.sort(key=lambda f: -f["ms"])
    return {"analyzed": analyzed, "time_ms": round(whole, 2) if analyzed else None, "planning_ms": number(document, "Planning Time"),
            "nodes": nodes[:top], "findings": findings}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="FILE", nargs="?", default="-", help="the plan as JSON; default: standard input")
    parser.add_argument("--top", type=int, default=8, metavar="N")
    options = parser.parse_args()
    try:
        if options.path == "-":
            raw = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
        else:
            with open(options.path, "rb") as stream:
                raw = stream.read()
        document = json.loads(raw.decode("utf-8", "replace") or "null")
        if isinstance(document, list) and document:
            document = document[0].get("QUERY PLAN", document)[0] if isinstance(document[0], dict) and "QUERY PLAN" in document[0] else document[0]
        if not isinstance(document, dict) or not isinstance(document.get("Plan"), dict):
            raise ValueError("not a plan")
        report = read(document, max(1, options.top))
    except (OSError, ValueError, TypeError, RecursionError, LookupError) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass what EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) prints"}))
        return 2
    print(json.dumps(report, indent=2))
    return 1 if report["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
