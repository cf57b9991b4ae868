"""An agent's (or operator's) way to the controller: its assignment, documents, and telling it what became of them."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

from molthub import __version__
from molthub.client.access.find import Access
from molthub.client.access.logins import Login
from molthub.client.addresses import parse_address
from molthub.client.connections import Pool
from molthub.client.fetch_http import HttpFetcher
from molthub.client.fetcher import NOT_FOUND, NOT_MODIFIED, OK
from molthub.documents import hex_of
from molthub.errors import DeniedError, FormatError, IntegrityError, UnreachableError, UsageError
from molthub.secrets.private_file import PrivateFileError, read_private
from molthub_reconciler.remote.exchange import MAX_ASSIGNMENT, Answer, answer_from_bytes

TIMEOUT = 20.0
MAX_DOCUMENT = 16 * 1024 * 1024
MAX_BOTS = 256 * 1024 * 1024
_DENIED = 401


class ControllerLink:
    """The way to the controller at ``url``.

    ``token`` is shown instead of what is known for that host. Raises :class:`UsageError` for what is no address, or one
    where others could read the token.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self._address = parse_address(url)
        if not self._address.origin.is_private:
            remedy = f"use https://{self._address.origin.host}/"
            raise UsageError("over http everybody on the way could read the token", place=url, remedy=remedy)
        given = Access(self._address, Login(way="token"), token) if token is not None else Access(self._address)
        self._access = given
        self._fetcher = HttpFetcher(url, timeout=TIMEOUT, attempts=1, access=given, stays=True)
        self._etag: str | None = None
        self._answer: Answer | None = None

    @property
    def where(self) -> str:
        """The controller's address."""
        return str(self._address)

    def assignment(self, bot: str, interval: float) -> Answer:
        """Ask what ``bot`` is to have; this also says that its agent is there, and asks every ``interval`` seconds.

        Raises :class:`UnreachableError`, :class:`FormatError`.
        """
        path = f"v1/bots/{bot}/assignment"
        answer = self._get(f"{path}?interval={interval:g}", limit=MAX_ASSIGNMENT, etag=self._etag, bot=bot)
        if answer.status == NOT_MODIFIED and self._answer is not None:
            return self._answer
        found = answer_from_bytes(answer.content, f"{self.where}{path}")
        if found.assignment.bot != bot:
            raise FormatError(f"the controller answers for {found.assignment.bot}", place=self.where, remedy=_NO_ANSWER)
        self._etag, self._answer = answer.etag, found
        return found

    def document(self, bot: str, name: str) -> bytes:
        """Return the document that a bot is assigned. Raises :class:`IntegrityError` for bytes of another name."""
        answer = self._get(f"v1/bots/{bot}/documents/{name}", limit=MAX_DOCUMENT, bot=bot)
        if hex_of(answer.content) != name:
            raise IntegrityError("the document has other bytes than it is named for", place=self.where,
                                 remedy="whoever runs the controller should look at its state folder")  # fmt: skip
        return bytes(answer.content)

    def bots(self) -> Any:
        """Return what the controller knows of every bot, for its operator."""
        answer = self._get("v1/bots", limit=MAX_BOTS, bot="the operator")
        return _parsed(answer.content, self.where)

    def nudge(self) -> str:
        """Ask the controller to look now; return who will."""
        return str(_parsed(self._post("v1/nudge", b"", "the operator"), self.where).get("asked"))

    def tell(self, bot: str, report: bytes) -> None:
        """Tell the controller what became of a bot. Raises :class:`UnreachableError`."""
        self._post(f"v1/bots/{bot}/report", report, bot)
        self._etag = None  # the next answer says what it has

    def _get(self, path: str, *, limit: int, bot: str, etag: str | None = None) -> Any:
        try:
            answer = self._fetcher.get(path, etag=etag, limit=limit)
        except DeniedError:
            raise self._denied(bot) from None
        if answer.status == NOT_FOUND:
            raise UnreachableError("the controller does not have that", place=f"{self.where}{path}", remedy=_NO_ANSWER)
        return answer

    def _post(self, path: str, content: bytes, bot: str) -> bytes:
        origin, base = self._address
        connection = Pool(TIMEOUT, self._access.context).take(origin)
        headers = {"User-Agent": f"molthub/{__version__}", "Content-Type": "application/json"}
        headers |= self._access.headers(origin, by_proxy=connection.proxy is not None) | connection.headers()
        try:
            connection.http.request("POST", connection.target(base + path), body=content, headers=headers)
            with connection.http.getresponse() as response:
                said = response.read(MAX_ASSIGNMENT)
                status = response.status
        except (OSError, http.client.HTTPException) as error:
            message = f"the controller does not answer: {str(error) or type(error).__name__}"
            raise UnreachableError(message, place=self.where, remedy=_LATER) from None
        finally:
            connection.http.close()
        if status == _DENIED:
            raise self._denied(bot)
        if status != OK:
            raise UnreachableError(f"the controller refuses that (HTTP {status}): {_message(said)}", place=self.where,
                                   remedy=_NO_ANSWER)  # fmt: skip
        return said

    def _denied(self, bot: str) -> DeniedError:
        what = "--operator" if bot == "the operator" else bot
        remedy = f"on the controller's machine: molthub agents token {what}; then --token-file FILE here"
        return DeniedError(f"the controller knows no such token for {bot}", place=self.where, remedy=remedy)


_NO_ANSWER = (
    "check the address: a controller is `molthub reconcile --listen`, of this version of molthub or a newer one"
)
_LATER = "check the address and the network; it is tried again"


def _parsed(content: bytes, where: str) -> Any:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise FormatError("the answer is not that of a controller", place=where, remedy=_NO_ANSWER)
    return said


def _message(said: bytes) -> str:
    try:
        return str(json.loads(said)["error"]["message"])[:500]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it says no more"


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
