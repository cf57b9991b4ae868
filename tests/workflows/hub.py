"""A registry on a host: a bare repository with the workflows that `molthub init` writes, and pull requests to it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders import Tree, write_tree
from tests.workflows.runner import JobRun, Runner, git

NAME = "acme/reg"
_HERE = Path(__file__).parent
_PYTHON = """#!/bin/bash
# One environment for all jobs: each would make the same.
if [ "$1" = -m ] && [ "$2" = venv ]; then
  ln -s "{shared}" "$3"
else
  exec "{python}" "$@"
fi
"""


@dataclass
class Released:
    """A wheel in the place of the released molthub; everything else is this environment's."""

    programs: Path

    @property
    def environment(self) -> dict[str, str]:
        """What pip is told by: it finds nothing but what is installed, which must be what the requirements name."""
        return {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"}


def release(folder: Path) -> Released:
    """Build the wheel of this checkout, install it, and make the programs that jobs find on PATH."""
    root = _HERE.parents[1]
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder / "wheels"),
        str(root),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = (folder / "wheels").iterdir()
    shared = folder / "molthub"
    venv.create(shared, with_pip=True, symlinks=True)
    subprocess.run([shared / "bin/pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    (packages,) = shared.glob("lib/python*/site-packages")
    outer = "\n".join(path for path in sys.path if path.endswith("site-packages"))
    (packages / "outer.pth").write_text(f"{outer}\n")  # what the wheel needs is found where it is installed already
    return Released(_programs(folder / "bin", shared))


def _programs(folder: Path, shared: Path) -> Path:
    folder.mkdir()
    python = Path(sys.executable).resolve()
    (folder / "python3").write_text(_PYTHON.format(shared=shared, python=python))
    (folder / "gh").write_text(f'#!/bin/bash\nexec "{python}" "{_HERE / "gh.py"}" "$@"\n')
    for program in folder.iterdir():
        program.chmod(0o755)
    return folder


@dataclass
class Hub:
    """The host: its repository, its people's clone, and a runner."""

    folder: Path
    runner: Runner
    state: Path
    pulls: int = 0

    @property
    def repository(self) -> Path:
        return self.runner.server / NAME

    @property
    def main(self) -> str:
        return git(self.repository, "rev-parse", "main")

    def push(self, tree: Tree, message: str = "Change it") -> str:
        """Write files on top of the default branch, and push it."""
        clone = self._clone("push")
        write_tree(tree, clone)
        git(clone, "add", "-A")
        git(clone, "commit", "--quiet", "-m", message)
        git(clone, "push", "--quiet", "origin", "HEAD:main")
        return self.main

    def open_pull(self, tree: Tree, author: str = "ada") -> dict[str, Any]:
        """Open a pull request from a fork; the host makes the commit that merging it would give."""
        self.pulls += 1
        number = self.pulls
        clone = self._clone(f"pull-{number}")
        git(clone, "switch", "--quiet", "-c", "theirs")
        write_tree(tree, clone)
        git(clone, "add", "-A")
        git(clone, "commit", "--quiet", "-m", "Theirs")
        head = git(clone, "rev-parse", "HEAD")
        git(clone, "switch", "--quiet", "-c", "merged", "origin/main")
        git(clone, "merge", "--quiet", "--no-ff", "-m", "Merge", "theirs")
        git(clone, "push", "--quiet", "origin", f"theirs:refs/pull/{number}/head", f"merged:refs/pull/{number}/merge")
        pull = {
            "number": number,
            "user": {"login": author},
            "head": {"sha": head, "label": f"{author}:theirs", "ref": "theirs", "user": {"login": author}},
            "base": {"sha": self.main, "ref": "main"},
        }
        self.tell(pulls=[*self.asked()["pulls"], pull])
        return pull

    def check(self, pull: Mapping[str, Any], *, pusher: str = "") -> JobRun:
        """Run the check of a pull request, as the base has it. ``pusher`` pushed last, if not its author."""
        event = {"pull_request": pull, "repository": {"default_branch": "main"}}
        self.runner.actor = pusher or pull["user"]["login"]
        return self.runner.run(self.runner.workflow("check"), event, sha=self.main)["check"]

    def review(self, pull: Mapping[str, Any], **changes: Any) -> dict[str, JobRun]:
        """Run what comes after the check, as the default branch has it."""
        login = pull["user"]["login"]
        run = {
            "event": "pull_request",
            "conclusion": "success",
            "head_sha": pull["head"]["sha"],
            "head_branch": "theirs",
            "head_repository": {"owner": {"login": login}, "full_name": f"{login}/reg"},
            "actor": {"login": login},
            **changes,
        }
        event = {"workflow_run": run, "repository": {"default_branch": "main"}}
        return self.runner.run(self.runner.workflow("review"), event, sha=self.main)

    def publish(self, workflow: str = "publish", **inputs: Any) -> dict[str, JobRun]:
        """Run a publication, or the refresh."""
        event = {"repository": {"default_branch": "main", "name": "reg"}}
        return self.runner.run(self.runner.workflow(workflow), event, sha=self.main, inputs=inputs)

    def asked(self) -> dict[str, Any]:
        """Return what the host knows, and what it was told."""
        found: dict[str, Any] = json.loads(self.state.read_text())
        return found

    def tell(self, **known: Any) -> None:
        self.state.write_text(json.dumps({**self.asked(), **known}))

    def _clone(self, name: str) -> Path:
        clone = self.folder / name
        shutil.rmtree(clone, ignore_errors=True)
        git(self.folder, "clone", "--quiet", str(self.repository), str(clone))
        return clone


def make_hub(folder: Path, registry: Path, released: Released, path: str) -> Hub:
    """Put a registry's repository on a host of its own."""
    server, state, pages = folder / "server", folder / "state.json", folder / "pages"
    (server / NAME).parent.mkdir(parents=True)
    pages.mkdir()
    git(folder, "clone", "--quiet", "--bare", str(registry), str(server / NAME))
    state.write_text(json.dumps({"repository": str(server / NAME), "pulls": [], "comments": [], "said": []}))
    environment = {**released.environment, "GH_STATE": str(state)}
    runner = Runner(folder, server, NAME, f"{released.programs}:{path}", pages, environment)
    return Hub(folder, runner, state)
