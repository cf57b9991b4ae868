"""``molthub bots``: what is declared of bots, and with a target what they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from molthub.cli import completing
from molthub.cli.operating import Operating, operating_options
from molthub.command_group import CommandGroup
from molthub.console import Console, common_options, counted
from molthub.errors import UsageError
from molthub.platforms import platforms

if TYPE_CHECKING:
    from molthub.cli.listed_bots import ListedBot
    from molthub.cli.reading_registry import ReadingRegistry
    from molthub.errors import Problem
    from molthub.model import Json
    from molthub.observed import ObservedBot


@click.group(cls=CommandGroup)
def bots() -> None:
    """Show bots: what is declared of them, whether it resolves, and what they have.

    \b
    Examples:
      molthub bots list --fleet prod
      molthub bots show prod/ada
    """


@bots.command("list")
@click.option("--fleet", metavar="FLEET", shell_complete=completing.fleets, help="Only this fleet.")
@click.option("-l", "--selector", multiple=True, metavar="LABELS",
              help="Only bots with these labels: team=a,tier!=edge,env in (dev,test),canary,!old.")  # fmt: skip
@click.option(
    "--platform", "program", type=click.Choice(platforms()), metavar="P", help="Only bots that run this program."
)
@click.option(
    "--pack", metavar="PACK[@N]", shell_complete=completing.packs, help="Only bots that should have this pack."
)
@click.option(
    "--skill",
    metavar="SKILL[@RANGE]",
    shell_complete=completing.skills,
    help="Only bots that should have this skill, in a version of the range: git@<1.2.",
)
@click.option("--status", "states", metavar="STATE,...", help="Only bots in these states, as the target knows them.")
@click.option("-o", "output", type=click.Choice(["wide", "name", "csv", "json"]),
              help="More columns, names alone, a spreadsheet's file, or JSON.")  # fmt: skip
@operating_options
@common_options
def list_bots(
    console: Console,
    *,
    fleet: str | None,
    selector: tuple[str, ...],
    program: str | None,
    pack: str | None,
    skill: str | None,
    states: str | None,
    output: str | None,
    operating: Operating,
) -> None:
    """List bots with their platform, packs and profile, whether they resolve, and with a target their state.

    The state is that of the reconciler's last pass which changed or found something; `molthub drift` looks now. `-o
    wide` also shows the digests that each bot should have and has, when it was last seen, and its labels; `--skill` the
    versions of that skill; `-o csv` all of it, with every skill. Without a registry's checkout the index says which
    bots there are.

    \b
    Examples:
      molthub bots list
      molthub bots list --fleet prod -l team=payments -o wide
      molthub bots list --context prod --status drifted,failed,offline
      molthub bots list --pack standard-dev@2 -o name
      molthub bots list --skill "git@<1.2.0"
      molthub bots list -o csv > bots.csv
      molthub bots list --target ./bots --json
    """
    from molthub.cli.listed_bots import csv_head, csv_row, head, listed_bots, row
    from molthub.selectors import selector as conditions
    from molthub.spreadsheet import csv_text

    terms = conditions(selector)
    wanted_states = _states(states, operating)
    console.as_json = console.as_json or output == "json"
    found, revision = listed_bots(console, operating, fleet)
    known = operating.target.remembered() if operating.target is not None else None
    chosen = [
        bot
        for bot in found
        if all(term.fits(bot.labels) for term in terms)
        and program in (None, bot.platform)
        and (pack is None or _has(bot.packs, pack))
        and (skill is None or _of_skill(bot, skill))
        and (not wanted_states or _state(known, bot.path) in wanted_states)
    ]
    shown = [_with_observed(dict(bot.shown), (known or {}).get(bot.path)) for bot in chosen]
    console.json({"revision": revision, "bots": shown})
    if output == "name":
        for bot in chosen:
            console.result(bot.path)
    elif output == "csv":
        console.result(csv_text(csv_head(), (csv_row(bot, known) for bot in chosen)).removesuffix("\r\n"))
    elif chosen:
        wide = output == "wide"
        skills = [[_of_skill(bot, skill)] if skill else [] for bot in chosen]
        rows = [[*row(bot, known, wide=wide), *more] for bot, more in zip(chosen, skills, strict=True)]
        console.table([*head(has_target=known is not None, wide=wide), *(["SKILL"] if skill else [])], rows)
    if not chosen:
        console.say("no bot is declared" + (" that fits" if found else ""))
    unresolved = sum(not bot.is_resolved for bot in chosen)
    if unresolved:
        console.say(f"{counted(unresolved, 'bot')} not resolved: molthub bots show BOT says why")


def _states(text: str | None, operating: Operating) -> frozenset[str]:
    """Return the states to keep. Raises :class:`UsageError` for one that is none, or without a target."""
    from difflib import get_close_matches

    from molthub.observed import STATES

    if text is None:
        return frozenset()
    named = [word.strip() for word in text.split(",") if word.strip()]
    for word in named:
        if word not in (*STATES, _UNSEEN):
            near = get_close_matches(word, STATES, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(STATES)}, {_UNSEEN}"
            raise UsageError(f"{word} is no state of a bot", remedy=remedy)
    if operating.target is None:
        raise UsageError("--status needs a target: only it knows", remedy="give --target or --context")
    return frozenset(named)


_UNSEEN = "unknown"


def _state(known: Mapping[str, ObservedBot] | None, bot: str) -> str:
    seen = (known or {}).get(bot)
    return (seen.state if seen is not None else None) or _UNSEEN


def _has(packs: Mapping[str, int], asked: str) -> bool:
    name, _, number = asked.partition("@")
    return name in packs and number in ("", str(packs[name]))


def _of_skill(bot: ListedBot, asked: str) -> str:
    """Return a bot's version of a skill as ``git 1.1.0``, where it is in the range that is asked for; else nothing."""
    from molthub.versions import matches

    name, at, wanted = asked.rpartition("@") if "@" in asked[1:] else (asked, "", "")
    version = bot.skills.get(name)
    return f"{name} {version}" if version is not None and (not at or matches(version, wanted)) else ""


def _with_observed(shown: dict[str, Json], seen: ObservedBot | None) -> dict[str, Json]:
    return shown | ({"observed": observed_to_json(seen)} if seen is not None else {})


def observed_to_json(seen: ObservedBot) -> dict[str, Json]:
    """Return what is known of a bot on its target."""
    shown = {"state": seen.state, "at": seen.at, "packs": dict(seen.packs)}
    digests = {"desired": seen.desired, "observed": seen.observed}
    return {key: value for key, value in {**shown, **digests}.items() if value not in (None, {})}


@bots.command()
@click.argument("bot", metavar="[FLEET/]BOT", shell_complete=completing.bots)
@operating_options
@common_options
def show(console: Console, *, bot: str, operating: Operating) -> None:
    """Show one bot: what it is attached to and by which file, what it resolves to, and with a target what it has.

    Where each single value comes from is shown by `molthub explain BOT`. A target is looked at now. Without a
    registry's checkout the index says what is declared.

    \b
    Examples:
      molthub bots show prod/ada
      molthub bots show ada --target ./bots --index site
    """
    from molthub.registry.authoring.yaml_write import block

    if operating.reading is None and operating.place.index is not None:
        shown, problems = _published(operating, bot)
    else:
        shown, problems = _declared(console, operating.need_registry(), bot)
    shown = _with_observed(shown, _seen(operating, shown["bot"]))
    for line in block({key: value for key, value in shown.items() if key != "problems"}):
        console.result(line)
    console.json(shown)
    if not console.as_json:
        console.problems(problems)


def _declared(console: Console, reading: ReadingRegistry, asked: str) -> tuple[dict[str, Any], Sequence[Problem]]:
    from molthub.registry.authoring.bot_choice import find_bot
    from molthub.registry.authoring.bot_shown import bot_to_json
    from molthub.registry.authoring.consequences import resolve_some

    reading.warn(console)
    found = find_bot(reading.catalog, asked)
    resolution = resolve_some(reading.catalog, {found.path})[found.path]
    return bot_to_json(reading.catalog, found, resolution), resolution.problems


def _published(operating: Operating, asked: str) -> tuple[dict[str, Any], Sequence[Problem]]:
    from molthub.cli.listed_bots import published_bot
    from molthub.errors import Problem

    shown = dict(published_bot(operating, asked).shown)
    said = (problem for problem in shown.get("problems", ()))
    problems = [
        Problem(one["id"], one["message"], one.get("remedy", ""), one["severity"], file=one.get("file")) for one in said
    ]
    return shown, problems


def _seen(operating: Operating, bot: str) -> ObservedBot | None:
    if operating.target is None:
        return None
    if operating.place.index is None:
        return operating.target.remembered().get(bot)
    return operating.target.observe({bot}).get(bot)
