"""An index on a real server that turns hostile, and the answers that it then gives, byte by byte."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from molthub.documents import canonical, hex_of
from tests.index_fixture import Fault, Handler, IndexBuilder, IndexServer, everywhere
from tests.signing.repository import SignedIndex

READ_PATH = {"root": "registry.json", "shard": "shards/", "search list": "search/", "archive": "archives/"}


@dataclass
class Site:
    """The served index. ``signed`` is the metadata above it, where the client trusts its root; ``look`` lets it read.

    ``good`` is what an honest server gives in the end.
    """

    index: IndexBuilder
    server: IndexServer
    signed: SignedIndex | None = None
    elsewhere: str = ""
    good: dict[str, bytes] = field(default_factory=dict)
    look: Callable[[], object] = lambda: None

    def fault(self, place: str, fault: Fault) -> None:
        """Let one kind of file be answered by ``fault``; ``all``: every file."""
        found = everywhere(fault) if place == "all" else {READ_PATH.get(place, place): fault}
        self.server.faults = dict(found)

    def publish(self) -> None:
        """Serve the index as it is now, signed again where it is signed."""
        files = self.index.files()
        if self.signed is not None:
            self.signed.publish(files["registry.json"])
            files |= self.signed.files
        self.server.files = files
        self.good = dict(files)

    def rewrite(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """Change ``registry.json`` alone."""
        root = json.loads(self.server.files["registry.json"])
        change(root)
        self.server.files = {**self.server.files, "registry.json": canonical(root)}

    def swap_shards(self, make: Callable[[bytes], bytes], *, packed: bool = True) -> None:
        """Put another document in the place of every shard, named by its hash, so that the chain holds."""
        root = json.loads(self.server.files["registry.json"])
        files = dict(self.server.files)
        for key, name in root["shards"].items():
            made = make(gzip.decompress(files[f"shards/{name}.json.gz"]))
            content = gzip.compress(made, 1, mtime=0) if packed else made
            root["shards"][key] = hex_of(content)
            files[f"shards/{hex_of(content)}.json.gz"] = content
        self.server.files = {**files, "registry.json": canonical(root)}

    def swap_archive(self, archive: bytes, **said: Any) -> None:
        """Put another archive in the place of git 1.2.0's, with its own hash and size in the shard."""
        artifact = self.index.skills["git"].releases["1.2.0"].artifact
        facts = {"archive": hex_of(archive), "size": len(archive), **said}
        self.index.blobs[f"archives/{hex_of(archive)}.tar.gz"] = archive
        self.index.change_release("git", "1.2.0", artifact=replace(artifact, **facts))
        self.publish()


# --- answers -------------------------------------------------------------------------------------------------------


def raw(content: bytes, *, close: bool = True) -> Fault:
    """Answer with these bytes and nothing else."""

    def fault(handler: Handler, _content: bytes) -> bool:
        handler.wfile.write(content)
        handler.close_connection = close
        return True

    return fault


def drip(head: bytes, pause: float) -> Fault:
    """Answer with some bytes, then with one more now and then, for ever."""

    def fault(handler: Handler, _content: bytes) -> bool:
        handler.close_connection = True
        handler.wfile.write(head)
        while True:
            handler.wfile.write(b"x")
            time.sleep(pause)

    return fault


def flood(head: bytes, chunk: bytes) -> Fault:
    """Answer with some bytes, then with the same ones for ever."""

    def fault(handler: Handler, _content: bytes) -> bool:
        handler.close_connection = True
        handler.wfile.write(head)
        while True:
            handler.wfile.write(chunk)

    return fault


def desync(second: bytes) -> Fault:
    """Answer well, and send the answer to a question that nobody has asked yet after it."""

    def fault(handler: Handler, content: bytes) -> bool:
        length = b"Content-Length: %d\r\n\r\n"
        answer = b"HTTP/1.1 200 OK\r\n" + length % len(content) + content
        handler.wfile.write(answer + b"HTTP/1.1 200 OK\r\n" + length % len(second) + second)
        handler.wfile.flush()
        return True

    return fault


def encoded(handler: Handler, content: bytes) -> bool:
    """Answer with a content coding that nobody asked for (RFC 9110, section 8.4)."""
    handler.answer(200, gzip.compress(content), Content_Encoding="gzip")
    return True


# --- archives ------------------------------------------------------------------------------------------------------


def archive(*members: tuple[str, bytes, dict[str, Any]], style: int = tarfile.USTAR_FORMAT) -> bytes:
    """Return a ``.tar.gz`` of members: name, content, and what else a header says."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=style) as tar:
        for name, data, facts in (("SKILL.md", b"---\nname: git\n---\n", {}), *members):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for key, value in facts.items():
                setattr(member, key, value)
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(content.getvalue(), mtime=0)
