"""What holds for every test: an empty HOME of its own, no network proxies, no skips."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.browser import browser, chromium  # noqa: F401 (fixtures of all tests)
from tests.registry.command import Command, run_molthub, run_skills

_PLACES = {
    "HOME": "",
    "USERPROFILE": "",
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}
# How fast a machine is proves nothing about a law; on a build machine the same examples are tried each time.
settings.register_profile(
    "laws", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("laws")

# Peers are kept in the real user's cache: an empty HOME for each test must not install them anew.
os.environ.setdefault("MOLTHUB_TEST_CACHE", str(Path.home() / ".cache" / "molthub-tests"))
_GIT_IDENTITY = "[user]\n\tname = Ada Tester\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty HOME, with a git identity and nothing else of the machine's user."""
    folder = tmp_path_factory.mktemp("home")
    for name, below in _PLACES.items():
        monkeypatch.setenv(name, str(folder / below))
    (folder / ".gitconfig").write_text(_GIT_IDENTITY)
    for name in [
        name for name in os.environ if name.lower().endswith("_proxy") or name.startswith(("GIT_", "MOLTHUB_"))
    ]:
        if name not in ("MOLTHUB_KILLS", "MOLTHUB_TEST_CACHE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TZ", "UTC")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure: what a test needs is installed, never left out."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr}"
    return report


@pytest.fixture
def molthub(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run ``molthub`` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_molthub(capsys, *arguments)


@pytest.fixture
def skills(capsys: pytest.CaptureFixture[str], molthub: Command) -> Command:
    """Run ``skills`` there."""
    del molthub  # it has gone to that folder
    return lambda *arguments: run_skills(capsys, *arguments)
