#!/usr/bin/env python3
"""Say where a git checkout stands, as JSON. Reads only; contacts no remote.

Input:  --path DIR, --base REF.
Exit:   0 ready to work, 1 something needs attention first, 2 not a usable repository.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

HALF_DONE = {"rebase-merge": "rebase", "rebase-apply": "rebase", "MERGE_HEAD": "merge",
             "CHERRY_PICK_HEAD": "cherry-pick", "REVERT_HEAD": "revert", "BISECT_LOG": "bisect"}


class Unusable(Exception):
    """The folder is no checkout that can be described."""


def git(path: str, *arguments: str) -> tuple[int, str, str]:
    """Exit status, output and errors of one git command in a folder."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(["git", "-C", path, *arguments], capture_output=True, env=environment, check=False)
    except FileNotFoundError:
        raise Unusable("git is not installed") from None
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace").strip()


def changed_files(path: str) -> tuple[list[str], list[str]]:
    """Tracked files with changes, and untracked files."""
    status, output, error = git(path, "status", "--porcelain=v1", "-z", "--untracked-files=normal")
    if status:
        raise Unusable(error)
    dirty, untracked, fields = [], [], iter(output.split("\0"))
    for field in fields:
        if not field:
            continue
        code, name = field[:2], field[3:]
        if code == "??":
            untracked.append(name)
        else:
            dirty.append(name)
            if "R" in code or "C" in code:
                next(fields, None)
    return dirty, untracked


def default_base(path: str) -> str | None:
    """The remote's default branch, or a usual name that exists."""
    status, output, _ = git(path, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if status == 0:
        return output.strip()
    for name in ("origin/main", "origin/master", "main", "master"):
        if git(path, "rev-parse", "--verify", "--quiet", name + "^{commit}")[0] == 0:
            return name
    return None


def distance(path: str, base: str) -> tuple[int, int]:
    """Commits ahead of and behind the base."""
    status, output, error = git(path, "rev-list", "--left-right", "--count", base + "...HEAD", "--")
    if status:
        raise Unusable(error)
    behind, ahead = output.split()
    return int(ahead), int(behind)


def advice(report: dict) -> list[str]:
    """One line per thing that needs attention, most urgent first."""
    lines = []
    if report["state"] != "clean":
        lines.append(f"A {report['state']} is half done: continue or abort it before anything else.")
    if report["detached"]:
        lines.append("No branch is checked out: make one before the first commit.")
    elif report["branch"] in ("main", "master"):
        lines.append(f"You are on {report['branch']}: make a branch for the task.")
    if report["dirty"]:
        lines.append(f"{len(report['dirty'])} changed file(s): commit by path, leave what is not yours.")
    if report["behind"]:
        lines.append(f"{report['behind']} commit(s) behind {report['base']}: bring the branch up to date.")
    return lines


def describe(path: str, base: str | None) -> dict:
    """The whole report of one checkout."""
    status, output, error = git(path, "rev-parse", "--is-inside-work-tree", "--absolute-git-dir")
    if status or not output.startswith("true"):
        raise Unusable(error or f"{path} is not inside a work tree")
    folder = output.splitlines()[1]
    state = next((word for name, word in HALF_DONE.items() if os.path.exists(os.path.join(folder, name))), "clean")
    branch = git(path, "symbolic-ref", "--quiet", "--short", "HEAD")[1].strip()
    born = git(path, "rev-parse", "--verify", "--quiet", "HEAD")[0] == 0
    dirty, untracked = changed_files(path)
    report = {"branch": branch or None, "detached": not branch, "commits": born, "base": base or default_base(path),
              "ahead": 0, "behind": 0, "dirty": dirty, "untracked": untracked, "state": state}
    if born and report["base"]:
        report["ahead"], report["behind"] = distance(path, report["base"])
    report["advice"] = advice(report)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", default=".", help="a folder inside the checkout (default: here)")
    parser.add_argument("--base", help="the branch to compare with (default: the remote's default branch)")
    options = parser.parse_args()
    try:
        if options.base and options.base.startswith("-"):
            raise Unusable(f"{options.base} is no branch name")
        report = describe(options.path, options.base)
    except Unusable as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass --path with a folder inside a git checkout"}))
        return 2
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return 1 if report["advice"] else 0


if __name__ == "__main__":
    sys.exit(main())
