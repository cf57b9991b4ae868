"""The bots of a pass that live on other machines: they get an assignment instead, and are told as their agents told.

Nobody waits for them. An agent that was not heard of for three of its looks is offline: its bot is told so, takes no
part in a rollout, and catches up when it comes back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from molthub.client.index_cache import timestamp
from molthub.errors import FormatError, Problem
from molthub.model import Json
from molthub_reconciler.at_rest.by_digests import Basis, LastPass
from molthub_reconciler.problems import problem_of
from molthub_reconciler.records.elsewhere import Known, is_same
from molthub_reconciler.remote.exchange import AgentReport, Assignment
from molthub_reconciler.remote.presence import Seen
from molthub_reconciler.remote.store import AgentStore
from molthub_reconciler.report import BotReport, Report
from molthub_reconciler.rollout.kept import read_state
from molthub_reconciler.rollout.records import Assigned, RolloutState
from molthub_reconciler.subjects import Subject

_THERE = "there"
STALE = -1
"""The generation of a report that says nothing of what its bot was given."""


class RemoteBots:
    """One pass's bots on other machines. Unless ``act``, nothing is assigned and nothing is remembered.

    ``last`` is what the last pass of this process told of them, from what its ``store`` had at hand.
    """

    def __init__(
        self,
        store: AgentStore,
        last: LastPass,
        *,
        act: bool,
        revision: str | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = store.state
        self._store = store
        self._last = last
        self._bots = store.bots()
        self._bases: dict[str, Basis] = {}
        self._still: frozenset[str] = frozenset()
        self._act = act
        self._revision = revision
        self._now = clock()
        self._rollouts: dict[str, RolloutState] = {}
        self._told: list[BotReport] = []
        self._problems: dict[Problem, None] = {}
        self._at = timestamp()

    @property
    def bots(self) -> frozenset[str]:
        """The bots that live elsewhere."""
        return self._bots

    def at_rest(self, asked: Mapping[str, Assigned]) -> Collection[str]:
        """Return the bots of which nothing has moved; they are told as they were."""
        if not self._bots:
            return ()
        given = self._last.among(asked, self._bots)
        lost, words = self._store.presence.lost(given, self._now), self._store.last_told(given)
        told = self._last.still_all(given, lost, words)
        if told is None:
            now = {bot: Basis(one, (words[bot], lost.get(bot, _THERE))) for bot, one in given.items()}
            self._bases |= now
            told = self._last.still(now)
            self._last.all_still(given, (lost, words), told)
        self._told += told
        still = frozenset(report.bot for report in told)
        self._still |= still
        return still

    def apart(self, subjects: Iterable[Subject]) -> Iterator[Subject]:
        """Yield the bots that live here; take note of the others."""
        for subject in subjects:
            if subject.bot in self._bots:
                self._told.append(self._taken(subject))
                self._settle(at_once=False)
            else:
                yield subject

    def joined(self, report: Report) -> Report:
        """Return a pass's report with the bots that live elsewhere, after what they are to have was written down."""
        self._settle(at_once=True)
        problems = (*report.problems, *self._store.records.problems(), *self._problems)
        bots = tuple(sorted((*report.bots, *self._told), key=lambda told: told.bot)) if self._told else report.bots
        return replace(report, bots=bots, unmoved=report.unmoved | self._still, problems=problems)

    def _settle(self, *, at_once: bool) -> None:
        """Write down what was said and found. What cannot be is said again by the next pass."""
        try:
            self._store.settle(at_once=at_once)
        except OSError as error:
            self._problems[problem_of(error)] = None
            self._last.forget()

    def _taken(self, subject: Subject) -> BotReport:
        before, told = self._store.assignment(subject.bot), self._store.report(subject.bot)
        given = self._given(subject, before)
        asked = given or before
        report = self._as_told(subject, asked or Assignment(subject.bot), told)
        if self._act:
            if given is not None:
                self._store.assign(given, at_once=False)
            self._remember(subject, report, told, asked)
            self._last.keep(report, self._bases.get(subject.bot) if is_plain(subject) else None)
        return report

    def _given(self, subject: Subject, before: Assignment | None) -> Assignment | None:
        """Return what a bot is to have now. None: that cannot be said just now, so what it was given stays."""
        bot, desired = subject.bot, subject.desired
        why = subject.problems[0].message if subject.problems else ""
        if self._revision is None and subject.pin is None:
            return None  # the index cannot be asked: what a bot last had may be older than what it was given
        if subject.state == "orphaned":
            return Assignment(bot, why=why)
        digest = subject.digest if desired is None else desired.digest
        if digest is None or subject.document is None:
            return None if subject.state == "failed" else Assignment(bot, why=why)
        generation = self._generation(bot)
        is_same = before is not None and (before.document, before.generation) == (subject.document, generation)
        asks = before.asks if before is not None and is_same else ()
        return Assignment(bot, subject.document, digest, generation, self._revision, asks=asks)

    def _generation(self, bot: str) -> int:
        if bot in self._bases:
            return self._bases[bot].asked.generation
        fleet, _, name = bot.partition("/")
        if fleet not in self._rollouts:
            try:
                self._rollouts[fleet] = read_state(self._state, fleet)
            except FormatError:
                self._rollouts[fleet] = RolloutState(fleet)
        given = self._rollouts[fleet].assigned.get(name)
        return given.generation if given is not None else 0

    def _as_told(self, subject: Subject, asked: Assignment, told: AgentReport | None) -> BotReport:
        is_fresh = told is not None and told.document == asked.document and told.generation == asked.generation
        known = told.bot if told is not None else BotReport(subject.bot, "pending")
        known = replace(known, desired=asked.digest, generation=asked.generation if is_fresh else STALE)
        seen = self._store.presence.seen(subject.bot)
        if subject.state in ("orphaned", "failed", "suspended"):
            return replace(known, state=subject.state, problems=subject.problems, changes=())
        if seen is None or seen.is_offline(self._now):
            return replace(known, state="offline", problems=(offline(seen), *subject.problems), changes=())
        if not is_fresh:
            return replace(known, state=subject.state or "pending", problems=(*subject.problems, _NOT_YET), changes=())
        found = subject.state or known.state
        if subject.pin is not None:
            found = "rolled-back" if found == "in-sync" else found
            known = replace(known, pinned=subject.pin.to_json())
        return replace(known, state=found, problems=(*subject.problems, *known.problems))

    def _remember(
        self, subject: Subject, report: BotReport, told: AgentReport | None, asked: Assignment | None
    ) -> None:
        """Keep what is known of the bot, and a line of history, as of every bot. ``asked`` is what it is to have."""
        bot, before = subject.bot, self._state.receipt(subject.bot)[0]
        document = before.document
        if told is not None and told.document is not None and self._state.has_document(bot, told.document):
            document = told.document
        platform = report.platform or (subject.desired.platform if subject.desired is not None else before.platform)
        line: dict[str, Json] = {"at": self._at, "revision": self._revision, "state": report.state}
        line |= {"command": "reconcile", "document": document, "desired": report.desired, "observed": report.observed}
        line |= {"given": asked.document} if asked is not None and asked.document is not None else {}
        line |= {"pinned": True} if subject.pin is not None else {}
        changes = [{"result": "kept", **change} for change in report.changes if change.get("drift") != "extra"]
        line |= {"changes": changes, "problems": [problem.to_json() for problem in report.problems]}
        if not self._state.is_known(bot):
            self._store.records.note(bot, Known(document, platform), line)
            return
        kept = replace(before, document=document, platform=platform)  # what it left behind when it lived here stays
        if kept != before:
            self._state.save(kept, durable=False)
        earlier = self._state.passes(bot)
        if not earlier or not is_same(earlier[-1], line):
            self._state.add_pass(bot, line, earlier)


def is_plain(subject: Subject) -> bool:
    """Whether what is told of a bot follows from its assignment and from what its agent told, and nothing else."""
    return subject.state is None and subject.pin is None and not subject.problems


def offline(seen: Seen | None) -> Problem:
    """Return why an agent says nothing."""
    if seen is None:
        return Problem("MH734", "its agent never came", _START, severity="warning")
    at = datetime.fromtimestamp(seen.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Problem("MH734", f"its agent was last heard of at {at}", _LOOK, severity="warning")


_START = "start it on the bot's machine: molthub reconcile --bot FLEET/BOT --controller URL"
_LOOK = "look whether its machine is on and reaches the controller; what the bot has is kept there meanwhile"
_NOT_YET = Problem(
    "MH736", "its agent has not told yet what became of what it was given", "it comes with the agent's next look",
    severity="warning",
)  # fmt: skip
