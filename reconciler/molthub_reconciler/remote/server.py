"""The controller's side for agents: HTTP/1.1, one request per connection, each with a limit in bytes and in time.

=============================================  ================================================================
``GET /v1/bots/F/B/assignment``                what the bot is to have; ``ETag`` and ``If-None-Match`` (RFC 9110)
``GET /v1/bots/F/B/documents/<hex>``           the document that it is assigned, and no other
``POST /v1/bots/F/B/report``                   what its agent found and did
``GET /v1/bots``, ``POST /v1/nudge``           for the operator's token: all bots; ask for a look now
=============================================  ================================================================

A token is for one bot. Without the right one, every path is answered alike: who asks learns not even which bots are.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs

from molthub.client.index_cache import timestamp
from molthub.documents import canonical_plain, hex_of
from molthub.errors import FormatError, MolthubError, UsageError
from molthub.model import Json
from molthub_reconciler.remote.exchange import MAX_REPORT, answer_to_bytes
from molthub_reconciler.remote.store import OPERATOR, AgentStore
from molthub_reconciler.remote.tokens import is_token
from molthub_reconciler.state import NUDGE

SECONDS = 20.0
"""A request that takes longer, with its TLS handshake, is cut off."""
AT_ONCE = 128
"""Requests at a time; whoever comes beyond that is sent away, and comes again."""
_LONGEST_INTERVAL = 86_400.0
_USUAL_INTERVAL = 60.0
_SECONDS_TEXT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?\Z")
_REAP = 0.5

Observed = Callable[[], list[Json]]
"""Returns all bots of the target as the operator sees them."""


@dataclass(frozen=True)
class Listen:
    """Where to listen, and with which certificate."""

    host: str
    port: int
    certificate: str | None = None
    key: str | None = None

    @property
    def url(self) -> str:
        """The address as agents on this network name it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}/"


def listen_at(text: str, certificate: str | None, key: str | None, *, insecure: bool) -> Listen:
    """Read ``ADDR:PORT`` or ``PORT``. Raises :class:`UsageError`, too, where tokens would be sent for all to read."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal()) or int(port) > 65_535:  # noqa: PLR2004 (RFC 9293: 16 bits)
        raise UsageError(f"{text!r} is no address to listen at", remedy="write it as ADDR:PORT, like 0.0.0.0:8443")
    if certificate is None and not insecure and not _is_loopback(host):
        raise UsageError(
            f"over plain http everybody on the way to {host} could read the tokens",
            remedy="give --tls-certificate and --tls-key; or listen at 127.0.0.1 behind a proxy that has a "
            "certificate; --insecure-listen where that proxy is another machine",
        )
    return Listen(host, int(port), certificate, key)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ip_address(host).is_loopback
    return False


@dataclass(frozen=True)
class _Reply:
    status: HTTPStatus
    content: bytes = b""
    etag: str = ""


def _error(status: HTTPStatus, message: str) -> _Reply:
    return _Reply(status, canonical_plain({"error": {"message": message}}))


_DENIED = _error(HTTPStatus.UNAUTHORIZED, "there is no such bot, or this is not its token")
_NOTHING = _error(HTTPStatus.NOT_FOUND, "there is nothing here")


class _Request(BaseHTTPRequestHandler):
    """One request; the connection ends with its answer."""

    protocol_version = "HTTP/1.1"
    server_version = "molthub"
    sys_version = ""
    timeout = SECONDS
    server: AgentServer

    def do_GET(self) -> None:
        self._answered(self._got)

    def do_POST(self) -> None:
        self._answered(self._posted)

    def _answered(self, work: Callable[[list[str]], _Reply]) -> None:
        path = self.path.partition("?")[0].split("/")[1:]
        try:
            reply = work(path) if self._is_allowed(path) else _DENIED
        except OSError as error:
            self.server.warn(f"an agent could not be answered: {error.strerror or type(error).__name__}")
            reply = _error(HTTPStatus.SERVICE_UNAVAILABLE, "this cannot be done now")
        self._send(reply)

    def _is_allowed(self, path: list[str]) -> bool:
        """Whether the token shown is that of the bot that the path names, or the operator's."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        bot = _bot_of(path)
        kept = self.server.store.token(OPERATOR if path in (["v1", "bots"], ["v1", "nudge"]) else bot)
        return is_token(token.strip() if scheme.lower() == "bearer" else "", kept)

    def _got(self, path: list[str]) -> _Reply:
        store, bot = self.server.store, _bot_of(path)
        if path == ["v1", "bots"]:
            return _Reply(HTTPStatus.OK, canonical_plain({"format": "molthub.bots/1", "at": timestamp(),
                                                          "bots": self.server.observed()}))  # fmt: skip
        if path[4:] == ["assignment"]:
            store.heard(bot, self._interval(), self.headers.get("User-Agent", "")[:64])
            content = answer_to_bytes(store.answer(bot))
            etag = f'"{hex_of(content)}"'
            if self.headers.get("If-None-Match") == etag:
                return _Reply(HTTPStatus.NOT_MODIFIED, etag=etag)
            return _Reply(HTTPStatus.OK, content, etag)
        if len(path) == 6 and path[4] == "documents":  # noqa: PLR2004 (v1/bots/F/B/documents/HEX)
            document = store.document(bot, path[5])
            return _NOTHING if document is None else _Reply(HTTPStatus.OK, document)
        return _NOTHING

    def _posted(self, path: list[str]) -> _Reply:
        if path == ["v1", "nudge"]:
            note = f"{timestamp()} an operator {time.monotonic_ns()}\n"
            self.server.store.state.keep_note("", NUDGE, note.encode())
            return _Reply(HTTPStatus.OK, canonical_plain({"asked": f"the controller on {socket.gethostname()}"}))
        if path[4:] != ["report"]:
            return _NOTHING
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            return _error(HTTPStatus.LENGTH_REQUIRED, "say how long the report is (Content-Length)")
        if len(length) > 10 or int(length) > MAX_REPORT:  # noqa: PLR2004 (before a number of any length is read)
            return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a report has at most {MAX_REPORT} bytes")
        return self._told(_bot_of(path), self.rfile.read(int(length)), int(length))

    def _told(self, bot: str, content: bytes, length: int) -> _Reply:
        if len(content) != length:
            return _error(HTTPStatus.BAD_REQUEST, "the report broke off")
        try:
            is_news = self.server.store.told(bot, content)
        except FormatError as error:
            return _error(HTTPStatus.BAD_REQUEST, str(error)[:500])
        if is_news:
            self.server.news.set()
        return _Reply(HTTPStatus.OK, canonical_plain({"reported": hex_of(content)}))

    def _interval(self) -> float:
        """Return how often the agent asks, in seconds."""
        said = parse_qs(self.path.partition("?")[2]).get("interval", [""])[-1]
        return min(max(float(said), 1.0), _LONGEST_INTERVAL) if _SECONDS_TEXT.match(said) else _USUAL_INTERVAL

    def _send(self, reply: _Reply) -> None:
        self.close_connection = True
        self.send_response(reply.status)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        if reply.etag:
            self.send_header("ETag", reply.etag)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Say nothing: what agents tell shows in the reports, and a line per look would bury them."""


def _bot_of(path: list[str]) -> str:
    return "/".join(path[2:4]) if path[:2] == ["v1", "bots"] and len(path) > 4 else ""  # noqa: PLR2004 (F/B and a thing)


@dataclass
class _Open:
    """The requests under way, and when each is to be over."""

    until: dict[socket.socket, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, connection: socket.socket) -> bool:
        """Count a request; return False where there are too many."""
        with self.lock:
            if len(self.until) >= AT_ONCE:
                return False
            self.until[connection] = time.monotonic() + SECONDS
            return True

    def end(self, connection: socket.socket) -> None:
        """Count it no more."""
        with self.lock:
            self.until.pop(connection, None)

    def cut_off_late(self) -> None:
        """End the connections whose time is over, however busy they are: a byte now and then buys no time."""
        now = time.monotonic()
        with self.lock:
            late = [connection for connection, until in self.until.items() if until < now]
        for connection in late:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class AgentServer(ThreadingHTTPServer):
    """Answers agents until :meth:`close`. ``news`` is set when a report came that says something new.

    Raises :class:`MolthubError` where nobody can listen there.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(
        self, listen: Listen, store: AgentStore, news: threading.Event, warn: Callable[[str], None], observed: Observed
    ) -> None:
        self.store = store
        self.news = news
        self.warn = warn
        self.observed = observed
        self._open = _Open()
        self._tls = _context(listen) if listen.certificate is not None else None
        self.address_family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        try:
            super().__init__((listen.host, listen.port), _Request)
        except OSError as error:
            message = f"nobody can listen there: {error.strerror or error}"
            raise MolthubError(message, place=f"{listen.host}:{listen.port}", remedy="give another --listen") from None
        self.listen = Listen(listen.host, self.server_address[1], listen.certificate, listen.key)
        self._thread = threading.Thread(target=self.serve_forever, args=(_REAP,), name="agents", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()

    def server_bind(self) -> None:
        """Bind, and ask no name server what the address is called."""
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), port

    def service_actions(self) -> None:
        """Do what is due between two requests."""
        self._open.cut_off_late()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a request its thread, if there is one left."""
        if self._open.begin(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request; whatever it does, it ends alone."""
        try:
            request.settimeout(SECONDS)
            if self._tls is None:
                self.finish_request(request, client_address)
            else:
                with self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as secure:
                    self._open.end(request)
                    request = secure
                    if self._open.begin(secure):
                        secure.do_handshake()
                        self.finish_request(secure, client_address)
        except (OSError, ValueError):
            pass  # the other side went away, or was cut off
        finally:
            self._open.end(request)
            self.shutdown_request(request)


def _context(listen: Listen) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(str(listen.certificate), listen.key)
    except (OSError, ssl.SSLError) as error:
        remedy = "give PEM files: the certificate with those between it and its CA, and its key without a password"
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise UsageError(f"the certificate cannot be used: {reason}", place=str(listen.certificate),
                         remedy=remedy) from None  # fmt: skip
    return context
