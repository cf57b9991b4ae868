"""An agent's (or operator's) way to the controller: its assignment, documents, and telling it what became of them."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from molthub import __version__
from molthub.client.access.environment import CertificateFiles
from molthub.client.access.find import Access
from molthub.client.access.logins import Login
from molthub.client.addresses import parse_address
from molthub.client.connections import Connection, Pool
from molthub.client.fetcher import NOT_FOUND, Fetched
from molthub.client.paced import PacedResponse
from molthub.documents import hex_of
from molthub.errors import FormatError, IntegrityError, UsageError
from molthub.secrets.private_file import PrivateFileError, read_private
from molthub_reconciler.remote.exchange import MAX_ASSIGNMENT, Answer, answer_from_bytes
from molthub_reconciler.remote.orders import MAX_ANSWER, Order, Outcome, outcome_from_json
from molthub_reconciler.remote.refused import NO_ANSWER, REDIRECTS, MissingError, failure, refusal, too_large

TOKEN_VARIABLE = "MOLTHUB_OPERATOR_TOKEN_FILE"  # noqa: S105 (the name of a variable)
TIMEOUT = 20.0
_LONGEST_ORDER = 600.0
MAX_DOCUMENT = 16 * 1024 * 1024
MAX_BOTS = 256 * 1024 * 1024
_CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class Certificates(NamedTuple):
    """The files of TLS: a ``ca`` that is trusted besides the system's, and what the client itself shows."""

    ca: str | None = None
    shown: CertificateFiles | None = None


class Got(NamedTuple):
    """An answer of the controller."""

    status: int
    content: bytes
    etag: str | None = None


class _Ask(NamedTuple):
    """One question. ``patience`` is how many seconds the controller may let it wait, besides the usual."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    limit: int
    patience: float


class RelayFetcher:
    """The index as the controller passes it on to one bot's agent (:class:`molthub.client.fetcher.Fetcher`)."""

    def __init__(self, link: ControllerLink, bot: str) -> None:
        self._link = link
        self._bot = bot
        self.where = f"{link.where}v1/bots/{bot}/index/"

    def get(self, path: str, *, etag: str | None = None, limit: int) -> Fetched:
        """Fetch a file. Raises :class:`MolthubError`."""
        return self._link.relayed(self._bot, path, etag=etag, limit=limit)

    def close(self) -> None:
        """Close connections."""
        self._link.close()


class ControllerLink:
    """The way to the controller at ``url``. Safe for threads.

    ``token`` returns what is shown; None: what this user has for that host. It is asked again where the controller
    refuses, as tokens are changed while agents run. ``agent`` is an agent's own name, so that a second one shows.
    Raises :class:`UsageError` for what is no address, or one where others could read the token.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[], str] | None = None,
        *,
        certificates: Certificates | None = None,
    ) -> None:
        self._address = parse_address(url)
        if not self._address.origin.is_private:
            remedy = f"use https://{self._address.origin.host}/"
            raise UsageError("over http everybody on the way could read the token", place=url, remedy=remedy)
        self._token = token
        self._shown = token() if token is not None else ""
        self._certificates = certificates or Certificates()
        self.agent = ""
        self._use(self._shown)

    @property
    def where(self) -> str:
        """The controller's address."""
        return str(self._address)

    @property
    def access(self) -> Access:
        """What is shown to get in there."""
        return self._access

    def assignment(
        self, bot: str, interval: float, *, known: Got | None = None, wait: float = 0.0, serial: int = 0
    ) -> tuple[Answer | None, Got]:
        """Ask what ``bot`` is to have; this also says that its agent is there, and asks every ``interval`` seconds.

        With ``wait``, the answer comes once it is another than the one that is ``known``, or after so many seconds;
        then it is None. ``serial`` is the highest that was seen. Raises :class:`MolthubError`.
        """
        path = f"v1/bots/{bot}/assignment"
        headers = {"If-None-Match": known.etag} if known is not None and known.etag else {}
        headers |= {"Prefer": f"wait={wait:.0f}"} if wait else {}
        query = f"?interval={interval:g}" + (f"&serial={serial}" if serial else "")
        got = self._asked("GET", path + query, bot, limit=MAX_ASSIGNMENT, headers=headers, patience=wait)
        if got.status == HTTPStatus.NOT_MODIFIED and known is not None:
            return None, known
        found = answer_from_bytes(got.content, f"{self.where}{path}")
        if found.assignment.bot != bot:
            raise FormatError(f"the controller answers for {found.assignment.bot}", place=self.where, remedy=NO_ANSWER)
        return found, got

    def document(self, bot: str, name: str) -> bytes:
        """Return the document that a bot is assigned. Raises :class:`IntegrityError` for bytes of another name."""
        got = self._asked("GET", f"v1/bots/{bot}/documents/{name}", bot, limit=MAX_DOCUMENT)
        if hex_of(got.content) != name:
            raise IntegrityError("the document has other bytes than it is named for", place=self.where,
                                 remedy="whoever runs the controller should look at its state folder")  # fmt: skip
        return got.content

    def relayed(self, bot: str, path: str, *, etag: str | None, limit: int) -> Fetched:
        """Return a file of the index, as the controller passes it on to ``bot``'s agent."""
        headers = {"If-None-Match": etag} if etag else {}
        try:
            got = self._asked("GET", f"v1/bots/{bot}/index/{path}", bot, limit=limit, headers=headers)
        except MissingError:
            return Fetched(NOT_FOUND)
        return Fetched(got.status, got.content, got.etag)

    def bots(self) -> Any:
        """Return what the controller knows of every bot, for its operator."""
        return _parsed(self._asked("GET", "v1/bots", "", limit=MAX_BOTS).content, self.where)

    def nudge(self) -> str:
        """Ask the controller to look now; return who will."""
        got = self._asked("POST", "v1/nudge", "", limit=MAX_ASSIGNMENT, body=b"")
        return str(_parsed(got.content, self.where).get("asked"))

    def order(self, order: Order) -> Outcome:
        """Have the controller run a command, and return what came of it."""
        body = json.dumps(order.to_json()).encode()
        got = self._asked("POST", "v1/commands", "", limit=MAX_ANSWER, body=body, patience=_LONGEST_ORDER)
        return outcome_from_json(_parsed(got.content, self.where), self.where)

    def tell(self, bot: str, report: bytes) -> None:
        """Tell the controller what became of a bot. Raises :class:`MolthubError`."""
        self._asked("POST", f"v1/bots/{bot}/report", bot, limit=MAX_ASSIGNMENT, body=report)

    def close(self) -> None:
        """Close connections."""
        self._pool.close()

    def __del__(self) -> None:
        if hasattr(self, "_pool"):
            self._pool.close()

    # --- one exchange -----------------------------------------------------------------------------------------------

    def _use(self, token: str) -> None:
        ca, shown = self._certificates
        login = Login(way="token" if token else "", certificate=shown, ca=ca)
        given = (login, token) if self._token is not None else (login, None) if ca or shown else (None, None)
        self._access = Access(self._address, *given)
        self._pool = Pool(TIMEOUT, self._access.context)

    def _asked(
        self, method: str, path: str, bot: str, *, limit: int, headers: Mapping[str, str] | None = None,
        body: bytes | None = None, patience: float = 0.0,
    ) -> Got:  # fmt: skip
        """Return a good answer."""
        sent = {"User-Agent": f"molthub/{__version__}", "Accept": "application/json", **(headers or {})}
        if self.agent:
            sent |= {"Molthub-Agent": self.agent, "Molthub-Machine": socket.gethostname()[:64]}
        if body is not None:
            sent["Content-Type"] = "application/json"
        ask = _Ask(method, path, sent, body, limit, patience)
        got = self._exchanged(ask)
        if got.status == HTTPStatus.UNAUTHORIZED and self._has_new_token():
            got = self._exchanged(ask)
        if got.status not in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
            raise refusal(got.status, got.content, self.where, path, bot)
        return got

    def _has_new_token(self) -> bool:
        """Whether another token stands where this one came from; it is shown from now on."""
        found = self._token() if self._token is not None else self._shown
        if found == self._shown:
            return False
        self._shown = found
        self._pool.close()
        self._use(found)
        return True

    def _exchanged(self, ask: _Ask) -> Got:
        while True:
            connection = self._pool.take(self._address.origin)
            try:
                got, whole = self._answered(connection, ask)
            except (OSError, http.client.HTTPException) as error:
                connection.http.close()
                if connection.kept and isinstance(error, _CLOSED):
                    continue  # it was closed in the meantime: that is no failure
                proxy = connection.proxy
                raise failure(error, self.where, f"{proxy.host}:{proxy.port}" if proxy else "") from None
            except BaseException:
                connection.http.close()
                raise
            if whole:
                self._pool.give_back(connection)
            else:
                connection.http.close()
            return got

    def _answered(self, connection: Connection, ask: _Ask) -> tuple[Got, bool]:
        origin, base = self._address
        shown = self._access.headers(origin, by_proxy=connection.proxy is not None)
        connection.http.timeout = TIMEOUT + ask.patience
        if connection.http.sock is not None:
            connection.http.sock.settimeout(TIMEOUT + ask.patience)
        connection.http.request(ask.method, connection.target(base + ask.path), body=ask.body,
                                headers={**ask.headers, **shown, **connection.headers()})  # fmt: skip
        return self._read(connection, ask.limit)

    def _read(self, connection: Connection, limit: int) -> tuple[Got, bool]:
        """Return an answer, and whether it was read to its end."""
        with connection.http.getresponse() as response:
            limit = limit if response.status == HTTPStatus.OK else max(limit, MAX_ASSIGNMENT)
            if response.length is not None and response.length > limit:
                raise too_large(self.where, limit)
            if isinstance(response, PacedResponse):
                response.allow(limit)
            content = response.read(limit + 1)
            if len(content) > limit:
                raise too_large(self.where, limit)
            if response.status in REDIRECTS:
                target = response.getheader("Location") or ""
                content = target.partition("?")[0].rpartition("@")[2].encode()
            return Got(response.status, content, response.getheader("ETag")), not response.will_close


def _parsed(content: bytes, where: str) -> Any:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise FormatError("the answer is not that of a controller", place=where, remedy=NO_ANSWER)
    return said


def read_token(path: Path) -> str:
    """Return the token in a file that nobody else may read. Raises :class:`UsageError`."""
    import os

    granted = os.environ.get("CREDENTIALS_DIRECTORY")  # systemd decides who reads what is in there
    try:
        content = read_private(path, any_reader=granted is not None and path.is_relative_to(granted))
    except PrivateFileError as error:
        raise UsageError(f"the token cannot be had: {error.failure.message}", remedy=error.failure.remedy) from None
    token = content.decode("ascii", "replace").strip()
    if not token or not token.isprintable() or " " in token or "\N{REPLACEMENT CHARACTER}" in token:
        raise UsageError("there is no token in it", place=str(path), remedy="write what `molthub agents token` printed")
    return token
