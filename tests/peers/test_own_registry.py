"""This repository's own registry, judged by others: npm `skills`, the Agent Skills reference, Node and Python."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from skills_ref.validator import validate

from tests.peers.npm_programs import npm_program

ROOT = Path(__file__).parent.parent.parent
REGISTRY = ROOT / "registry-index"
VERSIONS = sorted(path.parent for path in REGISTRY.glob("skills/**/SKILL.md"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the index of this checkout's registry, uncommitted files included."""
    folder = tmp_path_factory.mktemp("own") / "site"
    command = ["molthub", "build", "--registry", str(ROOT), "--worktree", "--fleets", "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def url(site: Path) -> Iterator[str]:
    """Serve it on loopback."""
    command = ["molthub", "serve", "--index", str(site), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        line = ""
        while "http://" not in line:
            line = server.stdout.readline()
            assert line, "the server ended"
        yield re.search(r"http://\S+", line)[0].rstrip("/")  # type: ignore[index] # the loop has seen it
        server.terminate()


def archives(site: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, version and archive of every skill version in an index, walking it with nothing of ours."""
    root = json.loads((site / "registry.json").read_bytes())
    for hex_name in root["shards"].values():
        shard = json.loads(gzip.decompress((site / "shards" / f"{hex_name}.json.gz").read_bytes()))
        for name, entry in shard.get("skills", {}).items():
            for version, release in entry["versions"].items():
                yield name, version, (site / "archives" / f"{release['archive']}.tar.gz").read_bytes()


def add(url: str, path: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run npm `skills add`, unmodified, in an empty project."""
    command = [str(npm_program("skills")), "add", f"{url}/{path}", "--skill", "*", "-y", "-a", "claude-code", "--copy"]
    environment = {**os.environ, "DISABLE_TELEMETRY": "1", "CI": "1"}
    return subprocess.run(
        [*command, *options], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def installed(folder: Path) -> dict[str, dict[str, bytes]]:
    skills = folder / ".claude" / "skills"
    return {
        skill.name: {str(file.relative_to(skill)): file.read_bytes() for file in skill.rglob("*") if file.is_file()}
        for skill in skills.iterdir()
    }


def content(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr] # files only


def test_npm_skills_installs_one_skill(site: Path, url: str, tmp_path: Path) -> None:
    done = add(url, "s/git", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    versions = {version: archive for name, version, archive in archives(site) if name == "git"}
    assert installed(tmp_path) == {"git": content(versions["1.2.0"])}


def test_npm_skills_installs_a_scoped_skill_and_an_older_version(site: Path, url: str, tmp_path: Path) -> None:
    done = add(url, "s/@molthub/skill-authoring", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(installed(tmp_path)) == ["skill-authoring"]
    done = add(url, "s/git/1.1.0", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    versions = {version: archive for name, version, archive in archives(site) if name == "git"}
    assert installed(tmp_path)["git"] == content(versions["1.1.0"])


def test_npm_skills_installs_a_pack(url: str, tmp_path: Path) -> None:
    done = add(url, "p/standard-dev", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(installed(tmp_path)) == ["docker", "git", "postgres", "shell-safety"]


def test_npm_skills_finds_nothing_wrong_again_after_an_update(url: str, tmp_path: Path) -> None:
    assert add(url, "p/standard-dev", tmp_path).returncode == 0
    lock = json.loads((tmp_path / "skills-lock.json").read_text())
    assert sorted(lock["skills"]) == ["docker", "git", "postgres", "shell-safety"]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: str(path.relative_to(REGISTRY / "skills")))
def test_the_reference_validator_accepts_every_published_skill(version: Path, site: Path, tmp_path: Path) -> None:
    name, number = str(version.parent.relative_to(REGISTRY / "skills")), version.name
    [archive] = [archive for found, at, archive in archives(site) if (found, at) == (name, number)]
    folder = tmp_path / version.parent.name
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():  # `filter` of extractall is not in every Python 3.11
            tar.extract(member, folder)
    assert validate(folder) == []


SCRIPTS = sorted(path for path in REGISTRY.glob("skills/**/scripts/*") if path.suffix in {".py", ".js", ".mjs"})


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(REGISTRY / "skills")))
def test_every_script_runs_and_explains_itself(script: Path, tmp_path: Path) -> None:
    program = [sys.executable] if script.suffix == ".py" else ["node"]
    done = subprocess.run([*program, str(script), "--help"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=30, check=False, stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()


def test_tar_programs_of_the_system_read_our_archives(site: Path, tmp_path: Path) -> None:
    for name, version, archive in archives(site):
        folder = tmp_path / name.replace("/", "_") / version
        folder.mkdir(parents=True)
        subprocess.run(["tar", "-xzf", "-"], input=archive, cwd=folder, check=True)
        found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert found == content(archive)
