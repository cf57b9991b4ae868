"""Which bots' files are not as the state remembers them: compared by the trees of their folders, and never read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.index.around_skills import AroundBots
from molthub.index.incremental.underway import Underway
from molthub.registry.reading.gathered import Reading
from molthub.registry.reading.read_fleets import fleet_members
from molthub.registry.trees.bot_folders import bot_file, bots_of, changed_bots
from molthub.registry.trees.tree_part import TreePart

REFUSED = "refused"
"""Stands for the blob of a bot whose file may not be read."""


@dataclass
class ListedBots:
    """The bots whose files are new or others, by ``<fleet>/<bot>`` with their blobs, and those that are gone."""

    blobs: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


def listed_bots(underway: Underway, known: AroundBots | None, folders: Mapping[str, str], part: TreePart) -> ListedBots:
    """Return which bots differ from what the state remembers.

    ``folders`` are the trees of plain folders of bots by their fleets; all other bots stand in ``part``.
    """
    found = ListedBots()
    beside = fleet_members(Reading(part))
    for fleet, tree in folders.items():
        before = known.folders.get(fleet) if known else None
        if before != tree:
            _compare_folders(underway, fleet, before, tree, found)
    for fleet, bots in beside.items():
        if fleet not in folders:
            _compare(underway, fleet, {bot: _blob(part, f"{fleet}/{bot}") for bot in bots}, found)
    for fleet in (known.documents if known else {}).keys() - folders.keys() - beside.keys():
        _compare(underway, fleet, {}, found)
    return found


def _blob(part: TreePart, path: str) -> str:
    file = part.files.get(bot_file(path))
    return file.id if file is not None and file.path not in part.refused else REFUSED


def _compare_folders(underway: Underway, fleet: str, before: str | None, now: str, found: ListedBots) -> None:
    differing = changed_bots(underway.source, before, now) if before is not None else None
    if differing is None:
        _compare(underway, fleet, bots_of(underway.source, now), found)
        return
    blobs, gone = differing
    found.blobs |= {f"{fleet}/{bot}": blob for bot, blob in blobs.items()}
    found.gone |= {f"{fleet}/{bot}" for bot in gone}


def _compare(underway: Underway, fleet: str, bots: Mapping[str, str], found: ListedBots) -> None:
    before = underway.state.bots.blobs(fleet)
    now = {f"{fleet}/{bot}": blob for bot, blob in bots.items()}
    found.blobs |= {path: blob for path, blob in now.items() if before.get(path) != blob}
    found.gone |= before.keys() - now.keys()
