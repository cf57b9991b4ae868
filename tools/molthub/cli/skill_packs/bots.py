"""``molthub skill-packs bots``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from molthub.cli import completing
from molthub.cli.operating import Operating, operating_options
from molthub.cli.skill_packs.holders import pack_holders
from molthub.console import Console, common_options, counted

if TYPE_CHECKING:
    from molthub.observed import ObservedBot
    from molthub.registry.authoring.bot_shown import PackHolder


@click.command("bots")
@click.argument("pack", metavar="PACK", shell_complete=completing.packs)
@click.option("--fleet", metavar="FLEET", shell_complete=completing.fleets, help="Only this fleet.")
@operating_options
@common_options
def pack_bots(console: Console, *, pack: str, fleet: str | None, operating: Operating) -> None:
    """List the bots that a pack is attached to: by which layer, since when, with which overrides, in which version.

    With a target (--target, or a context's) it also says which version each bot has, and its state: both as of the
    reconciler's last pass. Bots that have the pack although nothing attaches it any more are listed too. Without a
    registry's checkout the index says what bots should have, and overrides are not known.

    \b
    Examples:
      molthub skill-packs bots standard-dev
      molthub skill-packs bots standard-dev --target ./bots
      molthub skill-packs bots standard-dev --context prod --json
    """
    holders = pack_holders(console, operating, pack, fleet)
    known = operating.target.remembered() if operating.target is not None else None
    left = {bot: seen for bot, seen in (known or {}).items()
            if pack in seen.packs and bot not in holders and fleet in (None, bot.partition("/")[0])}  # fmt: skip
    shown = [_to_json(pack, holder, (known or {}).get(bot)) for bot, holder in holders.items()]
    shown += [{"botId": bot, "fleet": bot.partition("/")[0], "version": None, "has": seen.packs[pack],
               "state": seen.state} for bot, seen in left.items()]  # fmt: skip
    console.json({"pack": pack, "bots": shown})
    if not shown:
        console.say(f"no bot has {pack}; attach it: molthub skill-packs attach {pack} --fleet FLEET")
        return
    head = ["BOT", "VERSION", *(["HAS", "STATE"] if known is not None else []), "ATTACHED BY", "SINCE", "OVERRIDES"]
    rows = [_row(pack, holder, known) for holder in holders.values()]
    rows += [[bot, "none", str(seen.packs[pack]), seen.state or "-", "-", "-", "-"] for bot, seen in left.items()]
    console.table(head, rows)
    behind = sum(_is_behind(pack, holder, (known or {}).get(bot)) for bot, holder in holders.items())
    if behind:
        told = f"{counted(behind, 'bot')} in sync with an index that does not hold this yet"
        console.say(f"{told}: build it, then molthub skill-packs sync {pack}")


def _is_behind(pack: str, holder: PackHolder, seen: ObservedBot | None) -> bool:
    """Whether a bot has all that the index says, and the index says something older than the registry here."""
    return seen is not None and seen.state == "in-sync" and seen.packs.get(pack) != holder.version


def _row(pack: str, holder: PackHolder, known: Any) -> list[str]:
    row = [holder.bot, "does not resolve" if holder.version is None else str(holder.version)]
    if known is not None:
        seen: ObservedBot | None = known.get(holder.bot)
        row += [str(seen.packs.get(pack, "-")) if seen else "-", (seen.state if seen else None) or "-"]
    env = ", ".join(f"{key}={value}" for key, value in holder.env.items())
    return [*row, ", ".join(holder.attached_by) or "-", holder.attached_at or "-", env or "-"]


def _to_json(pack: str, holder: PackHolder, seen: ObservedBot | None) -> dict[str, Any]:
    shown = holder.to_json()
    if seen is None:
        return shown
    return {**shown, "has": seen.packs.get(pack), "state": seen.state, "observed": seen.observed}
