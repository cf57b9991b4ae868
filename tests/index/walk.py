"""A second reading of a published index, that shares no code with the one that wrote it or the one that installs it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def verify(folder: Path) -> dict[str, Any]:
    """Follow every name from ``registry.json`` on; each must be the hash of what it leads to. Returns the root."""
    content = (folder / "registry.json").read_bytes()
    assert (folder / f"{sha256(content)}.registry.json").read_bytes() == content
    root: dict[str, Any] = json.loads(content)
    assert root["format"] == "molthub.registry/1"
    for release in releases(folder, root).values():
        if "removed" not in release:
            _verify_archive(folder, release)
        for locked in release.get("skills", {}).values():
            _verify_archive(folder, locked)
    for name in root["search"].values():
        _blob(folder / "search" / f"{name}.json.gz", name)
    for fleet in root.get("fleets", {}).values():
        for bot in json.loads(_blob(folder / "fleets" / f"{fleet}.json", fleet))["bots"].values():
            _verify_bot(folder, bot)
    return root


def releases(folder: Path, root: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every release of the shards by ``skill/<name>@<version>`` and ``pack/<name>@<number>``."""
    return dict(_releases(folder, root))


def _releases(folder: Path, root: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, name in root["shards"].items():
        shard = json.loads(gzip.decompress(_blob(folder / "shards" / f"{name}.json.gz", name)))
        for kind in ("skill", "pack"):
            for thing, entry in shard.get(f"{kind}s", {}).items():
                assert sha256(f"{kind}/{thing}".encode()).startswith(key)
                for number, release in entry["versions"].items():
                    yield f"{kind}/{thing}@{number}", release


def _blob(file: Path, name: str) -> bytes:
    content = file.read_bytes()
    assert sha256(content) == name, file
    return content


def _verify_archive(folder: Path, release: dict[str, Any]) -> None:
    content = _blob(folder / "archives" / f"{release['archive']}.tar.gz", release["archive"])
    assert len(content) == release["size"]
    assert tree_digest(content) == release["digest"]
    assert sum(map(len, unpack(content).values())) == release["unpacked"]


def unpack(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr] # files only


def tree_digest(archive: bytes) -> str:
    """Return the digest of what an archive holds, from its definition."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        modes = {member.name: bool(member.mode & 0o100) for member in tar}
    listed = [
        {"executable": modes[path], "path": path, "sha256": sha256(content), "size": len(content)}
        for path, content in sorted(unpack(archive).items(), key=lambda item: item[0].encode())
    ]
    text = json.dumps(listed, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return f"sha256:{sha256(text.encode())}"


def _verify_bot(folder: Path, ref: dict[str, Any]) -> None:
    document = json.loads(_blob(folder / "bots" / f"{ref['file']}.json", ref["file"]))
    assert document.get("digest") == ref.get("digest")
    for artifact in document.get("skills", {}).values():
        _blob(folder / "archives" / f"{artifact['archive']}.tar.gz", artifact["archive"])


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its path, apart from what a build only remembers for the next one."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != ".molthub-state")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}
