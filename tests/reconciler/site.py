"""A builder of small valid indexes with fleets, and a look at bots' homes. No registry is involved."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from molthub.documents import (
    bot_to_json,
    canonical,
    digest_of,
    file_entry,
    fleet_to_json,
    hex_of,
    index_root_to_json,
    tree_digest,
)
from molthub.index.archives import pack_archive
from molthub.model import Artifact, BotRef, DesiredState, FleetState, IndexRoot, Json, Origin, SyncPolicy

GIT = {"SKILL.md": "---\nname: git\ndescription: Git.\n---\nCommit.\n", "scripts/run.sh": "#!/bin/sh\necho git\n"}
DOCKER = {"SKILL.md": "---\nname: docker\ndescription: Docker.\n---\nBuild.\n"}


class Site:
    """An index in a folder. Declare skills, bots and fleets, then :meth:`publish`; change things, publish again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.artifacts: dict[str, Artifact] = {}
        self.bots: dict[str, DesiredState] = {}
        self.fleets: dict[str, FleetState] = {}
        self.revision = "1" * 40
        self._blobs: dict[str, bytes] = {}

    def skill(self, name: str, version: str, files: Mapping[str, str]) -> str:
        """Put a version's archive into the index and return its digest. Scripts are executable."""
        entries = [
            (file_entry(path, text.encode(), executable=path.startswith("scripts/")), text.encode())
            for path, text in files.items()
        ]
        digest = tree_digest(entry for entry, _ in entries)
        archive = pack_archive(entries)
        self._blobs[f"archives/{hex_of(archive)}.tar.gz"] = archive
        unpacked = sum(entry.size for entry, _ in entries)
        self.artifacts[digest] = Artifact(version, digest, hex_of(archive), len(archive), unpacked, name)
        return digest

    def bot(
        self,
        path: str,
        desired: Mapping[str, Json],
        *,
        origins: Mapping[str, tuple[Origin, ...]] | None = None,
        **fields: Any,
    ) -> DesiredState:
        """Declare a bot (``<fleet>/<bot>``) whose skills are known to the site."""
        fleet, _, name = path.partition("/")
        self.fleet(fleet)
        digests = [value for key, value in desired.items() if key.startswith("skill/")]
        state = DesiredState(
            **{
                "fleet": fleet,
                "bot": name,
                "platform": "agents-dir",
                "home": name,
                "agent": "main",
                "labels": {},
                "sync": SyncPolicy("correct", prune=True),
                "digest": digest_of(dict(desired)),
                "desired": dict(desired),
                "skills": {digest: self.artifacts[digest] for digest in digests if digest in self.artifacts},
                "origins": origins or {key: (Origin("bot", f"fleets/{fleet}/bots/{name}.yaml:9"),) for key in desired},
                **fields,
            }
        )
        self.bots[path] = state
        return state

    def fleet(self, name: str, **fields: Any) -> None:
        """Declare a fleet, or change its fields."""
        known = self.fleets.get(name, FleetState(name, {}, SyncPolicy(), {}))
        self.fleets[name] = replace(known, **fields)

    def publish(self) -> Path:
        """Write the index and return its folder."""
        files = dict(self._blobs)
        fleets: dict[str, str] = {}
        for name, fleet in self.fleets.items():
            bots = {}
            for path, state in self.bots.items():
                if path.startswith(f"{name}/"):
                    content = canonical(bot_to_json(state))
                    files[f"bots/{hex_of(content)}.json"] = content
                    bots[state.bot] = BotRef(hex_of(content), state.digest, labels=state.labels)
            content = canonical(fleet_to_json(replace(fleet, bots=bots)))
            files[f"fleets/{hex_of(content)}.json"] = content
            fleets[name] = hex_of(content)
        search = gzip.compress(canonical({"format": "molthub.search/1", "skills": [], "packs": []}), mtime=0)
        files[f"search/{hex_of(search)}.json.gz"] = search
        root = IndexRoot("acme", "https://skills.example.com/", "", self.revision, "molthub 0.1.0", {},
                         {"": hex_of(search)}, fleets)  # fmt: skip
        files["registry.json"] = canonical(index_root_to_json(root))
        for path, content in files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return self.folder

    def archive_of(self, digest: str) -> Path:
        """Return where a skill's archive lies in the published index."""
        return self.folder / "archives" / f"{self.artifacts[digest].archive}.tar.gz"


def contents(folder: Path) -> dict[str, bytes | str]:
    """Return everything in a folder: files' bytes, links' targets."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def stamps(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return inode, modification and change time of everything in a folder: what any write at all would move."""
    found = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
    return found


def read_json(path: Path) -> Any:
    """Return what a JSON file says."""
    return json.loads(path.read_text())
