"""Kept connections to HTTP servers, straight or through a proxy, shared by the threads of one download."""

from __future__ import annotations

import http.client
import os
from typing import NamedTuple

from molthub.client.proxies import Proxy, proxy_for


class Origin(NamedTuple):
    """What a connection leads to (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.scheme == "https" else 80)
        return f"{self.scheme}://{host}" + ("" if usual else f":{self.port}")


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


class Pool:
    """Connections that are not in use. Safe for threads: a list's append and pop are atomic."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
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
            if connection.origin == origin:
                found = connection
            else:
                others.append(connection)
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
            return Connection(http.client.HTTPConnection(host, port, timeout=self.timeout), origin, proxy)
        secure = http.client.HTTPSConnection(host, port, timeout=self.timeout)
        if proxy:
            credentials = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
            secure.set_tunnel(origin.host, origin.port, headers=credentials)
        return Connection(secure, origin, proxy)
