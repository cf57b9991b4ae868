"""`molthub skill-packs` on fleets and bots, as data: `tests/cases/skill_packs/*.yaml` hold a registry and commands.

`given` are files beside the registry. Each step says what is typed (`run`), its `status` (0), parts of what it prints
(`out`, `err`), the whole of what it prints with --json (`json`, where `<word>` stands for anything), and what the
documents that it changes hold afterwards (`specs`, by bot, `fleet` or file; `null`: nothing was written, and nothing
was committed).
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from molthub.registry.check import check
from molthub.registry.source import open_source
from molthub.yaml_text import parse
from tests.builders import commit
from tests.registry.command import Ran, run_molthub
from tests.registry.declared import declared

CASES = sorted((Path(__file__).parents[1] / "cases" / "skill_packs").glob("*.yaml"))


def _head(place: Path) -> str:
    done = subprocess.run(["git", "-C", str(place), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _file(name: str) -> str:
    if "/" in name:
        return name
    return "fleets/lab/fleet.yaml" if name == "fleet" else f"fleets/lab/bots/{name}.yaml"


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_a_story_of_commands_goes_as_it_says(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = parse(path.read_bytes(), path.name).value
    monkeypatch.chdir(tmp_path)
    for name, value in case.get("given", {}).items():
        Path(name).write_text(value if isinstance(value, str) else json.dumps(value))
    place = tmp_path / "registry"
    commit(declared(case), place)
    for step in case["steps"]:
        before = _head(place)
        words = ["skill-packs", *shlex.split(step["run"]), "--registry", place]
        ran = run_molthub(capsys, *words, *(["--json"] if "json" in step else []))
        _check(ran, step)
        specs = step.get("specs", {})
        if specs is None:
            assert _head(place) == before, step["run"]
        for name, wanted in (specs or {}).items():
            found = yaml.safe_load((place / _file(name)).read_text())["spec"]
            assert _masked(found) == _like_digests(wanted, found), f"{step['run']}: {name}"
        status = subprocess.run(
            ["git", "-C", str(place), "status", "--porcelain"], capture_output=True, text=True, check=True
        )
        assert status.stdout == "", step["run"]
    if case.get("checked", True):
        problems = check(open_source(place)).problems
        assert [str(problem) for problem in problems if problem.severity == "error"] == []


def _check(ran: Ran, step: dict[str, Any]) -> None:
    assert ran.status == step.get("status", 0), f"{step['run']}: {ran}"
    for part in step.get("out", []):
        assert part in ran.out, f"{step['run']}: {ran}"
    for part in step.get("err", []):
        assert part in ran.err, f"{step['run']}: {ran}"
    if "json" in step:
        assert _like(step["json"], ran.json), f"{step['run']}: {json.dumps(ran.json, indent=1)}"


def _masked(value: Any) -> Any:
    """Put `now` for every time, which is of today."""
    if isinstance(value, dict):
        return {key: "now" if key == "attachedAt" else _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _like_digests(wanted: Any, found: Any) -> Any:
    """Fill in digests, which the case leaves to the check."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: _like_digests(item, found.get(key)) for key, item in wanted.items()}
    return found if isinstance(wanted, str) and wanted.startswith("DIGEST ") else wanted


def _like(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and wanted.keys() == found.keys() and all(
            _like(wanted[key], found[key]) for key in wanted
        )  # fmt: skip
    if isinstance(wanted, list):
        return isinstance(found, list) and len(wanted) == len(found) and all(map(_like, wanted, found))
    if isinstance(wanted, str) and not isinstance(found, str):
        return wanted.startswith("<")
    if isinstance(wanted, str) and "<" in wanted:
        pattern = ".+?".join(map(re.escape, re.split(r"<[a-z ]+>", wanted)))
        return isinstance(found, str) and re.fullmatch(pattern, found, re.DOTALL) is not None
    return bool(wanted == found)


def _with_remote(tmp_path: Path) -> Path:
    place, remote = tmp_path / "registry", tmp_path / "remote.git"
    commit(declared({"packs": {"dev": [{}]}, "bots": {"ada": {}, "ben": {}}}), place)
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    subprocess.run(["git", "-C", str(place), "remote", "add", "origin", str(remote)], check=True)
    return place


def _branches(remote: Path) -> dict[str, str]:
    listed = subprocess.run(["git", "-C", str(remote), "for-each-ref", "--format=%(refname:short) %(objectname)"],
                            capture_output=True, text=True, check=True)  # fmt: skip
    return {line.split(" ")[0]: line.split(" ")[1] for line in listed.stdout.splitlines()}


def test_a_commit_is_pushed_on_demand_to_its_branch_or_to_one_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = _with_remote(tmp_path)
    ran = run_molthub(capsys, "skill-packs", "attach", "dev", "--bot", "ada", "--push", "--registry", place)
    assert (ran.status, _branches(tmp_path / "remote.git")) == (0, {"main": _head(place)})
    assert "pushed\nthen: molthub skill-packs sync dev" in ran.err
    hook = tmp_path / "remote.git" / "hooks" / "post-receive"
    hook.write_text("#!/bin/sh\necho Create a pull request: https://git.example.com/new >&2\n")
    hook.chmod(0o755)
    ran = run_molthub(capsys, "skill-packs", "attach", "dev", "--bot", "ben", "--pr", "--registry", place)
    branch = f"molthub/{_head(place)[:12]}"
    assert (ran.status, _branches(tmp_path / "remote.git")[branch]) == (0, _head(place))
    assert _branches(tmp_path / "remote.git")["main"] != _head(place)
    assert f"pushed as the branch {branch}; next: open a pull request for it" in ran.err
    assert "Create a pull request: https://git.example.com/new" in ran.err


def test_what_cannot_be_pushed_is_said_before_or_with_the_commit_that_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = _with_remote(tmp_path)
    before = _head(place)
    subprocess.run(["git", "-C", str(place), "remote", "rename", "origin", "other"], check=True)
    ran = run_molthub(capsys, "skill-packs", "attach", "dev", "--bot", "ada", "--push", "--registry", place)
    assert (ran.status, _head(place), "there is no remote origin" in ran.err) == (1, before, True)
    subprocess.run(["git", "-C", str(place), "remote", "rename", "other", "origin"], check=True)
    (tmp_path / "remote.git" / "HEAD").unlink()
    ran = run_molthub(capsys, "skill-packs", "attach", "dev", "--bot", "ada", "--push", "--registry", place)
    assert (ran.status, _head(place) != before) == (1, True)
    assert "git push failed" in ran.err
    assert "the commit is there" in ran.err
