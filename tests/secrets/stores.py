"""Loopback servers that speak what is documented of the Kubernetes API and of Vault's, as far as secrets are read."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Store:
    """Answers for paths: a JSON value, or a status. It remembers the requests and their headers."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.token = "let-me-in"
        self.asked: list[tuple[str, str, Mapping[str, str], Any]] = []
        self.address = ""
        self.error = "CANARY in an error"
        """What it says with a status that is no good."""
        self.busy: list[str] = []
        """What it says to the next requests, instead of an answer, to be asked again after (`Retry-After`)."""
        self.meanwhile: Callable[[], None] = lambda: None
        """What somebody else does before the next change."""

    def kubernetes_secret(self, namespace: str, name: str, values: Mapping[str, bytes]) -> None:
        """Hold a Secret (core/v1)."""
        held = {key: b64encode(value).decode() for key, value in values.items()}
        self.answers[f"/api/v1/namespaces/{namespace}/secrets/{name}"] = {
            "kind": "Secret", "apiVersion": "v1", "metadata": {"name": name, "namespace": namespace}, "data": held,
        }  # fmt: skip

    def vault_secret(
        self, mount: str, path: str, values: Mapping[str, Any], *, engine: int = 2, version: int = 3
    ) -> None:
        """Hold a secret of a key-value engine."""
        if engine == 1:
            self.answers[f"/v1/{mount}/{path}"] = {"data": dict(values)}
        else:
            held = {"data": dict(values), "metadata": {"version": version}}
            self.answers[f"/v1/{mount}/data/{path}"] = {"data": held}

    def engine(self, mount: str, version: int) -> None:
        """Say which version of the key-value engine is mounted."""
        self.answers[f"/v1/sys/internal/ui/mounts/{mount}"] = {"data": {"options": {"version": str(version)}}}

    def change(self, verb: str, path: str, body: Any) -> int | dict[str, Any]:
        """Write as the servers do; return the answer or a status."""
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        held = self.answers.get(path)
        if isinstance(held, int):
            return held
        if path.startswith("/api/"):
            return self._change_kubernetes(verb, path, body)
        if "/data/" not in path:
            self.answers[path] = 404 if verb == "DELETE" else {"data": body}
            return {}
        version = held["data"]["metadata"]["version"] if held else 0
        if body["options"]["cas"] != version:
            return 400
        self.answers[path] = {"data": {"data": body["data"], "metadata": {"version": version + 1}}}
        return {}

    def _change_kubernetes(self, verb: str, path: str, body: Any) -> int | dict[str, Any]:
        if verb == "POST":
            path = f"{path}/{body['metadata']['name']}"
        elif path not in self.answers:
            return 404
        data = {**self.answers.get(path, {}).get("data", {}), **body["data"]}
        self.answers[path] = {"data": {key: value for key, value in data.items() if value is not None}}
        return {}


@contextmanager
def serving(header: str) -> Iterator[Store]:
    """Serve a store on loopback; what shows no token in ``header`` is refused but for logging in."""
    store = Store()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"null"))

        do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 (as the library calls them)

        def _answer(self, body: Any) -> None:
            path = self.path.partition("?")[0]
            store.asked.append((self.command, path, dict(self.headers), body))
            shown = self.headers.get(header, "").removeprefix("Bearer ")
            found = store.answers.get(path, 404)
            if store.busy:
                found = 429
            elif shown != store.token and "/auth/" not in path:
                found = 403
            elif self.command != "GET" and "/auth/" not in path:
                found = store.change(self.command, path, body)
            status, value = (found, {"errors": [store.error]}) if isinstance(found, int) else (200, found)
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", store.busy.pop(0))
            if 300 <= status < 400:
                self.send_header("Location", f"{store.address}/elsewhere")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    store.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
