"""One HTTP/1.1 connection of a client: requests in, replies out, each within its time and size.

h11 reads and writes the protocol (RFC 9112); what is kept here is patience. From its first byte a request has
:data:`SECONDS`, however busily it trickles; a client without a token that counts has those for its whole stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl

import h11

from molthub.documents import canonical_plain
from molthub.model import Json

SECONDS = 20.0
"""A request, or a reply, that takes longer is cut off (large replies: see :data:`SLOWEST`)."""
IDLE = 90.0
"""So long a connection is kept between two requests."""
SLOWEST = 32 * 1024
"""Bytes a second: a reply may take a second more for each."""
MAX_HEAD = 16 * 1024
"""Bytes of a request's line and headers."""
_CHUNK = 256 * 1024
_HIGH_WATER = 256 * 1024

Right = TypeVar("Right")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``path`` is cut at its slashes and not decoded: no name in it needs that."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    peer: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``last``: the connection ends with it."""

    status: HTTPStatus
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    last: bool = False

    @classmethod
    def of(cls, value: Json, **headers: str) -> Reply:
        """Return a JSON document."""
        return cls(HTTPStatus.OK, canonical_plain(value), headers)

    @classmethod
    def error(cls, status: HTTPStatus, message: str, *, last: bool = False, **headers: str) -> Reply:
        """Return why something cannot be had."""
        return cls(status, canonical_plain({"error": {"message": message}}), headers, last=last)


class Answers(Protocol, Generic[Right]):
    """What a connection asks: first by the head alone whether to go on, then for the answer."""

    def admitted(self, request: Request) -> Right | Reply:
        """Return what the client may, or why it may not. Nothing of the body was read yet."""
        ...

    def body_limit(self, request: Request) -> int:
        """Return how many bytes the body of an admitted request may have."""
        ...

    async def answer(self, request: Request, right: Right) -> Reply:
        """Return the answer. Cancelled where the client goes away."""
        ...


class Crowd(Protocol):
    """Who is connected."""

    def came(self, connection: HttpConnection[Any]) -> bool:
        """Take note of a connection; return False where there is no room."""
        ...

    def is_known(self, connection: HttpConnection[Any]) -> None:
        """Take note that its client showed a token that counts."""
        ...

    def left(self, connection: HttpConnection[Any]) -> None:
        """Take note that it ended."""
        ...


class HttpConnection(asyncio.Protocol, Generic[Right]):
    """A connection, from a client's coming to its going. One request is answered at a time."""

    def __init__(self, answers: Answers[Right], crowd: Crowd, tls: ssl.SSLContext | None = None) -> None:
        self._answers = answers
        self._crowd = crowd
        self._tls = tls
        self._shaking: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._request: Request | None = None
        self._right: Right | None = None
        self._body: list[bytes] = []
        self._room = 0
        self._task: asyncio.Task[None] | None = None
        self._may_write: asyncio.Future[None] | None = None
        self._is_fresh = True
        self._ahead = 0
        self.peer = ""

    # --- what asyncio says ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a client in, if there is room."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (asyncio's own promise for stream servers)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        if not self._crowd.came(self):
            transport.abort()
            return
        self._within(SECONDS)
        if self._tls is None:
            transport.set_write_buffer_limits(_HIGH_WATER)
        else:
            self._shaking = self._loop.create_task(self._shake_hands(transport, self._tls))

    async def _shake_hands(self, transport: asyncio.Transport, tls: ssl.SSLContext) -> None:
        """Speak TLS from here on. Only now, so that who never ends the handshake counts as a stranger all the while."""
        try:
            secure = await self._loop.start_tls(transport, self, tls, server_side=True, ssl_handshake_timeout=SECONDS)
        except (OSError, asyncio.CancelledError):
            secure = None
        if secure is None or transport.is_closing():
            transport.abort()
            self._crowd.left(self)
            return
        self._transport, self._shaking = secure, None
        secure.set_write_buffer_limits(_HIGH_WATER)
        self._go_on()  # what came with the end of the handshake

    def data_received(self, data: bytes) -> None:
        """Take in what comes."""
        if self._task is not None:
            self._ahead += len(data)
            if self._ahead > MAX_HEAD:  # nobody sends so much before the answer
                self.abort()
                return
        elif self._is_fresh:
            self._is_fresh = False
            if self._right is not None:
                self._within(SECONDS)
        self._http.receive_data(data)
        if self._shaking is None:
            self._go_on()

    def eof_received(self) -> bool:
        """Close: a client that says no more is gone."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        """Stop working for a client that is gone."""
        if self._deadline is not None:
            self._deadline.cancel()
        for task in (self._task, self._shaking):
            if task is not None:
                task.cancel()
        if self._may_write is not None and not self._may_write.done():
            self._may_write.cancel()
        self._crowd.left(self)

    def pause_writing(self) -> None:
        """Wait for a client that does not keep up."""
        self._may_write = self._loop.create_future()

    def resume_writing(self) -> None:
        """Go on: the client keeps up again."""
        if self._may_write is not None and not self._may_write.done():
            self._may_write.set_result(None)
        self._may_write = None

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- requests -------------------------------------------------------------------------------------------------

    def _within(self, seconds: float | None) -> None:
        """Cut the connection off after so many seconds, unless told otherwise. None: whenever."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(seconds, self.abort) if seconds is not None else None

    def _go_on(self) -> None:
        """Take in what came of a request, and begin to answer it when it is whole."""
        while self._task is None and self._transport is not None and not self._transport.is_closing():
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                status = HTTPStatus(error.error_status_hint) if error.error_status_hint else HTTPStatus.BAD_REQUEST
                self._reply_at_once(Reply.error(status, "this is no request", last=True))
                return
            if isinstance(event, h11.Request):
                if not self._begun(event):
                    return
            elif isinstance(event, h11.Data):
                self._room -= len(event.data)
                if self._room < 0:
                    self._reply_at_once(_TOO_LARGE)
                    return
                self._body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._start(self._whole())
            else:  # more must come first, or the client is gone
                return

    def _begun(self, event: h11.Request) -> bool:
        """Judge a request by its head. Return whether its body is wanted."""
        path, _, query = event.target.decode("ascii", "replace").partition("?")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        request = Request(event.method.decode("ascii", "replace"), tuple(path.split("/")[1:]),
                          dict(parse_qsl(query, max_num_fields=32) if query.count("&") < 32 else ()),  # noqa: PLR2004 (more than any request has)
                          headers, self.peer)  # fmt: skip
        admitted = self._answers.admitted(request)
        if isinstance(admitted, Reply):
            self._reply_at_once(admitted)
            return False
        if self._right is None:
            self._crowd.is_known(self)
        self._request, self._right, self._body = request, admitted, []
        self._room = self._answers.body_limit(request)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 12 or int(length) > self._room:  # noqa: PLR2004 (before a number of any length is read)
            self._reply_at_once(_TOO_LARGE)
            return False
        if self._http.they_are_waiting_for_100_continue and self._transport is not None:
            self._transport.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        return True

    def _whole(self) -> Request:
        asked = self._request
        assert asked is not None  # noqa: S101 (a body follows its head)
        return Request(asked.method, asked.path, asked.query, asked.headers, asked.peer, b"".join(self._body))

    def _start(self, request: Request) -> None:
        self._within(None)
        self._ahead = len(self._http.trailing_data[0])
        if self._ahead > MAX_HEAD:
            self.abort()
            return
        self._begin(self._answered(request))

    def _reply_at_once(self, reply: Reply) -> None:
        """Answer without having read the whole request; the connection ends with that."""
        self._begin(self._sent(Reply(reply.status, reply.content, reply.headers, last=True)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = self._loop.create_task(work)

    async def _answered(self, request: Request) -> None:
        assert self._right is not None  # noqa: S101 (it was admitted)
        reply = await self._answers.answer(request, self._right)
        await self._sent(reply)

    async def _sent(self, reply: Reply) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._within(SECONDS + len(reply.content) / SLOWEST)
        last = reply.last or self._http.our_state is not h11.SEND_RESPONSE or self._http.their_state is not h11.DONE
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            transport.write(self._head(reply, last=last))
            for start in range(0, len(reply.content), _CHUNK):
                transport.write(self._http.send(h11.Data(data=reply.content[start : start + _CHUNK])) or b"")
                if self._may_write is not None:
                    await self._may_write
            transport.write(self._http.send(h11.EndOfMessage()) or b"")
        if last or self._http.our_state is not h11.DONE:
            transport.close()
            return
        self._next()

    def _head(self, reply: Reply, *, last: bool) -> bytes:
        headers = {"Content-Type": reply.kind, "Content-Length": str(len(reply.content)), "Cache-Control": "no-store",
                   "X-Content-Type-Options": "nosniff", **reply.headers}  # fmt: skip
        if reply.status in (HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT):
            del headers["Content-Type"], headers["Content-Length"]
        if last:
            headers["Connection"] = "close"
        found = self._http.send(h11.Response(status_code=int(reply.status), headers=list(headers.items()),
                                             reason=reply.status.phrase))  # fmt: skip
        return found or b""

    def _next(self) -> None:
        """Be there for the next request of the same client."""
        self._http.start_next_cycle()
        self._task, self._request, self._is_fresh = None, None, True
        self._within(IDLE)
        if self._ahead:
            self._is_fresh = False
            self._within(SECONDS)
            self._go_on()


_TOO_LARGE = Reply.error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "this is more than is taken here", last=True)


def json_body(request: Request) -> dict[str, Any] | None:
    """Return the JSON object that a request brings; None: it brings none."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(request.body)
        if isinstance(found, dict):
            return found
    return None
