"""Asking the controller all the time, in a thread of its own, so that a change is heard of when it is made.

One question is always open: the controller answers it when there is something new, or after a while. Meanwhile the
agent's passes go on with what was heard last.
"""

from __future__ import annotations

import secrets
import threading
import time

from molthub.errors import IntegrityError, MolthubError, UnreachableError
from molthub_reconciler.policy.pace import hurried
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.remote.exchange import Answer
from molthub_reconciler.remote.link import ControllerLink, Got

LONGEST_WAIT = 50.0
"""Seconds that a question stays open: less than the minute after which proxies usually give up."""
_NOTE = "assigned"
_NAME = "agent"
_PACE = 5.0
_FIRST = 60.0
_SHORTEST_WAIT = 5.0
_SHORTER = 0.8
"""Of the time after which a proxy cut a question off, so long the next ones stay open."""


def own_name(state: TargetState) -> str:
    """Return the name by which the controller tells this agent from another one with the same token.

    It is random, and kept with the state: an agent that starts again has the same, one on another machine has not.
    """
    kept = state.note("", _NAME).decode("ascii", "replace").strip()
    if not kept:
        kept = secrets.token_hex(8)
        state.keep_note("", _NAME, f"{kept}\n".encode())
    return kept


class Followed:
    """The assignments of one bot as its agent takes them: none that is older than one it took before."""

    def __init__(self, link: ControllerLink, bot: str, interval: float, state: TargetState) -> None:
        self._link = link
        self._bot = bot
        self._interval = interval
        self._state = state
        said = state.note(bot, _NOTE)
        self._serial = int(said) if said.isdigit() else 0

    def ask(self, known: Got | None = None, wait: float = 0.0) -> tuple[Answer | None, Got]:
        """Return what the controller says; None: the same as what is ``known``. Raises :class:`MolthubError`."""
        interval = wait or self._interval
        return self._link.assignment(self._bot, interval, known=known, wait=wait, serial=self._serial)

    def take(self, answer: Answer) -> Answer:
        """Return an answer that may be acted upon, and remember its number. Raises :class:`MolthubError`."""
        given = answer.assignment
        if given.serial == 0:
            message = f"the controller says nothing of {self._bot} yet: {given.why}"
            raise UnreachableError(message, place=self._link.where, remedy="it looks at its bots every now and then")
        if given.serial < self._serial:
            message = f"the controller gives an assignment ({given.serial}) from before the one that is followed"
            remedy = "a proxy may be answering for it, or an old copy of the controller runs"
            raise IntegrityError(f"{message} ({self._serial})", place=self._link.where, remedy=remedy)
        if given.serial > self._serial:
            self._serial = given.serial
            self._state.keep_note(self._bot, _NOTE, str(given.serial).encode())
        return answer


class AssignmentWatch:
    """Hears of a bot's assignments from :meth:`start` to :meth:`stop`; ``news`` is set with each that is new.

    So it is where the controller stops answering, or answers again. Where something in between cuts questions off that
    stay open, they are asked for a shorter time.
    """

    def __init__(self, followed: Followed, interval: float, news: threading.Event) -> None:
        self._followed = followed
        self._interval = interval
        self._wait = max(1.0, min(interval, LONGEST_WAIT))
        self._news = news
        self._stop = threading.Event()
        self._heard = threading.Event()
        self._lock = threading.Lock()
        self._answer: Answer | None = None
        self._error: MolthubError | None = None
        self._thread = threading.Thread(target=self._run, name="assignments", daemon=True)

    def start(self) -> None:
        """Ask from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more. The question that is open is left alone."""
        self._stop.set()

    def latest(self) -> Answer:
        """Return what was heard last. Raises :class:`MolthubError` where the controller does not answer now."""
        self._heard.wait(_FIRST)
        with self._lock:
            if self._error is not None:
                raise self._error.with_traceback(None)
            if self._answer is None:
                raise UnreachableError("the controller does not answer", remedy="it is asked again")
            return self._answer

    def _run(self) -> None:
        known: Got | None = None
        failures, cut = 0, 0.0
        while not self._stop.is_set():
            began = time.monotonic()
            waited = known is not None
            try:
                answer, known = self._followed.ask(known, self._wait if known is not None else 0.0)
                if answer is not None:
                    self._took(self._followed.take(answer))
            except (MolthubError, OSError) as error:
                known, lasted = None, time.monotonic() - began
                if waited and lasted >= _SHORTEST_WAIT:
                    cut = lasted  # by a proxy in between, if the controller answers when nothing has to wait
                    continue
                failures, cut = failures + 1, 0.0
                self._failed(error if isinstance(error, MolthubError) else MolthubError(str(error)))
                self._stop.wait(hurried(failures, self._interval))
                continue
            if cut and not waited:
                self._wait, cut = min(self._wait, max(_SHORTEST_WAIT, cut * _SHORTER)), 0.0
            failures = 0
            if answer is None and time.monotonic() - began < self._wait / 2:  # something answers without waiting
                self._stop.wait(min(self._interval, _PACE))

    def _took(self, answer: Answer) -> None:
        with self._lock:
            before, self._answer = self._answer, answer
            was_lost, self._error = self._error is not None, None
        self._heard.set()
        if before is None or was_lost or asks(before) != asks(answer):
            self._news.set()

    def _failed(self, error: MolthubError) -> None:
        with self._lock:
            was_lost, self._error = self._error is not None, error
        self._heard.set()
        if not was_lost:
            self._news.set()


def asks(answer: Answer) -> tuple[object, ...]:
    """Return what of an answer asks for a pass."""
    return (answer.assignment, answer.nudge)
