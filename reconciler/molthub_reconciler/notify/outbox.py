"""Messages on their way: what each channel was told, and what is still to be delivered.

A message is put here when a pass is done, and delivered beside the passes. What does not arrive is tried again, each
time twice as long after; also by another process, as it is kept with the target's state. It holds no secret: keys and
addresses are looked up in the settings each time.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from molthub.client.parallel import in_threads
from molthub.errors import Problem
from molthub.model import Json
from molthub_reconciler.notify.news import body_of, document, news, rollout_news, slack, states_of, status
from molthub_reconciler.notify.settings import Channel
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import Report

if TYPE_CHECKING:
    from molthub_reconciler.notify.delivery import DeliveryError

FILE = "outbox.json"
FIRST_WAIT = 5.0
LONGEST_WAIT = 15 * 60.0
GIVE_UP_AFTER = 24 * 3600.0
MOST_WAITING = 100
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Message:
    """One message: ``body`` is sent to ``channel`` (``path`` below its address). Times are seconds since 1970."""

    id: str
    channel: str
    body: str
    path: str = ""
    made: float = 0.0
    attempts: int = 0
    due: float = 0.0


@dataclass
class Outbox:
    """The messages of one target, for these channels. Safe to use from several threads of one process."""

    state: TargetState
    channels: tuple[Channel, ...]
    clock: Callable[[], float] = time.time
    _waiting: list[Message] = field(default_factory=list)
    _told: dict[str, dict[str, str]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        try:
            found: Any = json.loads(self.state.note("", FILE) or b"{}")
            self._waiting = [Message(**message) for message in found.get("waiting", [])]
            self._told = {name: dict(told) for name, told in found.get("told", {}).items()}
        except (ValueError, TypeError, AttributeError):
            self._waiting, self._told = [], {}

    def add(self, report: Report, *, is_whole: bool = True) -> None:
        """Put in what is news after a pass; statuses of commits only if it was whole. Raises :class:`OSError`."""
        with self._lock:
            before = (list(self._waiting), dict(self._told))
            for channel in self.channels:
                if is_whole or not channel.kind.endswith("-status"):
                    self._add(channel, report)
            if (self._waiting, self._told) != before:
                self._keep()

    def _add(self, channel: Channel, report: Report) -> None:
        told = self._told.get(channel.name, {})
        if channel.kind.endswith("-status"):
            self._add_status(channel, report, told)
            return
        found, rollouts = news(report, told, channel), rollout_news(report, told, channel)
        known = states_of(report, told)
        if known != told:
            self._told[channel.name] = known
        if found or rollouts:
            content = (slack if channel.kind == "slack" else document)(report, found, rollouts)
            self._put(channel, content)

    def _add_status(self, channel: Channel, report: Report, told: dict[str, str]) -> None:
        found = status(report, channel)
        if found is None:
            return
        path, content = found
        now = {"status": f"{path} {body_of(content).decode()}"}
        if now != told:
            self._told[channel.name] = now
            self._put(channel, content, path)

    def _put(self, channel: Channel, content: Json, path: str = "") -> None:
        now = self.clock()
        self._waiting.append(Message(f"msg_{uuid4().hex}", channel.name, body_of(content).decode(), path, now, 0, now))
        self._waiting = self._waiting[-MOST_WAITING:]

    def flush(self) -> tuple[Problem, ...]:
        """Try each message that is due once; of one channel in their order. Return what did not arrive, and why."""
        with self._lock:
            first = {message.channel: message for message in reversed(self._waiting)}
        now = self.clock()
        due = [name for name, message in first.items() if message.due <= now]
        problems: list[Problem] = []
        in_threads(lambda name: problems.extend(self._flush(name)), due, _THREADS)
        return tuple(problems)

    def next_due(self) -> float | None:
        """Return when the next message is to be tried."""
        with self._lock:
            return min((message.due for message in self._waiting), default=None)

    def _flush(self, name: str) -> Iterable[Problem]:
        channel = next((one for one in self.channels if one.name == name), None)
        with self._lock:
            messages = [message for message in self._waiting if message.channel == name]
        for message in messages:
            problem = None if channel is None else self._try(channel, message)
            if problem is not None:
                return [problem]
        return []

    def _try(self, channel: Channel, message: Message) -> Problem | None:
        from molthub_reconciler.notify.delivery import DeliveryError, deliver  # most passes send nothing

        try:
            deliver(channel, message.path, message.id, int(self.clock()), message.body.encode())
        except DeliveryError as error:
            return self._failed(channel, message, error)
        self._replace(message, None)
        return None

    def _failed(self, channel: Channel, message: Message, error: DeliveryError) -> Problem:
        now, attempts = self.clock(), message.attempts + 1
        if error.is_final or now - message.made > GIVE_UP_AFTER:
            self._replace(message, None)
            fate, remedy = "it is given up", "look at the address, the key and the token of that channel"
        else:
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts - 1, 20))
            self._replace(message, replace(message, attempts=attempts, due=now + wait))
            fate, remedy = f"tried again after {wait:g} s", "it waits until the channel answers"
        return Problem("MH720", f"{channel.name} {error}; {fate}", remedy, severity="warning")

    def _replace(self, message: Message, by: Message | None) -> None:
        with self._lock:
            kept = [by if one.id == message.id else one for one in self._waiting]
            self._waiting = [one for one in kept if one is not None]
            self._keep()

    def _keep(self) -> None:
        names = {channel.name for channel in self.channels}
        told = {name: known for name, known in self._told.items() if name in names}
        waiting = [asdict(message) for message in self._waiting if message.channel in names]
        self.state.keep_note("", FILE, json.dumps({"told": told, "waiting": waiting}, sort_keys=True).encode())
