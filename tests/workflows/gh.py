"""Stands in for the program ``gh``: what our workflows ask of GitHub, answered from a server's folder.

Its state is a JSON file, ``$GH_STATE``: ``pulls``, ``comments``, ``said`` (every call that changes something).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> None:
    """Answer one call."""
    place = Path(os.environ["GH_STATE"])
    state = json.loads(place.read_text(encoding="utf-8"))
    if not os.environ.get("GH_TOKEN"):
        sys.exit("gh: no token")
    print(_answer(arguments, state))
    place.write_text(json.dumps(state), encoding="utf-8")


def _answer(arguments: list[str], state: dict[str, Any]) -> str:
    match arguments:
        case ["api", "--method", "GET", path, "-f", "state=open", "-f", head] if path.endswith("/pulls"):
            return json.dumps([pull for pull in state["pulls"] if f"head={pull['head']['label']}" == head])
        case ["api", "--method", "GET", path, "-F", "per_page=100"] if path.endswith("/comments"):
            return json.dumps(state["comments"])
        case ["api", "--silent", "--method", method, path, "-F", body]:
            return _write(state, method, path, Path(body.removeprefix("body=@")).read_text(encoding="utf-8"))
        case ["api", path, "--jq", ".sha"]:
            return _git(state, "rev-parse", path.rpartition("/")[2])
        case ["pr", "merge", number, "--repo", _, "--squash", "--match-head-commit", head]:
            return _merge(state, int(number), head)
        case ["workflow", "run", *_]:
            state["said"].append(arguments)
            return ""
    sys.exit(f"gh: not understood: {arguments}")


def _write(state: dict[str, Any], method: str, path: str, body: str) -> str:
    state["said"].append([method, path])
    if method == "POST":
        known = {"id": 100 + len(state["comments"]), "user": {"login": "github-actions[bot]"}, "body": body}
        state["comments"].append(known)
    else:
        next(one for one in state["comments"] if str(one["id"]) == path.rpartition("/")[2])["body"] = body
    return ""


def _merge(state: dict[str, Any], number: int, head: str) -> str:
    pull = next(pull for pull in state["pulls"] if pull["number"] == number)
    if pull["head"]["sha"] != head:
        sys.exit("gh: the head has moved")
    tree = _git(state, "rev-parse", f"refs/pull/{number}/merge^{{tree}}")
    commit = _git(state, "commit-tree", tree, "-p", "main", "-m", f"Merge pull request {number}")
    _git(state, "update-ref", "refs/heads/main", commit)
    state["pulls"].remove(pull)
    state["said"].append(["merge", number])
    return ""


def _git(state: dict[str, Any], *arguments: str) -> str:
    identity = {f"GIT_{who}_{what}": "gh@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(["git", "-C", state["repository"], *arguments], env={**os.environ, **identity},
                          capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout.strip()


if __name__ == "__main__":
    main(sys.argv[1:])
