"""What bots told during a change, from the lines that passes left, as the simulator takes it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, get_args

from molthub.errors import Problem
from molthub.model import Json
from molthub_reconciler.report import BotReport
from molthub_reconciler.rollout.records import Health, Told, Why
from molthub_reconciler.rollout.told import health_of


class Known(NamedTuple):
    """How a bot is from some time on, whatever it was given."""

    at: int
    bot: str
    health: Health
    why: Why = ""


class Span(NamedTuple):
    """When a change was on its way, in seconds since 1970."""

    began: int
    ended: int


def lines_of(passes: Mapping[str, Iterable[Mapping[str, Json]]], span: Span) -> Iterator[dict[str, Json]]:
    """Yield how bots were while a change was on its way: what a person may read, edit, and simulate.

    ``passes`` are the lines on record of each bot, oldest first. Times are seconds after the change began; how a bot
    was before counts from its beginning on. A bot that is well all the while has no line.
    """
    found = [one for bot, lines in passes.items() for one in _of_bot(bot, lines, span)]
    for one in sorted(found):
        yield {"at": one.at, "bot": one.bot, "health": one.health, **({"why": one.why} if one.why else {})}


def known_of(line: Any) -> Known:
    """Read a line. Raises ValueError, KeyError or TypeError for what is none."""
    health, why = line["health"], line.get("why", "offline" if line["health"] == "apart" else "")
    if health not in get_args(Health) or why not in get_args(Why) or not isinstance(line["bot"], str):
        raise ValueError(line)
    return Known(int(line["at"]), line["bot"], health, why)


def _of_bot(bot: str, lines: Iterable[Mapping[str, Json]], span: Span) -> list[Known]:
    before, during = Told("healthy"), []
    for line in lines:
        at = _seconds(line.get("at"))
        told = _told(bot, line)
        if at is None or at > span.ended:
            continue
        if at < span.began:
            before = told
        else:
            during.append(Known(at - span.began, bot, told.health, told.why))
    first = [] if before.health == "healthy" else [Known(0, bot, before.health, before.why)]
    found: list[Known] = []
    for one in (*first, *during):
        last = found[-1] if found else Known(0, bot, "healthy")
        if (one.health, one.why) != (last.health, last.why):
            found.append(one)
    return found


def _told(bot: str, line: Mapping[str, Json]) -> Told:
    """Return how a bot was by a line; one that cannot be read says that it was on its way."""
    problems = [problem for problem in line.get("problems") or () if isinstance(problem, dict)]
    errors = tuple(
        Problem(str(one.get("id")), str(one.get("message")), severity=one.get("severity", "error")) for one in problems
    )
    health, why = health_of(BotReport(bot, line.get("state", "pending"), problems=errors))
    return Told(health, why=why)


def _seconds(at: Json) -> int | None:
    try:
        return int(datetime.fromisoformat(str(at)).timestamp())
    except ValueError:
        return None
