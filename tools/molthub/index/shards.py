"""Shards and the search list: the catalog's names, cut into files that a client can fetch one of.

Both are put together from rows: a name and its canonical JSON. So a build that changes one skill writes its row, the
documents that hold it, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from molthub.documents import NAMES_PER_SHARD, canonical, hex_of, search_to_json, shard_key, shard_to_json
from molthub.index.archives import compress
from molthub.index.releases import is_withdrawn, latest_pack, latest_skill
from molthub.index.views import with_rows
from molthub.model import PackEntry, SearchRow, Shard, SkillEntry

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
        return ShardRow(shard_key("skill", entry.name, _WHOLE), "skill", entry.name, canonical(shown))
    shown = shard_to_json(Shard(packs={entry.name: entry}))["packs"][entry.name]
    return ShardRow(shard_key("pack", entry.name, _WHOLE), "pack", entry.name, canonical(shown))


_WHOLE = 64


def write_shards(rows: Iterable[ShardRow], files: Files) -> dict[str, str]:
    """Add the shards to ``files`` and return their hex names by key."""
    ordered = list(rows)
    length = key_length(row.key for row in ordered)
    by_key: dict[str, list[ShardRow]] = {}
    for row in ordered:
        by_key.setdefault(row.key[:length], []).append(row)
    return {key: write_shard(by_key[key], files) for key in sorted(by_key)}


def write_shard(rows: Iterable[ShardRow], files: Files) -> str:
    """Add the shard of these rows to ``files`` and return its hex name."""
    kinds: dict[str, list[bytes]] = {}
    for row in sorted(rows, key=lambda row: row.name):
        kinds.setdefault(f"{row.kind}s", []).append(canonical(row.name) + b":" + row.entry)
    members = [canonical(kind) + b":{" + b",".join(entries) + b"}" for kind, entries in sorted(kinds.items())]
    head = canonical(shard_to_json(Shard())).removesuffix(b"}")  # "format" comes before both kinds
    return _write(files, "shards", b",".join([head, *members]) + b"}")


def key_length(keys: Iterable[str]) -> int:
    """Return how many hex digits name a shard: as few as leave at most 128 names in each."""
    whole = list(keys)
    length = 1
    while max(Counter(key[:length] for key in whole).values(), default=0) > NAMES_PER_SHARD:
        length += 1
    return length


def search_row(entry: SkillEntry | PackEntry) -> bytes | None:
    """Return an entry's row in the search list: what may be offered has one, what has no available version too."""
    if is_withdrawn(entry):
        return None
    if isinstance(entry, SkillEntry):
        row = SearchRow("skill", entry.name, entry.description, latest_skill(entry) or "", entry.tags)
        return canonical(search_to_json([row])["skills"][0])
    row = SearchRow("pack", entry.name, entry.description or entry.display_name, str(latest_pack(entry) or ""))
    return canonical(search_to_json([row])["packs"][0])


def write_search(skills: Mapping[str, bytes], packs: Mapping[str, bytes], files: Files) -> dict[str, str]:
    """Add the search list to ``files`` and return its hex name, under the one key there is. Rows come by name."""
    head = {key: value for key, value in search_to_json([]).items() if key == "format"}
    return {"": _write(files, "search", with_rows(head, {"skills": skills.values(), "packs": packs.values()}))}


def _write(files: Files, folder: str, content: bytes) -> str:
    packed = compress(content)
    name = hex_of(packed)
    files[f"{folder}/{name}.json.gz"] = packed
    return name
