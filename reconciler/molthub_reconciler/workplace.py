"""One index, one target folder and the state folder between them: what the commands work with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from molthub.client.cache import Store, default_store
from molthub.client.index import Index
from molthub.client.paths import index_cache, state_folder
from molthub.errors import NotFoundError, Problem
from molthub_reconciler.at_rest.by_digests import LastPass
from molthub_reconciler.at_rest.by_files import Resting
from molthub_reconciler.declared import Declared
from molthub_reconciler.policy.pace import jittered
from molthub_reconciler.problems import refused
from molthub_reconciler.reconcile import Rules, lacking, run_pass
from molthub_reconciler.records.secret_versions import SecretVersions
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.reloading import ReloadCommand, after_changes
from molthub_reconciler.remote.apart import RemoteBots
from molthub_reconciler.remote.gates import RemoteGates
from molthub_reconciler.remote.store import AgentStore
from molthub_reconciler.report import BotReport, Command, Report
from molthub_reconciler.rollout.follow import Followed, Rollouts
from molthub_reconciler.rollout.records import Document
from molthub_reconciler.selection import Selection, listed
from molthub_reconciler.subjects import Choice, Subject, kept
from molthub_reconciler.supply.releases import Releases
from molthub_reconciler.supply.skill_signatures import Asked, SkillSignatures
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.targets.directory import DirectoryTarget

if TYPE_CHECKING:
    from molthub_reconciler.formats.told import Told
    from molthub_reconciler.pruning.prune import Pruned


def _opened(index: str, state: Path | None) -> Index:
    cache = index_cache(index) if "://" in index else None
    return Index.open(index, cache=cache, state=(state or state_folder()).resolve())


class Workplace:
    """Where passes happen. ``index`` is opened, but nothing is fetched before the first pass.

    With ``root``, the index's root of trust, nothing of it counts that does not follow from there. ``signatures`` says
    what is asked of publishers' signatures beyond what the index's own policy demands, ``secrets`` knows when secrets
    change. ``reload`` is run after changes.
    """

    def __init__(
        self,
        index: str | Index,
        target: Path,
        state: Path | None,
        choice: Choice,
        *,
        root: bytes | None = None,
        signatures: Asked | None = None,
        secrets: SecretVersions | None = None,
    ) -> None:
        self.index = index if isinstance(index, Index) else _opened(index, state)
        if root is not None:
            self.index.trust.begin_unless_known(root)
        self.folder = target.resolve()
        self.choice = choice
        self.signatures = signatures or Asked()
        self.secrets = secrets
        self.selection = Selection()
        """The labels of the bots that are worked on here."""
        self.reload: ReloadCommand | None = None
        self.prune_after: float | None = None
        """The seconds after which what nobody needs is taken away, once a day; None: it stays."""
        self.target_kind = DirectoryTarget
        self.is_moving = False
        """Whether a rollout made a step in the last pass that another one can act upon at once."""
        self.news = threading.Event()
        """Set when somebody tells something that the next pass should know: agents on other machines."""
        self.errands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        """What is to be done between two passes, by whoever holds the target's lock."""
        self.state = TargetState((state or state_folder()).resolve(), str(self.folder))
        self.agents = AgentStore(self.state)
        """What is kept of agents on other machines."""
        self.agents.fetch = self.index.bot_content
        self.store: Store = default_store()
        self._last = LastPass()
        self._sealed = Resting(self.state, str(self.folder))
        self._resting: dict[str, Followed] = {}

    @property
    def has_all_of_fleets(self) -> bool:
        """Whether fleets are worked on as a whole, as rollouts need it."""
        return not self.choice.bots and self.selection.is_all

    @property
    def source(self) -> str:
        """What says how bots are to be, as messages name it."""
        return "the index"

    def refresh(self) -> bool:
        """Ask whether something else is declared now; before that, do what waits to be done between two passes.

        Raises :class:`MolthubError` where nobody answers.
        """
        while not self.errands.empty():
            self.errands.get()()
        return self.index.refresh()

    def pause(self, interval: float) -> float:
        """Return how many seconds to wait for the next look."""
        return jittered(interval)

    def pruned(self) -> Pruned | None:
        """Take away what nobody needs of the store and of what was fetched, once a day; return what that was."""
        from molthub_reconciler.pruning.daily import prune_daily

        return prune_daily(self.state.root, self.store, self.prune_after, time.time())

    def make_target(self) -> None:
        """Make the target's folder. Raises :class:`MolthubError` when that is not allowed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(error, str(self.folder)) from None

    def need_target(self) -> None:
        """Raise :class:`NotFoundError` when the target's folder is not there."""
        if not self.folder.is_dir():
            remedy = "give the folder of the bots' homes; `molthub reconcile` makes it"
            raise NotFoundError("there is no such folder", place=str(self.folder), remedy=remedy)

    def check(self) -> None:
        """Name the chosen bots in full.

        Raises :class:`NotFoundError` when a bot or fleet was asked for that nobody knows, or when there are none.
        """
        self.choice = Declared(self.index, self.state, self.choice).check_choice()
        if not self.selection.is_all and not self.selection.of(self.choice, self.index, self.state).bots:
            remedy = "molthub bots list -o wide shows the labels"
            raise NotFoundError("no bot has these labels", place=self.index.where, remedy=remedy)

    def chosen(self) -> frozenset[str]:
        """Return the bots that were chosen one by one, by their fleets, or by their labels."""
        return frozenset(listed(self.selection.of(self.choice, self.index, self.state), self.index))

    def homes(self) -> dict[str, set[str]]:
        """Return the bots that live in each home on this machine, as far as they have receipts."""
        found: dict[str, set[str]] = {}
        for bot, home in self.state.homes().items():
            if home:
                found.setdefault(home, set()).add(bot)
        return found

    def doubt(self) -> None:
        """Forget what is remembered from one pass to the next: somebody asks for a look, or it is time for one."""
        self._last.forget()
        self._resting.clear()
        self._sealed.forget()
        self.agents.reread()
        self.state.reread()

    def once(self, command: Command, rules: Rules, choice: Choice | None = None) -> Report:
        """Do one pass over the bots that the index declares. Raises :class:`MolthubError` without a readable index."""
        choice = self.selection.of(self.choice if choice is None else choice, self.index, self.state)
        return self._declared(command, rules, choice)

    def offline(self, rules: Rules, choice: Choice | None = None) -> Report:
        """Do one pass over the bots as they were last declared, while the index cannot be reached."""
        choice = self.selection.offline(self.choice if choice is None else choice)
        subjects = kept(self.state, choice, self.agents.bots())
        return self.one_pass("reconcile", subjects, replace(rules, may_remove=False), online=False)

    def lacking(self, subjects: Iterable[Subject], *, online: bool) -> dict[str, tuple[Problem, ...]]:
        """Return why some bots could not be brought to their documents: skills that cannot be had. Writes nothing."""
        target = self.target_kind(self.folder, self.store, self.state, keep=False)
        return lacking(subjects, target, self.state, self._supply(online=online, act=False))

    def one_pass(
        self,
        command: Command,
        subjects: Iterable[Subject],
        rules: Rules,
        *,
        online: bool,
        empty: Collection[str] = (),
        remote: RemoteBots | None = None,
        releases: Releases | None = None,
    ) -> Report:
        """Do one pass over given bots. ``online``: what they lack may be fetched."""
        remote = self._remote(rules, online=online) if remote is None else remote
        releases = self._releases(rules, online=online) if releases is None else releases
        target = self.target_kind(self.folder, self.store, self.state, keep=rules.act)
        revision = self.revision(online=online)
        resting = self._sealed if rules.act and self.secrets is None else None
        supply = self._supply(online=online, act=rules.act)
        report = run_pass(command, remote.apart(subjects), target, self.state, supply, rules=rules, revision=revision,
                          empty_fleets=empty, releases=releases, secrets=self.secrets, resting=resting)  # fmt: skip
        report = remote.joined(report)
        return after_changes(report, self.folder, self.reload) if rules.act else report

    def revision(self, *, online: bool) -> str | None:
        """Return the revision of what is declared; None while the index cannot be asked."""
        return self.index.root().revision if online else None

    def in_full(self, report: Report) -> Told:
        """Return a report with the text of the files that differ."""
        from molthub_reconciler.formats.contents import told_in_full

        target = self.target_kind(self.folder, self.store, self.state, keep=False)
        return told_in_full(report, target, self._supply(online=True, act=False))

    def _remote(self, rules: Rules, *, online: bool) -> RemoteBots:
        return RemoteBots(self.agents, self._last, act=rules.act, revision=self.revision(online=online))

    def _releases(self, rules: Rules, *, online: bool) -> Releases:
        return Releases(self.index if online else None, self.state, rules.act)

    def _supply(self, *, online: bool, act: bool) -> Supply:
        index = self.index if online else None
        return Supply(self.store, index, SkillSignatures(index, self.state.folder, self.signatures, act))

    def _declared(self, command: Command, rules: Rules, choice: Choice) -> Report:
        rollouts = Rollouts(self.state, self.folder, rules.act, rules.run_gates, whole=self.has_all_of_fleets,
                            at_rest=self._resting, elsewhere=RemoteGates(self.agents))  # fmt: skip
        remote, releases = self._remote(rules, online=True), self._releases(rules, online=True)

        def resting(bot: str, given: Document) -> BotReport | None:
            """Return what is told of a bot on this machine of which nothing has moved."""
            return self._sealed.told(bot, given, releases, act=rules.act)

        declared = Declared(
            self.index,
            self.state,
            choice,
            rollouts=rollouts,
            last=self._last,
            at_rest=remote.at_rest,
            elsewhere=remote.bots,
        )
        if self.secrets is None and not rules.asks_for_more:
            declared.resting = resting
        report = self.one_pass(command, declared, rules, online=True, empty=declared.empty_fleets, remote=remote,
                               releases=releases)  # fmt: skip
        self.is_moving = rollouts.hear(report)
        declared.problems += rollouts.problems()
        doubts = () if report.problems else declared.doubts()  # what was refused for a fleet says it already
        problems = (*report.problems, *declared.problems, *doubts)
        return replace(report, problems=problems, rollouts=rollouts.reports())
