"""The numbers of passes in Prometheus' text format 0.0.4, named after its "Metric and label naming". Pure.

A gauge is about the last look at each bot; a counter counts since the process began, and is left out of the numbers of
a single pass. No value of a bot's environment, and nothing of its files, is in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from molthub import __version__
from molthub_reconciler.findings import State
from molthub_reconciler.report import BotReport, Report, RolloutReport

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATES: tuple[State, ...] = get_args(State)

Labels = tuple[tuple[str, str], ...]
Sample = tuple[Labels, float]


@dataclass
class PassNumbers:
    """What is known after some passes. ``counts``: of a process that makes many, with counters."""

    counts: bool = False
    bots: dict[str, BotReport] = field(default_factory=dict)
    rollouts: tuple[RolloutReport, ...] = ()
    revision: str | None = None
    at: float | None = None
    seconds: float | None = None
    is_readable: bool = True
    _passes: Counter[str] = field(default_factory=Counter)
    _changes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, report: Report, *, is_whole: bool = True, seconds: float | None = None) -> None:
        """Take in a pass that took ``seconds``; unless it ``is_whole``, bots that it does not tell are as before."""
        self.bots = {**({} if is_whole else self.bots), **{bot.bot: bot for bot in report.bots}}
        self.rollouts = report.rollouts if is_whole or report.rollouts else self.rollouts
        self.is_readable = report.revision is not None
        self.revision = report.revision or self.revision
        self.at, self.seconds = datetime.fromisoformat(report.at).timestamp(), seconds
        self._passes["done"] += 1
        for bot in report.moved:
            self._changes.update((bot.fleet, str(change["result"])) for change in bot.changes if "result" in change)

    def failed(self, *, is_readable: bool) -> None:
        """Take note of a pass that did not come to its end; ``is_readable``: the index was no reason for that."""
        self.is_readable = is_readable
        self._passes["failed"] += 1

    def text(self) -> bytes:
        """Return the exposition."""
        return "".join(self._families()).encode("utf-8", "replace")

    def _families(self) -> Iterator[str]:
        yield _family("build_info", "The molthub that tells this.", [((("version", __version__),), 1)])
        yield _family("bots", "Bots by the state that they were last seen in.", self._by_state())
        yield _family("bot_in_sync", "Whether a bot is as declared.", map(_in_sync, self._sorted()))
        yield _family("bot_differences", "Keys of a fleet's bots that are not as declared, by kind.", self._drift())
        yield _family("bot_problems", "Findings on a fleet's bots.", self._problems())
        rollouts = [((("fleet", one.fleet), ("state", one.state)), 1) for one in self.rollouts]
        yield _family("rollout_state", "What a fleet's rollout does, or how the last one ended.", rollouts)
        if self.revision:
            yield _family("revision_info", "The commit that bots are held to.", [((("revision", self.revision),), 1)])
        yield _family("index_readable", "Whether the last pass could read the index.", [((), self.is_readable)])
        if self.at is not None:
            yield _family("last_pass_timestamp_seconds", "When the last pass began.", [((), self.at)])
        if self.seconds is not None:
            yield _family("last_pass_duration_seconds", "How long the last pass took.", [((), self.seconds)])
        if self.counts:
            passes = [((("result", name),), self._passes[name]) for name in ("done", "failed")]
            yield _family("passes_total", "Passes since the process began.", passes, kind="counter")
            changes = [((("fleet", one[0]), ("result", one[1])), n) for one, n in sorted(self._changes.items())]
            yield _family("changes_total", "Changes by what became of them.", changes, kind="counter")

    def _sorted(self) -> list[BotReport]:
        return [self.bots[name] for name in sorted(self.bots)]

    def _by_state(self) -> Iterator[Sample]:
        """Yield every state of every fleet: what is 0 now may be asked for by an alert."""
        counts = Counter((bot.fleet, bot.state) for bot in self.bots.values())
        for fleet in sorted({bot.fleet for bot in self.bots.values()}):
            yield from (((("fleet", fleet), ("state", state)), counts[fleet, state]) for state in _STATES)

    def _drift(self) -> Iterator[Sample]:
        kinds = Counter(
            (bot.fleet, str(change.get("drift") or "declared"))
            for bot in self.bots.values()
            for change in bot.changes
            if "ignored" not in change and change.get("result") != "applied"
        )
        return (((("fleet", fleet), ("kind", kind)), number) for (fleet, kind), number in sorted(kinds.items()))

    def _problems(self) -> Iterator[Sample]:
        found = Counter((bot.fleet, one.id, one.severity) for bot in self.bots.values() for one in bot.problems)
        for (fleet, problem, severity), number in sorted(found.items()):
            yield (("fleet", fleet), ("id", problem), ("severity", severity)), number


def numbers_of(report: Report) -> bytes:
    """Return the numbers of one pass."""
    numbers = PassNumbers()
    numbers.add(report)
    return numbers.text()


def _in_sync(bot: BotReport) -> Sample:
    labels = (("fleet", bot.fleet), ("bot", bot.bot.partition("/")[2]), ("platform", bot.platform))
    return labels, bot.state == "in-sync"


def _family(name: str, about: str, samples: Iterable[Sample], *, kind: str = "gauge") -> str:
    """Return one metric with its samples; nothing where it has none."""
    lines = [f"molthub_{name}{_labels(labels)} {float(value):.15g}\n" for labels, value in samples]
    return f"# HELP molthub_{name} {about}\n# TYPE molthub_{name} {kind}\n{''.join(lines)}" if lines else ""


def _labels(labels: Labels) -> str:
    return f"{{{','.join(f'{key}={_quoted(value)}' for key, value in labels)}}}" if labels else ""


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
