"""The agent: keeps one bot on this machine as the controller says, and tells it what became of that.

It is a workplace whose only bot comes from an assignment. All else (watching the home, mending, backing off, the last
good document while nobody answers) is what every reconcile does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from molthub.documents import bot_from_json, hex_of
from molthub.errors import FormatError, IntegrityError, MolthubError, Problem
from molthub.model import DesiredState, Json
from molthub_reconciler.agent.assignments import AssignmentWatch, Followed, asks, own_name
from molthub_reconciler.agent.gates import AgentGates
from molthub_reconciler.problems import problem_of
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.remote.exchange import Answer, report_to_bytes
from molthub_reconciler.remote.link import ControllerLink
from molthub_reconciler.remote.questions import Answered
from molthub_reconciler.report import Command, Report
from molthub_reconciler.subjects import Choice, Subject, last_good, pin_of, pinned
from molthub_reconciler.workplace import Workplace


class AgentWorkplace(Workplace):
    """Where an agent's passes happen: :meth:`follow` says whom it follows, before the first."""

    def follow(self, link: ControllerLink, bot: str, interval: float, warn: Callable[[str], None]) -> None:
        """Take ``bot``'s assignments over ``link``, asked for every ``interval`` seconds."""
        self._link = link
        link.agent = own_name(self.state)
        self._bot = bot
        self._interval = interval
        self._warn = warn
        self._followed = Followed(link, bot, interval, self.state)
        self._watch: AssignmentWatch | None = None
        self._answer: Answer | None = None
        self._gates: AgentGates | None = None
        self._has_index = False
        self._said: bytes = b""
        self._untold = ""

    @property
    def source(self) -> str:
        """The controller."""
        return f"the controller {self._link.where}"

    def check(self) -> None:
        """Ask nothing: the controller knows the bot, or refuses its token."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of changes when they are made, instead of asking now and then."""
        self._watch = AssignmentWatch(self._followed, self._interval, self.news)
        self._watch.start()
        try:
            yield
        finally:
            self._watch.stop()

    def refresh(self) -> bool:
        """Ask for the assignment. Raises :class:`MolthubError` where the controller does not answer."""
        answer = self._watch.latest() if self._watch is not None else self._asked()
        has_changed = self._answer is None or asks(self._answer) != asks(answer)
        self._answer = answer
        try:
            self.index.refresh()
            self._has_index = True
        except MolthubError as error:  # skills that are in the cache can be given all the same
            if self._has_index or has_changed:
                self._warn(f"the index cannot be read: {error}")
            self._has_index = False
        return has_changed

    def _asked(self) -> Answer:
        answer, _ = self._followed.ask()
        assert answer is not None  # noqa: S101 (nothing was known)
        return self._followed.take(answer)

    def once(self, command: Command, rules: Rules, choice: Choice | None = None) -> Report:
        """Do one pass over the bot, and tell the controller where it acted."""
        if self._answer is None:
            self.refresh()
        subject, is_as_assigned = self._subject()
        subjects = [subject] if choice is None or choice.has(self._bot) else []
        report = self.one_pass(command, subjects, rules, online=self._has_index)
        if rules.act and report.bots:
            answers = self._answers(report, subject, rules) if is_as_assigned else {}
            self._tell(report, subject.document if is_as_assigned else None, answers)
        return report

    def _answers(self, report: Report, subject: Subject, rules: Rules) -> Mapping[str, Answered]:
        """Return what gates say, once the bot is as it is to be."""
        assert self._answer is not None  # noqa: S101 (the caller asked)
        asks = self._answer.assignment.asks
        if not asks or subject.desired is None or report.bots[0].state != "in-sync":
            return {}
        self._gates = self._gates or AgentGates(self.index, self.folder, rules.run_gates)
        return self._gates.answers(asks, subject.desired)

    def revision(self, *, online: bool) -> str | None:  # noqa: ARG002 (the controller knows it, not the index)
        """Return the revision that the assignment is of."""
        return self._answer.assignment.revision if self._answer is not None else None

    def _subject(self) -> tuple[Subject, bool]:
        """Return the bot as assigned, and whether it is; otherwise with the last document that could be had."""
        assert self._answer is not None  # noqa: S101 (the caller asked)
        given = self._answer.assignment
        if given.document is None:
            why = Problem("MH706", f"the controller gives it nothing: {given.why}", _KEPT, severity="warning")
            known = last_good(self.state, self._bot)
            if known.desired is None:
                return Subject(self._bot, state="suspended", problems=(why,)), True
            return replace(known, problems=(*known.problems, why)), True
        try:
            self._check_signed(given.document)
            desired, content = self._document(given.document)
            if desired.digest != given.digest:
                raise FormatError("the controller gives a document of another digest", place=self._link.where)
        except MolthubError as error:
            known = last_good(self.state, self._bot)
            return replace(known, state="failed", problems=(problem_of(error),), asked=given.digest), False
        subject = Subject(self._bot, desired, given.document, content=content, asked=given.digest)
        pin = pin_of(self.state, self._bot)
        if pin is None:
            return subject, True
        if not pin.holds(given.digest, given.revision):
            return replace(subject, lifted=pin), True
        return pinned(self.state, subject, pin), True

    def _check_signed(self, name: str) -> None:
        """Check that the registry's signed index names the document, where this machine has its root of trust.

        It did once, where it was checked before: a rollout may bring a bot back to what it had. Raises
        :class:`MolthubError`: so no controller can make a document of its own.
        """
        if self.index.trust.root is None:
            return
        known = self.state.note(self._bot, _SIGNED).decode("ascii", "replace").split()
        if name in known:
            return
        fleet, _, bot = self._bot.partition("/")
        ref = self.index.fleet(fleet).bots.get(bot)
        if ref is None or ref.file != name:
            message = f"the controller gives a document of {self._bot} that the signed index does not name"
            raise IntegrityError(message, place=self._link.where, remedy=_UNSIGNED)
        self.state.keep_note(self._bot, _SIGNED, "\n".join([*known[-_SIGNED_KEPT:], name]).encode())

    def _document(self, name: str) -> tuple[DesiredState, bytes]:
        kept = self.state.document(self._bot, name)
        if kept is not None:
            return kept, b""
        content = self._link.document(self._bot, name)
        desired = bot_from_json(content, f"{self._link.where}: {name}")
        if desired.path != self._bot:
            raise FormatError(f"the controller gives the document of {desired.path}", place=self._link.where)
        if desired.template or not desired.resolved:
            raise IntegrityError("the controller gives a document that no bot can have", place=self._link.where)
        return desired, content

    def _tell(self, report: Report, document: str | None, answers: Mapping[str, Answered]) -> None:
        """Tell the controller what is new to it: what changed here, or what it does not have any more."""
        assert self._answer is not None  # noqa: S101 (the caller asked)
        given = self._answer.assignment
        content = report_to_bytes(report, given.document if document is not None else None, given.generation,
                                  answers)  # fmt: skip
        if self._said and _without_time(content) == _without_time(self._said):
            content = self._said
        if hex_of(content) == self._answer.reported:
            self._said = content
            return
        try:
            self._link.tell(self._bot, content)
        except MolthubError as error:
            if self._untold != str(error):
                self._untold = str(error)
                self._warn(f"the controller could not be told, it is tried again: {error}")
            return
        self._untold = ""
        self._said = content
        self._answer = replace(self._answer, reported=hex_of(content))


def _without_time(content: bytes) -> Mapping[str, Json]:
    said: dict[str, Any] = json.loads(content)
    return {key: value for key, value in said.items() if key != "at"}


_SIGNED = "signed"
_SIGNED_KEPT = 50
_UNSIGNED = (
    "it may be older than this agent, or newer than the index that it reads: it is asked again. If it stays so, look "
    "at the controller: somebody may have changed what it hands out"
)
_KEPT = "what it has is kept; declare it in git, or look at the controller: molthub agents list"
