"""The documents of an index that hold rows of many entries, written again where a row of theirs changed."""

from __future__ import annotations

import json
from collections.abc import Mapping

from molthub.documents import shard_key, shard_key_length
from molthub.index.incremental.list_pages import write_pages
from molthub.index.incremental.underway import Underway
from molthub.index.on_demand import OfferedOnDemand, SkillsOnDemand
from molthub.index.shards import write_shard
from molthub.index.views import Files
from molthub.index.views.api import health, pack_list, skill_list, tag_list
from molthub.index.views.discovery import MAX_ROOT_SKILLS, latest_artifact, root_discovery
from molthub.index.views.simple import simple_lists
from molthub.index.write_files import files_below

ROOT_SHELF = ".well-known/agent-skills"


def write_shards(underway: Underway) -> dict[str, str]:
    """Write the shards of all names that changed, and return all by key."""
    state = underway.state
    known: dict[str, str] = state.fact("shards") or {}
    changed = list(underway.differences())
    if not underway.whole and all(before.shard and now.shard for before, now in changed):
        keys, length = set(known), len(next(iter(known), ""))
    else:
        whole = state.rows.shard_keys()
        length = shard_key_length(whole)
        keys = {key[:length] for key in whole}
    again = {shard_key(before.kind, before.name, length) for before, now in changed if before.shard != now.shard}
    if underway.whole or any(len(key) != length for key in known):
        again = keys
    named = {key: known[key] for key in keys - again}
    for key in sorted(again & keys):
        files: Files = {}
        named[key] = write_shard(state.rows.shard_rows(key), files)
        underway.write(files, document=True)
    underway.stale.update(f"shards/{name}.json.gz" for name in known.values() if name not in named.values())
    state.remember("shards", named)
    return named


def write_views(underway: Underway) -> None:
    """Write the views of more than one entry that are wanted, and with a new index those that speak of none."""
    views = underway.wanted.views
    if underway.whole:
        from molthub.index.fixed_views import fixed_views  # a new index alone has them

        underway.write(fixed_views(underway.registry, views), document=True)
    if views.for_clients:
        write_lists(underway)
    if views.for_people:
        write_pages(underway)
    if views.for_clients:
        write_shelf(underway)


def write_lists(underway: Underway) -> None:
    """Write the lists in which any row changed."""
    changed, whole, rows = _changed_lists(underway), underway.whole, underway.state.rows.of_list
    files: Files = {}
    if whole or "api/skill" in changed:
        files |= skill_list(rows("api/skill"))
    if whole or "api/pack" in changed:
        files |= pack_list(rows("api/pack"))
    if whole or "simple" in changed:
        files |= simple_lists(rows("simple"))
    if whole or "tags" in changed:
        files |= tag_list(_tags(rows("tags")))
    if whole or changed:
        skills, packs = underway.state.rows.count("api/skill"), underway.state.rows.count("api/pack")
        files |= health(underway.registry.name, skills=skills, packs=packs)
    underway.write(files, document=True)


def _changed_lists(underway: Underway) -> set[str]:
    changed: set[str] = set()
    for before, now in underway.differences():
        lists = before.rows.keys() | now.rows.keys()
        changed.update(of for of in lists if before.rows.get(of) != now.rows.get(of))
    return changed


def _tags(rows: Mapping[str, bytes]) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for name, row in rows.items():
        for tag in json.loads(row):
            tags.setdefault(tag, []).append(name)
    return tags


def write_shelf(underway: Underway) -> None:
    """Write the root's discovery index, where the registry is small enough to have one."""
    if not (underway.whole or underway.changed):
        return
    files: Files = {}
    names = underway.state.skills.latest_names(MAX_ROOT_SKILLS + 1)
    if len(names) <= MAX_ROOT_SKILLS:
        archived = OfferedOnDemand.of(
            underway.state, SkillsOnDemand(underway.source, underway.state, underway.wanted.upstreams)
        )
        found = {name: latest_artifact(archived.skills[name]) for name in names}
        files = root_discovery(archived, {name: latest for name, latest in found.items() if latest is not None})
    underway.stale.update(files_below(f"{underway.out}/{ROOT_SHELF}", ROOT_SHELF))
    underway.write(files)
