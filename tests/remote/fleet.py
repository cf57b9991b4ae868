"""Controllers and agents as real processes over loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from molthub.documents import hex_of
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.remote.store import AgentStore
from tests.reconciler.running import Program, program, wait_for
from tests.reconciler.world import World, run_molthub


@dataclass
class Fleet:
    """The places of one controller and of the machines of its agents."""

    world: World
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def places(self) -> list[str]:
        return ["--target", str(self.world.target), "--state", str(self.world.state)]

    @property
    def state(self) -> TargetState:
        return TargetState(self.world.state, str(self.world.target))

    @property
    def store(self) -> AgentStore:
        return AgentStore(self.state)

    @contextmanager
    def controller(self, *options: str) -> Iterator[Program]:
        """Run the controller; it listens where it did before."""
        log = self.world.folder / "controller.log"
        log.write_text("")
        listen = ["--listen", f"127.0.0.1:{self.port}", *options]
        with program(log, "--index", str(self.world.site.folder), *self.places, *listen) as running:
            wait_for(lambda: "listening for agents at" in running.said(), running)
            found = re.search(r"at https?://[^ ]*:(\d+)/", running.said())
            assert found is not None
            self.port = int(found[1])
            yield running

    def token(self, bot: str) -> Path:
        """Enrol a bot as its operator does; return the file with its token."""
        outcome = run_molthub("agents", "token", bot, *self.places)
        assert outcome.status == 0, outcome
        place = self.machine(bot) / "token"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(0o600)
        place.write_text(outcome.stdout)
        return place

    def machine(self, bot: str) -> Path:
        """Return the folder that is a bot's machine."""
        return self.world.folder / "machines" / bot.replace("/", "-")

    def home(self, bot: str) -> Path:
        return self.machine(bot) / "bots" / bot

    def agent_options(self, bot: str, *options: str) -> list[str]:
        machine = self.machine(bot)
        places = ["--target", str(machine / "bots"), "--state", str(machine / "state")]
        return ["--bot", bot, "--controller", self.url, "--token-file", str(machine / "token"),
                "--index", str(self.world.site.folder), *places, *options]  # fmt: skip

    @contextmanager
    def agent(self, bot: str, *options: str) -> Iterator[Program]:
        with program(self.machine(bot) / "log", *self.agent_options(bot, *options)) as running:
            yield running

    def state_of(self, bot: str) -> str | None:
        """Return what the controller has on record of a bot."""
        last = next(iter(reversed(self.state.passes(bot))), {})
        found = last.get("state")
        return None if found is None else str(found)

    def document_of(self, bot: str) -> Path:
        """Return where an agent keeps the document of its assignment."""
        given = self.store.assignment(bot)
        assert given is not None
        machine = self.machine(bot)
        folder = machine / "state/targets" / hex_of(str(machine / "bots").encode())[:12]
        return folder / "bots" / bot / "documents" / f"{given.document}.json"


def level(home: Path) -> str:
    """Return the bot's own description of what it has."""
    place = home / ".agents/molthub.json"
    return place.read_text() if place.exists() else ""
