"""An index on a host that knows nothing but files and folders: Python's own file server, none of our code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.builders import Tree, registry
from tests.index.made import site


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


class PlainHost:
    """A folder with an index, and where it is served."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"

    def publish(self, *parts: Tree, **fields: Any) -> None:
        """Build an index of these parts and put it there; the registry says that it is published here."""
        site(registry(*parts, url=f"{self.url}/", **fields), self.folder)


@contextmanager
def plain_host(folder: Path) -> Iterator[PlainHost]:
    """Serve ``folder``, which may be empty yet."""
    folder.mkdir()
    with _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield PlainHost(folder, server.server_port)
        finally:
            server.shutdown()
            thread.join()
