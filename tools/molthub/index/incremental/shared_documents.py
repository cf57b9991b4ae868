"""The documents of an index that hold rows of many entries, written again where a row of theirs changed."""

from __future__ import annotations

import json

from molthub.documents import shard_key, shard_key_length
from molthub.index.around_skills import OfferedOnDemand, SkillsOnDemand
from molthub.index.build import list_views
from molthub.index.incremental.underway import Underway
from molthub.index.listings import Lists
from molthub.index.pages.entry_pages import with_used_by
from molthub.index.pages.list_pages import read_rows, users_of
from molthub.index.search_files import write_search
from molthub.index.shards import write_shard
from molthub.index.views import Files
from molthub.index.views.discovery import MAX_ROOT_SKILLS, latest_artifact, root_discovery
from molthub.index.write_files import Writer, files_below

ROOT_SHELF = ".well-known/agent-skills"


def write_shards(underway: Underway) -> dict[str, str]:
    """Write the shards of all names that changed, and return all by key."""
    state = underway.state
    known: dict[str, str] = state.fact("shards") or {}
    whole = state.shard_keys()
    length = shard_key_length(whole)
    keys = {key[:length] for key in whole}
    again = {shard_key(kind, name, length) for kind, name in underway.shards}
    if underway.whole or any(len(key) != length for key in known):
        again = keys
    named = {key: known[key] for key in keys - again}
    for key in sorted(again & keys):
        files: Files = {}
        named[key] = write_shard(state.shard_rows(key), files)
        underway.write(files, document=True)
    underway.stale.update(f"shards/{name}.json.gz" for name in known.values() if name not in named.values())
    state.remember("shards", named)
    return named


def write_search_lists(underway: Underway) -> dict[str, str]:
    """Write the search lists where a row of them changed, and return all by key."""
    state = underway.state
    known: dict[str, str] = state.fact("search") or {}
    if not underway.whole and not underway.lists & {"search/skill", "search/pack"}:
        return known
    files: Files = {}
    named = write_search(state.rows("search/skill"), state.rows("search/pack"), files)
    underway.stale.update(state.fact("search files") or ())
    underway.write(files, document=True)
    state.remember("search", named)
    state.remember("search files", sorted(files))
    return named


def write_list_views(underway: Underway) -> None:
    """Write the views that list everything, where any row of a list changed."""
    if not (underway.whole or underway.lists):
        return
    lists = _lists(underway)
    _write_users(underway, lists)
    views = list_views(underway.registry, lists)
    underway.write(views, document=True)
    underway.stale.update(underway.state.fact("list files") or ())
    underway.state.remember("list files", sorted(views))


def _lists(underway: Underway) -> Lists:
    rows = underway.state.rows
    tags: dict[str, list[str]] = {}
    for name, row in rows("tags").items():
        for tag in json.loads(row):
            tags.setdefault(tag, []).append(name)
    pages = {f"{kind}/{name}": row for kind in ("skill", "pack") for name, row in rows(f"pages/{kind}").items()}
    return Lists(rows("api/skill"), rows("api/pack"), rows("simple"), pages, tags)


def _write_users(underway: Underway, lists: Lists) -> None:
    """Write who uses a skill into its page, where that changed or the page was made again."""
    users = {name: [list(user) for user in found] for name, found in users_of(read_rows(lists.pages.values())).items()}
    before = underway.state.fact("users") or {}
    touched = {name for name in users.keys() | before.keys() if users.get(name) != before.get(name)}
    if not underway.whole:
        touched |= users.keys() & underway.changed
    writer = Writer(underway.out)
    for name in sorted(touched):
        path = f"skills/{name}/index.html"
        if name in lists.skills and (underway.out / path).is_file():
            users_now = [(page, user, kind) for page, user, kind in users.get(name, ())]
            writer.put(path, with_used_by((underway.out / path).read_bytes(), users_now))
    underway.written += len(writer.written)
    underway.state.remember("users", users)


def write_shelf(underway: Underway) -> None:
    """Write the root's discovery index, where the registry is small enough to have one."""
    if not (underway.whole or underway.changed):
        return
    files: Files = {}
    names = underway.state.latest_names(MAX_ROOT_SKILLS + 1)
    if len(names) <= MAX_ROOT_SKILLS:
        archived = OfferedOnDemand.of(
            underway.state, SkillsOnDemand(underway.source, underway.state, underway.wanted.upstreams)
        )
        found = {name: latest_artifact(archived.skills[name]) for name in names}
        files = root_discovery(archived, {name: latest for name, latest in found.items() if latest is not None})
    underway.stale.update(files_below(f"{underway.out}/{ROOT_SHELF}", ROOT_SHELF))
    underway.write(files)
