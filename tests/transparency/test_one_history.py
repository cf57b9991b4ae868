"""Many publications by machines that remember nothing, lost keys and forks: everybody sees one log, or an error.

``PUBLISHES`` and ``READERS`` in the environment ask for more of both (50 and 100 take some minutes).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from molthub.client.index import Index
from molthub.client.lockfile import InstalledVersion
from molthub.client.log_proofs import check_log
from molthub.client.trust import Trust
from molthub.errors import TrustError
from molthub.transparency.checkpoint import Checkpoint
from molthub.transparency.published_log import PublishedLog
from tests.builders import commit
from tests.registry.command import Command
from tests.transparency.world import World, forked, numbered

PUBLISHES = int(os.environ.get("PUBLISHES", "12"))
READERS = int(os.environ.get("READERS", "15"))
READERS_IN_ONE = 25


class Client:
    """Somebody who reads the registry now and then, with a state of their own."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        Trust.of(world.server.url, folder).begin(world.root)
        self.heads: list[Checkpoint] = []

    def look(self) -> list[str]:
        """Check the log, and that all the index offers is in it; return the ids of what is not right."""
        open_index = partial(Index.open, self.world.server.url, state=self.folder)
        try:
            with open_index() as index:
                offered = index.skill("git").releases.items()
                entries = [InstalledVersion("git", number, release.artifact.digest) for number, release in offered]
        except TrustError as error:
            return [error.problem_id or ""]
        report = check_log(self.world.server.url, open_index, entries)
        if report.state == "proven":
            assert report.head is not None
            self.heads.append(report.head)
        return [problem.id for problem in report.problems]


def test_many_publications_are_one_log_for_everybody(world: World, tmp_path: Path) -> None:
    """From fresh checkouts, with nothing at hand but the live site; a key is lost, and three forks are tried."""
    often, seldom, first_and_last, victim = (Client(world, tmp_path / name) for name in "abcd")
    assert first_and_last.look() == []
    lost_at, forked_at = PUBLISHES // 2, PUBLISHES * 3 // 4
    count = 3
    for number in range(PUBLISHES):
        count += 1
        if number == lost_at:
            next(world.keys.glob("online-*.pem")).unlink()
            assert "rotate --online" in world.publish(numbered(count)).json["error"]["remedy"]
            assert world.molthub("sign", "rotate", "--keys", world.keys, "--online").status == 0
        if number == forked_at:
            try_forks(world, count - 1)
            lie_to(world, victim)
        said = world.publish(numbered(count))
        assert said.status == 0, said
        assert (said.json["log"]["size"], len(said.json["log"]["added"])) == (count, 1)
        assert often.look() == []
        if number % 5 == 0:
            assert seldom.look() == []
    clients = (often, seldom, first_and_last)
    assert [client.look() for client in clients] == [[], [], []]
    assert victim.look() == ["MH621"]
    assert_one_history([head for client in (*clients, victim) for head in client.heads], world)
    assert often.heads[-1].size == count


def try_forks(world: World, count: int) -> None:
    """Try to sign an older commit, and other content for what is published: neither goes on."""
    said = world.publish(None, rev="HEAD~1")
    assert (said.status, said.json["error"]["id"]) == (1, "MH612")
    said = world.publish(numbered(count, homepage="https://evil.example.com/"))
    assert (said.status, said.json["error"]["id"]) == (1, "MH621")
    commit(numbered(count), world.repository)


def lie_to(world: World, victim: Client) -> None:
    """Show one client another history, by somebody who has the keys; all others never see it."""
    assert victim.look() == []
    live = dict(world.server.files)
    world.fork(live, forked(victim.heads[-1].size), times=0)
    with Index.open(world.server.url, state=victim.folder) as index:
        assert "2.0.0" in index.skill("git").releases
    world.server.files = live


def assert_one_history(heads: list[Checkpoint], world: World) -> None:
    newest = max(heads, key=lambda head: head.size)
    log = PublishedLog(newest, world.server.files.get, world.server.url)
    for head in heads:
        log.check_follows(head.size, head.root)
    assert {head.origin for head in heads} == {newest.origin}


@pytest.fixture
def live(molthub: Command, tmp_path: Path) -> Path:
    """Return a folder that is published into, with its first index."""
    assert molthub("sign", "init", "--keys", "keys").status == 0
    publish(molthub, 1, "--first")
    return tmp_path / "live"


def publish(molthub: Command, count: int, *options: str) -> None:
    """Build, sign over what is live, and deploy."""
    commit(numbered(count), Path("registry"))
    for step in (
        ("build", "--registry", "registry", "--out", "site"),
        ("sign", "--keys", "keys", "--registry", "registry", *(options or ("--previous", "live"))),
        ("deploy", "--to", "live"),
    ):
        said = molthub(*step)
        assert said.status == 0, said


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder from another process; the value is its address."""
    program = "from molthub.cli.main import molthub_group; from molthub.console import run; run(molthub_group)"
    command = [sys.executable, "-c", program, "serve", "--index", str(folder), "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://[0-9.:]+/", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.terminate()


def test_many_readers_never_meet_a_mixed_or_broken_index(molthub: Command, live: Path, tmp_path: Path) -> None:
    """While many publications are deployed, whatever any reader fetches verifies down to the log's entries."""
    with served(live) as url:
        shares = [min(READERS_IN_ONE, READERS - at) for at in range(0, READERS, READERS_IN_ONE)]
        script = Path(__file__).with_name("readers.py")
        processes = [
            subprocess.Popen(
                [sys.executable, str(script), url, "keys/1.root.json", str(tmp_path / f"readers-{at}"), str(share)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for at, share in enumerate(shares)
        ]
        try:
            for count in range(2, PUBLISHES + 2):
                publish(molthub, count)
        finally:
            told = [reader for process in processes for reader in json.loads(process.communicate()[0])]
    assert [failure for reader in told for failure in reader["failures"]] == []
    assert len(told) == READERS
    assert all(reader["reads"] for reader in told)
    assert len({size for reader in told for size in reader["sizes"]}) > 2, "they did read while it was published"
    print(f"{sum(reader['reads'] for reader in told)} reads by {READERS} readers during {PUBLISHES} publications")
