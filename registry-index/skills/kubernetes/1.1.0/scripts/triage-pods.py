#!/usr/bin/env python3
"""Sort pods by what is wrong with them. Reads kubectl's JSON, talks to no cluster.

Input:  a file, or standard input: what `kubectl get pods -o json` prints.
Exit:   0 all healthy, 1 something is wrong, 2 not a pod list.
"""
from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone

SEVERITY = ["crash-loop", "out-of-memory", "config", "image", "unschedulable", "evicted", "failed", "probe", "stuck-terminating",
            "restarting", "starting", "healthy"]
NEXT = {
    "crash-loop": "logs --previous of the container, then its exit status",
    "out-of-memory": "memory limit against use over the last day",
    "config": "the ConfigMap, Secret or key that the message names",
    "image": "spelling of the image, then the pull secret",
    "unschedulable": "the reasons that the message counts, node by node",
    "evicted": "describe node: which resource ran out",
    "failed": "logs of the container, exit status",
    "probe": "port and path of the readiness probe against what the program listens on",
    "stuck-terminating": "finalizers, and whether the node is ready",
    "restarting": "lastState of the container, logs --previous",
    "starting": "wait a minute, then the events of the pod",
    "healthy": "",
}
IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


def of(value, *keys):
    """value[k1][k2]..., or an empty map where something is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return {} if value is None else value


def rows(value) -> list:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def condition(pod: dict, kind: str) -> dict:
    return next((c for c in rows(of(pod, "status", "conditions")) if c.get("type") == kind), {})


def waited_too_long(pod: dict) -> bool:
    """Whether a pod that should be gone is still there after its grace period and a minute."""
    asked = of(pod, "metadata", "deletionTimestamp")
    if not asked:
        return False
    try:
        since = datetime.now(timezone.utc) - datetime.strptime(asked, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except (TypeError, ValueError):
        return True
    return since.total_seconds() > 60


def judge_container(status: dict) -> tuple[str, str, str]:
    """(problem, reason, evidence) of one container; problem is empty when nothing is wrong."""
    waiting, ended, before = of(status, "state", "waiting"), of(status, "state", "terminated"), of(status, "lastState", "terminated")
    reason, message = waiting.get("reason", "") if waiting else "", (waiting or {}).get("message", "")
    if "OOMKilled" in (of(ended).get("reason"), of(before).get("reason")):
        return "out-of-memory", "OOMKilled", f"exit status {(ended or before).get('exitCode')}, {status.get('restartCount', 0)} restarts"
    if reason in IMAGE:
        return "image", reason, message
    if reason in CONFIG:
        return "config", reason, message
    if reason == "CrashLoopBackOff":
        return "crash-loop", reason, f"exit status {of(before).get('exitCode', 'unknown')}: {of(before).get('message') or message}"
    if ended and ended.get("exitCode", 0) != 0:
        return "failed", ended.get("reason", ""), f"exit status {ended.get('exitCode')}"
    if status.get("restartCount", 0) >= 3 and before:
        return "restarting", before.get("reason", ""), f"{status['restartCount']} restarts, last exit status {before.get('exitCode')}"
    return "", reason, message


def judge(pod: dict) -> dict:
    """The report of one pod."""
    statuses = rows(of(pod, "status", "initContainerStatuses")) + rows(of(pod, "status", "containerStatuses"))
    own = rows(of(pod, "status", "containerStatuses"))
    phase = of(pod, "status", "phase") or "Unknown"
    found = []
    if waited_too_long(pod):
        finalizers = of(pod, "metadata", "finalizers")
        found.append(("stuck-terminating", "Terminating", "finalizers: " + (", ".join(finalizers) if finalizers else "none"), None))
    if of(pod, "status", "reason") == "Evicted":
        found.append(("evicted", "Evicted", str(of(pod, "status", "message") or ""), None))
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        found.append(("unschedulable", scheduled.get("reason", ""), scheduled.get("message", ""), None))
    for status in statuses:
        problem, reason, evidence = judge_container(status)
        if problem:
            found.append((problem, reason, evidence, status.get("name")))
    ready = condition(pod, "Ready")
    if not found and phase == "Failed":
        found.append(("failed", str(of(pod, "status", "reason") or ""), str(of(pod, "status", "message") or ""), None))
    if not found and phase == "Running" and ready.get("status") == "False":
        slow = [s.get("name") for s in own if not s.get("ready") and of(s, "state", "running")]
        found.append(("probe", ready.get("reason", ""), "running but not ready", slow[0] if slow else None))
    if not found and phase in ("Pending", "Unknown"):
        found.append(("starting", phase, "", None))
    problem, reason, evidence, container = min(found or [("healthy", "", "", None)], key=lambda f: SEVERITY.index(f[0]))
    return {"name": of(pod, "metadata", "name") or "?", "namespace": of(pod, "metadata", "namespace") or "default", "phase": phase,
            "ready": f"{sum(bool(s.get('ready')) for s in own)}/{len(rows(of(pod, 'spec', 'containers'))) or len(own)}",
            "restarts": sum(s.get("restartCount", 0) for s in own), "problem": problem, "reason": reason or "",
            "container": container, "evidence": evidence[:400], "next": NEXT[problem]}


def pods_of(document) -> list[dict]:
    if isinstance(document, dict) and document.get("kind") == "Pod":
        return [document]
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise ValueError("not a pod list")
    pods = [i for i in items if isinstance(i, dict) and i.get("kind", "Pod") == "Pod"]
    if items and not pods:
        raise ValueError("the list holds no pods")
    return pods


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="FILE", nargs="?", default="-", help="JSON of kubectl; default: standard input")
    parser.add_argument("--all", action="store_true", help="list healthy pods too")
    options = parser.parse_args()
    try:
        if options.path == "-":
            raw = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
        else:
            with open(options.path, "rb") as stream:
                raw = stream.read()
        reports = [judge(pod) for pod in pods_of(json.loads(raw.decode("utf-8", "replace") or "null"))]
    except (OSError, ValueError) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass what `kubectl get pods -o json` prints"}))
        return 2
    reports.sort(key=lambda r: (SEVERITY.index(r["problem"]), r["namespace"], r["name"]))
    summary: dict[str, int] = {}
    for report in reports:
        summary[report["problem"]] = summary.get(report["problem"], 0) + 1
    wrong = [r for r in reports if r["problem"] not in ("healthy",) and not (r["phase"] == "Succeeded")]
    print(json.dumps({"summary": summary, "pods": reports if options.all else wrong}, indent=2))
    return 1 if any(r["problem"] != "starting" for r in wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
