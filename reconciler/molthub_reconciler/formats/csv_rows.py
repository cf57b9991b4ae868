"""A report as rows for a spreadsheet: a row for each key that differs, and for each bot of which nothing does. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from molthub.spreadsheet import csv_text
from molthub_reconciler.report import BotReport, Report, what

HEADERS = ("at", "revision", "fleet", "bot", "platform", "state", "key", "action", "cause", "drift", "result", "what",
           "file", "origin")  # fmt: skip
_PLAIN = ("key", "action", "cause", "drift", "result")


def csv_of(report: Report) -> bytes:
    """Return the file, in UTF-8."""
    rows = (
        (report.at, report.revision or "", bot.fleet, bot.bot, bot.platform, bot.state, *cells)
        for bot in report.bots
        for cells in _changes(bot)
    )
    return csv_text(HEADERS, rows).encode("utf-8", "replace")


def _changes(bot: BotReport) -> Iterator[tuple[str, ...]]:
    for change in bot.changes:
        said = (str(change.get(field) or "") for field in _PLAIN)
        yield *said, what(change, bot.versions), str(change.get("file") or ""), str(change.get("origin") or "")
    if not bot.changes:
        yield ("",) * (len(_PLAIN) + 3)
