"""An MCP server over HTTP on loopback that remembers the headers of what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class HttpServer:
    """Where the server answers, and the headers (names in lower case) of every ``initialize``, by path."""

    url: str
    asked: dict[str, dict[str, str]] = field(default_factory=dict)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    seen: HttpServer


class _Door(BaseHTTPRequestHandler):
    server: _Listener

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer one JSON-RPC message (MCP, streamable HTTP)."""
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method = message.get("method")
        if method == "initialize":
            self.server.seen.asked[self.path] = {name.lower(): value for name, value in self.headers.items()}
        if "id" not in message:
            self._send(202, b"")
            return
        answer = _answer(method, message.get("params", {}))
        self._send(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}).encode())

    def do_GET(self) -> None:
        """Offer no stream."""
        self._send(405, b"")

    do_DELETE = do_GET  # noqa: N815 (http.server's name)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        name = {"name": "seen", "version": "1"}
        return {"result": {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                           "serverInfo": name}}  # fmt: skip
    if method == "tools/list":
        return {"result": {"tools": [{"name": "look", "description": "Looks.", "inputSchema": {"type": "object"}}]}}
    if method == "ping":
        return {"result": {}}
    return {"error": {"code": -32601, "message": "no such method"}}


@contextmanager
def http_mcp_server() -> Iterator[HttpServer]:
    """Answer on a free port of loopback."""
    with _Listener(("127.0.0.1", 0), _Door) as listener:
        listener.seen = HttpServer(f"http://127.0.0.1:{listener.server_port}")
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield listener.seen
        finally:
            listener.shutdown()
            thread.join()
