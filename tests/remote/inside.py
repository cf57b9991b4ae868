"""A controller inside the test's own process: its server in a thread, its passes when the test wants one."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from molthub.client.cache import Store
from molthub.client.fetch import open_fetcher
from molthub_reconciler.operators.operations import Operations
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.remote.desk import Desk
from molthub_reconciler.remote.known import known_bots
from molthub_reconciler.remote.listen import Listen
from molthub_reconciler.remote.relay import Relay
from molthub_reconciler.remote.server import AgentServer
from molthub_reconciler.remote.store import AgentStore
from molthub_reconciler.remote.token_files import Owner
from molthub_reconciler.report import Report
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace
from tests.reconciler.world import World


@dataclass
class Inside:
    """The controller of a world's bots. ``warned`` is what it says."""

    world: World
    place: Workplace
    server: AgentServer
    warned: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.listen.url

    def look(self) -> Report:
        """Do one pass over what is published now."""
        self.place.refresh()
        return self.place.once("reconcile", Rules(act=True))

    def enrol(self, bot: str) -> str:
        return self.place.agents.tokens.enrol(Owner(bot=bot))

    def machine(self, bot: str) -> Path:
        """Return the folder that is a bot's machine."""
        return self.world.folder / "machines" / bot.replace("/", "-")

    def token_file(self, bot: str, token: str) -> Path:
        place = self.machine(bot) / "token"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(0o600)
        place.write_text(token)
        return place

    def agent(self, bot: str, *options: str) -> list[str]:
        """Return the command line of a bot's agent; without ``--index`` it asks the controller."""
        machine = self.machine(bot)
        return ["reconcile", "--bot", bot, "--controller", self.url, "--token-file", str(machine / "token"),
                "--target", str(machine / "bots"), "--state", str(machine / "state"), *options]  # fmt: skip

    def ask(
        self, path: str, token: str = "", *, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        return ask(self.server.listen.port, path, token, method=method, body=body, **headers)


def ask(
    port: int, path: str, token: str = "", *, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Ask as whoever knows a token; return status, body and headers (in lower case)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, {**({"Authorization": f"Bearer {token}"} if token else {}), **sent})
        answer = connection.getresponse()
        return answer.status, answer.read(), {key.lower(): value for key, value in answer.getheaders()}
    finally:
        connection.close()


@contextmanager
def inside(
    world: World, listen: Listen | None = None, clock: Callable[[], float] = time.time
) -> Iterator[Inside]:  # fmt: skip
    """Run one, with a store of its own that no agent shares."""
    place = Workplace(str(world.site.folder), world.target, world.state, Choice())
    place.agents = AgentStore(place.state, clock=clock)
    place.agents.fetch = place.index.bot_content
    place.store = Store(world.folder / "controllers-store")
    place.make_target()
    warned: list[str] = []
    relay = Relay(open_fetcher(str(world.site.folder)), place.store, place.agents)
    desk = Desk(place.agents, news=place.news, warn=warned.append, observed=lambda: known_bots(place.state),
                relay=relay, operate=Operations(place, warned.append).do)  # fmt: skip
    server = AgentServer(listen or Listen("127.0.0.1", 0), desk)
    server.start()
    try:
        yield Inside(world, place, server, warned)
    finally:
        server.close()
