"""The files of a commit's bots by the ids of their blobs: equal ids are equal files, read or not.

A folder of bots in which nothing can be wrong with a name is not walked: it is compared with that of an older commit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from molthub.documents import DNS_LABEL
from molthub.registry.trees.git_source import GitSource
from molthub.registry.trees.tree_rules import MAX_FILE_BYTES
from molthub.registry.trees.tree_walk import Entry

FLEETS, BOTS, SUFFIX = "fleets", "bots", ".yaml"

_PLAIN_FILE = re.compile(r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])\.)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.yaml\Z")
"""Names of bots' files: lower case, so that no two can clash, and none that Windows keeps."""


def bot_file(path: str) -> str:
    """Return the file of the bot ``<fleet>/<bot>``."""
    fleet, _, bot = path.partition("/")
    return f"{FLEETS}/{fleet}/{BOTS}/{bot}{SUFFIX}"


def bot_folders(source: GitSource, plain: Mapping[str, str]) -> dict[str, str]:
    """Return the trees of those folders of bots, by fleet, that hold nothing but plain files under plain names.

    ``plain`` are such trees of an older commit. The names of the folders themselves are not judged.
    """
    top = source.top_folder(FLEETS)
    found: dict[str, str] = {}
    for fleet in source.entries(top) if top is not None else ():
        if fleet.kind == "folder" and DNS_LABEL.match(fleet.name):
            inner = {entry.name: entry for entry in source.entries(fleet.handle)}
            bots = inner.get(BOTS)
            if bots is not None and bots.kind == "folder":
                found[fleet.name] = bots.handle
    return {fleet: tree for fleet, tree in found.items() if _is_plain(source, plain.get(fleet), tree)}


def _is_plain(source: GitSource, before: str | None, tree: str) -> bool:
    """Whether a folder holds nothing but plain files; nothing else was in the one ``before``."""
    differing = source.differing(before, tree) if before is not None else None
    return _are_plain(source, differing[1] if differing is not None else source.entries(tree))


def are_plain_names(source: GitSource, before: str, now: str) -> bool:
    """Whether two folders of bots hold nothing but files under plain names, none that is new or another too large."""
    known = all(entry.kind == "file" and _PLAIN_FILE.match(entry.name) for entry in source.entries(before))
    return known and _is_plain(source, before, now)


def folder_of(fleet: str) -> str:
    """Return the folder of a fleet's bots."""
    return f"{FLEETS}/{fleet}/{BOTS}"


def bots_of(source: GitSource, tree: str) -> dict[str, str]:
    """Return the blob of every bot of a plain folder, by name."""
    return _blobs(source.entries(tree))


def changed_bots(source: GitSource, before: str, now: str) -> tuple[Mapping[str, str], Collection[str]] | None:
    """Return which bots differ between two plain folders: the blobs of those that are there, and names of others.

    None where the repository does not hold the first (a shallow clone).
    """
    differing = source.differing(before, now)
    if differing is None:
        return None
    old, new = (_blobs(entries) for entries in differing)
    return new, old.keys() - new.keys()


def _blobs(entries: Iterable[Entry]) -> dict[str, str]:
    return {entry.name.removesuffix(SUFFIX): entry.id for entry in entries}


def _are_plain(source: GitSource, entries: Iterable[Entry]) -> bool:
    return all(
        entry.kind == "file" and _PLAIN_FILE.match(entry.name) and source.size(entry.id) <= MAX_FILE_BYTES
        for entry in entries
    )
