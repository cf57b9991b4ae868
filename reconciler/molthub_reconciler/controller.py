"""When to reconcile: at each poll of the index, when a home moved, and again after a failure.

What is done is always a pass that compares the whole (:mod:`.reconcile`); nothing here knows what changed. While the
index cannot be read, bots are kept at what was last declared.
"""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING

import click

from molthub.client.index_cache import timestamp
from molthub.console import Console
from molthub.errors import ExitStatus, FormatError, IntegrityError, MolthubError, UnreachableError
from molthub_reconciler.notify.outbox import Outbox
from molthub_reconciler.policy.pace import Backoff, hurried
from molthub_reconciler.problems import problem_of
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.records.state import NUDGE
from molthub_reconciler.report import BotReport, Report, problem_lines
from molthub_reconciler.subjects import Choice
from molthub_reconciler.watch import HomeWatch
from molthub_reconciler.workplace import Workplace

if TYPE_CHECKING:
    from molthub_reconciler.metrics.outlets import Outlet

_SOON = 1.0
"""Seconds until the next poll where a rollout has another step to make."""

FULL_EVERY = 60
"""Every so many polls, files are read again even where the system says that nothing moved."""


NUDGE_LOOK = 0.5
"""Seconds between looks at whether an operator asks for a pass."""


class Controller:
    """Keeps the bots of a workplace in sync until it is told to stop."""

    def __init__(  # noqa: PLR0917 (what a controller works with)
        self,
        place: Workplace,
        rules: Rules,
        interval: float,
        console: Console,
        outbox: Outbox | None = None,
        metrics: Outlet | None = None,
    ) -> None:
        self._place = place
        self._interval = interval
        self._console = console
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._rules = replace(rules, stop=self._stop.is_set)
        self._backoff = Backoff()
        self._moved: set[str] = set()
        self._lock = threading.Lock()
        self._homes: Mapping[str, Collection[str]] = {}
        self._told: dict[str, object] = {}
        self._said: dict[str, str | None] = {}
        self._unreadable_since: str | None = None
        self._hindrances = 0
        self._polls = 0
        self._signal = ""
        self._nudge = self._place.state.note("", NUDGE)
        self._outbox = outbox
        self._metrics = metrics
        self._messenger: threading.Thread | None = None

    def run(self) -> ExitStatus:
        """Work until :meth:`stop`, SIGTERM or SIGINT; the bot at hand is finished."""
        self._check()
        self._catch_signals()
        with_whom = self._place.source if self._place.source != "the index" else self._place.index.where
        self._console.say(f"reconciling {self._place.folder} with {with_whom} "
                          f"every {self._interval:g} s; stop with Ctrl-C")  # fmt: skip
        with HomeWatch(self._place.folder, self._see, self._lose_sight):
            next_poll = 0.0
            while not self._stop.is_set():
                self._wake.clear()
                try:
                    next_poll = self._turn(next_poll)
                except BrokenPipeError:  # nobody reads what is said any more
                    raise
                except OSError as error:
                    next_poll = time.monotonic() + self._hindered(error)
                self._wait_until(next_poll)
        self._console.say(f"{self._signal}stopped, the bot at hand is finished")
        if self._messenger is not None:
            self._messenger.join(timeout=2)  # what was not delivered is kept for the next start
        return ExitStatus.DONE

    def stop(self) -> None:
        """Ask for an end; may be called from another thread."""
        self._stop.set()
        self._wake.set()

    # --- what calls for a pass ----------------------------------------------------------------------------------------

    def _turn(self, next_poll: float) -> float:
        """Do what is called for now. Return when to poll next."""
        if not (self._is_nudged() or self._has_news() or time.monotonic() >= next_poll):
            self._look_at(self._called())
            return next_poll
        self._poll()
        if self._hindrances:
            self._console.say("passes come to their end again")
            self._hindrances = 0
        return time.monotonic() + (_SOON if self._place.is_moving else self._place.pause(self._interval))

    def _hindered(self, error: OSError) -> float:
        """Say once why a pass could not come to its end: a full disk, say. Return the seconds until the next try."""
        self._hindrances += 1
        if self._hindrances == 1:
            self._console.warn("a pass could not come to its end, and is tried again")
            self._console.problems([problem_of(error)])
        if self._metrics is not None:
            self._metrics.failed(is_readable=self._unreadable_since is None)
        return hurried(self._hindrances, self._interval)

    def _poll(self) -> None:
        """Look at the index and at every bot."""
        self._polls += 1
        with self._lock:
            self._moved.clear()
        if self._refreshed():
            self._backoff.forgive()
        rules = replace(self._rules, full=self._rules.full or self._polls % FULL_EVERY == 0)
        if rules.full:
            self._place.doubt()
        resting = self._backoff.resting(time.monotonic())
        report = self._passed(rules, replace(self._place.choice, without=resting), is_whole=not resting)
        self._rules = replace(self._rules, allow_mass_removal=False, full=False)  # meant for one pass
        if report is not None:
            self._homes = self._place.homes() if report.moved else self._homes
            self._place.pruned()
            if self._backoff.next_time() is not None:
                self._backoff.keep_only({bot.bot for bot in report.bots} | resting)

    def _look_at(self, bots: frozenset[str]) -> None:
        """Look at some bots, between two polls. What is declared no more can wait for the next poll."""
        if bots:
            self._passed(replace(self._rules, may_remove=False), Choice(bots=bots))

    def _called(self) -> frozenset[str]:
        """Return the bots in whose homes something moved, and those to be tried again."""
        with self._lock:
            homes, self._moved = self._moved, set()
        moved = frozenset(bot for home in homes for bot in self._homes.get(home, ()))
        chosen = (bot for bot in moved | self._backoff.due(time.monotonic()) if self._place.choice.has(bot))
        return frozenset(chosen)

    def _wait_until(self, next_poll: float) -> None:
        until = min(next_poll, self._backoff.next_time() or next_poll)
        while (left := until - time.monotonic()) > 0 and not self._wake.wait(min(left, NUDGE_LOOK)):
            if self._place.news.is_set() or self._place.state.note("", NUDGE) != self._nudge:
                return

    def _is_nudged(self) -> bool:
        """Whether an operator asks for a look at everything now; what rests after failures is tried again too."""
        seen, self._nudge = self._nudge, self._place.state.note("", NUDGE)
        if seen == self._nudge:
            return False
        self._backoff.forgive()
        self._place.doubt()
        return True

    def _has_news(self) -> bool:
        """Whether an agent on another machine told something since the last pass; those that tell more wait for one."""
        has_news = self._place.news.is_set()
        self._place.news.clear()
        return has_news

    def _see(self, homes: frozenset[str]) -> None:
        with self._lock:
            self._moved |= homes
        self._wake.set()

    def _lose_sight(self, why: str) -> None:
        self._console.warn(f"cannot watch the bots' folders, so they are looked at every {self._interval:g} s: {why}")

    def _check(self) -> None:
        """Refuse to keep bots that nobody knows; an index that cannot be read just now may come back."""
        with contextlib.suppress(UnreachableError, FormatError, IntegrityError):
            self._place.check()

    def _catch_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signal = f"{signal.Signals(number).name}: "  # printing may just be going on
        self.stop()

    # --- a pass -------------------------------------------------------------------------------------------------------

    def _refreshed(self) -> bool:
        """Ask the index whether it changed. Says when it cannot be read, and when it can be again."""
        try:
            changed = self._place.refresh()
        except MolthubError as error:
            self._without_index(error)
            return False
        if self._unreadable_since is not None:
            self._console.say(f"{self._place.source} can be read again (not since {self._unreadable_since})")
            self._unreadable_since = None
        return changed

    def _without_index(self, error: MolthubError) -> None:
        if self._unreadable_since is None:
            self._unreadable_since = timestamp()
            self._console.warn(f"{self._place.source} cannot be read, bots are kept at what was last declared: {error}")

    def _passed(self, rules: Rules, choice: Choice, *, is_whole: bool = False) -> Report | None:
        """Do one pass, tell it, and take note of what failed."""
        if self._metrics is not None:
            self._metrics.begin()
        try:
            if self._unreadable_since is None:
                report = self._place.once("reconcile", rules, choice)
            else:
                report = self._place.offline(rules, choice)
        except MolthubError as error:
            self._without_index(error)
            if self._metrics is not None:
                self._metrics.failed(is_readable=False)
            for bot in choice.bots:
                self._backoff.failed(bot, time.monotonic())
            return None
        failed = {bot.bot for bot in report.bots if bot.state == "failed"}
        for bot in (choice.bots | {bot.bot for bot in report.moved}) - failed:
            self._backoff.succeeded(bot)
        for bot in failed:
            self._backoff.failed(bot, time.monotonic())
        if self._metrics is not None:
            self._metrics.add(report, is_whole=is_whole)
        self._tell(report)
        self._notify(report, is_whole=is_whole and self._place.choice.is_all)
        return report

    def _notify(self, report: Report, *, is_whole: bool) -> None:
        """Put what is news on its way; delivering it never keeps a pass waiting."""
        if self._outbox is None or not self._outbox.channels:
            return
        try:
            self._outbox.add(report, is_whole=is_whole)
        except OSError as error:
            self._console.warn(f"messages cannot be kept: {error}")
        due = self._outbox.next_due()
        if due is not None and due <= time.time() and (self._messenger is None or not self._messenger.is_alive()):
            self._messenger = threading.Thread(target=self._deliver, name="messenger", daemon=True)
            self._messenger.start()

    def _deliver(self) -> None:
        assert self._outbox is not None  # noqa: S101 (the caller asked)
        try:
            self._console.problems(self._outbox.flush())
        except OSError as error:
            self._console.warn(f"messages cannot be kept: {error}")

    def _tell(self, report: Report) -> None:
        """Print what a pass did, and what it found that was not told before; nothing else."""
        news = [bot for bot in report.moved if self._is_news(bot)]
        said = {message for message, revision in self._said.items() if revision == report.revision}
        problems = [problem for problem in report.problems if problem.message not in said]
        self._said = dict.fromkeys((*said, *(problem.message for problem in problems)), report.revision)
        if not news and not problems:
            return
        shown = replace(report, bots=tuple(news), problems=tuple(problems))
        if self._console.as_json:
            click.echo(json.dumps(shown.to_json(), ensure_ascii=False, separators=(",", ":")))
            return
        if news:
            self._console.result("\n".join(f"{report.at} {line_of(bot)}" for bot in news))
        self._console.problems(problem_lines(shown))

    def _is_news(self, bot: BotReport) -> bool:
        seen = (bot.state, bot.problems)
        is_known = self._told.get(bot.bot, ("in-sync", ())) == seen
        self._told[bot.bot] = seen
        return not is_known or any(change.get("result") == "applied" for change in bot.changes)


def line_of(bot: BotReport) -> str:
    """Return one line about one bot: its state, and what was done to which keys."""
    done: dict[str, list[str]] = {}
    for change in bot.changes:
        if change.get("drift") != "extra":
            result = change.get("result", "kept")
            verb = f"{change['action']}d" if result == "applied" else f"{change['action']} {result}"
            done.setdefault("kept" if change["action"] == "keep" else verb, []).append(change["key"])
    return "; ".join([f"{bot.bot} {bot.state}", *(f"{verb} {_some(keys)}" for verb, keys in done.items())])


_SHOWN = 3


def _some(keys: Iterable[str]) -> str:
    keys = list(keys)
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(keys[:_SHOWN]) + more
