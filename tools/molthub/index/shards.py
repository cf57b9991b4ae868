"""Shards: the catalog's names, cut into files that a client can fetch one of.

They are put together from rows: a name and its canonical JSON. So a build that changes one skill writes its row, the
documents that hold it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from molthub.documents import canonical, canonical_plain, hex_of, shard_key, shard_key_length, shard_to_json
from molthub.index.archives import compress
from molthub.model import PackEntry, Shard, SkillEntry

Files = dict[str, bytes]
Kind = Literal["skill", "pack"]


class ShardRow(NamedTuple):
    """What a shard holds of one name: the entry as canonical JSON. ``key`` is the whole hash of the name."""

    key: str
    kind: Kind
    name: str
    entry: bytes


def shard_row(entry: SkillEntry | PackEntry) -> ShardRow:
    """Return the row of a skill or a pack."""
    if isinstance(entry, SkillEntry):
        shown = shard_to_json(Shard(skills={entry.name: entry}))["skills"][entry.name]
        return ShardRow(shard_key("skill", entry.name, _WHOLE), "skill", entry.name, canonical_plain(shown))
    shown = shard_to_json(Shard(packs={entry.name: entry}))["packs"][entry.name]
    return ShardRow(shard_key("pack", entry.name, _WHOLE), "pack", entry.name, canonical(shown))


_WHOLE = 64


def write_shards(rows: Iterable[ShardRow], files: Files) -> dict[str, str]:
    """Add the shards to ``files`` and return their hex names by key."""
    ordered = list(rows)
    length = shard_key_length(row.key for row in ordered)
    by_key: dict[str, list[ShardRow]] = {}
    for row in ordered:
        by_key.setdefault(row.key[:length], []).append(row)
    return {key: write_shard(by_key[key], files) for key in sorted(by_key)}


def write_shard(rows: Iterable[ShardRow], files: Files) -> str:
    """Add the shard of these rows to ``files`` and return its hex name."""
    return _write(files, "shards", shard_document(rows))


def shard_document(rows: Iterable[ShardRow]) -> bytes:
    """Return the shard of these rows, not yet compressed."""
    kinds: dict[str, list[bytes]] = {}
    for row in sorted(rows, key=lambda row: row.name):
        kinds.setdefault(f"{row.kind}s", []).append(canonical(row.name) + b":" + row.entry)
    members = [canonical(kind) + b":{" + b",".join(entries) + b"}" for kind, entries in sorted(kinds.items())]
    head = canonical(shard_to_json(Shard())).removesuffix(b"}")  # "format" comes before both kinds
    return b",".join([head, *members]) + b"}"


def _write(files: Files, folder: str, content: bytes) -> str:
    packed = compress(content)
    name = hex_of(packed)
    files[f"{folder}/{name}.json.gz"] = packed
    return name
