"""``molthub bots``: what is declared of bots, and with a target what they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.operating import Operating, operating_options
from molthub.console import Console, common_options, counted

if TYPE_CHECKING:
    from molthub.model import Bot, Json
    from molthub.observed import ObservedBot
    from molthub.registry.catalog import Catalog
    from molthub.registry.resolve import Resolution


@click.group()
def bots() -> None:
    """Show bots: what is declared of them, whether it resolves, and what they have.

    \b
    Examples:
      molthub bots list --fleet prod
      molthub bots show prod/ada
    """


@bots.command("list")
@click.option("--fleet", metavar="FLEET", help="Only this fleet.")
@click.option("--selector", multiple=True, metavar="LABEL=VALUE,...", help="Only bots with these labels.")
@operating_options
@common_options
def list_bots(console: Console, *, fleet: str | None, selector: tuple[str, ...], operating: Operating) -> None:
    """List bots with their platform, packs and profile, whether they resolve, and with a target their state.

    The state is that of the reconciler's last pass which changed or found something; `molthub drift` looks now.

    \b
    Examples:
      molthub bots list
      molthub bots list --fleet prod --selector team=payments
      molthub bots list --target ./bots --json
    """
    from molthub.registry.authoring.bot_choice import chosen_bots, label_pairs
    from molthub.registry.authoring.bot_shown import bot_to_json
    from molthub.registry.authoring.consequences import resolve_some

    reading = operating.need_registry()
    reading.warn(console)
    catalog = reading.catalog
    chosen = chosen_bots(catalog, fleet, label_pairs(selector))
    found = resolve_some(catalog, {bot.path for bot in chosen})
    known = operating.target.remembered() if operating.target is not None else {}
    shown = [_with_observed(bot_to_json(catalog, bot, found[bot.path]), known.get(bot.path)) for bot in chosen]
    console.json({"revision": catalog.revision, "bots": shown})
    if not chosen:
        console.say("no bot is declared" + (" that fits" if fleet or selector else ""))
        return
    head = ["BOT", "PLATFORM", "PACKS", "PROFILE", "RESOLVED"]
    has_target = operating.target is not None
    rows = [_row(catalog, bot, found[bot.path], known if has_target else None) for bot in chosen]
    console.table([*head, *(["STATE", "HAS"] if has_target else [])], rows)
    unresolved = sum(not found[bot.path].resolved for bot in chosen)
    if unresolved:
        console.say(f"{counted(unresolved, 'bot')} not resolved: molthub bots show BOT says why")


def _row(catalog: Catalog, bot: Bot, resolution: Resolution, known: Mapping[str, ObservedBot] | None) -> list[str]:
    from molthub.registry.resolving.bot_layers import profile_names

    profile, overlays = profile_names(bot, catalog.fleets[bot.fleet])
    layers = ", ".join(filter(None, [profile, *overlays]))
    packs = _packs({name: pack.version for name, pack in resolution.packs.items()})
    row = [bot.path, bot.platform, packs or "-", layers or "-", "yes" if resolution.resolved else "no"]
    if known is None:
        return row
    seen = known.get(bot.path)
    return [*row, (seen.state if seen is not None else None) or "-", _packs(seen.packs if seen else {}) or "-"]


def _packs(versions: Mapping[str, int]) -> str:
    return ", ".join(f"{name}@{number}" for name, number in sorted(versions.items()))


def _with_observed(shown: dict[str, Json], seen: ObservedBot | None) -> dict[str, Json]:
    return shown | ({"observed": observed_to_json(seen)} if seen is not None else {})


def observed_to_json(seen: ObservedBot) -> dict[str, Json]:
    """Return what is known of a bot on its target."""
    shown = {"state": seen.state, "at": seen.at, "packs": dict(seen.packs)}
    digests = {"desired": seen.desired, "observed": seen.observed}
    return {key: value for key, value in {**shown, **digests}.items() if value not in (None, {})}


@bots.command()
@click.argument("bot", metavar="[FLEET/]BOT")
@operating_options
@common_options
def show(console: Console, *, bot: str, operating: Operating) -> None:
    """Show one bot: what it is attached to and by which file, what it resolves to, and with a target what it has.

    Where each single value comes from is shown by `molthub explain BOT`. A target is looked at now.

    \b
    Examples:
      molthub bots show prod/ada
      molthub bots show ada --target ./bots --index site
    """
    from molthub.registry.authoring.bot_choice import find_bot
    from molthub.registry.authoring.bot_shown import bot_to_json
    from molthub.registry.authoring.consequences import resolve_some
    from molthub.registry.authoring.yaml_write import block

    reading = operating.need_registry()
    reading.warn(console)
    found = find_bot(reading.catalog, bot)
    resolution = resolve_some(reading.catalog, {found.path})[found.path]
    shown: dict[str, Any] = bot_to_json(reading.catalog, found, resolution)
    shown = _with_observed(shown, _seen(operating, found.path))
    for line in block({key: value for key, value in shown.items() if key != "problems"}):
        console.result(line)
    console.json(shown)
    if not console.as_json:
        console.problems(resolution.problems)


def _seen(operating: Operating, bot: str) -> ObservedBot | None:
    if operating.target is None:
        return None
    if operating.place.index is None:
        return operating.target.remembered().get(bot)
    return operating.target.observe({bot}).get(bot)
