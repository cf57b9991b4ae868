"""The order in which an index's files may appear where somebody is reading. Pure.

A reader begins at ``metadata/timestamp.json`` where the index is signed and at ``registry.json`` where it is not, and
follows hashes from there; who watches the log begins at its checkpoint. So whatever a file names is there before it: a
sending that is broken off between any two files leaves the old index, or the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from itertools import groupby

from molthub.index.folder import BLOB, ROOT_DOCUMENT

REPLACED = "replaced.json"
TIMESTAMP = "metadata/timestamp.json"
CHECKPOINT = "log/checkpoint"


class Stage(IntEnum):
    """Files of one stage may appear in any order among themselves; every stage after all of the one before it."""

    BLOBS = 0
    TWIN = 1
    VIEWS = 2
    METADATA = 3
    REPLACED = 4
    ROOT = 5
    TIMESTAMP = 6
    CHECKPOINT = 7


def stage_of(path: str) -> Stage:
    """Return when a file may appear."""
    if path == CHECKPOINT:
        return Stage.CHECKPOINT
    if path == TIMESTAMP:
        return Stage.TIMESTAMP
    if path == ROOT_DOCUMENT:
        return Stage.ROOT
    if path == REPLACED:
        return Stage.REPLACED
    if BLOB.match(path):
        return Stage.TWIN if path.endswith(f".{ROOT_DOCUMENT}") else Stage.BLOBS
    return Stage.METADATA if path.startswith("metadata/") else Stage.VIEWS


def in_stages(paths: Iterable[str]) -> list[tuple[Stage, list[str]]]:
    """Return the paths by stage, first stage first."""
    ordered = sorted(paths, key=lambda path: (stage_of(path), path))
    return [(stage, list(group)) for stage, group in groupby(ordered, key=stage_of)]
