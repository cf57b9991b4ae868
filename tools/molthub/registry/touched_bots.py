"""A change of nothing but bots: which of them are to be read, those that changed and all that live with one of these.

Bots of one home must agree, so the others there are judged too. They are looked for by the name of the home in their
files, which are not read for it; in doubt a bot is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from molthub.registry.reading.gathered import Reading
from molthub.registry.reading.read_fleets import read_bot
from molthub.registry.trees.bot_folders import BOTS, FLEETS, are_plain_names, bot_file, bots_of, changed_bots, folder_of
from molthub.registry.trees.git_source import GitSource
from molthub.registry.trees.tree_walk import are_plain_folders, name_problems

_HOME = re.compile(rb"home|\\")
"""Stands in the file of every bot that names its home, or may do so by escapes."""


@dataclass
class TouchedBots:
    """Of two commits the blobs of the bots to read, by their files, and the fleets whose other bots are left out."""

    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    fleets: set[str] = field(default_factory=set)


def touched_bots(source: GitSource, base: GitSource) -> TouchedBots | None:
    """Return which bots to read, where below ``fleets`` nothing but bots differs; None: that cannot be told."""
    folders = [_fleets(one) for one in (base, source)]
    if folders[0] is None or folders[1] is None or folders[0].keys() != folders[1].keys():
        return None
    found = TouchedBots(fleets=set(folders[1]))
    for fleet, now in folders[1].items():
        then = folders[0][fleet]
        if then != now and not _compare(source, base, fleet, (then, now), found):
            return None
    return found


def _fleets(source: GitSource) -> dict[str, str] | None:
    top = source.top_folder(FLEETS)
    entries = source.entries(top) if top is not None else ()
    alike = sum(entry.name.casefold() == FLEETS for entry in source.entries(source.root))
    if not are_plain_folders(entries) or alike != 1:
        return None
    return {entry.name: entry.handle for entry in entries}


def _compare(source: GitSource, base: GitSource, fleet: str, trees: tuple[str, str], found: TouchedBots) -> bool:
    """Add what is to be read of one fleet; whether nothing but bots in plain files differs there."""
    inner = [
        {entry.name: entry for entry in one.entries(tree)} for one, tree in zip((base, source), trees, strict=True)
    ]
    then, now = (entries.pop(BOTS, None) for entries in inner)
    if inner[0] != inner[1] or then is None or now is None or {then.kind, now.kind} != {"folder"}:
        return False
    if name_problems([now, *inner[1].values()], f"{FLEETS}/{fleet}"):
        return False
    listed = [bots_of(base, then.handle), bots_of(source, now.handle)]
    differing = changed_bots(source, then.handle, now.handle)
    if differing is None or not are_plain_names(source, then.handle, now.handle):
        return False
    changed = {*differing[0], *differing[1]}
    read = [{bot: blobs[bot] for bot in changed & blobs.keys()} for blobs in listed]
    homes = {home for one, blobs in zip((base, source), read, strict=True) for home in _homes(one, fleet, blobs)}
    with_them = set(_living_in(source, homes, {bot: blob for bot, blob in listed[1].items() if bot not in changed}))
    for blobs, into in zip(listed, (found.before, found.after), strict=True):
        into.update({bot_file(f"{fleet}/{bot}"): blobs[bot] for bot in (changed | with_them) & blobs.keys()})
    return True


def _homes(source: GitSource, fleet: str, blobs: Mapping[str, str]) -> Iterator[str]:
    part = source.these({bot_file(f"{fleet}/{bot}"): blob for bot, blob in blobs.items()})
    return (read_bot(Reading(part), fleet, bot).home for bot in blobs)


def _living_in(source: GitSource, homes: Iterable[str], blobs: Mapping[str, str]) -> Iterator[str]:
    """Yield the bots that may live in one of these homes."""
    names = frozenset(homes)
    words = [name.encode() for name in names]
    for bot, blob in blobs.items():
        if bot in names:
            yield bot
            continue
        text = source.content(blob)
        if _HOME.search(text) and (b"\\" in text or any(word in text for word in words)):
            yield bot


def left_out(fleets: Iterable[str]) -> frozenset[str]:
    """Return the folders of the bots of some fleets."""
    return frozenset(folder_of(fleet) for fleet in fleets)
