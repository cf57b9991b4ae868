"""Kept connections to HTTP servers, straight or through a proxy, shared by the threads of one download."""

from __future__ import annotations

import http.client
import os
import select
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from molthub.client.addresses import Origin
from molthub.client.paced import PacedResponse
from molthub.client.proxies import Proxy, proxy_for

if TYPE_CHECKING:
    import ssl


class Connection(NamedTuple):
    """One connection. ``kept``: it answered before, so the server may have closed it since."""

    http: http.client.HTTPConnection
    origin: Origin
    proxy: Proxy | None
    kept: bool = False

    def target(self, path: str) -> str:
        """Return how a request names ``path``: through a proxy in full (RFC 9112, section 3.2.2)."""
        return f"{self.origin}{path}" if self.proxy and self.origin.scheme == "http" else path

    def headers(self) -> dict[str, str]:
        """Return the headers that every request on this connection needs."""
        plain = self.proxy is not None and self.origin.scheme == "http" and self.proxy.authorization
        return {"Proxy-Authorization": self.proxy.authorization} if self.proxy and plain else {}

    def is_quiet(self) -> bool:
        """Whether nothing came since the last answer: neither its end, nor an answer that nobody asked for."""
        waiting = self.http.sock
        return isinstance(waiting, socket.socket) and not _is_readable(waiting)


class Pool:
    """Connections that are not in use. Safe for threads: a list's append and pop are atomic.

    ``context`` returns the TLS settings for an origin.
    """

    def __init__(self, timeout: float, context: Callable[[Origin], ssl.SSLContext]) -> None:
        self.timeout = timeout
        self._context = context
        self._idle: list[Connection] = []

    def take(self, origin: Origin) -> Connection:
        """Return a connection to ``origin``, kept or new. Connecting happens with the first request."""
        others = []
        found = None
        while self._idle and found is None:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.origin != origin:
                others.append(connection)
            elif connection.is_quiet():
                found = connection
            else:
                connection.http.close()
        self._idle.extend(others)
        return found or self._new(origin)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        self._idle.append(connection._replace(kept=True))

    def close(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            self._idle.pop().http.close()

    def _new(self, origin: Origin) -> Connection:
        proxy = proxy_for(origin.scheme, origin.host, origin.port, os.environ)
        host, port = (proxy.host, proxy.port) if proxy else (origin.host, origin.port)
        if origin.scheme == "http":
            plain = http.client.HTTPConnection(host, port, timeout=self.timeout)
            plain.response_class = PacedResponse
            return Connection(plain, origin, proxy)
        secure = http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self._context(origin))
        secure.response_class = PacedResponse
        if proxy:
            credentials = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
            secure.set_tunnel(origin.host, origin.port, headers=credentials)
        return Connection(secure, origin, proxy)


def _is_readable(waiting: socket.socket) -> bool:
    if not hasattr(select, "poll"):  # Windows, where select() takes any socket
        return bool(select.select([waiting], [], [], 0)[0])
    poll = select.poll()  # select() takes no descriptor above 1023
    poll.register(waiting, select.POLLIN)
    return bool(poll.poll(0))
