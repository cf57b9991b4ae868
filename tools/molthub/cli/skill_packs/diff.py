"""``molthub skill-packs diff``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import unified_diff
from typing import TYPE_CHECKING

import click

from molthub.cli import completing
from molthub.cli.reading_registry import ReadingRegistry, reading_options
from molthub.console import Console, common_options, counted
from molthub.errors import UsageError

if TYPE_CHECKING:
    from molthub.model import Json, Pack
    from molthub.registry.review.bot_changes import BotChange, KeyChange
    from molthub.registry.review.pack_diff import PackEffect


@click.command()
@click.argument("pack", metavar="PACK", shell_complete=completing.packs)
@click.option(
    "--from", "before", type=click.IntRange(min=1), metavar="N", help="Default: the version before the other."
)
@click.option("--to", "after", type=click.IntRange(min=1), metavar="M", help="Default: the newest.")
@reading_options
@common_options
def diff(console: Console, *, pack: str, before: int | None, after: int | None, reading: ReadingRegistry) -> None:
    """Show what two versions of a pack declare differently, and what that means for each bot that has the pack.

    \b
    Examples:
      molthub skill-packs diff standard-dev
      molthub skill-packs diff standard-dev --from 1 --to 3
      molthub skill-packs diff standard-dev --json | jq '.bots[].bot'
    """
    from molthub.registry.authoring.pack_shown import known_pack
    from molthub.registry.review.pack_diff import pack_effect

    known = known_pack(reading.catalog, pack)
    old, new = _numbers(known, before, after)
    lines = list(_text_diff(reading, known, old, new))
    for line in lines:
        color = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        console.result(console.style(line, fg=color if line[:3] not in ("+++", "---") else None))
    effect = pack_effect(reading.catalog, pack, old, new)
    _show_bots(console, effect, new)
    bots = [_bot_to_json(change) for change in effect.changes]
    shown = {"pack": pack, "from": old, "to": new, "diff": lines, "bots": bots}
    console.json({**shown, "unchanged": list(effect.same), "pinned": dict(effect.pinned)})


def _numbers(pack: Pack, before: int | None, after: int | None) -> tuple[int, int]:
    """Return the two versions to compare. Raises :class:`UsageError` or :class:`NotFoundError`."""
    from molthub.errors import NotFoundError

    numbers = sorted(pack.versions)
    new = after if after is not None else max(numbers, default=0)
    old = before if before is not None else max((number for number in numbers if number < new), default=0)
    if not old and before is None and new in pack.versions:
        raise UsageError(f"{pack.name}@{new} has no version before it", remedy="name two versions: --from N --to M")
    for number in (old, new):
        if number not in pack.versions:
            there_are = ", ".join(map(str, numbers)) or "none"
            raise NotFoundError(f"the pack {pack.name} has no version {number}", remedy=f"there are: {there_are}")
    return old, new


def _text_diff(reading: ReadingRegistry, pack: Pack, old: int, new: int) -> Iterator[str]:
    one, other = pack.versions[old].file, pack.versions[new].file
    before, after = (reading.source.read(file).decode().splitlines() for file in (one, other))
    return unified_diff(before, after, one, other, lineterm="")


def _show_bots(console: Console, effect: PackEffect, number: int) -> None:
    if effect.changes:
        console.result()
    for names, change in _alike(effect.changes):
        console.result(f"{', '.join(names)}:")
        for key in change.keys:
            console.result(f"  {_key_line(console, key)}")
        for problem in change.problems:
            console.result(f"  {console.style('does not resolve', fg='red')}: {problem.message}")
    unmoved = [f"{path} stays at {pinned}" for path, pinned in effect.pinned.items() if pinned != number]
    if unmoved:
        console.result(f"pinned: {', '.join(unmoved)}")
    if effect.same:
        console.result(f"the same for {counted(len(effect.same), 'bot')}: {', '.join(effect.same)}")
    if not (effect.changes or effect.same or effect.pinned):
        console.result("no bot has this pack")


def _alike(changes: Iterable[BotChange]) -> list[tuple[list[str], BotChange]]:
    """Return bots to which the same happens together."""
    groups: dict[str, tuple[list[str], BotChange]] = {}
    for change in changes:
        what = repr(([(key.key, key.before, key.after) for key in change.keys], change.problems))
        groups.setdefault(what, ([], change))[0].append(change.path)
    return list(groups.values())


def _key_line(console: Console, change: KeyChange) -> str:
    if change.before is None:
        return f"{console.style('+', fg='green')} {change.key}: {_short(change.after)}"
    if change.after is None:
        return f"{console.style('-', fg='red')} {change.key}: was {_short(change.before)}"
    return f"{console.style('~', fg='yellow')} {change.key}: {_short(change.before)} -> {_short(change.after)}"


def _short(value: Json) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bot_to_json(change: BotChange) -> dict[str, Json]:
    keys = [{"key": key.key, "before": key.before, "after": key.after, "at": key.at} for key in change.keys]
    return {"bot": change.path, "changes": keys, "problems": [problem.to_json() for problem in change.problems]}
