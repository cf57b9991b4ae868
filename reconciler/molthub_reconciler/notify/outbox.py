"""Messages on their way: what each channel was told, and what is still to be delivered.

A message is put here when a pass is done, and delivered beside the passes. What does not arrive is tried again, each
time twice as long after; also by another process, as it is kept with the target's state. It holds no secret: keys and
addresses are looked up in the settings each time.

A message that was sent, and not noted as sent before the process died, is sent again by the same id. One that is let go
of unsent (:data:`MOST_WAITING`, :data:`GIVE_UP_AFTER`) is as if it had never been made: how things are by then is told
by the next pass.
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
from molthub_reconciler.report import BotReport, Report

if TYPE_CHECKING:
    from molthub_reconciler.notify.delivery import DeliveryError

FILE = "outbox.json"
FIRST_WAIT = 5.0
LONGEST_WAIT = 15 * 60.0
GIVE_UP_AFTER = 24 * 3600.0
MOST_WAITING = 10
"""How many messages wait for one channel; where there are as many, what is newer takes the place of the newest."""
MOST_OFTEN, WITHIN = 6, 3600.0
"""How often one bot is told of within so many seconds: one that changes all the time would drown the others."""
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Message:
    """One message: ``body`` is sent to ``channel`` (``path`` below its address). Times are seconds since 1970.

    ``before`` is what the channel knew of whatever this message tells; None: nothing.
    """

    id: str
    channel: str
    body: str
    path: str = ""
    made: float = 0.0
    attempts: int = 0
    due: float = 0.0
    before: dict[str, str | None] = field(default_factory=dict)


@dataclass
class Outbox:
    """The messages of one target, for these channels. Safe to use from several threads of one process."""

    state: TargetState
    channels: tuple[Channel, ...]
    clock: Callable[[], float] = time.time
    _waiting: list[Message] = field(default_factory=list)
    _told: dict[str, dict[str, str]] = field(default_factory=dict)
    _often: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        try:
            found: Any = json.loads(self.state.note("", FILE) or b"{}")
            self._waiting = [Message(**message) for message in found.get("waiting", [])]
            self._told = {name: dict(told) for name, told in found.get("told", {}).items()}
            often = {name: dict(times) for name, times in found.get("often", {}).items()}
            self._often = {name: {bot: [*map(float, one)] for bot, one in of.items()} for name, of in often.items()}
        except (ValueError, TypeError, AttributeError):
            self._waiting, self._told, self._often = [], {}, {}

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
            return self._add_status(channel, report, told)
        fresh, rollouts = news(report, told, channel), rollout_news(report, told, channel)
        if (fresh or rollouts) and not self._has_room(channel.name):
            return self._add(channel, report)
        found = self._not_too_often(channel.name, fresh)
        later = {bot.bot for bot in fresh} - {bot.bot for bot in found}
        known = {name: state for name, state in states_of(report, told).items() if name not in later}
        known |= {name: told[name] for name in later if name in told}
        if known != told:
            self._told[channel.name] = known
        if found or rollouts:
            content = (slack if channel.kind == "slack" else document)(report, found, rollouts)
            names = [*(bot.bot for bot in found), *(one.fleet for one in rollouts)]
            self._put(channel, content, before={name: told.get(name) for name in names})
        return None

    def _not_too_often(self, channel: str, bots: tuple[BotReport, ...]) -> tuple[BotReport, ...]:
        """Return the bots that may be told of now; how the others are is told when there is room again."""
        since = self.clock() - WITHIN
        often = {bot: [at for at in times if at > since] for bot, times in self._often.get(channel, {}).items()}
        found = tuple(bot for bot in bots if len(often.get(bot.bot, ())) < MOST_OFTEN)
        for bot in found:
            often.setdefault(bot.bot, []).append(self.clock())
        if found:
            self._often[channel] = {bot: times for bot, times in often.items() if times}
        return found

    def _has_room(self, channel: str) -> bool:
        """Return whether a message may be put in; if not, let go of the newest, to make another one in its place."""
        waiting = [message for message in self._waiting if message.channel == channel]
        if len(waiting) < MOST_WAITING or waiting[-1].attempts:
            return True
        self._let_go(waiting[-1])
        return False

    def _let_go(self, message: Message) -> None:
        """Forget a message that was not sent, and that the channel knows what it says."""
        place = self._waiting.index(message)
        newer = [one for one in self._waiting[place + 1 :] if one.channel == message.channel]
        self._waiting = [one for one in self._waiting if one.id != message.id]
        told, often = dict(self._told.get(message.channel, {})), self._often.get(message.channel, {})
        for name, state in message.before.items():
            often[name] = often.get(name, [])[:-1]
            if any(name in one.before for one in newer):
                continue
            told.pop(name, None)
            if state is not None:
                told[name] = state
        self._told[message.channel] = told

    def _add_status(self, channel: Channel, report: Report, told: dict[str, str]) -> None:
        found = status(report, channel)
        if found is None:
            return
        path, content = found
        now = {"status": f"{path} {body_of(content).decode()}"}
        if now != told:
            self._has_room(channel.name)
            told, self._told[channel.name] = self._told.get(channel.name, {}), now
            self._put(channel, content, path, before={"status": told.get("status")})

    def _put(self, channel: Channel, content: Json, path: str = "", *, before: dict[str, str | None]) -> None:
        now, body = self.clock(), body_of(content).decode()
        self._waiting.append(Message(f"msg_{uuid4().hex}", channel.name, body, path, now, 0, now, before))

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
            with self._lock:
                is_waiting = any(one.id == message.id for one in self._waiting)
            problem = None if channel is None or not is_waiting else self._try(channel, message)
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
        if error.is_final:
            self._replace(message, None)
            fate, remedy = "it is given up", "look at the address, the key and the token of that channel"
        elif now - message.made > GIVE_UP_AFTER:
            with self._lock:
                self._let_go(message)
                self._keep()
            fate, remedy = "it is let go of after a day", "how things are is told once the channel answers"
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
        often = {name: known for name, known in self._often.items() if name in names}
        kept = {"told": told, "waiting": waiting, "often": often}
        self.state.keep_note("", FILE, json.dumps(kept, sort_keys=True).encode())
