"""Other people's installers, unmodified, against an index on a host that knows nothing but files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Tree, pack, skill, skill_version
from tests.peers.npm_programs import npm_program
from tests.peers.plain_host import PlainHost, plain_host
from tests.peers.python_packages import python_packages

HERE = Path(__file__).parent
RUN = {"scripts/run.sh": "#!/bin/sh\necho run\n", "references/more.md": "More.\n"}


def git(*numbers: str) -> Tree:
    """Return the skill ``git``; each version's script says its number."""
    files = {number: {**RUN, "scripts/run.sh": f"#!/bin/sh\necho {number}\n"} for number in numbers}
    return skill("git", versions={number: skill_version("git", number, files[number]) for number in numbers})


@pytest.fixture
def host(tmp_path: Path) -> Iterator[PlainHost]:
    with plain_host(tmp_path / "site") as host:
        yield host


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def run(project: Path, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DISABLE_TELEMETRY": "1", "CI": "1", **variables}
    return subprocess.run([str(part) for part in command], cwd=project, env=environment, capture_output=True,
                          text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)  # fmt: skip


def files_below(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


# --- npm `skills` --------------------------------------------------------------------------------------------------


def skills_add(project: Path, url: str) -> subprocess.CompletedProcess[str]:
    return run(project, npm_program("skills"), "add", url, "--skill", "*", "-y", "-a", "claude-code", "--copy")


def added(project: Path) -> dict[str, dict[str, str]]:
    folder = project / ".claude" / "skills"
    return {path.name: files_below(path) for path in folder.iterdir()} if folder.exists() else {}


def test_skills_installs_a_small_registry_from_its_root(host: PlainHost, project: Path) -> None:
    host.publish(git("1.1.0"), skill("@acme/tool"), skill("docker"))
    done = skills_add(project, host.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(added(project)) == ["docker", "git", "tool"]


def test_skills_does_not_fetch_a_large_registry_from_its_root(host: PlainHost, project: Path) -> None:
    host.publish(*(skill(f"skill-{number}") for number in range(101)))
    skills_add(project, host.url)
    assert added(project) == {}
    assert skills_add(project, f"{host.url}/s/skill-7").returncode == 0
    assert sorted(added(project)) == ["skill-7"]


def test_skills_installs_a_skill_a_version_and_a_pack(host: PlainHost, project: Path) -> None:
    host.publish(git("1.1.0", "1.2.0"), skill("docker"), pack("dev", {"skills": ["git", "docker"]}))
    for path, names, number in (("s/git/1.1.0", ["git"], "1.1.0"), ("p/dev/1", ["docker", "git"], "1.2.0")):
        done = skills_add(project, f"{host.url}/{path}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert sorted(added(project)) == names
        assert number in added(project)["git"]["scripts/run.sh"]


def test_skills_updates_what_has_a_newer_version_and_nothing_else(host: PlainHost, project: Path) -> None:
    host.publish(git("1.1.0"), skill("docker"))
    assert skills_add(project, f"{host.url}/s/git").returncode == 0
    assert skills_add(project, f"{host.url}/s/docker").returncode == 0
    before = added(project)
    host.publish(git("1.1.0", "1.2.0"), skill("docker"))
    done = run(project, npm_program("skills"), "update", "-p", "-y")
    assert done.returncode == 0, done.stdout + done.stderr
    after = added(project)
    assert "1.2.0" in after["git"]["scripts/run.sh"]
    assert after["docker"] == before["docker"]


def test_skills_refuses_an_archive_that_somebody_changed(host: PlainHost, project: Path) -> None:
    host.publish(git("1.1.0"))
    (archive,) = (host.folder / "archives").iterdir()
    content = archive.read_bytes()
    archive.write_bytes(content[:20] + bytes([content[20] ^ 1]) + content[21:])
    skills_add(project, f"{host.url}/s/git")
    assert added(project) == {}


# --- clawhub -------------------------------------------------------------------------------------------------------


def clawhub(project: Path, base: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = ("--registry", base, "--no-input")
    return run(project, npm_program("clawhub"), *options, *arguments, CLAWHUB_DISABLE_TELEMETRY="1")


def of_clawhub(project: Path, name: str) -> dict[str, str]:
    found = files_below(project / "skills" / name)
    return {path: content for path, content in found.items() if not path.startswith(".clawhub")}


@pytest.mark.parametrize("name", ["git", "@acme/git"])
def test_clawhub_installs_a_skill_and_then_its_newer_version(host: PlainHost, project: Path, name: str) -> None:
    def versions(*numbers: str) -> Tree:
        return skill(name, versions={number: skill_version(name, number, {"a.txt": number}) for number in numbers})

    host.publish(versions("1.1.0"))
    base = f"{host.url}/s/{name}"
    done = clawhub(project, base, "install", "git")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(of_clawhub(project, "git")) == ["SKILL.md", "a.txt", "skill.yaml"]
    assert "up to date" in clawhub(project, base, "update", "git").stderr
    host.publish(versions("1.1.0", "1.2.0"))
    done = clawhub(project, base, "update", "git")
    assert done.returncode == 0, done.stdout + done.stderr
    assert of_clawhub(project, "git")["a.txt"] == "1.2.0"


def test_clawhub_keeps_what_was_changed_by_hand(host: PlainHost, project: Path) -> None:
    host.publish(git("1.1.0"))
    assert clawhub(project, f"{host.url}/s/git", "install", "git").returncode == 0
    (project / "skills" / "git" / "SKILL.md").write_text("mine")
    host.publish(git("1.1.0", "1.2.0"))
    done = clawhub(project, f"{host.url}/s/git", "update", "git")
    assert "local changes" in done.stdout + done.stderr
    assert of_clawhub(project, "git")["SKILL.md"] == "mine"


def test_clawhub_finds_no_version_but_the_latest_and_nothing_withdrawn(host: PlainHost, project: Path) -> None:
    host.publish(git("1.1.0", "1.2.0"), skill("docker", project={"status": "quarantined", "reason": "It leaks."}))
    assert clawhub(project, f"{host.url}/s/git", "install", "git", "--version", "1.1.0").returncode != 0
    assert clawhub(project, f"{host.url}/s/docker", "install", "docker").returncode != 0
    assert not (project / "skills" / "git").exists()
    assert not (project / "skills" / "docker").exists()


# --- PyPI agentskills-http -----------------------------------------------------------------------------------------


def test_agentskills_http_reads_a_skill_with_all_of_its_files(host: PlainHost, project: Path) -> None:
    host.publish(git("1.1.0"), pack("dev", {"skills": ["git"]}))
    program = HERE / "agentskills-http"
    packages = python_packages(program / "requirements.txt", "3.12")
    for base in ("s/git", "p/dev"):
        url = f"{host.url}/{base}/.well-known/agent-skills"
        done = run(project, sys.executable, program / "read_skill.py", url, "git", PYTHONPATH=str(packages))
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["metadata"]["name"] == "git"
        assert found["resources"] == {"references": ["more.md"], "scripts": ["run.sh"], "assets": []}
        assert sorted(found["files"]) == ["SKILL.md", "references/more.md", "scripts/run.sh", "skill.yaml"]
        assert found["files"]["scripts/run.sh"] == "#!/bin/sh\necho 1.1.0\n"
