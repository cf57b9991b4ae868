"""The bots of a pass: each is looked at, written together with a few others, looked at again, and told."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, field

from molthub.errors import MolthubError
from molthub_reconciler.one_bot import BotPass
from molthub_reconciler.one_bot_told import told_of
from molthub_reconciler.problems import problem_of
from molthub_reconciler.report import BotReport
from molthub_reconciler.subjects import Subject
from molthub_reconciler.surroundings import Surroundings
from molthub_reconciler.writing import bring, take_away

GROUP = 32
"""So many bots are written together. A pass that is killed leaves as many unfinished."""


@dataclass(slots=True)
class UnderWay:
    """The bots of one pass.

    ``told`` are done; of those ``waiting`` something is to be taken away. ``new_keys`` counts, for each fleet, what was
    written that was not owned before.
    """

    around: Surroundings
    revision: str | None
    told: list[BotReport] = field(default_factory=list)
    waiting: list[BotPass] = field(default_factory=list)
    new_keys: Counter[str] = field(default_factory=Counter)
    _group: dict[str, BotPass] = field(default_factory=dict)
    _written: deque[BotPass] = field(default_factory=deque)

    def look(self, subject: Subject) -> None:
        """Look at a bot. If something is to be written, it waits for a few others."""
        if subject.told is not None:
            self.told.append(subject.told)
        elif subject.desired is None:
            self.told.append(BotReport(subject.bot, subject.state or "failed", problems=subject.problems))
        else:
            try:
                self._begin(BotPass.begin(self.around, subject, subject.desired))
            except (MolthubError, OSError) as error:
                self.told.append(_failed(subject, error))

    def _begin(self, work: BotPass) -> None:
        if work.home.folder in self._group:  # what others write there comes first, and is seen
            self.bring()
            work = BotPass.begin(self.around, work.subject, work.desired)
        if work.has_to_write:
            self._group[work.home.folder] = work
            if len(self._group) == GROUP:
                self.bring()
            return
        if self.around.act:
            work.settle()
        self._pass_on(work)

    def bring(self) -> None:
        """Write what the bots that wait for each other need."""
        group, self._group = [*self._group.values()], {}
        owned = {work.subject.bot: len(work.receipt.keys) for work in group}
        failed = bring(self.around.target, group)
        for work in group:
            bot = work.subject.bot
            if bot in failed:
                self.told.append(_failed(work.subject, failed[bot]))
            else:
                self.new_keys[work.fleet] += len(work.receipt.keys) - owned[bot]
                self._pass_on(work)

    def _pass_on(self, work: BotPass) -> None:
        if work.removals:
            self.waiting.append(work)
        elif work.results:
            self._written.append(work)
        else:
            self._report(work)

    def take_away(self, fleets: Collection[str]) -> None:
        """Take away what is declared no more, of the bots of ``fleets``. The others are only told of it."""
        group: dict[str, BotPass] = {}
        for work in self.waiting:
            if work.fleet not in fleets:
                self._written.append(work)
                continue
            if work.home.folder in group or len(group) == GROUP:
                self._remove(group)
                group = {}
            group[work.home.folder] = work
        self._remove(group)

    def _remove(self, group: dict[str, BotPass]) -> None:
        failed = take_away(self.around.target, group.values())
        for work in group.values():
            if work.subject.bot in failed:
                self.told.append(_failed(work.subject, failed[work.subject.bot]))
            else:
                self._written.append(work)

    def tell(self, *, wait: bool = False) -> None:
        """Look again at what was written, and tell it, as soon as such a look is certain."""
        while self._written:
            first = self._written[0]
            early = first.wrote_at + self.around.target.settling - time.monotonic() if first.results else 0.0
            if early > 0 and not wait:
                return
            if early > 0:
                time.sleep(early)
            self._report(self._written.popleft())

    def _report(self, work: BotPass) -> None:
        try:
            self.told.append(told_of(work, self.revision))
        except (MolthubError, OSError) as error:
            self.told.append(_failed(work.subject, error))


def _failed(subject: Subject, error: MolthubError | OSError) -> BotReport:
    platform = subject.desired.platform if subject.desired else ""
    digest = subject.desired.digest if subject.desired else None
    return BotReport(subject.bot, "failed", platform, digest, problems=(*subject.problems, problem_of(error)))
