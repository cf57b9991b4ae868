"""What every list of an index says of one entry, and the lists put together from that.

An index has documents that speak of everything: shards, the search list, the lists of the views. Each is made of rows,
and a row depends on its own entry alone. So whoever keeps the rows writes only the lists whose rows changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from molthub.index.pages.entry_pages import entry_pages
from molthub.index.pages.list_pages import page_row
from molthub.index.pages.shelves import PageRow
from molthub.index.releases import Archived
from molthub.index.search_rows import search_row
from molthub.index.shards import Kind, ShardRow, shard_row
from molthub.index.views import Files, Rows, Views
from molthub.index.views.api import list_routes, pack_routes, pack_row, skill_routes, skill_row
from molthub.index.views.clawhub import clawhub_routes
from molthub.index.views.discovery import pack_discovery, skill_discovery
from molthub.index.views.mcp_registry import server_list, server_routes
from molthub.index.views.plugins import marketplace, plugin_package
from molthub.index.views.simple import simple_lists, simple_pages, simple_row
from molthub.model import PackEntry, Registry, SkillEntry


class Listed(NamedTuple):
    """One skill's or pack's rows. None: it does not stand in that list."""

    kind: Kind
    name: str
    shard: ShardRow
    search: bytes | None
    api: bytes
    simple: bytes | None
    page: PageRow | None
    tags: tuple[str, ...]


def listed(archived: Archived, entry: SkillEntry | PackEntry, views: Views = Views.ALL) -> Listed:
    """Return the rows of one entry, whose latest version's files are in ``archived``."""
    page = page_row(entry) if views.for_people else None
    if isinstance(entry, SkillEntry):
        simple, tags = (simple_row(entry), entry.tags) if views.for_clients else (None, ())
        rows = (shard_row(entry), search_row(archived, entry), skill_row(entry), simple, page)
        return Listed("skill", entry.name, *rows, tags=tags)
    rows = (shard_row(entry), search_row(archived, entry), pack_row(entry), None, page)
    return Listed("pack", entry.name, *rows, tags=())


def entry_views(
    registry: Registry, archived: Archived, entry: SkillEntry | PackEntry, views: Views = Views.ALL
) -> Files:
    """Return the views that speak of one skill or pack alone."""
    files: Files = {}
    if views.for_clients:
        files |= _client_views(registry, archived, entry)
    if views.for_people:
        files |= entry_pages(registry, archived, entry)
    return files


def _client_views(registry: Registry, archived: Archived, entry: SkillEntry | PackEntry) -> Files:
    if isinstance(entry, SkillEntry):
        views = simple_pages(entry) | skill_routes(archived, entry) | skill_discovery(archived, entry)
        return views | clawhub_routes(archived, entry)
    views = pack_routes(entry) | pack_discovery(archived, entry) | plugin_package(registry, archived, entry)
    return views | server_routes(registry, archived, entry)


def pack_lists(registry: Registry, archived: Archived) -> Files:
    """Return the views that list every pack, made whenever a pack is."""
    return marketplace(registry, archived) | server_list(registry, archived)


SKILL_FOLDERS = ("simple", "api/v1/skills", "s", "skills", "signatures/skill")
"""Where the views of one skill stand: in a folder of its name, and ``api/v1/skills/<name>.json``."""


@dataclass
class Lists:
    """The rows of every view's list, by name."""

    skills: Rows = field(default_factory=dict)
    packs: Rows = field(default_factory=dict)
    simple: Rows = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Listed]) -> Lists:
        """Gather the rows of all entries."""
        lists = cls()
        for row in sorted(rows, key=lambda row: row.name):
            (lists.skills if row.kind == "skill" else lists.packs)[row.name] = row.api
            if row.simple is not None:
                lists.simple[row.name] = row.simple
            for tag in row.tags:
                lists.tags.setdefault(tag, []).append(row.name)
        return lists

    def documents(self, registry: Registry) -> Files:
        """Return the views that list everything, pages apart."""
        return simple_lists(self.simple) | list_routes(registry.name, self.skills, self.packs, self.tags)


def search_rows(rows: Iterable[Listed]) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """Return the rows of the search list, of skills and of packs, each by name in order."""
    found: dict[Kind, Rows] = {"skill": {}, "pack": {}}
    for row in sorted(rows, key=lambda row: row.name):
        if row.search is not None:
            found[row.kind][row.name] = row.search
    return found["skill"], found["pack"]
