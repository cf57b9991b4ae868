"""Making what changed of fleets: their bots, their documents, and the lists of who has which pack."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from molthub.index.around_skills import AroundBots, SkillsAsked, left_out, outline_of
from molthub.index.fleets import fleet_files, named_by_waves
from molthub.index.incremental.answers import Answers, declared
from molthub.index.incremental.listed_bots import ListedBots, listed_bots
from molthub.index.incremental.make_bots import BotMaking
from molthub.index.incremental.underway import Underway
from molthub.index.on_demand import OfferedOnDemand, SkillsOnDemand
from molthub.index.standing import check_removal
from molthub.index.views.api import route_paths
from molthub.index.views.fleets import fleet_route, fleet_routes, pack_route, pack_routes
from molthub.registry.catalog import Catalog, read_around
from molthub.registry.trees.bot_folders import bot_folders, folder_of
from molthub.registry.trees.tree_part import TreePart


def make_fleets(
    underway: Underway, known: AroundBots | None, packs: Collection[str], standing: Collection[str]
) -> AroundBots:
    """Bring fleets and bots up to the commit, as :func:`molthub.index.incremental.fleets.update_fleets` says."""
    source, state = underway.source, underway.state
    folders = bot_folders(source, known.folders if known else {})
    part = source.part(without=left_out(fleets=True) | {folder_of(fleet) for fleet in folders})
    folders = {fleet: tree for fleet, tree in folders.items() if not _is_refused(part, folder_of(fleet))}
    skills = SkillsOnDemand(source, state, underway.wanted.upstreams)
    catalog = read_around(part, skills, state.skills.broken(), state.skills.dangling(), folders)
    offered = OfferedOnDemand.of(state, skills)
    asked = SkillsAsked.of(skills, offered)
    listed = listed_bots(underway, known, folders, part)
    _check_removal(underway, listed, standing)
    making = BotMaking(underway, catalog, offered, Answers(underway, catalog, part, offered))
    making.make(listed)
    said = {fleet.name: declared(fleet) for fleet in catalog.fleets.values()}
    again = making.fleets | {name for name in said if known is None or known.said.get(name) != said[name]}
    documents = _write_fleets(underway, catalog, known.documents if known else {}, again)
    return AroundBots(
        outline=outline_of(source, fleets=True),
        asked=asked,
        offered=sorted(packs),
        documents=documents,
        said=said,
        folders=folders,
        listed=_write_holders(underway, packs, known.listed if known else (), making.packs),
        problems=[problem.to_json() for problem in catalog.problems],
    )


def _is_refused(part: TreePart, folder: str) -> bool:
    return any(folder == path or folder.startswith(f"{path}/") for path in part.refused)


def _check_removal(underway: Underway, listed: ListedBots, standing: Collection[str]) -> None:
    if underway.whole:
        check_removal("bots", set(standing) - listed.blobs.keys(), len(standing), underway.wanted.max_delete)
    else:
        check_removal("bots", listed.gone, underway.state.bots.count(), underway.wanted.max_delete)


def _write_fleets(
    underway: Underway, catalog: Catalog, before: dict[str, str], again: Collection[str]
) -> dict[str, str]:
    """Write the documents and lists of the fleets to be written ``again``; return the hex names of all documents."""
    bots, views = underway.state.bots, underway.wanted.views
    documents: dict[str, str] = {}
    for fleet in catalog.fleets.values():
        name = fleet.name
        if name not in again:
            documents[name] = before[name]
            continue
        documents[name], files = fleet_files(fleet, bots.refs(name, named_by_waves(fleet)))
        if views.for_clients:
            files |= fleet_routes(name, bots.listed(name))
        underway.write(files)
    for name, file in before.items():
        if documents.get(name) != file:
            underway.stale.add(f"fleets/{file}.json")
        if name not in documents:
            underway.stale.update((f"fleets/{name}.json", *route_paths(fleet_route(name))))
    return documents


def _write_holders(
    underway: Underway, packs: Collection[str], before: Iterable[str], again: Collection[str]
) -> list[str]:
    """Write who has which pack, of packs to be written ``again`` and new ones; return all packs that are listed."""
    if not underway.wanted.views.for_clients:
        return []
    old, now = set(before), underway.state.bots.packs() | set(packs)
    for pack in sorted(now & set(again) | now - old):
        underway.write(pack_routes(pack, underway.state.bots.having(pack)))
    for pack in old - now:
        underway.stale.update(route_paths(pack_route(pack)))
    return sorted(now)
