"""What agents and operators ask, and who gets an answer. Whoever has no token that counts learns nothing.

=============================================  ================================================================
``GET /v1/bots/F/B/assignment``                what the bot is to have; ``ETag`` and ``If-None-Match`` (RFC 9110).
                                               With ``Prefer: wait=N`` (RFC 7240, section 4.3) the answer waits for
                                               something else than what is known, N seconds at most
``GET /v1/bots/F/B/documents/<hex>``           the document that it is assigned, and no other
``GET /v1/bots/F/B/index/...``                 what the bot needs of the index (:mod:`.relay`)
``POST /v1/bots/F/B/report``                   what its agent found and did
``GET /v1/bots``, ``POST /v1/nudge``           for operators: all bots; ask for a look now
``POST /v1/commands``                          for operators: a command (:mod:`.orders`), run here
``GET /v1/openapi.json``                       all of this, for programs (:mod:`.openapi`)
=============================================  ================================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from molthub.client.index_cache import timestamp
from molthub.documents import hex_of
from molthub.errors import FormatError, MolthubError
from molthub.model import Json
from molthub_reconciler.records.state import NUDGE
from molthub_reconciler.remote.connection import Reply, Request
from molthub_reconciler.remote.exchange import MAX_REPORT, answer_to_bytes
from molthub_reconciler.remote.openapi import openapi
from molthub_reconciler.remote.refusals import Refusals
from molthub_reconciler.remote.relay import AT_ONCE, Relay
from molthub_reconciler.remote.store import AgentStore
from molthub_reconciler.remote.token_files import Kept, Owner
from molthub_reconciler.remote.tokens import operator_of

LONGEST_WAIT = 55.0
"""Seconds that an answer waits for news: less than the minute after which proxies usually give up."""
_LONGEST_INTERVAL = 86_400.0
_USUAL_INTERVAL = 60.0
_SECONDS_TEXT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?\Z")
_WAIT = re.compile(r"(?:^|,)\s*wait=([0-9]{1,5})\s*(?:$|[,;])")
_AGENT = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_SERIAL = re.compile(r"[0-9]{1,15}\Z")
AGENT_HEADER = "molthub-agent"
MACHINE_HEADER = "molthub-machine"

_LASTING = "private, max-age=31536000, immutable"

Observed = Callable[[], list[Json]]
"""Returns all bots of the target as the operator sees them."""

Operate = Callable[[Request, Kept], Awaitable[Reply]]
"""Runs a command for an operator."""

_DENIED = Reply.error(HTTPStatus.UNAUTHORIZED, "there is no such bot, or this is not its token", last=True,
                      **{"WWW-Authenticate": "Bearer"})  # fmt: skip
_NUDGE = ("POST", "v1", "nudge")
_NOTHING = Reply.error(HTTPStatus.NOT_FOUND, "there is nothing here")


class Desk:
    """Answers for one controller.

    ``news`` is set when a report came that says something new, ``relay`` passes its index on, ``warn`` is told what
    whoever runs it should know, ``observed`` returns all bots of the target as an operator sees them, and
    ``operate`` does what operators ask.
    All but :meth:`hear` and :meth:`look_around` belong to the thread of the event loop.
    """

    def __init__(
        self, store: AgentStore, *, news: threading.Event, warn: Callable[[str], None], observed: Observed,
        relay: Relay | None = None, operate: Operate | None = None,
    ) -> None:  # fmt: skip
        self.store = store
        self._operate = operate
        self._relay = relay
        self._relaying = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="relay")
        self.news = news
        self.warn = warn
        self._observed = observed
        self._refusals = Refusals(warn)
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._nudge = store.state.note("", NUDGE)
        self._tokens = store.tokens.stamp()

    # --- who may ----------------------------------------------------------------------------------------------------

    def admitted(self, request: Request) -> Kept | Reply:
        """Return whose token a request shows, if that one may ask for what it names."""
        token = _token_of(request)
        kept = self._kept(request)
        if kept is not None:
            return kept
        wait = self._refusals.count(request.peer, time.monotonic(), shown=bool(token))
        if wait > 0:
            return Reply.error(HTTPStatus.TOO_MANY_REQUESTS, "too many requests without a token that counts", last=True,
                               **{"Retry-After": str(int(wait) + 1)})  # fmt: skip
        return _DENIED

    def body_limit(self, request: Request) -> int:
        """Return how many bytes may come with a request."""
        return MAX_REPORT if request.method == "POST" else 0

    def _kept(self, request: Request) -> Kept | None:
        token, path = _token_of(request), request.path
        of_bot = path[:2] == ("v1", "bots") and len(path) > 4  # noqa: PLR2004 (F/B and a thing)
        owner = Owner(bot="/".join(path[2:4])) if of_bot else Owner(operator=operator_of(token))
        return self.store.tokens.counts(owner, token)

    # --- answers ----------------------------------------------------------------------------------------------------

    async def answer(self, request: Request, right: Kept) -> Reply:
        """Answer a request that was admitted."""
        try:
            if right.owner.bot:
                return await self._to_agent(request, right.owner.bot)
            return await self._to_operator(request, right)
        except OSError as error:
            self.warn(f"an agent could not be answered: {error.strerror or type(error).__name__}")
            return Reply.error(HTTPStatus.SERVICE_UNAVAILABLE, "this cannot be done now")

    async def _to_agent(self, request: Request, bot: str) -> Reply:
        thing = (request.method, *request.path[4:])
        if thing in (("GET", "assignment"), ("POST", "report")):
            other = self._other(request, bot)
            if other:
                message = f"another agent keeps {bot}, on {other}: stop one of the two"
                return Reply.error(HTTPStatus.CONFLICT, message)
            is_report = request.method == "POST"
            return self._told(bot, request.body) if is_report else await self._assignment(request, bot)
        if thing[:2] == ("GET", "documents") and len(thing) == 3:  # noqa: PLR2004 (and its name)
            document = await asyncio.to_thread(self.store.document, bot, thing[2])  # it may have to be fetched
            return _NOTHING if document is None else Reply(HTTPStatus.OK, document)
        if thing[:2] == ("GET", "index") and self._relay is not None:
            return await self._relayed(self._relay, request, bot, "/".join(thing[2:]))
        return _NOTHING

    async def _relayed(self, relay: Relay, request: Request, bot: str, path: str) -> Reply:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._relaying, relay.file, bot, path)
        except MolthubError as error:
            self.warn(f"{bot} could not get {path[:120]} of the index: {error}")
            return Reply.error(HTTPStatus.BAD_GATEWAY, f"the controller cannot get that: {error.message}"[:500])
        if found is None:
            return _NOTHING
        etag = f'"{hex_of(found.content)}"'
        headers = {"ETag": etag, **({"Cache-Control": _LASTING} if found.lasting else {})}
        if request.headers.get("if-none-match") == etag:
            return Reply(HTTPStatus.NOT_MODIFIED, headers=headers)
        return Reply(HTTPStatus.OK, found.content, headers, kind="application/octet-stream")

    async def _to_operator(self, request: Request, right: Kept) -> Reply:
        thing = (request.method, *request.path)
        if not right.may_look and thing != _NUDGE:
            return Reply.error(HTTPStatus.FORBIDDEN, f"{right.owner} may ask for a look now, and nothing else")
        if thing == ("GET", "v1", "bots"):
            bots = await asyncio.to_thread(self._observed)
            return Reply.of({"format": "molthub.bots/1", "at": timestamp(), "bots": bots})
        if thing == _NUDGE:
            note = f"{timestamp()} an operator {time.monotonic_ns()}\n"
            self.store.state.keep_note("", NUDGE, note.encode())
            return Reply.of({"asked": f"the controller on {socket.gethostname()}"})
        if thing == ("GET", "v1", "openapi.json"):
            return Reply(HTTPStatus.OK, await asyncio.to_thread(openapi))
        if thing == ("POST", "v1", "commands") and self._operate is not None:
            return await self._operate(request, right)
        return _NOTHING

    async def _assignment(self, request: Request, bot: str) -> Reply:
        self._hear_of(request, bot)
        serial = request.query.get("serial", "")
        if _SERIAL.match(serial):
            self.store.catch_up(bot, int(serial))
        known, wait = request.headers.get("if-none-match"), _wait_of(request)
        reply = self._reply(bot, known)
        if reply.status != HTTPStatus.NOT_MODIFIED or not wait:
            return reply
        try:
            await self._news_of(bot, wait)
        except asyncio.CancelledError:
            self.store.presence.left(bot, _agent_of(request))
            raise
        if self._kept(request) is None:  # it was taken, or ended, meanwhile
            return _DENIED
        return self._reply(bot, known)

    def _reply(self, bot: str, known: str | None) -> Reply:
        content = answer_to_bytes(self.store.answer(bot))
        etag = f'"{hex_of(content)}"'
        if known == etag:
            return Reply(HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
        return Reply(HTTPStatus.OK, content, {"ETag": etag})

    def _other(self, request: Request, bot: str) -> str:
        """Return where another agent keeps the bot, if one does: two would undo each other's work."""
        before = self.store.presence.seen(bot)
        if before is None or before.agent in ("", _agent_of(request)) or before.is_offline(time.time()):
            return ""
        return before.machine or "another machine"

    def _hear_of(self, request: Request, bot: str) -> None:
        version, machine = (_shown(request.headers.get(name, "")) for name in ("user-agent", MACHINE_HEADER))
        self.store.presence.heard(bot, _interval_of(request), version, _agent_of(request), machine)

    def _told(self, bot: str, content: bytes) -> Reply:
        try:
            is_news = self.store.told(bot, content)
        except FormatError as error:
            return Reply.error(HTTPStatus.BAD_REQUEST, str(error)[:500])
        if is_news:
            self.news.set()
        return Reply.of({"reported": hex_of(content)})

    # --- waiting for news -------------------------------------------------------------------------------------------

    async def _news_of(self, bot: str, seconds: float) -> None:
        """Wait until something is new for a bot, or the time is over."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(bot, set()).add(waiting)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiting
        finally:
            left = self._waiting[bot]
            left.discard(waiting)
            if not left:
                del self._waiting[bot]

    def wake(self, bot: str | None = None) -> None:
        """Let those who wait for news of a bot look again; None: all."""
        if self._relay is not None:
            self._relay.forget()
        chosen = list(self._waiting.values()) if bot is None else [self._waiting.get(bot, set())]
        for waiting in (one for some in chosen for one in some):
            if not waiting.done():
                waiting.set_result(None)

    def close(self) -> None:
        """Pass nothing on any more."""
        self._relaying.shutdown(wait=False, cancel_futures=True)

    def look_around(self) -> None:
        """Do what is due now and then: hear of nudges and of tokens that came or went, write down who was heard."""
        nudge, tokens = self.store.state.note("", NUDGE), self.store.tokens.stamp()
        if nudge != self._nudge or tokens != self._tokens:
            if tokens != self._tokens:
                self.store.presence.keep_only(self.store.bots())
            self._nudge, self._tokens = nudge, tokens
            self.wake()
        self.note_presence(at_once=False)

    def note_presence(self, *, at_once: bool = True) -> None:
        """Write down who was heard of when."""
        try:
            self.store.presence.flush(at_once=at_once)
        except OSError as error:
            self.warn(f"when agents were heard of cannot be kept: {error.strerror or error}")


def _token_of(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _agent_of(request: Request) -> str:
    found = request.headers.get(AGENT_HEADER, "")
    return found if _AGENT.match(found) else ""


def _wait_of(request: Request) -> float:
    found = _WAIT.search(request.headers.get("prefer", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


def _interval_of(request: Request) -> float:
    """Return how often the agent asks, in seconds."""
    said = request.query.get("interval", "")
    return min(max(float(said), 1.0), _LONGEST_INTERVAL) if _SECONDS_TEXT.match(said) else _USUAL_INTERVAL


def _shown(text: str) -> str:
    return "".join(char for char in text[:64] if " " <= char <= "~")
