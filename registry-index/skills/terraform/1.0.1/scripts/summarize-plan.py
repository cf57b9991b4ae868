#!/usr/bin/env python3
"""Summarise a Terraform or OpenTofu plan by risk. Prints names of attributes, never values.

Input:  the JSON of `terraform show -json PLAN`, as a file or on standard input.
Exit:   0 nothing or safe, 1 review or dangerous, 2 not a plan.
"""
from __future__ import annotations

import argparse
import json
import re
import sys

HOLDS_DATA = re.compile(
    r"(db_|_db|database|rds|sql|dynamodb|bigtable|spanner|firestore|redis|elasticache|memorystore|opensearch|elasticsearch|"
    r"bucket|storage_account|blob|efs_|file_system|ebs_volume|disk|persistent_volume|kms_key|key_vault|secret|backup|snapshot|"
    r"kafka|queue|topic|log_group|hosted_zone|dns_zone|route53_zone|user_pool)")
ACCESS = re.compile(r"(iam|policy|role|permission|security_group|firewall|network_acl|access|public|cors|acl)")
NETWORK = re.compile(r"(vpc|subnet|route|gateway|peering|load_balancer|_lb|listener|dns|record|certificate|endpoint)")
SCALING = re.compile(r"(autoscal|replica|capacity|instance_type|node_group|node_pool|desired_count|min_size|max_size)")
RANK = {"none": 0, "safe": 1, "review": 2, "dangerous": 3}


def action_of(actions: list[str]) -> str:
    if sorted(actions) == ["create", "delete"]:
        return "replace"
    return actions[0] if len(actions) == 1 else "+".join(actions)


def changed_names(change: dict) -> list[str]:
    """Top-level attributes that differ or will only be known at apply time."""
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    if not all(isinstance(part, dict) for part in (before, after, unknown)):
        return []
    differing = {k for k in set(before) | set(after) if before.get(k) != after.get(k)}
    return sorted(differing | {k for k, v in unknown.items() if v})


def judge(kind: str, action: str, names: list[str]) -> tuple[str, str]:
    """(risk, why) of one change."""
    if action in ("no-op", "read"):
        return "none", ""
    if action == "forget":
        return "review", "is no longer managed, but stays"
    if action in ("delete", "replace"):
        if HOLDS_DATA.search(kind):
            return "dangerous", f"{'destroys' if action == 'delete' else 'replaces'} something that holds data"
        return "review", "destroys something" if action == "delete" else "is down while it is replaced"
    text = kind + " " + " ".join(names)
    if ACCESS.search(text):
        return "review", "changes who may do what"
    if action == "update" and NETWORK.search(kind):
        return "review", "changes how traffic flows"
    if action == "update" and SCALING.search(text):
        return "review", "changes size or number"
    return "safe", ""


def summarize(plan: dict) -> dict:
    """The whole report of a plan."""
    changes = []
    for entry in plan.get("resource_changes") or []:
        change = entry.get("change") or {}
        action = action_of([str(a) for a in change.get("actions") or ["no-op"]])
        names = changed_names(change) if action in ("update", "replace") else []
        risk, why = judge(str(entry.get("type", "")), action, names)
        if risk != "none":
            paths = [".".join(str(p) for p in path) for path in change.get("replace_paths") or []]
            changes.append({"address": entry.get("address", "?"), "action": action, "risk": risk, "why": why, "changed": names,
                            "forces_replacement": paths, "moved_from": entry.get("previous_address")})
    changes.sort(key=lambda c: (-RANK[c["risk"]], c["address"]))
    drift = [{"address": d.get("address", "?"), "action": action_of([str(a) for a in (d.get("change") or {}).get("actions") or ["no-op"]]),
              "changed": changed_names(d.get("change") or {})} for d in plan.get("resource_drift") or []]
    drift = [d for d in drift if d["action"] != "no-op"]
    outputs = sorted(name for name, change in (plan.get("output_changes") or {}).items()
                     if isinstance(change, dict) and change.get("actions") != ["no-op"])
    summary: dict[str, int] = {}
    for change in changes:
        summary[change["action"]] = summary.get(change["action"], 0) + 1
    verdict = max([c["risk"] for c in changes] + (["review"] if drift else []), key=RANK.__getitem__, default="none")
    if verdict == "none" and outputs:
        verdict = "safe"
    return {"verdict": verdict, "summary": summary, "changes": changes, "drift": drift, "outputs": outputs,
            "errored": bool(plan.get("errored")), "version": plan.get("terraform_version")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="FILE", nargs="?", default="-", help="the plan as JSON; default: standard input")
    path = parser.parse_args().path
    try:
        if path == "-":
            raw = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
        else:
            with open(path, "rb") as stream:
                raw = stream.read()
        plan = json.loads(raw.decode("utf-8", "replace") or "null")
        if not isinstance(plan, dict) or "format_version" not in plan or ("resource_changes" not in plan and "planned_values" not in plan):
            raise ValueError("not the JSON of a plan")
        report = summarize(plan)
    except (OSError, ValueError, AttributeError, TypeError) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass what `terraform show -json PLAN` prints"}))
        return 2
    print(json.dumps(report, indent=2))
    return 1 if RANK[report["verdict"]] >= RANK["review"] else 0


if __name__ == "__main__":
    sys.exit(main())
