"""A tiny index built by hand from the model and the documents, and a server for it that can be told to misbehave.

It shares no code with the generator, so that the client is tested against the format and not against our own builder.

    index = IndexBuilder()
    index.skill("git", "1.2.0", dependencies={"shell-safety": "^1.0"})
    index.skill("shell-safety", "1.0.3")
    index.pack("dev", 1, ["git@1.2.0", "shell-safety@1.0.3"])
    with serve(index.files()) as server:
        ...
        server.faults["registry.json"] = unavailable(times=1)
"""

from __future__ import annotations

import gzip
import io
import socket
import ssl
import struct
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from molthub.documents import (
    bot_to_json,
    canonical,
    file_entry,
    fleet_to_json,
    hex_of,
    index_root_to_json,
    search_to_json,
    shard_key,
    shard_to_json,
    tree_digest,
)
from molthub.model import (
    Artifact,
    BotRef,
    DesiredState,
    EnvNeed,
    FileEntry,
    FleetState,
    IndexRoot,
    PackEntry,
    PackRelease,
    SearchRow,
    Shard,
    SkillEntry,
    SkillRelease,
    SyncPolicy,
)
from molthub.versions import latest
from tests.loopback import serving

PUBLISHED = "2026-11-02T09:00:00Z"
REVISION = "8c1e40d3a5f7b2960c4d18e95a7f3b6201d4c8e9"
Files = Mapping[str, bytes | tuple[bytes, bool]]
"""Path -> content, or content and whether it is executable."""


def entries_of(files: Files) -> list[tuple[FileEntry, bytes]]:
    """Return the list of files with their bytes."""
    pairs = {path: value if isinstance(value, tuple) else (value, False) for path, value in files.items()}
    return [(file_entry(path, content, executable=bit), content) for path, (content, bit) in sorted(pairs.items())]


def archive_of(files: Files) -> bytes:
    """Return a plain USTAR archive, compressed, the same bytes each time."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry, content in entries_of(files):
            member = tarfile.TarInfo(entry.path)
            member.size = entry.size
            member.mode = 0o755 if entry.executable else 0o644
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


def artifact_of(files: Files, name: str = "hello", version: str = "1.0.0", archive: bytes | None = None) -> Artifact:
    """Return what an index would say of these files."""
    packed = archive_of(files) if archive is None else archive
    entries = [entry for entry, _ in entries_of(files)]
    unpacked = sum(entry.size for entry in entries)
    return Artifact(version, tree_digest(entries), hex_of(packed), len(packed), unpacked, name)


def skill_files(name: str, version: str, dependencies: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the files of a small valid skill, one of them executable."""
    bare = name.rpartition("/")[2]
    wanted = "".join(f'  - {key}: "{value}"\n' for key, value in (dependencies or {}).items())
    manifest = f"name: {bare}\nversion: {version}\ndescription: Does {bare}.\n"
    manifest += f"dependencies:\n{wanted}" if wanted else ""
    return {
        "SKILL.md": f"---\nname: {bare}\ndescription: Does {bare}.\n---\n\n# {bare} {version}\n\nDo it.\n".encode(),
        "skill.yaml": manifest.encode(),
        "docs/usage.md": f"How to use {bare}.\n".encode(),
        "scripts/run.sh": (f"#!/bin/sh\necho {bare} {version}\n".encode(), True),
    }


@dataclass
class IndexBuilder:
    """Gathers skills, packs and bots; :meth:`files` returns the index."""

    name: str = "acme"
    skills: dict[str, SkillEntry] = field(default_factory=dict)
    packs: dict[str, PackEntry] = field(default_factory=dict)
    bots: dict[str, list[DesiredState]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    shard_length: int = 1
    revision: str = REVISION

    def skill(self, name: str, version: str, *, files: Files | None = None, **facts: Any) -> Artifact:
        """Add a version of a skill. ``facts`` are those of :class:`SkillRelease`."""
        content = skill_files(name, version, facts.get("dependencies")) if files is None else files
        archive = archive_of(content)
        artifact = artifact_of(content, name, version, archive)
        self.blobs[f"archives/{artifact.archive}.tar.gz"] = archive
        release = SkillRelease(artifact, PUBLISHED, **facts)
        bare = name.rpartition("/")[2]
        entry = self.skills.get(name) or SkillEntry(name, "active", f"Does {bare}.", {}, ("test",), "MIT", ("acme",))
        self.skills[name] = replace(entry, releases={**entry.releases, version: release})
        return artifact

    def change_skill(self, name: str, **facts: Any) -> None:
        """Change what the shard says of a skill: ``status``, ``description``, ``tags`` ..."""
        self.skills[name] = replace(self.skills[name], **facts)

    def change_release(self, name: str, version: str, **facts: Any) -> None:
        """Change what the shard says of a version: ``yanked``, ``quarantined``, ``removed`` ..."""
        entry = self.skills[name]
        releases = {**entry.releases, version: replace(entry.releases[version], **facts)}
        self.skills[name] = replace(entry, releases=releases)

    def pack(self, name: str, number: int, skills: Sequence[str], **facts: Any) -> None:
        """Add a version of a pack that is locked to ``skills``: ``["git@1.2.0", ...]``."""
        locked = {}
        for text in skills:
            skill, _, version = text.rpartition("@")
            locked[skill] = self.skills[skill].releases[version].artifact
        files = {f"{number}.yaml": f"pack {name} {number} {sorted(skills)}\n".encode()}
        archive = archive_of(files)
        artifact = artifact_of(files, name, str(number), archive)
        self.blobs[f"archives/{artifact.archive}.tar.gz"] = archive
        entry = self.packs.get(name) or PackEntry(name, "active", name.title(), {}, f"The pack {name}.", ("acme",))
        release = PackRelease(artifact, PUBLISHED, locked, **facts)
        self.packs[name] = replace(entry, releases={**entry.releases, number: release})

    def bot(self, state: DesiredState) -> None:
        """Add a bot's desired state."""
        self.bots.setdefault(state.fleet, []).append(state)

    def files(self) -> dict[str, bytes]:
        """Return the read path of the index: path -> bytes."""
        files = dict(self.blobs)
        shards = {key: _keep(files, "shards", gzip.compress(canonical(shard_to_json(shard)), mtime=0))
                  for key, shard in self._shards().items()}  # fmt: skip
        search = _keep(files, "search", gzip.compress(canonical(search_to_json(self._rows())), mtime=0))
        fleets = {name: self._fleet(name, files) for name in self.bots}
        url = "https://skills.example.com/"
        root = IndexRoot(self.name, url, f"{url}git", self.revision, "by hand", shards, {"": search}, fleets)
        files["registry.json"] = canonical(index_root_to_json(root))
        return files

    def write(self, folder: Path) -> Path:
        """Write the index into a folder."""
        for path, content in self.files().items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return folder

    def _shards(self) -> dict[str, Shard]:
        shards: dict[str, tuple[dict[str, SkillEntry], dict[str, PackEntry]]] = {}
        for name, skill in self.skills.items():
            shards.setdefault(shard_key("skill", name, self.shard_length), ({}, {}))[0][name] = skill
        for name, pack in self.packs.items():
            shards.setdefault(shard_key("pack", name, self.shard_length), ({}, {}))[1][name] = pack
        return {key: Shard(*parts) for key, parts in sorted(shards.items())}

    def _rows(self) -> list[SearchRow]:
        skills = [
            SearchRow("skill", entry.name, entry.description, latest(entry.releases) or "", entry.tags, entry.status)
            for entry in self.skills.values()
        ]
        packs = [
            SearchRow("pack", entry.name, entry.description, str(max(entry.releases))) for entry in self.packs.values()
        ]
        return skills + packs

    def _fleet(self, name: str, files: dict[str, bytes]) -> str:
        refs = {}
        for state in self.bots[name]:
            content = canonical(bot_to_json(state))
            files[f"bots/{hex_of(content)}.json"] = content
            refs[state.bot] = BotRef(hex_of(content), state.digest)
        content = canonical(fleet_to_json(FleetState(name, {}, SyncPolicy(), refs)))
        files[f"fleets/{hex_of(content)}.json"] = content
        return hex_of(content)


def env_need(name: str, *, secret: bool = False, required: bool = False) -> EnvNeed:
    """Return an environment need."""
    return EnvNeed(name, secret, required)


def _keep(files: dict[str, bytes], folder: str, content: bytes) -> str:
    files[f"{folder}/{hex_of(content)}.json.gz"] = content
    return hex_of(content)


# --- a server that can misbehave -----------------------------------------------------------------------------------

Fault = Callable[["Handler", bytes], bool]
"""Answers instead of the server and returns True, or returns False to let it answer."""


class Handler(BaseHTTPRequestHandler):
    """Answers GET from the server's dictionary."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the client to acknowledge its head
    server: IndexServer

    def do_GET(self) -> None:
        path = self.path.split("?", 1)[0].lstrip("/")
        self.server.requests.append((path, dict(self.headers.items())))
        content = self.server.files.get(path)
        fault = self.server.faults.get(path) or self.server.faults.get(path.split("/", 1)[0] + "/")
        if fault is not None and fault(self, content or b""):
            return
        if content is None:
            self.answer(404, b"not found")
            return
        etag = f'"{hex_of(content)}"'
        if self.headers.get("If-None-Match") == etag:
            self.answer(304, b"", ETag=etag)
        else:
            self.answer(200, content, ETag=etag)

    def answer(self, status: int, content: bytes, *, length: int | None = None, **headers: str) -> None:
        """Send a whole answer; ``length`` may lie."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 304:
            self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of the overridden method's argument)
        """Say nothing."""


class IndexServer(ThreadingHTTPServer):
    """Serves a dictionary of files. ``requests`` lists what was asked; ``faults`` maps a path or ``folder/`` to one."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, files: dict[str, bytes], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if tls is not None:
            self.scheme = "https"
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.files = files
        self.faults: dict[str, Fault] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.connections = 0

    @property
    def url(self) -> str:
        """The address, ending in a slash."""
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/"

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for path, _ in self.requests]

    def verify_request(self, *_request: Any) -> bool:
        """Count connections."""
        self.connections += 1
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def serve(files: dict[str, bytes], tls: ssl.SSLContext | None = None) -> Iterator[IndexServer]:
    """Serve files on a free port of this machine, over https where there are settings for it."""
    with serving(IndexServer(files, tls)) as server:
        yield server


def html(handler: Handler, _content: bytes) -> bool:
    """Answer with a page, as captive portals do."""
    handler.answer(200, b"<!doctype html><title>Welcome</title>", Content_Type="text/html")
    return True


def truncated(handler: Handler, content: bytes) -> bool:
    """Break off in the middle."""
    handler.answer(200, content[: len(content) // 2], length=len(content))
    handler.close_connection = True
    return True


def tampered(handler: Handler, content: bytes) -> bool:
    """Answer with one bit changed."""
    middle = len(content) // 2
    handler.answer(200, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    return True


def longer(handler: Handler, content: bytes) -> bool:
    """Answer with more bytes than there are."""
    handler.answer(200, content + b"more")
    return True


def endless(handler: Handler, _content: bytes) -> bool:
    """Answer in chunks without end, until the client has enough."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    handler.close_connection = True
    while True:
        handler.wfile.write(chunk)


def reset(handler: Handler, _content: bytes) -> bool:
    """Reset the connection without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()
    return True


def hang_up(handler: Handler, _content: bytes) -> bool:
    """Close the connection without an answer."""
    handler.close_connection = True
    return True


def unavailable(times: int, status: int = 503, retry_after: str = "0") -> Fault:
    """Answer 503 so many times, then well."""
    left = [times]

    def fault(handler: Handler, _content: bytes) -> bool:
        if left[0] <= 0:
            return False
        left[0] -= 1
        handler.answer(status, b"busy", Retry_After=retry_after)
        return True

    return fault


def once(fault: Fault) -> Fault:
    """Misbehave once, then answer well."""
    left = [1]

    def first(handler: Handler, content: bytes) -> bool:
        if left[0] <= 0:
            return False
        left[0] -= 1
        return fault(handler, content)

    return first


def redirect(to: str, status: int = 302) -> Fault:
    """Redirect elsewhere."""

    def fault(handler: Handler, _content: bytes) -> bool:
        handler.answer(status, b"over there", Location=to)
        return True

    return fault


def locked(authorization: str, status: int = 401) -> Fault:
    """Answer those alone who show these credentials."""

    def fault(handler: Handler, _content: bytes) -> bool:
        if handler.headers.get("Authorization") == authorization:
            return False
        handler.answer(status, b"who are you?", WWW_Authenticate='Bearer realm="skills"')
        return True

    return fault


def everywhere(fault: Fault) -> dict[str, Fault]:
    """Return the faults of a server that behaves like this for every file of the read path."""
    return dict.fromkeys(("registry.json", "metadata/", "shards/", "search/", "archives/", "fleets/", "bots/"), fault)


def silent(seconds: float) -> Fault:
    """Take the request and say nothing for a while."""

    def fault(handler: Handler, _content: bytes) -> bool:
        time.sleep(seconds)
        handler.close_connection = True
        return True

    return fault


def dripping(pause: float) -> Fault:
    """Send one byte at a time."""

    def fault(handler: Handler, content: bytes) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.close_connection = True
        for byte in content:
            handler.wfile.write(bytes([byte]))
            time.sleep(pause)
        return True

    return fault
