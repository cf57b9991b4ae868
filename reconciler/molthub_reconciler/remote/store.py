"""What a controller keeps of agents, beside the receipts of its target, so that a restart loses nothing.

::

    <target's state>/operators/<name>.json              hashes of an operator's tokens (.token_files)
    <target's state>/agents/changed                     replaced with every token that comes or goes
    <target's state>/agents/seen.json                   when agents were last heard of (.presence)
    <target's state>/agents/<fleet>/<bot>/token.json    hashes of the bot's tokens: this bot lives elsewhere
    <target's state>/elsewhere.db                       what each bot is to have and what its agent last told
                                                        (molthub_reconciler.records.elsewhere)

Every file is replaced whole, or in a transaction, so that a server, the passes and an operator's commands may work at
once. Assignments and reports are written by one process alone (whoever holds the target's lock), which reads them once.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from molthub.atomic import write_atomically
from molthub.documents import hex_of
from molthub.errors import FormatError, MolthubError
from molthub_reconciler.records.state import NUDGE, TargetState
from molthub_reconciler.remote.exchange import (
    AgentReport,
    Answer,
    Assignment,
    answer_from_bytes,
    answer_to_bytes,
    report_from_bytes,
)
from molthub_reconciler.remote.presence import Presence
from molthub_reconciler.remote.token_files import TokenFiles

_FILE_MODE = 0o600
_NOT_YET = "the controller has not looked at this bot yet"


class AgentStore:
    """The agents of one target. ``on_news`` is called with a bot whose agent has something to hear."""

    def __init__(self, state: TargetState, *, clock: Callable[[], float] = time.time) -> None:
        self.state = state
        self.records = state.elsewhere
        self.folder = state.folder / "agents"
        self.tokens = TokenFiles(state.folder, self._write, clock=clock, forget=self.records.forget_agent)
        self.presence = Presence(self.folder / "seen.json", self._write, clock=clock)
        self.on_news: Callable[[str], None] = lambda _bot: None
        self.fetch: Callable[[str], bytes] | None = None
        """Brings a document from the index, by its hex name, when an agent asks for one that is not at hand."""
        self._clock = clock
        self._assignments: dict[str, Assignment | None] = {}
        self._reports: dict[str, tuple[str, AgentReport | None]] = {}
        self._coming: dict[str, Assignment] = {}
        self._confirmed: set[str] = set()
        self.asked: set[str] = set()
        """The bots whose agents are asked something by gates."""
        self._heard: dict[tuple[str, str], str] = {}
        self._stamp: object = None
        self._lock = threading.RLock()

    def bots(self) -> frozenset[str]:
        """Return the bots that have a token: they live on other machines."""
        return self.tokens.bots()

    # --- what goes to the agent -----------------------------------------------------------------------------------

    def assign(self, given: Assignment, *, at_once: bool = True) -> None:
        """Say what a bot is to have. What is new counts with :meth:`settle`, which numbers it: ``at_once`` or later.

        The revision is that under which it was first given: commits that change nothing for the bot reach no agent.
        """
        with self._lock:
            before = self._given(given.bot)
            self._confirmed.add(given.bot)
            if before is None or replace(given, serial=before.serial, revision=before.revision) != before:
                self._coming[given.bot] = given
            else:
                self._coming.pop(given.bot, None)
        if at_once:
            self.settle()

    def settle(self, *, at_once: bool = True) -> None:
        """Write down what bots are to have and what was noted of them; then let their agents know.

        Unless ``at_once``, as soon as it is worth a transaction. What is new gets a higher number than anything that
        was given before. Raises :class:`OSError`; then what counted before still does.
        """
        with self._lock:
            if not at_once and not self.records.is_full:
                return
            coming, self._coming = self._coming, {}
            known = self.bots() if coming else ()
            issued = [self._numbered(given, 0) for bot, given in coming.items() if bot in known]
            self.records.settle({given.bot: answer_to_bytes(Answer(given)) for given in issued})
            for given in issued:
                self._remember(given.bot, given)
        for given in issued:
            self.on_news(given.bot)

    def assignment(self, bot: str) -> Assignment | None:
        """Return what a bot is to have; None where no pass said it yet."""
        self._forget_where_tokens_changed()
        return self._given(bot)

    def _given(self, bot: str) -> Assignment | None:
        with self._lock:
            if bot not in self._assignments:
                self._remember(bot, None)
                content = self.records.assignment(bot)
                with contextlib.suppress(FormatError):
                    if content is not None:
                        self._remember(bot, answer_from_bytes(content, f"the assignment of {bot}").assignment)
            return self._assignments[bot]

    def _numbered(self, given: Assignment, least: int) -> Assignment:
        """Return an assignment with a number above that of the one before, and ``least``."""
        before = self._given(given.bot)
        # Milliseconds since 1970, so that a controller whose state was lost goes on above what it gave before.
        lowest = max(least, before.serial + 1 if before is not None else 1)
        return replace(given, serial=max(lowest, int(self._clock() * 1000)))

    def catch_up(self, bot: str, serial: int) -> None:
        """Give a bot's assignment a number above ``serial``, which its agent saw: this controller lost what it gave.

        Only where a pass of this process has said what the bot is to have: before, what is at hand may be old.
        """
        with self._lock:
            given = self.assignment(bot)
            if given is None or given.serial >= serial or bot not in self._confirmed:
                return
            numbered = self._numbered(given, serial + 1)
            self.records.keep(assignments={bot: answer_to_bytes(Answer(numbered))})
            self._remember(bot, numbered)
        self.on_news(bot)

    def answer(self, bot: str) -> Answer:
        """Return what a bot's agent gets now."""
        given = self.assignment(bot) or Assignment(bot, why=_NOT_YET)
        nudge = self.state.note("", NUDGE)
        reported, _ = self._told(bot)
        return Answer(given, hex_of(nudge)[:12] if nudge else "", reported or None)

    def document(self, bot: str, name: str) -> bytes | None:
        """Return the document that a bot is assigned; None for any other, and while it cannot be had.

        It is kept, so that the bot can be brought back to it later. Raises :class:`OSError`.
        """
        given = self.assignment(bot)
        if given is None or given.document != name:
            return None
        content = self.state.document_content(bot, name)
        if content is None and self.fetch is not None:
            with contextlib.suppress(MolthubError):
                content = self.fetch(name)
                self.state.keep_document(bot, name, content)
        return content

    def _remember(self, bot: str, given: Assignment | None) -> None:
        self._assignments[bot] = given
        if given is not None and given.asks:
            self.asked.add(bot)
        else:
            self.asked.discard(bot)

    # --- what comes from the agent --------------------------------------------------------------------------------

    def told(self, bot: str, content: bytes) -> bool:
        """Keep a report, and return whether it is news. Raises :class:`FormatError` for what is none of ``bot``."""
        report = report_from_bytes(content, bot, f"the report of {bot}")
        self._forget_where_tokens_changed()
        with self._lock:
            if self._told(bot)[0] == hex_of(content):
                return False
            self.records.keep(reports={bot: content})
            self._reports[bot] = (hex_of(content), report)
        self.on_news(bot)
        return True

    def is_first(self, bot: str, question: str, at: str) -> bool:
        """Whether an answer, of that time, is heard for the first time; from now on it is not."""
        seen = self._heard.get((bot, question))
        self._heard[bot, question] = at
        return seen != at

    def report(self, bot: str) -> AgentReport | None:
        """Return what an agent last told; None where it told nothing, or it cannot be read any more."""
        self._forget_where_tokens_changed()
        return self._told(bot)[1]

    def last_told(self, bots: Iterable[str]) -> dict[str, str]:
        """Return what tells the last report of each bot from any other: its SHA-256, nothing where there is none."""
        self._forget_where_tokens_changed()
        with self._lock:
            known = self._reports
            return {bot: known[bot][0] if bot in known else self._told(bot)[0] for bot in bots}

    def reread(self) -> None:
        """Believe nothing that is remembered of the folder: look there again."""
        with self._lock:
            self._stamp = None
            self._assignments.clear()
            self._reports.clear()

    def _told(self, bot: str) -> tuple[str, AgentReport | None]:
        """Return the SHA-256 of a bot's report, and what it says."""
        with self._lock:
            if bot not in self._reports:
                content, told = self.records.report(bot), None
                with contextlib.suppress(FormatError):
                    told = None if content is None else report_from_bytes(content, bot, f"the report of {bot}")
                self._reports[bot] = ("" if content is None else hex_of(content), told)
            return self._reports[bot]

    # --- files ----------------------------------------------------------------------------------------------------

    def _forget_where_tokens_changed(self) -> None:
        """Remember nothing of bots whose token was revoked: what was kept of them went along."""
        stamp = self.tokens.stamp()
        if stamp is None or stamp != self._stamp:
            with self._lock:
                self._stamp = stamp
                self._assignments.clear()
                self._reports.clear()

    def _write(self, place: Path, content: bytes) -> None:
        try:
            write_atomically(place, content, _FILE_MODE, durable=False)
        except FileNotFoundError:
            for folder in reversed([place.parent, *place.parent.parents]):
                if folder.is_relative_to(self.state.root):
                    folder.mkdir(mode=0o700, parents=folder == self.state.root, exist_ok=True)
            write_atomically(place, content, _FILE_MODE, durable=False)
