"""Where the numbers of passes go: a file for node_exporter's textfile collector, or an address to be scraped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from molthub.atomic import write_atomically
from molthub.errors import UsageError
from molthub_reconciler.metrics.address import address_of
from molthub_reconciler.metrics.passes import CONTENT_TYPE, PassNumbers
from molthub_reconciler.report import Report

PATH = "/metrics"
_READABLE_BY_ALL = 0o644


class Outlet:
    """Keeps the numbers of passes where they are looked for. ``warn`` is told, once, of a file that cannot be written.

    ``place`` is a file, or ``ADDRESS:PORT``.
    """

    def __init__(self, place: str, *, counts: bool, warn: Callable[[str], None]) -> None:
        self.numbers = PassNumbers(counts=counts)
        self._address = address_of(place)
        self._file = Path(place) if self._address is None else None
        self._warn, self._text, self._began = warn, b"", time.monotonic()
        self._is_told = False

    def begin(self) -> None:
        """Take note that a pass begins."""
        self._began = time.monotonic()

    def add(self, report: Report, *, is_whole: bool) -> None:
        """Take in what a pass told."""
        self.numbers.add(report, is_whole=is_whole, seconds=time.monotonic() - self._began)
        self._put()

    def failed(self, *, is_readable: bool) -> None:
        """Take note of a pass that did not come to its end; ``is_readable``: the index was no reason for that."""
        self.numbers.failed(is_readable=is_readable)
        self._put()

    def _put(self) -> None:
        self._text = self.numbers.text()
        if self._file is None:
            return
        try:
            write_atomically(self._file, self._text, _READABLE_BY_ALL)
            self._is_told = False
        except OSError as error:
            if not self._is_told:
                self._warn(f"{self._file}: the numbers cannot be written: {error.strerror}")
            self._is_told = True

    @contextmanager
    def open(self) -> Iterator[str | None]:
        """Answer at the address as long as this is open, and yield its URL. Raises :class:`UsageError`."""
        if self._address is None:
            yield None
            return
        try:
            server = ThreadingHTTPServer(self._address, _handler(lambda: self._text))
        except (OSError, OverflowError) as error:
            host, port = self._address
            remedy = "choose another address or port for --metrics"
            raise UsageError(f"nothing can listen there: {error}", place=f"{host}:{port}", remedy=remedy) from None
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        try:
            yield f"http://{self._address[0]}:{server.server_address[1]}{PATH}"
        finally:
            server.shutdown()
            server.server_close()


def _handler(text: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers one question, without a word in the log."""

        server_version, sys_version, timeout = "molthub", "", 10

        def do_GET(self) -> None:
            """Answer with the numbers."""
            is_known = self.path.partition("?")[0] == PATH
            body = text() if is_known else f"see {PATH}\n".encode()
            self.send_response(200 if is_known else 404)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
