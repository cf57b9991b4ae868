"""What a folder's index offers now, and the guard that keeps one build from taking most of it away."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from molthub.documents import fleet_from_json, index_root_from_json, shard_from_json
from molthub.errors import FormatError, MolthubError
from molthub.index.folder import ROOT_DOCUMENT
from molthub.index.retention import Read

FEW = 10
"""Fewer than so many may always go: small registries change as a whole."""


@dataclass(frozen=True)
class Standing:
    """The names of skills, and of bots as ``<fleet>/<bot>``."""

    skills: frozenset[str] = frozenset()
    bots: frozenset[str] = frozenset()


def standing(out: Path) -> Standing:
    """Read what the index in ``out`` offers. What cannot be read counts as not there."""
    return standing_of(lambda path: (out / path).read_bytes())


def standing_of(read: Read) -> Standing:
    """Read what an index offers, as :func:`standing` does, by whatever ``read`` reads its files with."""
    try:
        root = index_root_from_json(read(ROOT_DOCUMENT), ROOT_DOCUMENT)
        skills: set[str] = set()
        for name in root.shards.values():
            content = gzip.decompress(read(f"shards/{name}.json.gz"))
            skills.update(shard_from_json(content, name).skills)
        bots: set[str] = set()
        for fleet, name in root.fleets.items():
            found = fleet_from_json(read(f"fleets/{name}.json"), name).bots
            bots.update(f"{fleet}/{bot}" for bot in found)
    except (OSError, EOFError, zlib.error, FormatError):
        return Standing()
    return Standing(frozenset(skills), frozenset(bots))


def check_removal(what: str, gone: Iterable[str], before: int, allowed: float) -> None:
    """Stop where more are ``gone`` than the share ``allowed`` of how many were there ``before``.

    Raises :class:`MolthubError`.
    """
    names = sorted(gone)
    if len(names) < FEW or len(names) <= allowed * before:
        return
    message = f"{len(names)} of {before} {what} would be taken away: {', '.join(names[:3])} and others"
    share = -(-100 * len(names) // before)
    remedy = f"look at what removed them; if it is meant, run it once with --max-delete {share}"
    raise MolthubError(message, remedy=remedy)
