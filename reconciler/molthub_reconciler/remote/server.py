"""The controller's side for agents: an event loop in a thread of its own that answers thousands of them.

An agent that has nothing to hear costs a connection and a timer; what is asked and answered is in :mod:`.desk`, how a
connection is read and cut off in :mod:`.connection`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from molthub.errors import MolthubError, UsageError
from molthub_reconciler.remote.connection import HttpConnection
from molthub_reconciler.remote.desk import Desk
from molthub_reconciler.remote.listen import Listen, server_context, stamp_of
from molthub_reconciler.remote.token_files import Kept

STRANGERS = 256
"""Connections that showed no token yet; of more than these, who was silent for :data:`SILENT` seconds has to go."""
SILENT = 3.0
MOST = 20_000
"""Connections at a time."""
_SPARE_FILES = 256
_LOOK = 0.5
_BACKLOG = 1024


class Guests:
    """Who is connected: those with a token that counts, and strangers, of whom there are few."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._known: set[HttpConnection[Any]] = set()
        self._strangers: OrderedDict[HttpConnection[Any], float] = OrderedDict()

    def came(self, connection: HttpConnection[Any]) -> bool:
        """Let a stranger in, for one who is silent where there are many. When everything is full, the oldest goes."""
        now = self._clock()
        is_full = len(self._known) + len(self._strangers) >= self._most
        if is_full and not self._strangers:
            return False
        if is_full or (len(self._strangers) >= STRANGERS and now - next(iter(self._strangers.values())) > SILENT):
            self._strangers.popitem(last=False)[0].abort()
        self._strangers[connection] = now
        return True

    def is_known(self, connection: HttpConnection[Any]) -> None:
        """Count a connection among those that showed a token."""
        if self._strangers.pop(connection, None) is not None:
            self._known.add(connection)

    def left(self, connection: HttpConnection[Any]) -> None:
        """Count it no more."""
        self._strangers.pop(connection, None)
        self._known.discard(connection)

    def send_away(self) -> None:
        """End all of them."""
        for connection in [*self._known, *self._strangers]:
            connection.abort()


class AgentServer:
    """Lets a desk answer agents and operators from :meth:`start` to :meth:`close`.

    Raises :class:`MolthubError` where nobody can listen there, :class:`UsageError` for unusable certificates.
    """

    def __init__(self, listen: Listen, desk: Desk) -> None:
        self.desk = desk
        self._tls = server_context(listen)
        self._certificates = stamp_of(listen)
        self._socket = _bound(listen)
        self.listen = Listen(listen.host, self._socket.getsockname()[1], listen.certificate, listen.key,
                             listen.client_ca)  # fmt: skip
        self._guests = Guests(_room())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="agents", daemon=True)
        self._stop = asyncio.Event()

    def start(self) -> None:
        """Answer from now on."""
        self.desk.store.on_news = self._hear
        self._thread.start()

    def close(self) -> None:
        """Answer no more; who was heard of when is written down."""
        self.desk.store.on_news = lambda _bot: None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        else:
            self._loop.close()
        self.desk.close()
        self._socket.close()

    def _hear(self, bot: str) -> None:
        """Something is new for a bot's agent. Called by the thread that works on bots."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.desk.wake, bot)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._answer_all())

    def _renew(self) -> None:
        """Take up certificates that were renewed, for whoever connects from now on."""
        stamp = stamp_of(self.listen)
        if stamp == self._certificates:
            return
        self._certificates = stamp
        try:
            self._tls = server_context(self.listen)
        except UsageError as error:  # one file of two may be there first
            self.desk.warn(f"the renewed certificate is not used yet: {error.message}")

    async def _answer_all(self) -> None:
        server = await self._loop.create_server(
            lambda: HttpConnection[Kept](self.desk, self._guests, self._tls), sock=self._socket, backlog=_BACKLOG
        )
        try:
            while not self._stop.is_set():
                self.desk.look_around()
                self._renew()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self._stop.wait()
        finally:
            server.close()
            self._guests.send_away()
            self.desk.note_presence()


def _bound(listen: Listen) -> socket.socket:
    """Return a socket that listens. No name server is asked what the address is called."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((listen.host, listen.port))
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        message = f"nobody can listen there: {error.strerror or error}"
        raise MolthubError(message, place=f"{listen.host}:{listen.port}", remedy="give another --listen") from None
    return found


def _room() -> int:
    """Return how many connections there may be, after asking the system for as many open files as it gives."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows, where files are not counted
        return MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + _SPARE_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST + _SPARE_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return MOST if soft == resource.RLIM_INFINITY else max(64, min(MOST, soft - _SPARE_FILES))
