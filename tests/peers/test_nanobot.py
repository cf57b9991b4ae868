"""nanobot, unmodified, reads what its row writes, and writes it anew. It runs offline, with no account."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from molthub.platforms import platform
from tests.peers.http_mcp_server import HttpServer
from tests.peers.judged_home import (
    bring_in_sync,
    check_servers_were_started,
    desired_state,
    files_with_the_secret,
    read_by,
    sample_texts,
)
from tests.peers.program_home import ProgramHome
from tests.peers.python_packages import python_packages
from tests.platforms import readers
from tests.platforms.readers import ENVIRONMENT
from tests.platforms.test_expansion_laws import texts as expanded_texts
from tests.reconciler.world import World

pytestmark = pytest.mark.peers
HERE = Path(__file__).parent

OWNER = {
    "agents": {"defaults": {"model": "none"}},
    # it keeps servers of the local network from its agents unless its owner says otherwise
    "tools": {"ssrfWhitelist": ["127.0.0.0/8"], "mcpServers": {"mine": {"command": "true"}}},
}


class NanobotHome(ProgramHome):
    """One home, and the program run in it."""

    def __init__(self, folder: Path) -> None:
        self.packages = python_packages(HERE / "nanobot" / "requirements.txt", f"3.{sys.version_info.minor}")
        super().__init__([sys.executable, str(HERE / "read_nanobot.py")], folder, PYTHONPATH=str(self.packages))


@pytest.fixture
def nanobot(world: World, http: HttpServer) -> NanobotHome:
    owner = {".nanobot/config.json": json.dumps(OWNER, indent=2)}
    return NanobotHome(bring_in_sync(world, "nanobot", desired_state(world, http), owner))


def test_nanobot_connects_to_the_servers_as_declared_and_finds_the_skills(
    world: World, nanobot: NanobotHome, http: HttpServer
) -> None:
    found = nanobot.json()

    assert found["servers"] == ["keyed", "mine", "renamed", "seen", "tickets"]
    assert found["tools"] == [f"mcp_{name}_look" for name in ("keyed", "renamed", "seen", "tickets")]
    assert {name for name, source in found["skills"].items() if source == "workspace"} == {"pg"}
    assert {name for name, source in found["skills"].items() if source == "builtin"} == (
        platform("nanobot").bundled_skills
    )
    check_servers_were_started(world, http)
    assert files_with_the_secret(nanobot.folder) == []


def test_nanobot_writes_its_file_anew_and_keeps_our_servers(world: World, nanobot: NanobotHome) -> None:
    nanobot.json("save")
    assert len((nanobot.folder / ".nanobot/config.json").read_bytes()) > 2 * len(json.dumps(OWNER))
    assert world.molthub("drift").status == 0
    assert files_with_the_secret(nanobot.folder) == []


def test_nanobot_reads_nothing_where_a_secret_is_missing(nanobot: NanobotHome) -> None:
    (nanobot.folder / ".agents").joinpath("molthub.json").unlink()  # not what it looks at
    done = nanobot.done(GITHUB_TOKEN="")
    assert done.returncode == 0
    command = nanobot.folder / ".nanobot" / "config.json"
    command.write_text(command.read_text().replace("${GITHUB_TOKEN}", "${NOBODYS_TOKEN}"))
    done = nanobot.done()
    assert done.returncode != 0
    assert "NOBODYS_TOKEN" in done.stderr


_EXPAND = (
    "import json, sys; from nanobot.config.loader import resolve_env_refs as read;"
    "print(json.dumps([read(text) for text in json.load(sys.stdin)]))"
)


def test_nanobot_expands_texts_as_the_adapter_reckons(tmp_path: Path) -> None:
    texts = sample_texts(expanded_texts)
    known = [text for text in texts if set(re.findall(r"\$\{(\w+)\}", text)) <= ENVIRONMENT.keys()]
    read = read_by(_EXPAND, known, NanobotHome(tmp_path).packages, tmp_path)
    assert dict(zip(known, read, strict=True)) == {text: readers.named(text) for text in known}
