"""What all forms say of a change and a bot, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.model import Json
from molthub_reconciler.formats.text_differences import FileDifference
from molthub_reconciler.report import BotReport, Report, what

SORTS: Mapping[str, str] = {
    "missing": "What git declares is gone from the bot.",
    "modified": "It was edited on the bot.",
    "stale": "The bot has exactly an earlier version.",
    "extra": "A skill that neither git nor molthub put there.",
    "revoked": "The skill's version was withdrawn after the bot got it.",
    "secret-rotated": "A secret changed since the bot was last told.",
    "unreadable": "It stands in a file that cannot be read.",
    "conflict": "The owner has something where git declares something else.",
    "pending": "Git declares something new.",
    "ignored": "Policy leaves it to the bot.",
}
"""Each sort of difference, and what it means."""


@dataclass(frozen=True, slots=True)
class Told:
    """A report with the differences of files, by bot and key."""

    report: Report
    files: Mapping[tuple[str, str], tuple[FileDifference, ...]] = field(default_factory=dict)

    def of(self, bot: BotReport, change: Mapping[str, Json]) -> tuple[FileDifference, ...]:
        """Return the files that differ in one change."""
        return self.files.get((bot.bot, str(change["key"])), ())


def sort_of(change: Mapping[str, Json]) -> str:
    """Return the sort of a difference: one of :data:`SORTS`."""
    if "ignored" in change:
        return "ignored"
    if change.get("drift"):
        return str(change["drift"])
    return "conflict" if change["cause"] == "conflict" else "pending"


def sentence(bot: BotReport, change: Mapping[str, Json]) -> str:
    """Say one change in one line."""
    sort = sort_of(change)
    said = what(change, bot.versions).removeprefix(f"{sort}: ")
    held = f" (left as it is: {change['held']})" if change.get("held") else ""
    return f"{change['key']} on {bot.bot} is {sort}: {said}{held}"
