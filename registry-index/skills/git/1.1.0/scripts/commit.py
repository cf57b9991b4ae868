#!/usr/bin/env python3
"""Commit the named files and nothing else; print the commit as JSON.

Exit: 0 committed, 1 git refused, 2 bad usage.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys


def git(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, errors="replace", check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--message", required=True)
    parser.add_argument("paths", nargs="+")
    options = parser.parse_args()
    for step in (["add", "--", *options.paths],
                 ["commit", "--quiet", "--no-verify", "--message", options.message, "--", *options.paths]):
        done = git(*step)
        if done.returncode:
            print(json.dumps({"error": (done.stderr or done.stdout).strip(), "remedy": "see git status"}))
            return 1
    commit = git("rev-parse", "HEAD").stdout.strip()
    branch = git("branch", "--show-current").stdout.strip()
    print(json.dumps({"commit": commit, "branch": branch, "files": options.paths}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
