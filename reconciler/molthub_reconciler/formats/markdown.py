"""Drift as Markdown, for a comment or a chat. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub_reconciler.formats.text_differences import FileDifference, unified
from molthub_reconciler.formats.told import SORTS, Told, sort_of
from molthub_reconciler.report import fleet_lines, to_do, what

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~@:])")


def markdown(told: Told) -> str:
    """Return the report; texts from bots are escaped, so that nothing of them is markup or names anybody."""
    return "\n".join(_lines(told)) + "\n"


def _lines(told: Told) -> Iterator[str]:
    report = told.report
    yield f"## {report.command.title()} at {report.at}"
    yield ""
    yield from (f"- {_escaped(line)}" for line in (*fleet_lines(report), *to_do(report)))
    bots = [bot for bot in report.bots if bot.changes or bot.problems]
    for bot in bots:
        yield from ("", f"### {_escaped(bot.bot)}: {bot.state}", "")
        if bot.changes:
            yield from ("| key | drift | what | declared at |", "| --- | --- | --- | --- |")
        for change in bot.changes:
            cells = (change["key"], sort_of(change), what(change, bot.versions), change.get("origin") or "")
            yield "| " + " | ".join(_escaped(str(cell)) for cell in cells) + " |"
        yield from ("", *(f"- **{problem.id}** {_escaped(problem.message)}" for problem in bot.problems))
        for change in bot.changes:
            for difference in told.of(bot, change):
                yield from _difference(difference)
    sorts = sorted({sort_of(change) for bot in bots for change in bot.changes})
    yield from ("", *(f"- *{sort}*: {SORTS[sort]}" for sort in sorts))


def _difference(difference: FileDifference) -> Iterator[str]:
    if difference.note:
        yield from ("", f"{_escaped(difference.path)}: {difference.note}")
        return
    text = unified(difference)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from ("", f"{fence}diff", text, fence)


def _escaped(text: str) -> str:
    """Return text that Markdown shows as it is (GitHub Flavored Markdown, 2.4)."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
