"""Fetching over HTTP/1.1 with Python's own ``http.client``: kept connections, limits, retries, redirects, proxies.

An answer that broke off, a 429 and the passing 5xx are tried again with growing pauses. Redirects (RFC 9110, section
15.4) never lead from https to http, and credentials stay with the origin they were given for.
"""

from __future__ import annotations

import http.client
import socket
import time

from molthub import __version__
from molthub.client.access.find import Access
from molthub.client.addresses import Origin, parse_address, redirected
from molthub.client.connections import Connection, Pool
from molthub.client.fetcher import NOT_FOUND, NOT_MODIFIED, OK, Fetched, too_large
from molthub.client.paced import LongError, PacedResponse, SlowError
from molthub.errors import FormatError, UnreachableError

ATTEMPTS = 3
TIMEOUT = 20.0
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({429, 500, 502, 503, 504})
_DENIED = frozenset({401, 403, 407})
_GONE = 410
_CHUNK = 256 * 1024
_LONGEST_PAUSE = 5.0
_TRY_LATER = "check the address and the network, then try again"


class _BrokenError(Exception):
    """An attempt failed in a way that the next may not. ``pause``: what the server asked for, in seconds."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class HttpFetcher:
    """An index behind an HTTP server. ``timeout`` is for connecting and for each wait for bytes, in seconds.

    ``access`` says what is shown to get in (default: what this user has). One that ``stays`` follows no redirect to
    another origin. Raises :class:`UsageError` for what is no URL, or holds a password.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = TIMEOUT,
        attempts: int = ATTEMPTS,
        access: Access | None = None,
        stays: bool = False,
    ) -> None:
        self._stays = stays
        address = parse_address(url)
        self.where = str(address)
        self.timeout = timeout
        self.attempts = attempts
        self._origin, self._path = address
        self._access = access or Access(address)
        self._pool = Pool(timeout, self._access.context)

    def get(self, path: str, *, etag: str | None = None, limit: int) -> Fetched:
        """Fetch ``<url>/<path>``; see :class:`molthub.client.fetcher.Fetcher`."""
        attempt = 1
        while True:
            try:
                return self._follow(self._origin, self._path + path, etag, limit)
            except _BrokenError as broken:
                if (broken.pause or 0) > _LONGEST_PAUSE:
                    remedy = f"try again in {broken.pause:.0f} seconds, as it asks"
                    raise UnreachableError(str(broken), place=self.where + path, remedy=remedy) from None
                if attempt >= self.attempts:
                    tried = f" (tried {attempt} times)" if attempt > 1 else ""
                    raise UnreachableError(f"{broken}{tried}", place=self.where + path, remedy=_TRY_LATER) from None
                time.sleep(min(0.1 * 4 ** (attempt - 1), self.timeout) if broken.pause is None else broken.pause)
                attempt += 1

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._pool.close()

    def __del__(self) -> None:
        if hasattr(self, "_pool"):
            self._pool.close()

    def _follow(self, origin: Origin, path: str, etag: str | None, limit: int) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._request(origin, path, etag, limit)
            if isinstance(answer, Fetched):
                return answer
            origin, path = self._redirected(origin, path, answer)
        raise UnreachableError(
            f"more than {MAX_REDIRECTS} redirects", place=f"{origin}{path}", remedy="give the address that they lead to"
        )

    def _redirected(self, origin: Origin, path: str, target: str) -> tuple[Origin, str]:
        found, new_path = _redirected(origin, path, target)
        if self._stays and found != self._origin:
            message, remedy = f"it redirects to another host, {found}", "give the address that it leads to"
            raise UnreachableError(message, place=f"{origin}{path}", remedy=remedy)
        return found, new_path

    def _request(self, origin: Origin, path: str, etag: str | None, limit: int) -> Fetched | str:
        """Return the answer, or where it redirects to."""
        headers = {"User-Agent": f"molthub/{__version__}", "Accept": "*/*"}
        headers |= {"If-None-Match": etag} if etag else {}
        while True:
            connection = self._pool.take(origin)
            shown = self._access.headers(origin, by_proxy=connection.proxy is not None)
            try:
                answer, whole = self._exchange(connection, path, headers | shown | connection.headers(), limit)
            except BaseException as error:
                connection.http.close()
                if connection.kept and isinstance(error, _CLOSED):
                    continue  # the server had closed it in the meantime: that is no failed attempt
                if isinstance(error, OSError | http.client.HTTPException):
                    raise self._failure(error, origin, path) from None
                raise
            if whole:
                self._pool.give_back(connection)
            else:
                connection.http.close()
            return answer

    def _exchange(
        self, connection: Connection, path: str, headers: dict[str, str], limit: int
    ) -> tuple[Fetched | str, bool]:
        """Return the answer, and whether it was read to its end, so that the connection can be used again."""
        where = f"{connection.origin}{path}"
        connection.http.request("GET", connection.target(path), headers=headers)
        with connection.http.getresponse() as response:
            content = _read(response, where, limit) if response.status == OK else _read_error(response)
            whole = not response.will_close and (response.isclosed() or response.length == 0)
            return self._judged(response, content, where, asked="If-None-Match" in headers), whole

    def _judged(self, response: http.client.HTTPResponse, content: bytes, where: str, *, asked: bool) -> Fetched | str:
        """Turn an answer into what the caller gets: the file, a redirect's target, or an error."""
        status = response.status
        if status == OK and _is_page(response, content):
            raise FormatError(
                "a web page came in the place of a file of the index",
                place=where,
                remedy="open it in a browser: a network may want a login there, or the path is wrong. If the index "
                f"itself wants one: skills registry login {self.where}",
            )
        if status == OK or (status == NOT_MODIFIED and asked):
            return Fetched(status, content, response.getheader("ETag"))
        if status in (NOT_FOUND, _GONE):
            return Fetched(NOT_FOUND)
        target = response.getheader("Location")
        if status in _REDIRECTS and target:
            return target
        if status in _PASSING:
            after = response.getheader("Retry-After") or ""
            raise _BrokenError(_named(response), float(after) if after.isdecimal() and after.isascii() else None)
        if status in _DENIED:
            raise self._access.denied(status, where)
        raise UnreachableError(f"unexpected answer {_named(response)}", place=where, remedy=_TRY_LATER)

    def _failure(self, error: OSError | http.client.HTTPException, origin: Origin, path: str) -> Exception:
        """Return what to raise for a connection that failed: at once, or as something to try again."""
        where = f"{origin}{path}"
        if isinstance(error, LongError) or type(error) in (http.client.HTTPException, http.client.LineTooLong):
            message = "its answer has more or longer headers than any index sends"
            return FormatError(message, place=where, remedy="check the address: what answers there is no molthub index")
        if isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
            return UnreachableError(f"there is no host {origin.host}", place=where, remedy=_TRY_LATER)
        if isinstance(error, ConnectionRefusedError):
            return UnreachableError("nobody answers there (connection refused)", place=where, remedy=_TRY_LATER)
        if type(error).__module__ == "ssl" and not isinstance(error, TimeoutError):
            return self._untrusted(error, where)
        if str(error).startswith("Tunnel connection failed: 407"):
            return self._access.denied(407, where)
        return _BrokenError(_what_broke(error))

    def _untrusted(self, error: Exception, where: str) -> Exception:
        reason = str(getattr(error, "reason", "") or "")
        if "ALERT" in reason:
            return self._access.no_certificate(where, reason)
        if type(error).__name__ == "SSLEOFError":
            return _BrokenError("the server ended the secure connection; it may want a client certificate")
        remedy = (
            "check the address, this machine's clock and its certificates (SSL_CERT_FILE names others, and "
            "skills registry login --ca one for this index)"
        )
        return UnreachableError(f"no trusted connection: {error}", place=where, remedy=remedy)


_CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


def _read(response: http.client.HTTPResponse, where: str, limit: int) -> bytes:
    """Read a body that is small enough, whole."""
    if response.length is not None and response.length > limit:
        raise too_large(where, limit)
    if isinstance(response, PacedResponse):
        response.allow(limit)
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > limit:
            raise too_large(where, limit)
    if response.length:
        raise _BrokenError(f"the answer broke off after {size} of {size + response.length} bytes")
    return b"".join(parts)


def _read_error(response: http.client.HTTPResponse) -> bytes:
    """Read what an answer without a file says, as far as it is short, so that its connection can be used again."""
    if isinstance(response, PacedResponse):
        response.allow(_CHUNK)
    return response.read(_CHUNK)


def _what_broke(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, http.client.HTTPException):
        return f"the answer is no HTTP, or broke off ({type(error).__name__})"
    if isinstance(error, TimeoutError):
        return str(error) if isinstance(error, SlowError) else "no answer in time"
    return error.strerror or str(error) or type(error).__name__


def _is_page(response: http.client.HTTPResponse, content: bytes) -> bool:
    kind = (response.getheader("Content-Type") or "").lower()
    return kind.startswith(("text/html", "application/xhtml")) and content.lstrip()[:1] == b"<"


def _named(response: http.client.HTTPResponse) -> str:
    """Return an answer's status as it is shown. Its reason is the server's own text."""
    reason = "".join(char for char in response.reason if " " <= char <= "~")[:60]
    return f"HTTP {response.status} {reason}".rstrip()


def _redirected(origin: Origin, path: str, target: str) -> tuple[Origin, str]:
    """Return where a redirect leads."""
    where = f"{origin}{path}"
    try:
        found, way = redirected(origin, path, target)
    except ValueError:
        raise UnreachableError("it redirects to what is no address", place=where, remedy=_TRY_LATER) from None
    if found.scheme == "http" and origin.scheme == "https":
        raise UnreachableError(
            f"it redirects from https to {found}, where anybody on the way could read and change it",
            place=where,
            remedy="tell whoever runs this index",
        )
    return found, way
