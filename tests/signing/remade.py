"""An index whose operator changed it: every document as he likes, and all hashes right again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from molthub.documents import canonical, hex_of

Edit = Callable[["Opened"], None]


class Opened:
    """The documents of one index: shards by key, lists of signatures and keys by their old names."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = {path: content for path, content in files.items() if path.startswith(("archives/", "schemas/"))}
        self.root: dict[str, Any] = json.loads(files["registry.json"])
        self.shards = {key: _read(files, "shards", name) for key, name in self.root["shards"].items()}
        self.lists = {
            path.removeprefix("signatures/").partition(".")[0]: json.loads(gzip.decompress(content))
            for path, content in files.items()
            if path.startswith("signatures/") and path.endswith(".json.gz")
        }
        directory = _read(files, "publishers", self.root["publishers"]) if "publishers" in self.root else None
        self.publishers: dict[str, Any] = directory["publishers"] if directory else {}
        self.keys = {name: _read(files, "publishers", ref["keys"]) for name, ref in self.publishers.items()}

    def skill(self, name: str) -> Any:
        """Return a skill's entry."""
        return next(shard["skills"][name] for shard in self.shards.values() if name in shard.get("skills", {}))

    def pack(self, name: str) -> Any:
        """Return a pack's entry."""
        return next(shard["packs"][name] for shard in self.shards.values() if name in shard.get("packs", {}))

    def signatures(self, of: str) -> Any:
        """Return the signatures of one list."""
        return next(found["signatures"] for found in self.lists.values() if found["of"] == of)

    def closed(self) -> dict[str, bytes]:
        """Return all files, named after their bytes again."""
        renamed = {name: self._put("signatures", document) for name, document in self.lists.items()}
        for ref in _references(list(self.shards.values())):
            ref["file"] = renamed.get(ref["file"], ref["file"])
        if self.publishers:
            for name, ref in self.publishers.items():
                ref["keys"] = self._put("publishers", self.keys[name])
            directory = {"format": "molthub.publishers/1", "publishers": self.publishers}
            self.root["publishers"] = self._put("publishers", directory)
        self.root["shards"] = {key: self._put("shards", shard) for key, shard in self.shards.items()}
        self.files["registry.json"] = canonical(self.root)
        return self.files

    def _put(self, folder: str, document: Any) -> str:
        content = gzip.compress(canonical(document), mtime=0)
        self.files[f"{folder}/{hex_of(content)}.json.gz"] = content
        return hex_of(content)


def _read(files: Mapping[str, bytes], folder: str, name: str) -> Any:
    return json.loads(gzip.decompress(files[f"{folder}/{name}.json.gz"]))


def _references(value: Any) -> list[Any]:
    """Return every reference to a signature below a value."""
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["signature"]] if isinstance(value.get("signature"), dict) else []
    return own + [found for item in value.values() for found in _references(item)]


def write(files: Mapping[str, bytes], out: Path) -> Path:
    """Write an index into a folder."""
    for path, content in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
    return out


def changed(files: Mapping[str, bytes], edit: Edit) -> dict[str, bytes]:
    """Return an index after an ``edit`` of its documents."""
    opened = Opened(files)
    edit(opened)
    return opened.closed()
