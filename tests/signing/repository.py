"""A signed index in memory that can be changed as an attacker or an accident would, and two clients that read it.

One client is ours (:class:`molthub.client.trust.Trust`), the other is python-tuf's own ``ngclient.Updater``; both keep
what they have seen below a folder of theirs.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater

from molthub.client.fetch import NOT_FOUND, OK, Fetched, too_large
from molthub.client.trust import Trust
from molthub.errors import MolthubError

URL = "https://skills.example.com/"
ROLES = ("timestamp", "snapshot", "targets")
_KINDS: dict[str, Callable[..., Any]] = {"targets": Targets, "snapshot": Snapshot, "timestamp": Timestamp}


def soon(hours: float = 24) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)


@dataclass
class SignedIndex:
    """The files of a signed index, and the keys that sign them by role. ``older`` are the files of its first state."""

    content: bytes = b'{"revision": "one"}'
    root: Root = field(default_factory=lambda: Root(version=1, expires=soon(1000), consistent_snapshot=True))
    keys: dict[str, list[CryptoSigner]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ROLES, 0))
    older: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.keys:
            for role in ("root", *ROLES):
                self.keys[role] = [CryptoSigner.generate_ed25519()]
                self.root.add_key(self.keys[role][0].public_key, role)
            self.publish_root()
            self.publish()
            self.older = dict(self.files)

    def copy(self) -> SignedIndex:
        """Return another that can be changed alone."""
        keys = {role: [*found] for role, found in self.keys.items()}
        root = Root.from_dict(copy.deepcopy(self.root.to_dict()))
        return SignedIndex(self.content, root, keys, dict(self.files), dict(self.versions), dict(self.older))

    def signed(self, value: Any, role: str, keys: list[CryptoSigner] | None = None) -> bytes:
        """Return a document signed by the keys of its role, or by others."""
        document = Metadata(value)
        for key in self.keys[role] if keys is None else keys:
            document.sign(key, append=True)
        return document.to_bytes()

    def publish_root(self, *others: CryptoSigner) -> None:
        """Publish the root, signed by its keys and others'."""
        self.files[f"metadata/{self.root.version}.root.json"] = self.signed(
            self.root, "root", [*self.keys["root"], *others]
        )

    def next_root(self, role: str, *, revoke: bool = True) -> CryptoSigner:
        """Give a role a new key in the next root (not published yet) and return the one it had."""
        old = self.keys[role][0]
        new = CryptoSigner.generate_ed25519()
        self.root.version += 1
        if revoke:
            self.root.revoke_key(old.public_key.keyid, role)
        self.root.add_key(new.public_key, role)
        self.keys[role] = [new] if revoke else [old, new]
        return old

    def publish(self, content: bytes | None = None, *, expires: dict[str, datetime] | None = None) -> None:
        """Publish a ``registry.json``: every version is one more than before."""
        self.content = self.content if content is None else content
        times = dict.fromkeys(ROLES, soon()) | (expires or {})
        self.versions = {role: version + 1 for role, version in self.versions.items()}
        name = sha256(self.content).hexdigest()
        target = TargetFile(len(self.content), {"sha256": name}, "registry.json")
        made = {
            "targets": Targets(self.versions["targets"], None, times["targets"], {"registry.json": target}),
            "snapshot": Snapshot(
                self.versions["snapshot"],
                None,
                times["snapshot"],
                {"targets.json": MetaFile(version=self.versions["targets"])},
            ),
            "timestamp": Timestamp(
                self.versions["timestamp"], None, times["timestamp"], MetaFile(version=self.versions["snapshot"])
            ),
        }
        self.files[f"{name}.registry.json"] = self.content
        for role, value in made.items():
            self.files[self.path(role)] = self.signed(value, role)

    def path(self, role: str) -> str:
        """Return where a role's newest document is."""
        prefix = "" if role == "timestamp" else f"{self.versions[role]}."
        return f"metadata/{prefix}{role}.json"

    def change(self, role: str, change: Callable[[dict[str, Any]], Any], *, sign: bool = True) -> None:
        """Change the newest document of a role, and sign it again unless told otherwise."""
        path = f"metadata/{self.root.version}.root.json" if role == "root" else self.path(role)
        document = json.loads(self.files[path])
        change(document["signed"])
        content = json.dumps(document).encode()
        if sign:
            from molthub.client.signed_metadata import canonical_metadata

            message = canonical_metadata(document["signed"])
            document["signatures"] = [key.sign(message).to_dict() for key in self.keys[role]]
            content = json.dumps(document).encode()
        self.files[path] = content

    def resign(self, role: str, keys: list[CryptoSigner]) -> None:
        """Sign the newest document of a role by these keys instead."""
        document: Metadata[Any] = Metadata.from_bytes(self.files[self.path(role)])
        self.files[self.path(role)] = self.signed(document.signed, role, keys)


@dataclass
class MemoryFetcher:
    """Our port to an index, over a dictionary. ``asked`` lists the paths."""

    files: dict[str, bytes]
    where: str = URL
    asked: list[str] = field(default_factory=list)

    def get(self, path: str, *, etag: str | None = None, limit: int) -> Fetched:
        del etag
        self.asked.append(path)
        content = self.files.get(path)
        if content is None:
            return Fetched(NOT_FOUND)
        if len(content) > limit:
            raise too_large(path, limit)
        return Fetched(OK, content)

    def close(self) -> None:
        """Nothing is held open."""


class _TufFetcher(FetcherInterface):
    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        content = self.files.get(url.removeprefix(URL))
        if content is None:
            raise DownloadHTTPError("not found", 404)
        return iter([content])


class OurClient:
    """Ours: :meth:`update` returns the registry's bytes, or the kind of error."""

    def __init__(self, folder: Path, root: bytes) -> None:
        self.trust = Trust(URL, folder / "ours")
        self.trust.begin(root)

    def update(self, files: dict[str, bytes]) -> bytes | str:
        try:
            return self.trust.registry(MemoryFetcher(files))
        except MolthubError as error:
            return type(error).__name__


class TufClient:
    """python-tuf's."""

    def __init__(self, folder: Path, root: bytes) -> None:
        self.folder = folder / "tuf"
        self.folder.mkdir()
        (self.folder / "targets").mkdir()
        self.root = root

    def update(self, files: dict[str, bytes]) -> bytes | str:
        try:
            updater = Updater(
                str(self.folder),
                f"{URL}metadata/",
                str(self.folder / "targets"),
                URL,
                _TufFetcher(files),
                bootstrap=self.root,
            )
            updater.refresh()
            target = updater.get_targetinfo("registry.json")
            if target is None:
                return "no target"
            return Path(updater.download_target(target)).read_bytes()
        except (RepositoryError, DownloadError, ValueError) as error:
            return type(error).__name__
