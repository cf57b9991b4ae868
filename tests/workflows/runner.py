"""Runs workflows' own steps on this machine, as a runner of GitHub does: no more of it than ours use.

A step with ``run`` is run by bash with the environment that it asks for and the files that runners read. A step with
``uses`` is done by its local meaning: a checkout is a clone, an artifact is a folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.workflows.expressions import filled, is_true


@dataclass
class JobRun:
    """What a job did. ``ran`` are the names of its steps that were run; ``failed`` the one that ended it."""

    ran: list[str] = field(default_factory=list)
    failed: str = ""
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


@dataclass
class Runner:
    """A machine with a server's repositories. ``event`` is the context ``github.event``."""

    folder: Path
    server: Path
    repository: str
    path: str
    pages: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    actor: str = "ada"
    _count: int = 0

    def run(
        self,
        workflow: Mapping[str, Any],
        event: Mapping[str, Any],
        *,
        sha: str,
        inputs: Mapping[str, Any] | None = None,
    ) -> dict[str, JobRun]:
        """Run a workflow's jobs in their order, but for those whose condition does not hold or whose needs failed."""
        done: dict[str, JobRun] = {}
        artifacts = self.folder / f"artifacts-{self._count}"
        for name, job in workflow["jobs"].items():
            needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            contexts = self._contexts(workflow, event, sha, inputs or {})
            contexts["needs"] = {one: {"outputs": done[one].outputs} for one in needs if one in done}
            if any(one not in done or done[one].failed for one in needs):
                continue
            if "if" in job and not is_true(job["if"], contexts):
                continue
            if "uses" in job:
                called = self._file(job["uses"].removeprefix("./"), sha)
                done |= self.run(called, event, sha=sha, inputs=inputs)
                continue
            done[name] = self._job(job, contexts, artifacts, sha)
        return done

    def workflow(self, name: str, sha: str = "main") -> dict[str, Any]:
        """Return a workflow as a commit has it."""
        return self._file(f".github/workflows/{name}.yml", sha)

    def _file(self, path: str, sha: str) -> dict[str, Any]:
        text = git(self.server / self.repository, "show", f"{sha}:{path}")
        found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (a loader that makes texts only)
        return found

    def _contexts(
        self, workflow: Mapping[str, Any], event: Mapping[str, Any], sha: str, inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        github = {"event": event, "token": "the-token", "sha": sha, "repository": self.repository,
                  "repository_owner": self.repository.partition("/")[0]}  # fmt: skip
        found: dict[str, Any] = {"github": github, "vars": self.variables, "secrets": self.secrets, "inputs": inputs}
        found["env"] = {key: filled(value, found) for key, value in workflow.get("env", {}).items()}
        return found

    def _job(self, job: Mapping[str, Any], contexts: dict[str, Any], artifacts: Path, sha: str) -> JobRun:
        self._count += 1
        place = self.folder / f"job-{self._count}"
        (place / "work").mkdir(parents=True)
        (place / "temp").mkdir()
        done = JobRun()
        contexts["steps"] = {}
        uses: dict[str, Callable[[Mapping[str, str]], None]] = {
            "actions/checkout": lambda given: self._checkout(place / "work", given.get("ref", sha), given),
            "actions/upload-artifact": lambda given: self._store(place / "work" / given["path"], artifacts, given),
            "actions/download-artifact": lambda given: _copy(artifacts / given["name"], place / "work" / given["path"]),
            "actions/upload-pages-artifact": lambda given: self._store(
                place / "work" / given["path"], artifacts, {**given, "name": "github-pages"}),
            "actions/deploy-pages": lambda _given: _copy(artifacts / "github-pages", self.pages),
        }  # fmt: skip
        for number, step in enumerate(job["steps"]):
            if "if" in step and not is_true(step["if"], contexts):
                continue
            name = step.get("name") or step.get("uses", "").partition("@")[0] or f"step {number}"
            done.ran.append(name)
            if "uses" in step:
                action, _, commit = step["uses"].partition("@")
                assert re.fullmatch(r"[0-9a-f]{40}", commit), f"{action} is not pinned by a commit"
                uses[action]({key: filled(value, contexts) for key, value in step.get("with", {}).items()})
            elif not self._run_step(step, contexts, place, done):
                done.failed = name
                break
        done.outputs = {key: filled(value, contexts) for key, value in job.get("outputs", {}).items()}
        done.summary = (place / "summary").read_text() if (place / "summary").exists() else ""
        return done

    def _run_step(self, step: Mapping[str, Any], contexts: dict[str, Any], place: Path, done: JobRun) -> bool:
        assert "${{" not in step["run"], "what a workflow is given goes through the environment, never into a script"
        output = place / "output"
        output.write_text("")
        environment = {
            "PATH": self.path, "HOME": str(place), "LANG": "C.UTF-8", **self.environment,
            "GITHUB_ACTOR": self.actor, "GITHUB_REPOSITORY": self.repository, "GITHUB_OUTPUT": str(output),
            "GITHUB_SERVER_URL": f"file://{self.server}", "GITHUB_STEP_SUMMARY": str(place / "summary"),
            "RUNNER_TEMP": str(place / "temp"), "CI": "true",
            **contexts["env"], **{key: filled(value, contexts) for key, value in step.get("env", {}).items()},
        }  # fmt: skip
        script = place / "step.sh"
        script.write_text(step["run"])
        ran = subprocess.run(["bash", "-e", str(script)], cwd=place / "work", env=environment, capture_output=True,
                             text=True, check=False)  # fmt: skip
        done.log += ran.stdout + ran.stderr
        if "id" in step:
            contexts["steps"][step["id"]] = {"outputs": _outputs(output.read_text())}
        return ran.returncode == 0

    def _checkout(self, folder: Path, ref: str, given: Mapping[str, str]) -> None:
        assert given["persist-credentials"] == "false"
        assert given["fetch-depth"] == "0"
        git(folder, "clone", "--quiet", str(self.server / self.repository), ".")
        git(folder, "checkout", "--quiet", "--detach", ref)

    def _store(self, source: Path, artifacts: Path, given: Mapping[str, str]) -> None:
        """Keep an artifact. Hidden files are left out unless they are asked for, as the actions do."""
        hidden = (
            shutil.ignore_patterns() if given.get("include-hidden-files") == "true" else shutil.ignore_patterns(".*")
        )
        assert source.is_dir(), f"there is no {source.name} to upload"
        shutil.copytree(source, artifacts / given["name"], ignore=hidden)


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _outputs(text: str) -> dict[str, str]:
    """Read what a step wrote into ``$GITHUB_OUTPUT``: ``name=value``, or lines up to a word that was chosen."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, operator, rest = re.match(r"([^=<]+)(=|<<)(.*)", line).groups()  # type: ignore[union-attr] # else no output
        if operator == "=":
            found[name] = rest
        else:
            held = []
            for held_line in lines:
                if held_line == rest:
                    break
                held.append(held_line)
            found[name] = "\n".join(held)
    return found


def git(folder: Path, *arguments: str) -> str:
    """Run git and return what it prints."""
    identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))}  # fmt: skip
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, **identity})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
