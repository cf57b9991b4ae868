"""A small index, served on loopback, and a project to install into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from molthub.client.cache import Store
from molthub.client.skill_manager import SkillManager
from molthub.model import Needs
from tests.index_fixture import IndexBuilder, IndexServer, env_need, serve


@pytest.fixture
def index() -> IndexBuilder:
    """Return an index with a dependency, a yanked version, a scope, a pre-release, a pack."""
    builder = IndexBuilder()
    builder.skill("shell-safety", "1.0.2")
    builder.skill("shell-safety", "1.0.3")
    builder.skill("shell-safety", "2.0.0")
    builder.skill("git", "1.1.0", yanked="Its commit script skipped the repository's hooks.")
    token = env_need("GITHUB_TOKEN", secret=True)
    builder.skill("git", "1.2.0", dependencies={"shell-safety": "^1.0"}, needs=Needs(env=(token,), bins=("git",)))
    builder.skill("docker", "2.0.0")
    builder.skill("docker", "2.0.1")
    builder.skill("@acme/deploy", "0.1.0")
    builder.skill("early", "1.0.0-rc.1")
    builder.pack("dev", 1, ["docker@2.0.0", "git@1.2.0", "shell-safety@1.0.2"])
    builder.pack("dev", 2, ["docker@2.0.1", "git@1.2.0", "shell-safety@1.0.3"], mcps=("github",), env_vars=("TOKEN",))
    return builder


@pytest.fixture
def server(index: IndexBuilder) -> Iterator[IndexServer]:
    """Serve the index."""
    with serve(index.files()) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project folder that holds a .skills folder, and stand in it."""
    folder = tmp_path / "project"
    (folder / ".skills").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def manager(server: IndexServer, project: Path, store: Store) -> Iterator[SkillManager]:
    """Return what a program uses, on the project and the served index."""
    with SkillManager(server.url, project / ".skills", store=store) as manager:
        yield manager
