"""Shards and the search list: the catalog's names, cut into files that a client can fetch one of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from molthub.documents import NAMES_PER_SHARD, canonical, hex_of, search_to_json, shard_key, shard_to_json
from molthub.index.archives import compress
from molthub.index.releases import Archived, is_withdrawn, latest_pack, latest_skill
from molthub.model import Json, PackEntry, SearchRow, Shard, SkillEntry

Files = dict[str, bytes]


def write_shards(archived: Archived, files: Files) -> dict[str, str]:
    """Add the shards to ``files`` and return their hex names by key."""
    length = key_length([("skill", name) for name in archived.skills] + [("pack", name) for name in archived.packs])
    skills = _by_key("skill", archived.skills, length)
    packs = _by_key("pack", archived.packs, length)
    named = {}
    for key in sorted({*skills, *packs}):
        document = shard_to_json(Shard(skills.get(key, {}), packs.get(key, {})))
        named[key] = _write(files, "shards", document)
    return named


def key_length(names: list[tuple[str, str]]) -> int:
    """Return how many hex digits name a shard: as few as leave at most 128 names in each."""
    length = 1
    while max(Counter(shard_key(kind, name, length) for kind, name in names).values(), default=0) > NAMES_PER_SHARD:
        length += 1
    return length


def _by_key(kind: str, entries: Mapping[str, SkillEntry] | Mapping[str, PackEntry], length: int) -> dict:  # type: ignore[type-arg] # of entries of that kind
    found: dict[str, dict] = {}  # type: ignore[type-arg] # of entries of that kind
    for name, entry in entries.items():
        found.setdefault(shard_key(kind, name, length), {})[name] = entry
    return found


def search_rows(archived: Archived) -> list[SearchRow]:
    """Return one row for everything that may be offered. What has no available version is listed without one."""
    skills = [_skill_row(skill) for skill in archived.skills.values() if not is_withdrawn(skill)]
    return skills + [_pack_row(pack) for pack in archived.packs.values() if not is_withdrawn(pack)]


def _skill_row(skill: SkillEntry) -> SearchRow:
    return SearchRow("skill", skill.name, skill.description, latest_skill(skill) or "", skill.tags)


def _pack_row(pack: PackEntry) -> SearchRow:
    return SearchRow("pack", pack.name, pack.description or pack.display_name, str(latest_pack(pack) or ""))


def write_search(rows: list[SearchRow], files: Files) -> dict[str, str]:
    """Add the search list to ``files`` and return its hex name, under the one key there is."""
    return {"": _write(files, "search", search_to_json(rows))}


def _write(files: Files, folder: str, document: Json) -> str:
    packed = compress(canonical(document))
    name = hex_of(packed)
    files[f"{folder}/{name}.json.gz"] = packed
    return name
