"""Repositories of others, and a host that serves them: `git http-backend` behind a server that can misbehave."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pygit2

from tests.builders import as_bytes, commit_entries
from tests.loopback import serving

BLOB, EXECUTABLE = pygit2.enums.FileMode.BLOB, pygit2.enums.FileMode.BLOB_EXECUTABLE
LINK, SUBMODULE = pygit2.enums.FileMode.LINK, pygit2.enums.FileMode.COMMIT
Entry = str | bytes | tuple[str | bytes, pygit2.enums.FileMode]

SKILL_MD = "---\nname: notes\ndescription: Takes notes in meetings.\nlicense: MIT\n---\n\n# Notes\n\nTake some.\n"
NOTES: dict[str, Entry] = {
    "skills/notes/SKILL.md": SKILL_MD,
    "skills/notes/scripts/take.py": ("print('noted')\n", EXECUTABLE),
    "skills/notes/docs/README.md": "How to take notes.\n",
    "README.md": "Skills of others.\n",
}


def commit_skills(repository: Path, entries: Mapping[str, Entry]) -> str:
    """Commit exactly these files, links (their target) and submodules (their commit); return the revision."""
    exists = (repository / "HEAD").is_file()
    made = pygit2.Repository if exists else partial(pygit2.init_repository, bare=True, initial_head="main")
    whole = (entry if isinstance(entry, tuple) else (entry, BLOB) for entry in entries.values())
    named = zip(entries, whole, strict=True)
    return commit_entries(
        made(str(repository)), {path.encode(): (as_bytes(text), mode) for path, (text, mode) in named}
    )


def with_raw_tree(repository: Path, name: bytes, mode: bytes, content: bytes) -> str:
    """Commit a tree object as it is given, whatever git thinks of its one entry; return the revision."""
    repo = pygit2.Repository(str(repository))
    blob = repo.create_blob(content)
    tree = repo.odb.write(pygit2.enums.ObjectType.TREE, mode + b" " + name + b"\0" + blob.raw)
    author = pygit2.Signature("Eve", "eve@example.com", 1_762_000_000, 0)
    return str(repo.create_commit(None, author, author, "Odd", tree, []))


class Handler(BaseHTTPRequestHandler):
    """Hands requests to ``git http-backend`` as a web server does (CGI, RFC 3875)."""

    protocol_version = "HTTP/1.0"
    server: GitHost

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        self.server.requests.append(self.path)
        for part, fault in self.server.faults.items():
            if part in self.path:
                fault(self)
                return
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.server.root), "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type") or "", "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
            "GIT_PROTOCOL": (self.headers.get("Git-Protocol") or "") if self.server.modern else "",
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, check=False, env=environment)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.partition(b": ") for line in head.split(b"\r\n")]
        status = next((value.split()[0] for key, _, value in headers if key == b"Status"), b"200")
        self.send_response(int(status))
        for key, _, value in headers:
            if key and key != b"Status":
                self.send_header(key.decode(), value.decode())
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of the overridden method's argument)
        """Say nothing."""


Fault = Callable[[Handler], None]


class GitHost(ThreadingHTTPServer):
    """Serves the bare repositories below ``root``. ``faults`` map a part of a path to what is done instead.

    One that is not ``modern`` speaks the first protocol, which gives single commits to nobody.
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.modern = True
        self.faults: dict[str, Fault] = {}
        self.requests: list[str] = []

    def url(self, name: str = "skills.git") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def git_host(root: Path) -> Iterator[GitHost]:
    """Serve the repositories below ``root`` on a free port of this machine."""
    with serving(GitHost(root)) as server:
        yield server


def moved(to: str) -> Fault:
    """Redirect to another address."""

    def fault(handler: Handler) -> None:
        path = handler.path.split("/", 2)[2]
        handler.send_response(301)
        handler.send_header("Location", f"{to}/{path}")
        handler.end_headers()

    return fault


def dripping(handler: Handler) -> None:
    """Answer a byte at a time, without end."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
    handler.end_headers()
    for byte in b"001e# service=git-upload-pack\n" * 100:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.2)


def cut(handler: Handler) -> None:
    """Break off in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/x-git-upload-pack-result")
    handler.end_headers()
    handler.wfile.write(b"0011shallow-info\n0035sha")


def denied(handler: Handler) -> None:
    """Want a password."""
    handler.send_response(401)
    handler.send_header("WWW-Authenticate", 'Basic realm="git"')
    handler.end_headers()
