"""A report as CSV (RFC 4180): a line for each key that differs, and one for each bot of which nothing does."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from molthub.model import Json
from molthub_reconciler.report import BotReport, Report, what

HEADERS = ("at", "revision", "fleet", "bot", "platform", "state", "key", "action", "cause", "drift", "result", "what",
           "file", "origin")  # fmt: skip


def table_of(report: Report) -> bytes:
    """Return the file, in UTF-8, with lines that end as the RFC has them."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(HEADERS)
    for bot in report.bots:
        lines.writerows([*_of_bot(report, bot), *cells] for cells in _changes(bot))
    return text.getvalue().encode("utf-8", "replace")


def _of_bot(report: Report, bot: BotReport) -> tuple[str, ...]:
    return report.at, report.revision or "", bot.fleet, bot.bot, bot.platform, bot.state


def _changes(bot: BotReport) -> Iterator[list[str]]:
    for change in bot.changes:
        yield [
            str(change["key"]),
            str(change["action"]),
            str(change["cause"]),
            _text(change, "drift"),
            _text(change, "result"),
            cell(what(change, bot.versions)),
            _text(change, "file"),
            _text(change, "origin"),
        ]
    if not bot.changes:
        yield [""] * (len(HEADERS) - 6)


def _text(change: Mapping[str, Json], field: str) -> str:
    return cell(str(change.get(field) or ""))


def cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
