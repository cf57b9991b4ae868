"""A server for one index's folder: for trying it out, for tests, and for small networks.

It does what a static host does, right: types, validators (RFC 9110, ``ETag`` and ``If-None-Match``), lifetimes, CORS,
no path outside of the folder. It adds what such a host cannot: bare routes of the REST interface without a copy, and
``/api/v1/search?q=``. Files may be replaced while it runs.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote_to_bytes, urlsplit

from molthub.documents import hex_of
from molthub.errors import FormatError, MolthubError
from molthub.index.content_types import API, BRIEFLY, content_type, is_json_route, lifetime
from molthub.index.folder import SHOWN_THOUGH_HIDDEN, TEMPORARY, is_index
from molthub.index.search import search_index

IDLE_SECONDS = 60
MAX_RESULTS = 100


@dataclass(frozen=True)
class Answer:
    """What one request is answered with."""

    status: HTTPStatus
    content: bytes
    type: str = "application/json"
    lifetime: str = BRIEFLY
    location: str = ""

    @property
    def etag(self) -> str:
        """A strong validator: the hash of the content. It costs less than remembering which file had which."""
        return f'"{hex_of(self.content)}"'


def refuse(status: HTTPStatus, message: str) -> Answer:
    """Return an error in JSON, as every error of this server."""
    return Answer(status, json.dumps({"error": {"message": message}}).encode(), lifetime="no-store")


# --- what is asked for ---------------------------------------------------------------------------------------------


def answer(folder: Path, target: str) -> Answer:
    """Return what a request target gets: a file of the index, or the answer to a search."""
    parts = urlsplit(target) if target.startswith("/") and not target.startswith("//") else None
    path = _decoded(parts.path) if parts else None
    if parts is None or path is None:
        return refuse(HTTPStatus.BAD_REQUEST, "this is no path of an index")
    if path.rstrip("/") == f"{API}search":
        return _search(folder, parts.query)
    if not _is_public(path):
        return refuse(HTTPStatus.NOT_FOUND, "there is no such file in this index")
    for candidate in _candidates(path):
        content = _read(folder, candidate)
        if content is not None:
            return Answer(HTTPStatus.OK, content, content_type(candidate), lifetime(candidate))
    if _read(folder, f"{path}/index.html") is not None:
        # The page's relative links count from its folder.
        return Answer(HTTPStatus.MOVED_PERMANENTLY, b"", location=f"/{quote(path)}/")
    return refuse(HTTPStatus.NOT_FOUND, "there is no such file in this index")


def _decoded(path: str) -> str | None:
    """Return the path below the folder, or None: bytes that no path of an index has."""
    try:
        text = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return None
    return None if any(char < " " or char in "\\\x7f" for char in text) else text[1:]


def _is_public(path: str) -> bool:
    """Whether a path stays below the folder and names no file of the build itself or of the host."""
    segments = path.split("/")
    if (
        "" in segments[:-1]
        or "." in segments
        or ".." in segments
        or any(step.startswith(TEMPORARY) for step in segments)
        or ":" in segments[0]
    ):
        return False
    below = segments[1:] if segments[0] in SHOWN_THOUGH_HIDDEN else segments
    before = below[: below.index(".well-known")] if ".well-known" in below else below  # what skills bring may be hidden
    return segments[0] == ".well-known" or not any(segment.startswith(".") for segment in before)


def _candidates(path: str) -> list[str]:
    """Return the files that may answer a path, best first: of a bare route the JSON, of a folder its page."""
    if path == "":
        return ["index.html", "llms.txt"]
    bare = path.rstrip("/")
    if is_json_route(path):
        return [*([] if path.endswith("/") else [path]), f"{bare}.json", f"{bare}/index.html"]
    return [f"{bare}/index.html"] if path.endswith("/") else [path]


def _read(folder: Path, path: str) -> bytes | None:
    place = os.path.realpath(folder / path)
    if not place.startswith(os.path.realpath(folder) + os.sep):
        return None
    try:
        return Path(place).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        return None
    except OSError:
        return None  # a name that the disk cannot hold


def _search(folder: Path, query: str) -> Answer:
    said = parse_qs(query, keep_blank_values=True)
    limit = said.get("limit", [str(MAX_RESULTS)])[-1]
    if not limit.isdecimal() or not limit.isascii() or int(limit) > MAX_RESULTS:
        return refuse(HTTPStatus.BAD_REQUEST, f"limit is a number up to {MAX_RESULTS}")
    try:
        found = search_index(folder, said, int(limit))
    except (OSError, FormatError):
        return refuse(HTTPStatus.SERVICE_UNAVAILABLE, "the index cannot be read now")
    return Answer(HTTPStatus.OK, json.dumps(found, ensure_ascii=False).encode())


# --- HTTP ----------------------------------------------------------------------------------------------------------


class _Requests(BaseHTTPRequestHandler):
    """One connection of a client, with as many requests as it likes."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    server: IndexServer

    def do_GET(self) -> None:
        self._send(answer(self.server.folder, self.path))

    do_HEAD = do_GET  # noqa: N815 (http.server's name)

    def do_OPTIONS(self) -> None:
        self.send_response(HTTPStatus.NO_CONTENT)
        self._send_common(BRIEFLY)
        self.send_header("Allow", "GET, HEAD, OPTIONS")
        self.send_header("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.end_headers()

    def _refuse_method(self) -> None:
        self.close_connection = True  # its body was not read
        message = "an index is read-only: change the registry's files, then build it again"
        self._send(refuse(HTTPStatus.METHOD_NOT_ALLOWED, message))

    do_POST = do_PUT = do_PATCH = do_DELETE = _refuse_method  # noqa: N815 (as above)

    def _send(self, found: Answer) -> None:
        if found.status == HTTPStatus.OK and self._has(found.etag):
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self._send_common(found.lifetime)
            self.send_header("ETag", found.etag)
            self.end_headers()
            return
        self.send_response(found.status)
        self._send_common(found.lifetime)
        self.send_header("Content-Type", found.type)
        self.send_header("Content-Length", str(len(found.content)))
        if found.status == HTTPStatus.OK:
            self.send_header("ETag", found.etag)
        if found.location:
            self.send_header("Location", found.location)
        if found.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD, OPTIONS")
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found.content)

    def _send_common(self, lifetime: str) -> None:
        self.send_header("Cache-Control", lifetime)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Expose-Headers", "ETag")
        self.send_header("X-Content-Type-Options", "nosniff")

    def _has(self, etag: str) -> bool:
        """Whether the client has this content (If-None-Match, compared weakly: RFC 9110, section 13.1.2)."""
        known = [tag.strip().removeprefix("W/") for tag in self.headers.get("If-None-Match", "").split(",")]
        return etag in known or known == ["*"]

    def version_string(self) -> str:
        """Return what the header Server says: no version for anybody to look up."""
        return "molthub"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        self.server.log(format % args)


class IndexServer(ThreadingHTTPServer):
    """Serves one folder. ``log`` gets a line for each request."""

    daemon_threads = True
    # Clients fetch a pack's skills all at once; with the usual backlog of 5 some are turned away.
    request_queue_size = 512

    def __init__(self, folder: Path, host: str, port: int, log: Callable[[str], None]) -> None:
        self.folder = folder
        self.log = log
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Requests)

    @property
    def url(self) -> str:
        """Where it answers."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}/" if ":" in str(host) else f"http://{host!s}:{port}/"

    def server_bind(self) -> None:
        """Bind, without looking up the host's name as http.server does: that can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


def make_server(
    folder: Path, host: str = "127.0.0.1", port: int = 0, *, log: Callable[[str], None] = lambda _line: None
) -> IndexServer:
    """Return a server of the index in ``folder``, bound and ready for ``serve_forever()``. Port 0: any free one.

    Raises :class:`MolthubError` where there is no index, or where the port cannot be had.
    """
    if not is_index(folder):
        remedy = "write one with: molthub build --out " + str(folder)
        raise MolthubError("there is no index in this folder", place=str(folder), remedy=remedy)
    try:
        return IndexServer(folder, host, port, log)
    except OSError as error:
        message = f"cannot listen there: {error.strerror or error}"
        raise MolthubError(message, place=f"{host}:{port}", remedy="choose another --port, or 0 for any") from None
