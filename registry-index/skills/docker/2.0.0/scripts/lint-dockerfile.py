#!/usr/bin/env python3
"""Report what is wrong with a Dockerfile, as JSON. Needs no daemon.

Input:  PATH, or - for standard input.
Exit:   0 clean, 1 findings of severity warning or error, 2 unreadable or not a Dockerfile.
"""
from __future__ import annotations

import argparse
import json
import re
import sys

KNOWN = {"FROM", "RUN", "CMD", "LABEL", "MAINTAINER", "EXPOSE", "ENV", "ADD", "COPY", "ENTRYPOINT", "VOLUME", "USER",
         "WORKDIR", "ARG", "ONBUILD", "STOPSIGNAL", "HEALTHCHECK", "SHELL"}
SECRET = re.compile(r"(?i)\b[A-Z0-9_]*(password|passwd|secret|token|api_?key|private_?key)[A-Z0-9_]*\s*[= ]\s*[^\s$]")


def instructions(text: str) -> list[tuple[int, str, str]]:
    """(line, INSTRUCTION, rest) with continuation lines joined and here-documents skipped."""
    found, lines, i = [], text.splitlines(), 0
    while i < len(lines):
        start, line = i, lines[i].strip()
        i += 1
        if not line or line.startswith("#"):
            continue
        while line.endswith("\\") and i < len(lines):
            nxt = lines[i].strip()
            i += 1
            if not nxt.startswith("#"):
                line = line[:-1].rstrip() + " " + nxt
        for end in re.findall(r"<<-?[\"']?([A-Za-z_][A-Za-z0-9_]*)", line):
            while i < len(lines) and lines[i].strip() != end:
                line += "\n" + lines[i]
                i += 1
            i += 1
        word, _, rest = line.partition(" ")
        found.append((start + 1, word.upper(), rest.strip()))
    return found


def finding(line: int, rule: str, severity: str, message: str, fix: str) -> dict:
    return {"line": line, "rule": rule, "severity": severity, "message": message, "fix": fix}


def judge_from(line: int, rest: str, stages: list[str]) -> list[dict]:
    words = [w for w in rest.split() if not w.startswith("--")]
    image = words[0] if words else ""
    if not image or image in stages or image == "scratch" or image.startswith("$") or "@sha256:" in image:
        return []
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    if not tag or tag == "latest":
        return [finding(line, "unfixed-base", "warning", f"{image} changes under you.", "Name a version, or a digest.")]
    return []


def judge_run(line: int, rest: str) -> list[dict]:
    found = []
    if re.search(r"(curl|wget)[^|;&]*\|\s*(sudo\s+)?(ba|z|da)?sh\b", rest):
        found.append(finding(line, "pipe-to-shell", "error", "Runs a download nobody has read.",
                             "Download, compare a checksum, then run."))
    if re.search(r"\bapt-get\s+(-\S+\s+)*install\b", rest):
        if "apt-get update" not in rest:
            found.append(finding(line, "stale-index", "warning", "Installs from an old package list.",
                                 "apt-get update && apt-get install in one RUN."))
        if "--no-install-recommends" not in rest:
            found.append(finding(line, "recommends", "info", "Pulls in recommended packages.", "--no-install-recommends"))
        if "/var/lib/apt/lists" not in rest and "--mount=type=cache" not in rest:
            found.append(finding(line, "package-cache", "info", "Leaves the package lists in the layer.",
                                 "rm -rf /var/lib/apt/lists/* in the same RUN."))
    if re.search(r"\bpip3?\s+install\b", rest) and "--no-cache-dir" not in rest and "--mount=type=cache" not in rest:
        found.append(finding(line, "pip-cache", "info", "Leaves the download cache in the layer.",
                             "--no-cache-dir, or a cache mount."))
    if re.search(r"\bsudo\b", rest):
        found.append(finding(line, "sudo", "warning", "sudo in a build hides who runs what.", "USER root, RUN, USER back."))
    if re.search(r"\bchmod\s+(-R\s+)?0?777\b", rest):
        found.append(finding(line, "world-writable", "warning", "Everybody may write.", "Give one user the right it needs."))
    return found


def judge_other(line: int, word: str, rest: str, context: str) -> list[dict]:
    found = []
    if word in ("ENV", "ARG") and SECRET.search(rest):
        found.append(finding(line, "secret-in-image", "error", "Stays readable in the image's history.",
                             "RUN --mount=type=secret,id=NAME"))
    if word == "ADD" and re.search(r"https?://", rest) and "--checksum" not in rest:
        found.append(finding(line, "add-url", "warning", "Fetches without a check.", "ADD --checksum=sha256:..., or curl and verify."))
    elif word == "ADD" and not re.search(r"https?://|\.(tar|tgz|txz)|\.git\b", rest):
        found.append(finding(line, "add-for-copy", "info", "ADD does more than copy.", "COPY"))
    if word in ("CMD", "ENTRYPOINT") and rest and not rest.startswith("["):
        found.append(finding(line, "shell-form", "warning", "Signals reach a shell, not the program.", f'{word} ["..."]'))
    if word == "COPY" and "--from" not in rest and re.match(r"(--\S+\s+)*\.\s", rest + " ") and context == "before-install":
        found.append(finding(line, "copy-all-early", "warning", "Every change of a source file installs everything again.",
                             "Copy the dependency list first, install, then copy the rest."))
    if word == "MAINTAINER":
        found.append(finding(line, "maintainer", "info", "Deprecated.", 'LABEL org.opencontainers.image.authors="..."'))
    if word == "WORKDIR" and not re.match(r"[/$\"']|[A-Za-z]:", rest):
        found.append(finding(line, "relative-workdir", "warning", "Depends on the base image.", "An absolute path."))
    return found


def check(text: str) -> dict:
    """Stages, findings and summary of a Dockerfile's text; ValueError when it is none."""
    steps = instructions(text)
    unknown = [(line, word) for line, word, _ in steps if word not in KNOWN]
    if not steps or not any(word == "FROM" for _, word, _ in steps):
        raise ValueError("no FROM instruction")
    if unknown:
        raise ValueError(f"line {unknown[0][0]}: {unknown[0][1][:40]} is no instruction")
    stages, names, found, user, user_line = [], [], [], None, 0
    installs = [i for i, (_, word, rest) in enumerate(steps)
                if word == "RUN" and re.search(r"pip3? install.*-r|npm (ci|install)|yarn install|go mod download|bundle install", rest)]
    for index, (line, word, rest) in enumerate(steps):
        if word == "FROM":
            found += judge_from(line, rest, names)
            name = re.search(r"(?i)\bas\s+(\S+)", rest)
            names.append(name.group(1) if name else str(len(stages)))
            stages.append({"line": line, "image": next((w for w in rest.split() if not w.startswith("--")), ""), "name": names[-1]})
            user, user_line = None, line
        elif word == "USER":
            user, user_line = rest.split(":")[0].strip("\"'"), line
        elif word == "RUN":
            found += judge_run(line, rest)
        context = "before-install" if any(i > index for i in installs) else ""
        found += judge_other(line, word, rest, context)
    if user in (None, "", "root", "0"):
        found.append(finding(user_line, "root", "warning", "The container runs as root.", "USER 10001 in the last stage."))
    found.sort(key=lambda f: (f["line"], f["rule"]))
    summary = {level: sum(f["severity"] == level for f in found) for level in ("error", "warning", "info")}
    return {"stages": stages, "findings": found, "summary": summary}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="PATH", help="a Dockerfile, or - for standard input")
    options = parser.parse_args()
    try:
        if options.path == "-":
            text = sys.stdin.buffer.read().decode("utf-8", "replace")
        else:
            with open(options.path, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
        report = check(text)
    except (OSError, ValueError) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass the path of a Dockerfile"}))
        return 2
    print(json.dumps(report, indent=2))
    return 1 if report["summary"]["error"] or report["summary"]["warning"] else 0


if __name__ == "__main__":
    sys.exit(main())
