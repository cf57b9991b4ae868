"""What agent programs talk to on loopback in place of their makers' services and of a model.

It lets everybody in, refuses every prompt, and remembers what it was told: what a program would tell a model of its
skills is in there. Cursor's agents are asked for their context first, which is how their service learns of skills.
"""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_REFUSED = {"error": {"message": "nobody is here", "type": "invalid_request_error"}}
# AgentServerMessage{exec_server_message{id: 1, exec_id: "x", request_context_args{}}} of the package agent.v1
_ASK_FOR_CONTEXT = bytes.fromhex("120708017a01785200")


@dataclass
class Backend:
    """Where it answers, and every body that was sent to it."""

    url: str
    bodies: list[bytes] = field(default_factory=list)

    def told(self) -> str:
        """Return everything it was told, as text; Cursor sends hexadecimal digits."""
        return "\n".join(_readable(body) for body in self.bodies)


def _readable(body: bytes) -> str:
    text = body.decode("latin-1")
    digits = max(text.replace("\n", " ").split("\x00"), key=len, default="")
    hexadecimal = "".join(char for char in digits if char in "0123456789abcdef")
    even = hexadecimal[: len(hexadecimal) // 2 * 2]
    return text + bytes.fromhex(even).decode("latin-1")


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    seen: Backend
    ended: threading.Event


class _Door(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Say nothing."""

    def do_GET(self) -> None:
        """List one model."""
        model = {"id": "none", "displayName": "None"}
        self._send(200, {"items": [model], "data": [model]})

    def do_POST(self) -> None:
        """Give a token to who asks for one; refuse a prompt."""
        self.server.seen.bodies.append(self._body())
        if self.path.startswith("/auth/exchange"):
            self._send(200, {"accessToken": _token(), "refreshToken": _token(), "authId": "user|1"})
        elif self.path.endswith("/BidiAppend"):
            self._send(200, None, "application/proto")
        elif self.path.endswith("/RunSSE"):
            self._ask_for_context()
        else:
            self._send(404 if "Service/" in self.path else 400, _REFUSED)

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _ask_for_context(self) -> None:
        """Ask over a stream that stays open until everything ends."""
        self.send_response(200)
        self.send_header("Content-Type", "application/connect+proto")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(struct.pack(">BI", 0, len(_ASK_FOR_CONTEXT)) + _ASK_FOR_CONTEXT)
        self.wfile.flush()
        self.server.ended.wait()

    def _send(self, status: int, answer: Any, media_type: str = "application/json") -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _token() -> str:
    """Return a token that nobody signed and that is valid for long."""
    parts = ({"alg": "none"}, {"sub": "user|1", "exp": 4_000_000_000})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".x"


@contextmanager
def agent_backend() -> Iterator[Backend]:
    """Answer on a free port of loopback."""
    with _Listener(("127.0.0.1", 0), _Door) as listener:
        listener.seen = Backend(f"http://127.0.0.1:{listener.server_port}")
        listener.ended = threading.Event()
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield listener.seen
        finally:
            listener.ended.set()
            listener.shutdown()
            thread.join()
