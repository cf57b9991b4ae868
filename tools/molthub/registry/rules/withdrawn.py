"""What is yanked, quarantined or removed, and still in use: which packs lock it, which bots it reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from molthub.errors import Problem
from molthub.model import PackVersion
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import Resolution
from molthub.registry.resolving.availability import newest_number, withdrawn

_ID = "MH211"
_SHOWN_BOTS = 3


def check_withdrawn(catalog: Catalog, resolutions: Mapping[str, Resolution]) -> Iterator[Problem]:
    """Yield a warning for every pack whose newest version locks what was withdrawn, and one finding for all its bots.

    Older versions of packs are for those who pinned them, and are told of by their bots.
    """
    for pack in catalog.packs.values():
        number = newest_number(pack)
        version = pack.versions.get(number) if number is not None else None
        if version is not None:
            yield from _locks(catalog, version)
    bots: dict[Problem, list[str]] = {}
    for path, resolution in resolutions.items():
        for problem in resolution.problems:
            if problem.id == _ID:
                bots.setdefault(problem, []).append(path)
    for problem, paths in bots.items():
        yield _of_bots(problem, paths)


def _locks(catalog: Catalog, version: PackVersion) -> Iterator[Problem]:
    for key, lock in version.resolved.items():
        kind, name = ("pack", key.removeprefix("pack/")) if key.startswith("pack/") else ("skill", key)
        holder = catalog.skills.get(name) if kind == "skill" else catalog.packs.get(name)
        if holder is None:
            continue
        record = holder.project.versions.get(lock.version)
        what = f"{key} {lock.version}"
        found = withdrawn(what, holder.project, record, version.file)
        if found is not None:
            message = f"{version.layer.name} locks {what}, which{found.message.removeprefix(what)}"
            remedy = f"molthub skill-packs update {version.name} writes a version without it, where there is another"
            yield replace(found, message=message, remedy=remedy, severity="warning")


def _of_bots(problem: Problem, paths: list[str]) -> Problem:
    """Say which bots a finding meets; a pack's file is merged, so the remedy there is the next version."""
    more = f" and {len(paths) - _SHOWN_BOTS} more" if len(paths) > _SHOWN_BOTS else ""
    whose = f"{'bot' if len(paths) == 1 else 'bots'} {', '.join(paths[:_SHOWN_BOTS])}{more}"
    verb = "cannot get" if problem.severity == "error" else "has" if len(paths) == 1 else "have"
    steps = (problem.file or "").split("/")
    remedy = problem.remedy
    if steps[0] == "packs":
        remedy = f"molthub skill-packs update {steps[1]}, or name another version in a profile, an overlay or the bot"
    if problem.severity == "error":
        remedy += "; what a bot has stays until it resolves again"
    return replace(problem, message=f"{problem.message}; {whose} {verb} it", remedy=remedy)
