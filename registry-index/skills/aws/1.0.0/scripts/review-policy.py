#!/usr/bin/env python3
"""Report what is too wide in an IAM policy document, as JSON. Needs no account.

Input:  the document (JSON) as a file or on standard input.
Exit:   0 ok, 1 review or too-wide, 2 not a policy.
"""
from __future__ import annotations

import argparse
import fnmatch
import json
import re
import sys

RANK = {"ok": 0, "review": 1, "too-wide": 2}
ESCALATION = ["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:AttachUserPolicy", "iam:AttachRolePolicy",
              "iam:AttachGroupPolicy", "iam:PutUserPolicy", "iam:PutRolePolicy", "iam:PutGroupPolicy", "iam:AddUserToGroup",
              "iam:UpdateAssumeRolePolicy", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile",
              "iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"]
TRAIL = ["cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "guardduty:DeleteDetector", "config:StopConfigurationRecorder"]
GROUPED = {"escalation": ESCALATION, "hide-traces": TRAIL}


def listed(value) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def texts(value) -> list[str]:
    return [str(item) for item in listed(value)]


def grants(actions: list[str], wanted: str) -> bool:
    return any(fnmatch.fnmatchcase(wanted.lower(), action.lower()) for action in actions)


def principals(statement: dict) -> list[tuple[str, str]]:
    """(kind, name) of everybody in Principal; kind is AWS, Service, Federated ..."""
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        return [(str(kind), name) for kind, names in principal.items() for name in texts(names)]
    return [("AWS", name) for name in texts(principal)]


def conditions(statement: dict) -> set[str]:
    """Names of the condition keys, lower case."""
    block = statement.get("Condition")
    if not isinstance(block, dict):
        return set()
    return {str(key).lower() for operator in block.values() if isinstance(operator, dict) for key in operator}


def judge_access(statement: dict, kind: str) -> list[tuple[str, str, str, str]]:
    """Findings about actions and resources."""
    actions, resources = texts(statement.get("Action")), texts(statement.get("Resource"))
    keys, found = conditions(statement), []
    everything = "*" in resources or kind == "trust"
    if "NotAction" in statement:
        found.append(("not-action", "too-wide", "Allow with NotAction grants every action that is invented later.", "List the actions."))
    if "NotResource" in statement:
        found.append(("not-resource", "review", "Allow with NotResource reaches everything that is created later.", "List the resources."))
    if kind == "trust":
        return found
    if "*" in actions or "*:*" in actions:
        severity = "too-wide" if everything else "review"
        found.append(("admin", severity, "Every action" + (" on everything." if everything else "."), "List the actions."))
        return found
    wide = [a for a in actions if re.fullmatch(r"[a-z0-9-]+:\*", a, re.I)]
    if wide:
        found.append(("service-wide", "too-wide" if everything and not keys else "review",
                      f"Every action of {', '.join(sorted(a.split(':')[0] for a in wide))}.", "List the actions."))
    for rule, names in GROUPED.items():
        hit = [n for n in names if grants(actions, n)]
        if hit:
            message = "Can give itself any right: " if rule == "escalation" else "Can hide what it did: "
            found.append((rule, "too-wide" if everything else "review", message + ", ".join(hit[:4]), "Take these actions out, or name the ARN."))
    if grants(actions, "iam:PassRole"):
        if everything or any(r.endswith(":role/*") for r in resources):
            found.append(("pass-role", "too-wide", "May pass any role to a service.", "Name the role ARNs, and iam:PassedToService."))
        elif "iam:passedtoservice" not in keys:
            found.append(("pass-role", "review", "The service is open.", "Add the condition iam:PassedToService."))
    if grants(actions, "sts:AssumeRole") and everything:
        found.append(("assume-any", "too-wide", "May take any role that trusts it.", "Name the role ARNs."))
    writes = [a for a in actions if not re.search(r":(\*$|Get|List|Describe|BatchGet|Head|Lookup|Search|Query|Scan|Simulate|Create)", a)]
    if everything and writes and not keys and not found:
        found.append(("any-resource", "review", f"Writes to every resource: {', '.join(writes[:4])}.", "Name ARNs, or a condition on tags."))
    return found


def judge_principal(statement: dict, kind: str) -> list[tuple[str, str, str, str]]:
    """Findings about who is meant; for trust and resource policies."""
    found, keys = [], conditions(statement)
    if "NotPrincipal" in statement:
        found.append(("not-principal", "too-wide", "Allow with NotPrincipal means nearly everybody.", "Name the principals."))
    for who, name in principals(statement):
        if name == "*" and not keys & {"aws:principalorgid", "aws:sourcevpce", "aws:sourcevpc", "aws:sourcearn", "aws:sourceaccount", "aws:principalarn"}:
            found.append(("public", "too-wide", "Everybody on the internet.", "Name the principals, or aws:PrincipalOrgID."))
        elif who == "AWS" and kind == "trust" and re.fullmatch(r"(arn:aws[\w-]*:iam::)?\d{12}(:root)?", name) and not keys:
            found.append(("open-trust", "review", f"Every role of account {re.search(r'[0-9]{12}', name).group(0)} may take it.",
                          "Name the role, or sts:ExternalId."))
        elif who == "Service" and kind == "resource" and not keys & {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid"}:
            found.append(("confused-deputy", "review", f"{name} may act for another account.", "Add aws:SourceAccount or aws:SourceArn."))
        elif who == "Federated" and "oidc-provider/" in name and not any(k.endswith(":sub") for k in keys):
            found.append(("open-federation", "too-wide", "Every identity of that provider may take it.", "Add a condition on :sub."))
    if kind != "identity" and "Principal" not in statement and "NotPrincipal" not in statement:
        found.append(("no-principal", "review", "Nobody is named.", "Add a Principal."))
    return found


def review(document: dict, kind: str) -> dict:
    statements = listed(document.get("Statement"))
    if not statements or not all(isinstance(s, dict) and s.get("Effect") in ("Allow", "Deny") for s in statements):
        raise ValueError("no Statement with an Effect of Allow or Deny")
    findings = []
    for number, statement in enumerate(statements, 1):
        if statement["Effect"] == "Deny":
            continue
        raw = judge_access(statement, kind) + (judge_principal(statement, kind) if kind != "identity" else [])
        name = str(statement.get("Sid") or number)
        findings += [{"statement": name, "rule": r, "severity": s, "message": m, "fix": f} for r, s, m, f in raw]
    if document.get("Version") != "2012-10-17":
        findings.append({"statement": None, "rule": "old-version", "severity": "review", "message": "Policy variables do not work.",
                         "fix": '"Version": "2012-10-17"'})
    verdict = max((f["severity"] for f in findings), key=RANK.__getitem__, default="ok")
    return {"verdict": verdict, "statements": len(statements), "findings": findings}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="FILE", nargs="?", default="-", help="the policy; default: standard input")
    parser.add_argument("--kind", choices=["identity", "trust", "resource"], default="identity")
    options = parser.parse_args()
    try:
        if options.path == "-":
            raw = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
        else:
            with open(options.path, "rb") as stream:
                raw = stream.read()
        document = json.loads(raw.decode("utf-8", "replace") or "null")
        if not isinstance(document, dict):
            raise ValueError("not a policy document")
        report = review(document, options.kind)
    except (OSError, ValueError) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass an IAM policy document as JSON"}))
        return 2
    print(json.dumps(report, indent=2))
    return 0 if report["verdict"] == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
