"""Which layers a bot has, and every word of them on packs: what it is attached to, by whom, and whether that counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from molthub.errors import Problem
from molthub.model import Bot, Fleet, PackUse, Profile
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.availability import missing


class PackWord(NamedTuple):
    """What a layer (``fleet/prod``, ``profile/backend``, ``overlay/edge`` or ``bot``) says on a pack.

    ``fits``: the bot has the labels that it asks for.
    """

    layer: str
    use: PackUse
    fits: bool


def bot_labels(bot: Bot, fleet: Fleet) -> dict[str, str]:
    """Return a bot's labels: its fleet's, its own, and the two that molthub gives."""
    own = {"molthub.dev/fleet": bot.fleet, "molthub.dev/platform": bot.platform}
    return dict(sorted({**fleet.labels, **bot.labels, **own}.items()))


def profile_names(bot: Bot, fleet: Fleet) -> tuple[str | None, tuple[str, ...]]:
    """Return the names of the profile and of the overlays: the bot's, or where it names none the fleet's."""
    return bot.profile or fleet.profile, bot.overlays if bot.overlays is not None else fleet.overlays


def profiles_of(catalog: Catalog, bot: Bot) -> tuple[list[Profile], list[Problem]]:
    """Return the profile and the overlays of a bot, lowest first, and what is wrong with their names."""
    fleet = catalog.fleets[bot.fleet]
    profile, overlays = profile_names(bot, fleet)
    at = bot.file if bot.profile else fleet.file
    overlays_at = bot.file if bot.overlays is not None else fleet.file
    named = [("profile", profile, at)] if profile else []
    named += [("overlay", overlay, overlays_at) for overlay in overlays]
    found: list[Profile] = []
    problems: list[Problem] = []
    for kind, name, file in named:
        known = catalog.profiles if kind == "profile" else catalog.overlays
        if name in known:
            found.append(known[name])
        else:
            problems.append(missing(catalog, f"{kind}/{name}", None, file))
    return found, problems


def pack_words(catalog: Catalog, bot: Bot) -> Iterator[PackWord]:
    """Yield every layer's word on every pack, the farthest layer first."""
    fleet = catalog.fleets[bot.fleet]
    labels = bot_labels(bot, fleet)
    layers = [(f"fleet/{fleet.name}", fleet.packs)]
    layers += [(profile.layer.name, profile.layer.packs) for profile in profiles_of(catalog, bot)[0]]
    layers += [("bot", bot.layer.packs)]
    for layer, uses in layers:
        for use in uses:
            fits = all(labels.get(key) == value for key, value in use.when.items())
            yield PackWord(layer, use, fits)


def words_on(catalog: Catalog, bot: Bot, pack: str) -> tuple[PackWord, ...]:
    """Return the words on one pack that count for a bot, the farthest first; the last one decides."""
    return tuple(word for word in pack_words(catalog, bot) if word.fits and word.use.name == pack)


def has_pack(catalog: Catalog, bot: Bot, pack: str) -> bool:
    """Whether a pack is attached to a bot, by whatever layer. Bases of attached packs are not meant."""
    words = words_on(catalog, bot, pack)
    return bool(words) and words[-1].use.enabled


def pinned_number(catalog: Catalog, bot: Bot, pack: str) -> int | None:
    """Return the version that the nearest attachment which names one says; None: the bot takes the newest."""
    numbers = [word.use.version for word in words_on(catalog, bot, pack) if word.use.version is not None]
    return numbers[-1] if numbers else None
