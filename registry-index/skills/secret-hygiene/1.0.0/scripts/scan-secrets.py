#!/usr/bin/env python3
"""Find token-shaped strings in files, and print none of them. No network.

Input:  paths (files or folders), --staged, or a text on standard input.
Exit:   0 nothing found, 1 something found, 2 nothing could be read.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter

LARGEST = 2_000_000
PASSED_OVER = {".git", "node_modules", "__pycache__", ".venv", "venv", ".mypy_cache", ".tox"}
MARK = "molthub: not-a-secret"
SHAPES = [(name, re.compile(pattern)) for name, pattern in [
    ("private-key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("aws-access-key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("github-token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b"),
    ("gitlab-token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("slack-token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("slack-webhook", r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
    ("google-api-key", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("stripe-key", r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    ("openai-key", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}"),
    ("anthropic-key", r"\bsk-ant-[A-Za-z0-9_-]{32,}"),
    ("npm-token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("pypi-token", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    ("sendgrid-key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("digitalocean-token", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    ("vault-token", r"\bhvs\.[A-Za-z0-9_-]{24,}"),
    ("azure-storage-key", r"AccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    ("jwt", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("url-password", r"\b[a-z][a-z0-9+.-]*://[^\s:/@\"'<>]+:(?![$<{%])[^\s:/@\"'<>]{4,}@[A-Za-z0-9.-]+"),
]]
NAMED = re.compile(r"(?i)([\w.-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)[\w.-]*)"
                   r"[\"']?\s*(?:=>|:=|[:=])\s*([\"']?)([^\s\"'#,;]{8,})\2")
HARMLESS = re.compile(r"(?i)^(?:[$\[({<%@]|\*+$|x{4,}|\.{3})|example|changeme|change-me|placeholder|dummy|your[_-]|redacted|process\.env|os\.environ|getenv"
                      r"|secretkeyref|^(?:true|false|null|none|string|required|optional)$|^[a-z_.]+\(|^[A-Za-z_]+(?:\.[A-Za-z_]+)+$|^/")
RANDOM = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9+/=_-])")


def entropy(text: str) -> float:
    """Shannon entropy in bits per sign."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def masked(secret: str) -> str:
    return f"{secret[:4]}... ({len(secret)} signs)"


def fingerprint(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:12]


def in_line(line: str) -> list[tuple[str, str, str]]:
    """(rule, confidence, secret) of one line; the surest reading of each place."""
    found, taken = [], []

    def add(rule: str, confidence: str, span: tuple[int, int], secret: str) -> None:
        if not any(span[0] < end and start < span[1] for start, end in taken):
            taken.append(span)
            found.append((rule, confidence, secret))

    for rule, shape in SHAPES:
        for match in shape.finditer(line):
            add(rule, "high", match.span(), match.group(0))
    for match in NAMED.finditer(line):
        value = match.group(3)
        if not HARMLESS.search(value) and len(set(value)) > 4:
            add("named-literal", "medium", match.span(3), value)
    for match in RANDOM.finditer(line):
        value = match.group(0)
        mixed = re.search(r"[a-z]", value) and re.search(r"[A-Z]", value) and re.search(r"[0-9]", value)
        if mixed and entropy(value) >= 4.3 and not re.search(r"sha(256|384|512)|integrity|digest|checksum", line, re.I):
            add("random-looking", "low", match.span(), value)
    return found


def in_text(name: str, text: str) -> list[dict]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if MARK in line or len(line) > 20_000:
            continue
        found += [{"file": name, "line": number, "rule": rule, "confidence": confidence, "masked": masked(secret),
                   "fingerprint": fingerprint(secret)} for rule, confidence, secret in in_line(line)]
    return found


def files_below(path: str):
    """Every regular file of a path, in order; links are not followed."""
    if os.path.isfile(path):
        yield path
        return
    if not os.path.isdir(path):
        raise OSError(f"{path}: no such file or folder")
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(f for f in folders if f not in PASSED_OVER)
        for name in sorted(names):
            full = os.path.join(folder, name)
            if os.path.isfile(full) and not os.path.islink(full):
                yield full


def contents(options: argparse.Namespace):
    """(name, bytes or None when too large) of everything to look at."""
    if options.staged:
        listing = subprocess.run(["git", "diff", "--cached", "--name-only", "--diff-filter=ACMR", "-z"], capture_output=True, check=False)
        if listing.returncode:
            raise OSError("git cannot say what is staged: not inside a checkout?")
        for name in listing.stdout.decode("utf-8", "surrogateescape").split("\0"):
            if name:
                shown = subprocess.run(["git", "show", ":" + name], capture_output=True, check=False)
                yield name.encode("utf-8", "replace").decode(), shown.stdout if len(shown.stdout) <= LARGEST else None
    elif options.paths:
        for path in options.paths:
            for name in files_below(path):
                try:
                    if os.path.getsize(name) > LARGEST:
                        yield name, None
                        continue
                    with open(name, "rb") as stream:
                        yield name, stream.read()
                except OSError:
                    yield name, None
    elif not sys.stdin.isatty():
        raw = sys.stdin.buffer.read(LARGEST + 1)
        if raw.strip():
            yield "standard input", raw if len(raw) <= LARGEST else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", metavar="PATH", nargs="*", help="files or folders; default: standard input")
    parser.add_argument("--staged", action="store_true", help="what git is about to commit")
    options = parser.parse_args()
    scanned, findings, skipped = 0, [], []
    try:
        for name, raw in contents(options):
            if raw is None or b"\0" in raw[:8192]:
                skipped.append(name)
                continue
            scanned += 1
            findings += in_text(name, raw.decode("utf-8", "replace"))
    except OSError as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass readable files or folders, or --staged inside a checkout"}))
        return 2
    if not scanned and not skipped and not options.staged:
        print(json.dumps({"error": "nothing to look at", "remedy": "pass paths, --staged, or a text on standard input"}))
        return 2
    print(json.dumps({"scanned": scanned, "findings": findings, "skipped": skipped}, indent=2))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
