"""Fetching over HTTP/1.1 with Python's own ``http.client``: kept connections, limits, retries, redirects, proxies.

An answer that broke off, a 429 and the passing 5xx are tried again with growing pauses. Redirects (RFC 9110, section
15.4) never lead from https to http, and credentials stay with the origin they were given for.
"""

from __future__ import annotations

import http.client
import socket
import time
from urllib.parse import quote, urljoin, urlsplit

from molthub import __version__
from molthub.client.connections import Connection, Origin, Pool
from molthub.client.fetcher import NOT_FOUND, NOT_MODIFIED, OK, Fetched, too_large
from molthub.client.proxies import basic_authorization
from molthub.errors import DeniedError, MolthubError, UnreachableError, UsageError

ATTEMPTS = 3
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({429, 500, 502, 503, 504})
_DENIED = frozenset({401, 403, 407})
_GONE = 410
_CHUNK = 256 * 1024
_SLOWEST = 32 * 1024
"""Bytes a second: a download that is slower is given up once its timeout has passed too."""

_LONGEST_PAUSE = 5.0
_TRY_LATER = "check the address and the network, then try again"


class _BrokenError(Exception):
    """An attempt failed in a way that the next may not. ``pause``: what the server asked for, in seconds."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class HttpFetcher:
    """An index behind an HTTP server. ``timeout`` is for connecting and for each wait for bytes, in seconds.

    Credentials in the URL (``https://user:password@host/``) are sent to that origin alone and shown nowhere.
    Raises :class:`UsageError` for what is no URL.
    """

    def __init__(self, url: str, *, timeout: float = 20.0, attempts: int = ATTEMPTS) -> None:
        self._pool = Pool(timeout)
        self.timeout = timeout
        self.attempts = attempts
        self._origin, self._path, self._authorization = _parsed(url)
        self.where = f"{self._origin}{self._path}"

    def get(self, path: str, *, etag: str | None = None, limit: int) -> Fetched:
        """Fetch ``<url>/<path>``; see :class:`molthub.client.fetch.Fetcher`."""
        attempt = 1
        while True:
            try:
                return self._follow(self._origin, self._path + path, etag, limit)
            except _BrokenError as broken:
                if attempt >= self.attempts:
                    tried = f" (tried {attempt} times)" if attempt > 1 else ""
                    raise UnreachableError(f"{broken}{tried}", place=self.where + path, remedy=_TRY_LATER) from None
                pause = 0.1 * 4 ** (attempt - 1) if broken.pause is None else broken.pause
                time.sleep(min(pause, _LONGEST_PAUSE))
                attempt += 1

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._pool.close()

    def __del__(self) -> None:
        self._pool.close()

    def _follow(self, origin: Origin, path: str, etag: str | None, limit: int) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._request(origin, path, etag, limit)
            if isinstance(answer, Fetched):
                return answer
            origin, path = _redirected(origin, path, answer)
        raise UnreachableError(
            f"more than {MAX_REDIRECTS} redirects", place=f"{origin}{path}", remedy="give the address that they lead to"
        )

    def _request(self, origin: Origin, path: str, etag: str | None, limit: int) -> Fetched | str:
        """Return the answer, or where it redirects to."""
        headers = {"User-Agent": f"molthub/{__version__}", "Accept": "*/*"}
        headers |= {"If-None-Match": etag} if etag else {}
        if self._authorization and origin == self._origin:
            headers["Authorization"] = self._authorization
        while True:
            connection = self._pool.take(origin)
            try:
                answer, whole = self._exchange(connection, path, headers | connection.headers(), limit)
            except BaseException as error:
                connection.http.close()
                if connection.kept and isinstance(error, _CLOSED):
                    continue  # the server had closed it in the meantime: that is no failed attempt
                if isinstance(error, OSError | http.client.HTTPException):
                    raise _failure(error, origin, path) from None
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
            content = self._read(response, where, limit) if response.status == OK else response.read(_CHUNK)
            whole = not response.will_close and (response.isclosed() or response.length == 0)
            return _judged(response, content, where), whole

    def _read(self, response: http.client.HTTPResponse, where: str, limit: int) -> bytes:
        """Read a body that is small enough, whole, and comes fast enough."""
        if response.length is not None and response.length > limit:
            raise too_large(where, limit)
        begin = time.monotonic()
        parts: list[bytes] = []
        size = 0
        while part := response.read1(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise too_large(where, limit)
            spent = time.monotonic() - begin
            if spent > self.timeout + size / _SLOWEST:
                raise _BrokenError(f"only {size} bytes came in {spent:.0f} seconds")
        if response.length:
            raise _BrokenError(f"the answer broke off after {size} of {size + response.length} bytes")
        return b"".join(parts)


_CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


def _judged(response: http.client.HTTPResponse, content: bytes, where: str) -> Fetched | str:
    """Turn an answer into what the caller gets: the file, a redirect's target, or an error."""
    status = response.status
    if status in (OK, NOT_MODIFIED):
        return Fetched(status, content, response.getheader("ETag"))
    if status in (NOT_FOUND, _GONE):
        return Fetched(NOT_FOUND)
    target = response.getheader("Location")
    if status in _REDIRECTS and target:
        return target
    if status in _PASSING:
        after = response.getheader("Retry-After") or ""
        raise _BrokenError(f"HTTP {status} {response.reason}", float(after) if after.isdecimal() else None)
    if status in _DENIED:
        remedy = "give the address as https://user:password@host/ if it needs a password"
        raise DeniedError(f"access denied (HTTP {status} {response.reason})", place=where, remedy=remedy)
    raise UnreachableError(f"unexpected answer HTTP {status} {response.reason}", place=where, remedy=_TRY_LATER)


def _failure(error: OSError | http.client.HTTPException, origin: Origin, path: str) -> Exception:
    """Return what to raise for a connection that failed: at once, or as something to try again."""
    where = f"{origin}{path}"
    if isinstance(error, http.client.HTTPException):
        return _BrokenError(f"the answer is no HTTP, or broke off ({type(error).__name__})")
    if isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
        return UnreachableError(f"there is no host {origin.host}", place=where, remedy=_TRY_LATER)
    if isinstance(error, ConnectionRefusedError):
        return UnreachableError("nobody answers there (connection refused)", place=where, remedy=_TRY_LATER)
    if isinstance(error, TimeoutError):
        return _BrokenError("no answer in time")
    if type(error).__module__ == "ssl":
        remedy = "check the address, this machine's clock and its certificates (SSL_CERT_FILE names others)"
        return UnreachableError(f"no trusted connection: {error}", place=where, remedy=remedy)
    return _BrokenError(error.strerror or str(error) or type(error).__name__)


def _redirected(origin: Origin, path: str, target: str) -> tuple[Origin, str]:
    """Return where a redirect leads. What stands before ``@`` in its target is left out."""
    where = f"{origin}{path}"
    try:
        parts = urlsplit(urljoin(where, target))
        found = _origin(parts.scheme, parts.hostname, parts.port)
    except ValueError:
        raise UnreachableError("it redirects to what is no address", place=where, remedy=_TRY_LATER) from None
    if found.scheme == "http" and origin.scheme == "https":
        raise UnreachableError(
            f"it redirects from https to {found}, where anybody on the way could read and change it",
            place=where,
            remedy="tell whoever runs this index",
        )
    return found, _quoted(parts.path, parts.query)


def _parsed(url: str) -> tuple[Origin, str, str]:
    """Return origin, path (ending in a slash) and ``Authorization`` of an index's URL."""
    try:
        parts = urlsplit(url)
        origin = _origin(parts.scheme, parts.hostname, parts.port)
    except ValueError as error:
        raise _no_url(url, str(error)) from None
    path = parts.path.removesuffix("registry.json").rstrip("/") + "/"
    if parts.query or parts.fragment:
        raise _no_url(url, "an index has no ? or # in its address")
    return origin, _quoted(path, ""), basic_authorization(parts.username, parts.password)


def _origin(scheme: str, host: str | None, port: int | None) -> Origin:
    if scheme not in ("http", "https") or not host:
        raise ValueError("it needs http:// or https:// and a host")
    if not host.isascii():
        host = host.encode("idna").decode()
    if any(character <= " " for character in host):
        raise ValueError("a host holds no spaces")
    return Origin(scheme, host, port or (443 if scheme == "https" else 80))


def _quoted(path: str, query: str) -> str:
    # What is quoted already stays as it is.
    quoted = quote(path or "/", safe="/%:@!$&'()*+,;=~-._")
    return quoted + ("?" + quote(query, safe="/%:@!$&'()*+,;=~-._?") if query else "")


def _no_url(url: str, why: str) -> MolthubError:
    shown = url.rpartition("@")[2] if "@" in url else url
    return UsageError(
        f"not the address of an index: {why}", place=shown, remedy="write it as https://skills.example.com/"
    )
