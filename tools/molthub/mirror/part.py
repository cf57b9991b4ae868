"""The documents of a part of an index: the same entries, cut to some versions, below a root of their own.

Nobody but the origin can sign in its name, so the root of a part is unsigned, until whoever runs the mirror signs it
with keys of his own (``molthub sign``). Archives and what they hold are the origin's, byte for byte.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import replace

from molthub.documents import (
    canonical,
    hex_of,
    index_root_to_json,
    search_from_json,
    search_to_json,
    shard_key,
    shard_key_length,
    shard_to_json,
)
from molthub.mirror.selection import Chosen
from molthub.mirror.walk import Walk
from molthub.model import IndexRoot, Json, PackEntry, SearchRow, Shard, SkillEntry
from molthub.search_lists import DIRECTORY
from molthub.versions import latest

_WHOLE = 64


def cut(walk: Walk, chosen: Chosen, fleets: Iterable[str]) -> tuple[IndexRoot, dict[str, bytes]]:
    """Return the root of a part, and its own documents by path: shards, and one search list."""
    skills = {name: _skill(entry, chosen.skills[name]) for shard in walk.found.shards.values()
              for name, entry in shard.skills.items() if name in chosen.skills}  # fmt: skip
    packs = {name: _pack(entry, chosen.packs[name]) for shard in walk.found.shards.values()
             for name, entry in shard.packs.items() if name in chosen.packs}  # fmt: skip
    files: dict[str, bytes] = {}
    shards = {key: _add(files, "shards", shard_to_json(shard)) for key, shard in _shards(skills, packs).items()}
    rows = [row for row in _rows(walk) if row.name in (skills if row.kind == "skill" else packs)]
    search = {"": _add(files, "search", search_to_json([_row(row, skills, packs) for row in rows]))}
    kept = {name: walk.root.fleets[name] for name in fleets}
    return replace(walk.root, shards=shards, search=search, fleets=kept), files


def root_document(root: IndexRoot) -> bytes:
    """Return the bytes of a root."""
    return canonical(index_root_to_json(root))


def _skill(entry: SkillEntry, versions: set[str]) -> SkillEntry:
    """Cut an entry. Tombstones stay: they say that a number is never used again."""
    kept = {number: release for number, release in entry.releases.items()
            if number in versions or release.removed is not None}  # fmt: skip
    return replace(entry, releases=kept)


def _pack(entry: PackEntry, numbers: set[int]) -> PackEntry:
    kept = {number: release for number, release in entry.releases.items()
            if number in numbers or release.removed is not None}  # fmt: skip
    return replace(entry, releases=kept)


def _shards(skills: Mapping[str, SkillEntry], packs: Mapping[str, PackEntry]) -> dict[str, Shard]:
    keys = {("skill", name): shard_key("skill", name, _WHOLE) for name in skills}
    keys |= {("pack", name): shard_key("pack", name, _WHOLE) for name in packs}
    length = shard_key_length(keys.values())
    shards: dict[str, tuple[dict[str, SkillEntry], dict[str, PackEntry]]] = {}
    for (kind, name), key in sorted(keys.items()):
        of_skills, of_packs = shards.setdefault(key[:length], ({}, {}))
        if kind == "skill":
            of_skills[name] = skills[name]
        else:
            of_packs[name] = packs[name]
    return {key: Shard(*entries) for key, entries in sorted(shards.items())}


def _rows(walk: Walk) -> list[SearchRow]:
    """Return the rows of every search list, each once."""
    directory = walk.root.search.get(DIRECTORY)
    blobs = [
        blob for path, blob in walk.found.documents.items() if path.startswith("search/") and blob.hex != directory
    ]
    rows: dict[tuple[str, str], SearchRow] = {}
    for blob, content in walk.read_all(blobs):
        for row in search_from_json(walk.unpacked(blob, content), walk.place(blob)):
            rows[row.kind, row.name] = row
    return list(rows.values())


def _row(row: SearchRow, skills: Mapping[str, SkillEntry], packs: Mapping[str, PackEntry]) -> SearchRow:
    if row.kind == "pack":
        offered = [number for number, release in packs[row.name].releases.items() if release.available]
        return replace(row, latest=str(max(offered)) if offered else "")
    there = [number for number, release in skills[row.name].releases.items() if release.available]
    return replace(row, latest=latest(there) or "")


def _add(files: dict[str, bytes], folder: str, document: Json) -> str:
    content = gzip.compress(canonical(document), mtime=0)
    name = hex_of(content)
    files[f"{folder}/{name}.json.gz"] = content
    return name
