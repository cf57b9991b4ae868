"""The bots that a pack is attached to: as a registry's checkout declares it, or without one as the index does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from molthub.cli.operating import Operating
from molthub.console import Console
from molthub.errors import NotFoundError

if TYPE_CHECKING:
    from molthub.cli.reading_registry import ReadingRegistry
    from molthub.client.index import Index
    from molthub.registry.authoring.bot_shown import PackHolder


def pack_holders(console: Console, operating: Operating, pack: str, fleet: str | None) -> dict[str, PackHolder]:
    """Return the bots (of a fleet) that a pack is attached to, by name. Raises :class:`NotFoundError`."""
    if operating.reading is None:
        return _published(operating.index, pack, fleet)
    operating.reading.warn(console)
    return _declared(operating.reading, pack, fleet)


def _declared(reading: ReadingRegistry, pack: str, fleet: str | None) -> dict[str, PackHolder]:
    from molthub.registry.authoring.bot_choice import chosen_bots
    from molthub.registry.authoring.bot_shown import holder_of
    from molthub.registry.authoring.consequences import resolve_some
    from molthub.registry.authoring.pack_shown import known_pack
    from molthub.registry.resolving.bot_layers import has_pack

    catalog = reading.catalog
    known_pack(catalog, pack)
    chosen = [bot for bot in chosen_bots(catalog, fleet, {}) if has_pack(catalog, bot, pack)]
    found = resolve_some(catalog, {bot.path for bot in chosen})
    return {bot.path: holder_of(catalog, bot, pack, found[bot.path]) for bot in chosen}


def _published(index: Index, pack: str, fleet: str | None) -> dict[str, PackHolder]:
    from molthub.registry.authoring.bot_shown import PackHolder

    index.pack(pack)
    if fleet is not None and fleet not in index.fleets():
        index.fleet(fleet)
    holders = {}
    for name in index.fleets() if fleet is None else (fleet,):
        for bot, ref in sorted(index.fleet(name).bots.items()):
            document = index.bot_document(ref.file)
            if pack in document.packs:
                attached = document.packs[pack]
                holders[f"{name}/{bot}"] = PackHolder(
                    f"{name}/{bot}", attached.version, (), attached.attached_at, is_pattern=document.template
                )
    if not index.fleets():
        remedy = "build it with --fleets, or give a registry's checkout: --registry DIR"
        raise NotFoundError("this index declares no bots", place=index.where, remedy=remedy)
    return holders
