"""A report as a person reads it who wants to see everything: bot by bot, key by key, part by part. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from molthub.model import Json
from molthub_reconciler.formats.masked import masked
from molthub_reconciler.report import BotReport, Report, what

Line = tuple[str, str]
"""What a line marks (a key of :data:`COLORS`, or nothing), and its text."""
COLORS = {"+": "green", "-": "red", "~": "yellow", "!": "magenta"}
_MARKS = {"create": "+", "update": "~", "delete": "-"}
_MOST_LINES = 20
_HEX_DIGITS = 64
_SHOWN_DIGITS = 12


def detailed(report: Report) -> Iterator[Line]:
    """Yield the lines for each bot of which there is anything to tell."""
    for number, bot in enumerate(bot for bot in report.bots if bot.changes):
        yield from [("", "")] * bool(number)
        yield "", f"{bot.bot} ({bot.platform}): {bot.state}"
        for change in bot.changes:
            yield from _of_change(bot, change)


def _of_change(bot: BotReport, change: Mapping[str, Json]) -> Iterator[Line]:
    """Yield a key, whose doing it is and where git says so, and below it what is there (-) and what should be (+)."""
    conflict = change["cause"] == "conflict"
    mark = "!" if conflict else _MARKS.get(str(change["action"]), "=")
    parts = change.get("parts") or ([change] if "before" in change else [])
    notes = [str(change.get("drift") or change["cause"])]
    notes += [f"left as it is: {change[why]}" for why in ("held", "ignored") if change.get(why)]
    notes += [str(change["origin"])] if change.get("origin") else []
    yield mark, f"  {mark} {change['key']}  ({'; '.join(notes)})"
    if not parts and change.get("file"):
        yield "", f"      {what(change, bot.versions)}"
    for part in parts:
        yield from _of_part(bot, part)


def _of_part(bot: BotReport, part: Mapping[str, Json]) -> Iterator[Line]:
    name = f"{part['part']}: " if part.get("part") else ""
    origin = f"  ({part['origin']})" if "part" in part and part.get("origin") else ""
    if part["before"] is not None:
        yield from _value("-", name, part["before"], bot, "")
    if part["after"] is not None:
        yield from _value("+", name, part["after"], bot, origin)


def _value(mark: str, name: str, value: Json, bot: BotReport, origin: str) -> Iterator[Line]:
    first, *more = _text(value, bot).splitlines() or [""]
    inner = "  " if name else ""
    yield mark, f"      {mark} {name}{first}{origin if not more else ''}"
    for line in more[:_MOST_LINES]:
        yield mark, f"      {mark} {inner}{line}"
    if len(more) > _MOST_LINES:
        yield mark, f"      {mark} {inner}... {len(more) - _MOST_LINES} more lines"


def _text(value: Json, bot: BotReport) -> str:
    if not isinstance(value, str):
        return masked(json.dumps(value, ensure_ascii=False, indent=2))
    if value in bot.versions:
        return f"{bot.versions[value]} ({value[: len('sha256:') + _SHOWN_DIGITS]})"
    if len(value) == _HEX_DIGITS and not value.strip("0123456789abcdef"):
        return value[:_SHOWN_DIGITS]
    return masked(value)
