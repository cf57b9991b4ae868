"""Who in a registry holds a version: packs that lock it, bots that resolve to it, and what becomes of both. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from molthub.model import Json
from molthub.registry.authoring.packs import update_packs
from molthub.registry.authoring.withdraw import Target
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolve import Resolution, resolve_bots
from molthub.registry.resolving.availability import newest_number
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay

_ANY_TIME = "1970-01-01T00:00:00Z"  # of versions that are only tried


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds a version before an edit, and what the edit makes of them.

    ``packs`` are ``name@number``. ``bots`` map ``<fleet>/<bot>`` to the version that it has afterwards, or to None
    where it does not resolve, or does without. Of the packs whose newest version is among them, ``updatable`` are those
    that ``skill-packs update`` moves away from it, ``stuck`` those for which there is nothing to move to.
    ``regained`` are bots that have it afterwards, and did not before.
    """

    packs: tuple[str, ...] = ()
    bots: Mapping[str, str | None] = field(default_factory=dict)
    updatable: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    regained: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints."""
        return {
            "packs": list(self.packs),
            "bots": dict(self.bots),
            "updatablePacks": list(self.updatable),
            "stuckPacks": list(self.stuck),
            "regainedBots": list(self.regained),
        }


def holders(source: Source, catalog: Catalog, target: Target, files: Mapping[str, bytes | None]) -> Holders:
    """Return who holds ``target`` in a registry, and what becomes of them once ``files`` are written."""
    after_source = Overlay(source, files)
    after = read_catalog(after_source)
    packs = _locking(catalog, target)
    newest = sorted({name for name, number in packs if number == newest_number(catalog.packs[name])})
    left = [name for name in newest if newest_number(after.packs[name]) is not None]
    changes = update_packs(after_source, left, published=_ANY_TIME)[1] if left else ()
    updatable = tuple(change.name for change in changes if change.number is not None)
    had, has = _bots(catalog, target), _bots(after, target)
    bots = {path: has[path] for path, version in had.items() if version and target.number in (None, version)}
    gets = (path for path, version in has.items() if version and target.number in (None, version))
    return Holders(
        packs=tuple(f"{name}@{number}" for name, number in packs),
        bots=bots,
        regained=tuple(path for path in gets if path not in bots),
        updatable=updatable,
        stuck=tuple(name for name in left if name not in updatable),
    )


def _locking(catalog: Catalog, target: Target) -> Sequence[tuple[str, int]]:
    """Return the versions of packs that lock the target and may still be attached."""
    return [
        (pack.name, number)
        for pack in catalog.packs.values()
        for number, version in sorted(pack.versions.items())
        if (version.record is None or version.record.available)
        and (lock := version.resolved.get(target.key)) is not None
        and target.number in (None, lock.version)
    ]


def _bots(catalog: Catalog, target: Target) -> dict[str, str | None]:
    """Return which version of the target every bot has, None for none."""
    return {path: _held(resolution, target) for path, resolution in resolve_bots(catalog).items()}


def _held(resolution: Resolution, target: Target) -> str | None:
    if target.kind == "pack":
        pack = resolution.packs.get(target.name)
        return str(pack.version) if pack is not None else None
    lock = resolution.skills.get(target.name)
    return lock.version if lock is not None else None
