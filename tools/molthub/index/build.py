"""From a catalog to the whole index, as files in memory: a pure function of the registry's files and this program.

No clock, no history and no key are read, so that whoever builds the same commit gets the same bytes. Only
``registry.json`` holds the revision: a commit rewrites nothing but what it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.index.archive_packs import archive_packs
from molthub.index.archive_skills import archive_skills
from molthub.index.fixed_views import fixed_views
from molthub.index.fleets import FleetDocuments, write_fleets
from molthub.index.listings import Listed, Lists, entry_views, listed, pack_lists, search_rows
from molthub.index.pages.entry_pages import with_used_by
from molthub.index.pages.list_pages import list_pages
from molthub.index.pages.shelves import Shelves
from molthub.index.publishers import judge_of, publisher_files
from molthub.index.releases import Archived
from molthub.index.root_document import root_documents
from molthub.index.search_cut.bounds import USUAL, Bounds
from molthub.index.search_cut.search_files import write_search
from molthub.index.shards import write_shards
from molthub.index.signatures import signature_files
from molthub.index.views import Views
from molthub.index.views.discovery import latest_artifact, root_discovery
from molthub.model import Registry
from molthub.publisher_signatures import demanded_by
from molthub.registry.catalog import Catalog
from molthub.registry.publisher_keys import read_keys
from molthub.registry.resolve import resolve_bots
from molthub.registry.source import Source
from molthub.registry.upstreams.content import NO_UPSTREAMS, Upstreams

FLEET_FOLDERS = ("fleets/", "profiles/", "overlays/")


@dataclass(frozen=True)
class BuiltIndex:
    """An index, ready to be published.

    ``files`` are by path, sorted. ``problems`` are everything found on the way, ``unresolved`` the bots that do not
    resolve. ``removed`` are the digests of removed versions, whose archives are not to be kept for old clients.
    ``fleets`` says whether fleets were asked for.
    """

    files: Mapping[str, bytes]
    revision: str
    problems: tuple[Problem, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    unresolved: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()
    fleets: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything that is declared is in it."""
        return not self.unresolved and not any(problem.severity == "error" for problem in self.problems)

    @property
    def holds_anything(self) -> bool:
        """Whether at least one version or bot is in it."""
        return any(self.counts[what] for what in ("versions", "packVersions", "bots"))


def build_index(
    catalog: Catalog,
    source: Source,
    *,
    fleets: bool = False,
    progress: Callable[[int], None] = lambda _steps: None,
    upstreams: Upstreams = NO_UPSTREAMS,
    views: Views = Views.ALL,
    bounds: Bounds = USUAL,
) -> BuiltIndex:
    """Build the index of ``catalog``, whose files are in ``source``; with its fleets only when asked to.

    What cannot be offered is left out and named in ``problems``; nothing is raised for content. ``progress`` is told
    of every skill that is done.
    """
    demand = demanded_by(catalog.registry.policy)
    archived = Archived(judge=judge_of(catalog.publishers, source, demand))
    archive_skills(catalog, source, archived, progress, upstreams)
    archive_packs(catalog, source, archived)
    documents = FleetDocuments()
    if fleets:
        documents = write_fleets(catalog, resolve_bots(catalog), archived, views)
    rows = [listed(archived, entry, views) for entry in archived.entries]
    files = documents.files | {f"archives/{name}.tar.gz": content for name, content in archived.archives.items()}
    shards, search = write_shards((row.shard for row in rows), files), write_search(*search_rows(rows), files, bounds)
    files |= signature_files(archived, archived.signed)
    publishers, keys = publisher_files(read_keys(publisher, source) for publisher in catalog.publishers.values())
    files |= (
        root_documents(catalog.registry, catalog.revision, shards, search, documents.names, publishers=publishers)
        | keys
    )
    files |= _views(catalog.registry, archived, rows, views)
    found = (*catalog.problems, *archived.problems, *documents.problems)
    return BuiltIndex(
        files=dict(sorted(files.items())),
        revision=catalog.revision,
        problems=tuple(dict.fromkeys(problem for problem in found if fleets or not _of_fleets(problem))),
        counts=_counts(archived, documents),
        unresolved=documents.unresolved,
        removed=frozenset(archived.removed_digests()),
        fleets=fleets,
    )


def _views(registry: Registry, archived: Archived, rows: Sequence[Listed], views: Views) -> dict[str, bytes]:
    """Return what other clients, hosts and people read. The fleets' views came with their documents."""
    files: dict[str, bytes] = fixed_views(registry, views)
    for entry in archived.entries:
        files |= entry_views(registry, archived, entry, views)
    if views.for_clients:
        found = {skill.name: latest_artifact(skill) for skill in archived.skills.values()}
        files |= root_discovery(archived, {name: latest for name, latest in found.items() if latest is not None})
        files |= Lists.of(rows).documents(registry) | pack_lists(registry, archived)
    if views.for_people:
        _add_pages(registry, rows, files)
    return files


def _add_pages(registry: Registry, rows: Iterable[Listed], files: dict[str, bytes]) -> None:
    """Add the pages that list many, and say on the others who uses what they show."""
    shelves = Shelves.in_memory(row.page for row in rows if row.page is not None)
    for name in shelves.used():
        path = f"skills/{name}/index.html"
        if path in files:
            files[path] = with_used_by(files[path], shelves.users(name))
    files |= list_pages(registry, shelves)


def _of_fleets(problem: Problem) -> bool:
    return problem.file is not None and problem.file.startswith(FLEET_FOLDERS)


def _counts(archived: Archived, documents: FleetDocuments) -> dict[str, int]:
    pack_releases = [release for pack in archived.packs.values() for release in pack.releases.values()]
    return {
        "skills": len(archived.skills),
        "versions": len(archived.contents),
        "packs": len(archived.packs),
        "packVersions": sum(release.removed is None for release in pack_releases),
        "fleets": len(documents.names),
        "bots": len(documents.bots),
    }
