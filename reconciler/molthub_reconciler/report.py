"""What a pass tells: ``molthub.report/1``, and the same as a table. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from molthub.errors import ExitStatus, Problem
from molthub.model import Json
from molthub_reconciler.findings import State

Command = Literal["plan", "drift", "reconcile"]


@dataclass(frozen=True, slots=True)
class BotReport:
    """One bot. ``changes`` are as published; ``desired`` and ``observed`` are digests."""

    bot: str
    state: State
    platform: str = ""
    desired: str | None = None
    observed: str | None = None
    problems: tuple[Problem, ...] = ()
    changes: tuple[Mapping[str, Json], ...] = ()

    @property
    def fleet(self) -> str:
        """The bot's fleet."""
        return self.bot.partition("/")[0]

    @property
    def differences(self) -> int:
        """How many changes keep the bot from being in sync."""
        return sum(change.get("drift") != "extra" for change in self.changes)

    def to_json(self) -> dict[str, Json]:
        """Return the bot's part of the published report."""
        return {
            "bot": self.bot,
            "platform": self.platform,
            "state": self.state,
            "desired": self.desired,
            "observed": self.observed,
            "problems": [problem.to_json() for problem in self.problems],
            "changes": [dict(change) for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All bots of one pass. ``at`` is RFC 3339 in UTC."""

    command: Command
    at: str
    revision: str | None
    bots: tuple[BotReport, ...] = ()
    problems: tuple[Problem, ...] = ()

    def count(self, *states: State) -> int:
        """Return how many bots are in one of ``states``."""
        return sum(bot.state in states for bot in self.bots)

    def to_json(self) -> dict[str, Json]:
        """Return the document ``molthub.report/1``."""
        summary = {
            "bots": len(self.bots),
            "inSync": self.count("in-sync"),
            "drifted": self.count("drifted"),
            "failed": self.count("failed"),
            "changes": sum(bot.differences for bot in self.bots),
        }
        head = {"format": "molthub.report/1", "command": self.command, "at": self.at, "revision": self.revision}
        problems = {"problems": [problem.to_json() for problem in self.problems]} if self.problems else {}
        return {**head, "summary": summary, **problems, "bots": [bot.to_json() for bot in self.bots]}


def drift_alone(report: Report) -> Report:
    """Return the report without what only git changed: what a bot has, against what we last wrote."""
    return replace(report, bots=tuple(
        replace(bot, changes=tuple(change for change in bot.changes if change["cause"] != "declared"))
        for bot in report.bots
    ))  # fmt: skip


def exit_status(report: Report) -> ExitStatus:
    """Return what the command tells the shell.

    ``plan`` and ``drift``: is there anything to do? ``reconcile``: is everything in sync now? An orphan that is kept
    as its fleet wants is no work.
    """
    undone = [bot for bot in report.bots if not _is_done(bot)]
    lost = [bot for bot in undone if bot.state in _LOST]
    refused = any(problem.severity == "error" for problem in report.problems)
    if report.bots and len(lost) == len(report.bots):
        return ExitStatus.FAILED
    if report.command == "reconcile":
        return ExitStatus.PARTLY_DONE if undone or refused else ExitStatus.DONE
    if report.count("failed"):
        return ExitStatus.PARTLY_DONE
    return ExitStatus.PENDING if undone or refused else ExitStatus.DONE


_LOST: frozenset[State] = frozenset({"failed", "unresolved", "suspended"})


def _is_done(bot: BotReport) -> bool:
    if bot.state == "orphaned":
        return all(change.get("result") == "applied" for change in bot.changes)
    return bot.state == "in-sync"


# --- the table -----------------------------------------------------------------------------------------------------

HEADERS = ("bot", "key", "action", "cause", "what", "origin")


def fleet_lines(report: Report) -> Iterator[str]:
    """Yield one line per fleet: how many bots are in which state."""
    for fleet in sorted({bot.fleet for bot in report.bots}):
        states = Counter(bot.state for bot in report.bots if bot.fleet == fleet)
        total = sum(states.values())
        counts = ", ".join(f"{states[state]} {state.replace('-', ' ')}" for state in _ORDER if states[state])
        yield f"{fleet}: {total} {'bot' if total == 1 else 'bots'}, {counts}"


_ORDER: Sequence[State] = (
    "in-sync", "pending", "drifted", "conflict", "unresolved", "orphaned", "suspended", "failed",
)  # fmt: skip


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield one row per change, under :data:`HEADERS`. On ``reconcile`` the action is what became of it."""
    for bot in report.bots:
        for change in bot.changes:
            action = change["action"]
            result = change.get("result")
            if result and result != "applied" and action != "keep":
                action = f"{action} ({result})"
            cause = "extra" if change.get("drift") == "extra" else change["cause"]
            yield (bot.bot, change["key"], action, cause, what(change), change.get("origin") or "")


def what(change: Mapping[str, Json]) -> str:
    """Say in a few words what differs."""
    if change.get("drift") in ("missing", "extra"):
        return f"{change['drift']}: {change.get('file', '')}"
    parts = change.get("parts")
    if parts:
        more = f" (and {len(parts) - 1} more)" if len(parts) > 1 else ""
        return f"{parts[0]['part']}: {_sides(parts[0])}{more}"
    return _sides(change) if "before" in change else str(change.get("file", ""))


def _sides(sides: Mapping[str, Json]) -> str:
    return f"{_short(sides['before'])} -> {_short(sides['after'])}"


def _short(value: Json) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else _compact(value)
    if text.startswith("sha256:"):
        return text[: len("sha256:") + _DIGITS]
    if len(text) == _HEX_DIGITS and not text.strip("0123456789abcdef"):
        return text[:_DIGITS]
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


_DIGITS = 8
_HEX_DIGITS = 64
_WIDTH = 40


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def problem_lines(report: Report) -> Iterable[Problem]:
    """Return every problem of the report; a bot's own say which bot they are about."""
    yield from report.problems
    for bot in report.bots:
        for problem in bot.problems:
            yield problem.in_file(f"{bot.bot}: {problem.file}" if problem.file else bot.bot)
