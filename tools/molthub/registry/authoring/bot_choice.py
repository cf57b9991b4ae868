"""Which bots a command means: by name, with or without the fleet, or by their labels. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from molthub.errors import NotFoundError, UsageError
from molthub.model import Bot
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.bot_layers import bot_labels

_NEAR, _NEARLY_THE_SAME = 0.6, 0.8


def find_bot(catalog: Catalog, asked: str) -> Bot:
    """Return the bot that ``prod/ada``, or ``ada`` where there is one ada only, means.

    Raises :class:`NotFoundError`, or :class:`UsageError` for a name that several fleets have.
    """
    return catalog.bots[find_path(catalog.bots, asked, "registry")]


def find_path(paths: Collection[str], asked: str, where: str) -> str:
    """Return which of ``paths`` (``<fleet>/<bot>``) of a registry or index is meant. Raises as :func:`find_bot`."""
    named = [asked] if asked in paths else [path for path in paths if path.partition("/")[2] == asked]
    if len(named) == 1:
        return named[0]
    if named:
        raise UsageError(f"there are several bots named {asked}", remedy=f"say which: {', '.join(named)}")
    near = nearest(asked, [*paths, *(path.partition("/")[2] for path in paths)])
    raise NotFoundError(f"there is no bot {asked} in this {where}", remedy=near or "see molthub bots list")


def check_fleet(catalog: Catalog, name: str) -> None:
    """Raise :class:`NotFoundError` where there is no such fleet."""
    if name not in catalog.fleets:
        near = nearest(name, catalog.fleets)
        remedy = near or f"there are: {', '.join(catalog.fleets) or 'none'}"
        raise NotFoundError(f"there is no fleet {name} in this registry", remedy=remedy)


def chosen_bots(catalog: Catalog, fleet: str | None, labels: Mapping[str, str]) -> tuple[Bot, ...]:
    """Return the bots of a fleet, or of all, that have ``labels``. Raises :class:`NotFoundError` for the fleet."""
    if fleet is not None:
        check_fleet(catalog, fleet)
    bots = (bot for bot in catalog.bots.values() if fleet in (None, bot.fleet))
    return tuple(bot for bot in bots if labels.items() <= bot_labels(bot, catalog.fleets[bot.fleet]).items())


def label_pairs(texts: Iterable[str]) -> dict[str, str]:
    """Return the labels that ``team=payments,tier=edge`` names. Raises :class:`UsageError`."""
    labels: dict[str, str] = {}
    for text in (part.strip() for whole in texts for part in whole.split(",") if part.strip()):
        key, equals, value = text.partition("=")
        if not (key and equals) or labels.setdefault(key, value) != value:
            remedy = "write KEY=VALUE, each key once; several, separated by commas, must all fit"
            raise UsageError(f"{text!r} selects nothing", remedy=remedy)
    return labels


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a question for the nearest name. Behind a common `skill/` or `prod/` only the rest is compared."""
    known = list(known)
    kind, slash, name = word.rpartition("/")
    alike = {key.removeprefix(kind + slash): key for key in known if key.startswith(kind + slash)}
    near = [alike[key] for key in get_close_matches(name, alike, n=1, cutoff=_NEAR)]
    near += get_close_matches(word, known, n=1, cutoff=_NEARLY_THE_SAME)
    return f"did you mean {near[0]}?" if near else ""
