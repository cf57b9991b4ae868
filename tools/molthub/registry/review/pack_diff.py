"""What another version of a pack means for the bots that have it: both resolved, and compared key by key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from molthub.model import Bot, PackUse
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import Resolution, resolve_bots
from molthub.registry.resolving.bot_layers import has_pack, pinned_number
from molthub.registry.review.bot_changes import BotChange, changes_between


@dataclass(frozen=True)
class PackEffect:
    """What moving from one version of a pack to another does.

    ``changes`` are the bots that get something else. ``same`` get the version and nothing else by it; ``pinned`` name a
    version of their own, so they do not move.
    """

    changes: tuple[BotChange, ...]
    same: tuple[str, ...]
    pinned: Mapping[str, int]


def pack_effect(catalog: Catalog, pack: str, before: int, after: int) -> PackEffect:
    """Return what it means for bots that ``pack`` moves from the version ``before`` to ``after``."""
    attached = {path: bot for path, bot in catalog.bots.items() if has_pack(catalog, bot, pack)}
    numbers = {path: pinned_number(catalog, bot, pack) for path, bot in attached.items()}
    moving = {path: bot for path, bot in attached.items() if numbers[path] is None}
    homes = {(bot.fleet, bot.home) for bot in moving.values()}
    around = {path: bot for path, bot in catalog.bots.items() if (bot.fleet, bot.home) in homes}

    def resolved(number: int) -> dict[str, Resolution]:
        bots = {path: _with(bot, pack, number) if path in moving else bot for path, bot in around.items()}
        found = resolve_bots(replace(catalog, bots=bots))
        return {path: found[path] for path in moving}

    changes = changes_between(resolved(before), resolved(after))
    same = tuple(sorted(moving.keys() - {change.path for change in changes}))
    return PackEffect(changes, same, {path: number for path, number in numbers.items() if number is not None})


def _with(bot: Bot, pack: str, number: int) -> Bot:
    """Return a bot whose nearest word on a pack names a version."""
    uses = (*bot.layer.packs, PackUse(pack, number, at=bot.file))
    return replace(bot, layer=replace(bot.layer, packs=uses))
