"""Hermes, unmodified, reads what its row writes, and writes beside it. It runs offline, with no account."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.peers.agent_homes import seen_by
from tests.peers.http_mcp_server import HttpServer
from tests.peers.judged_home import (
    bring_in_sync,
    check_servers_were_started,
    desired_state,
    files_with_the_secret,
    publish,
    read_by,
    sample_texts,
    seen_file,
    started_server,
)
from tests.peers.program_home import ProgramHome
from tests.peers.python_packages import python_packages
from tests.platforms import readers
from tests.platforms.test_expansion_laws import WORDS
from tests.reconciler.world import World

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent

OWNER = """\
# Ada's settings
model: none # keep

mcp_servers:
  mine: # by hand
    command: "true"
    enabled: false

# how it looks
display:
  compact: true
"""


class HermesHome(ProgramHome):
    """One home, and the program run in it."""

    def __init__(self, folder: Path) -> None:
        self.packages = python_packages(HERE / "hermes" / "requirements.txt", f"3.{sys.version_info.minor}")
        command = [sys.executable, "-m", "hermes_cli.main"]
        super().__init__(command, folder, PYTHONPATH=str(self.packages), COLUMNS="200", NO_COLOR="1")
        self.config = folder / ".hermes" / "config.yaml"

    def servers(self) -> dict[str, bool]:
        """Return the servers that the program lists, and whether each is enabled."""
        rows = re.findall(r"^  ([\w-]+) .* (✓ enabled|✗ disabled)", self.run("mcp", "list"), re.MULTILINE)
        return {name: state == "✓ enabled" for name, state in rows}


@pytest.fixture
def hermes(world: World, http: HttpServer) -> HermesHome:
    return HermesHome(bring_in_sync(world, "hermes", desired_state(world, http), {".hermes/config.yaml": OWNER}))


def test_hermes_lists_the_servers_and_skills_of_the_bot_and_the_owner(hermes: HermesHome) -> None:
    expected = {"keyed": True, "mine": False, "renamed": True, "seen": True, "tickets": True}
    assert hermes.servers() == expected
    assert re.search(r"│ pg +│", hermes.run("skills", "list"))
    assert set(OWNER.splitlines()) <= set(hermes.config.read_text().splitlines())


def test_hermes_connects_to_the_servers_as_declared(world: World, hermes: HermesHome, http: HttpServer) -> None:
    for name in ("seen", "renamed", "tickets", "keyed"):
        assert "Tools discovered: 1" in hermes.run("mcp", "test", name)

    check_servers_were_started(world, http)
    assert files_with_the_secret(hermes.folder) == []


def test_hermes_writes_its_file_anew_and_we_go_on_in_what_it_wrote(
    world: World, hermes: HermesHome, http: HttpServer, tmp_path: Path
) -> None:
    changed = ("config", "set", "display.theme_mode", "dark")
    hermes.run(*changed)
    assert world.molthub("drift").status == 0

    desired = desired_state(world, http)
    publish(world, "hermes", {**desired, "mcp/seen": started_server(world, "seen", {}, ["changed"])})
    assert "Tools discovered: 1" in hermes.run("mcp", "test", "seen")
    assert seen_by(seen_file(world, "seen"))[0] == ["changed"]
    publish(world, "hermes", {"skill/pg": desired["skill/pg"]})
    alone = HermesHome(tmp_path / "alone")
    alone.config.parent.mkdir(parents=True)
    alone.config.write_text(OWNER)
    alone.run(*changed)
    assert hermes.config.read_text() == alone.config.read_text()


def test_a_server_that_hermes_removes_is_drift_and_comes_back(world: World, hermes: HermesHome) -> None:
    hermes.config.write_text(hermes.config.read_text().replace("  seen:\n", "  seen:\n    enabled: false\n"))
    assert world.molthub("drift").status == 0
    assert not hermes.servers()["seen"]
    hermes.config.write_text(OWNER)
    report = world.report("drift", status=3)
    assert [change["key"] for change in report["bots"][0]["changes"]] == [
        *("mcp/keyed", "mcp/renamed", "mcp/seen", "mcp/tickets"),
    ]
    assert world.molthub("reconcile").status == 0
    assert hermes.servers()["seen"]


_EXPAND = (
    "import json, sys; from tools.mcp_tool import _interpolate_env_vars as read;"
    "print(json.dumps(read(json.load(sys.stdin))))"
)


def test_hermes_expands_texts_as_the_adapter_reckons(tmp_path: Path) -> None:
    words = [*WORDS, "${ A }", "${ env: A }", "${A", "}", "${}", "${a b}"]
    texts = sample_texts(st.lists(st.sampled_from(words), max_size=6).map("".join))
    read = read_by(_EXPAND, texts, HermesHome(tmp_path).packages, tmp_path)
    assert dict(zip(texts, read, strict=True)) == {text: readers.hermes(text) for text in texts}
