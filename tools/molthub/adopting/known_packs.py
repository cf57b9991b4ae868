"""Packs that a registry has already, as parts: what a bot with one of them alone would have. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from molthub.adopting.adopted import parts_of
from molthub.adopting.roles import KnownPack, canonical
from molthub.model import Bot, Fleet, Json, Layer, PackUse, PackVersion
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import latest_pack, resolve_bots
from molthub.registry.resolving.bot_layers import pack_words

_ALONE = "alone"


def known_packs(catalog: Catalog, bots: Collection[Mapping[str, Json]]) -> tuple[KnownPack, ...]:
    """Return the packs, in their newest versions, of which some of ``bots`` (parts by key) have something.

    A pack that does not resolve by itself is none of them, nor one that brings nothing.
    """
    names = {key.partition("/")[2] for parts in bots for key in parts}
    held = {(key, canonical(value)) for parts in bots for key, value in parts.items()}
    versions = [version for pack in catalog.packs.values() if (version := latest_pack(pack)) is not None]
    near = [version for version in versions if _names(catalog, version) & names]
    fleet = Fleet(_ALONE)
    wearing = {f"{_ALONE}/{one.name}": _wearing(one.name) for one in near}
    found = resolve_bots(replace(catalog, bots=wearing, fleets={_ALONE: fleet}))
    holders = Counter(word.use.name for bot in catalog.bots.values() for word in pack_words(catalog, bot))
    packs = (
        KnownPack(bot.name, parts_of(found[path]), holders[bot.name])
        for path, bot in wearing.items()
        if found[path].resolved
    )
    return tuple(pack for pack in packs if any((key, canonical(value)) in held for key, value in pack.parts.items()))


def _wearing(pack: str) -> Bot:
    layer = Layer("bot", packs=(PackUse(pack),))
    return Bot(_ALONE, pack, "agents-dir", layer, home=pack)


def _names(catalog: Catalog, version: PackVersion) -> set[str]:
    """Return what a version, or a base of it, may bring, by bare name."""
    skills = {name.rpartition("/")[2] for name in version.resolved if not name.startswith("pack/")}
    own = skills | {use.name for use in version.layer.mcps} | {use.key for use in version.layer.env}
    bases = [catalog.packs[use.name] for use in version.layer.packs if use.name in catalog.packs]
    if bases:  # their servers and variables are not locked here: what they are is seen when it is resolved
        own |= {use.name for base in bases for one in base.versions.values() for use in one.layer.mcps}
        own |= {use.key for base in bases for one in base.versions.values() for use in one.layer.env}
    return own
