"""What would happen: a rollout among made-up bots in made-up time. Pure but for its own random numbers.

The steps are those of :mod:`.step`, made every ``interval`` seconds; bots are healthy one look after they were changed,
unless they fail. One look of ten thousand bots takes a fraction of a second.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from molthub.model import Window
from molthub.model.rollouts import Rollout
from molthub.windows import opening
from molthub_reconciler.rollout.moving import is_available
from molthub_reconciler.rollout.records import Answer, Ask, Assigned, Document, Health, RolloutState, Step, Told
from molthub_reconciler.rollout.replay import Known
from molthub_reconciler.rollout.step import Inputs, step
from molthub_reconciler.rollout.told import one_line, whom_it_waits_for

_BADNESS = {"healthy": 0, "apart": 1, "waiting": 2, "failed": 3}
LONGEST = 30 * 86400
"""Seconds of made-up time after which a simulation ends all the same."""


@dataclass(frozen=True, slots=True)
class Invented:
    """What goes wrong.

    ``fail`` names the waves whose bots the change breaks; of all bots, the share ``fail_rate`` fails, and the share
    ``offline`` is off, and back at some time within an hour. Gates in ``refuse`` fail. ``seed`` decides which.
    ``history`` says it of single bots: from so many seconds after the beginning on, a bot is as it says.
    """

    fail: frozenset[str] = frozenset()
    fail_rate: float = 0.0
    offline: float = 0.0
    refuse: frozenset[str] = frozenset()
    seed: int = 1
    history: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """One look: ``at`` seconds after the beginning, in which wave, what was changed, and how the bots are then."""

    at: int
    wave: str
    said: str
    given: int
    taken_back: int
    new: int
    unavailable: int
    off: int
    asked: tuple[str, ...] = ()


@dataclass
class Simulation:
    """A fleet of ``labels`` (by bot) that has one release and is asked for another, at the time ``start``.

    All bots follow ``windows``. Once it ran: ``failed`` are the bots that ever failed, ``ended`` is when it was over.
    """

    policy: Rollout
    labels: Mapping[str, Mapping[str, str]]
    invented: Invented = field(default_factory=Invented)
    interval: int = 60
    fleet: str = "fleet"
    windows: tuple[Window, ...] = ()
    start: datetime = datetime(2001, 1, 1, tzinfo=UTC)
    failed: set[str] = field(default_factory=set)
    ended: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.invented.seed)  # noqa: S311 (nothing is kept secret by it)
        old, new = ({bot: _document(bot, release) for bot in self.labels} for release in ("old", "new"))
        self._failing = {bot for bot in self.labels if self._random.random() < self.invented.fail_rate}
        off = [bot for bot in self.labels if self._random.random() < self.invented.offline]
        self._back = {bot: self._random.randrange(60, 3600) for bot in off}
        self._desired, self.asked = new, tuple[str, ...]()
        first = Inputs(old, self.policy, 0, self.labels, standing=old)
        self.state: RolloutState = step(RolloutState(self.fleet), first).state
        self._has: dict[str, Assigned] = dict(self.state.assigned)
        self._last_event = max([*self._back.values(), *(one.at for one in self.invented.history)], default=0)
        self.sizes: dict[str, int] = {}
        """How many bots each wave holds."""

    def run(self) -> Iterator[Moment]:
        """Yield what happens at each look at which something does, until nothing goes on or would by itself."""
        now, last, earlier = 0, 0, tuple[str, ...]()
        while now <= LONGEST:
            before, self.ended = self.state, now
            asked = self._step(now)
            if self.state.step is not None and not self.state.step.reverting:
                self.sizes = {wave: len(bots) for wave, bots in self.state.step.waves}
            if _is_news(before, self.state) or asked != earlier:
                yield self._moment(now, before, asked)
                last = now
            earlier = asked
            if self.state.step is None and self.state.history:
                return
            opens = self._opens(now)
            if now - max(last, self._last_event) > self._patience:
                if opens is None:
                    return
                now, last = opens - self.interval, opens
            now += self.interval

    @property
    def _patience(self) -> int:
        """After how many seconds nothing happens any more by itself."""
        return self.policy.deadline + max((wave.soak for wave in self.policy.waves), default=0) + self.interval

    def _opens(self, now: int) -> int | None:
        """Return when windows open that are closed now; None: they are open, or never are."""
        if not self.windows:
            return None
        found = opening(self.windows, self.start + timedelta(seconds=now))
        return None if found.is_open or found.next is None else int((found.next - self.start).total_seconds())

    @property
    def outcome(self) -> str:
        """How it ended: done, rolled-back; stopped, where it stays as it is; or waiting, for somebody or a window."""
        if self.state.step is None and self.state.history:
            return self.state.history[-1].outcome
        return "stopped" if self.state.step is not None and self.state.step.why else "waiting"

    @property
    def why(self) -> str:
        """What stopped it, or what it waits for."""
        if self.state.step is None and self.state.history:
            return self.state.history[-1].why
        asked = ", ".join(self.asked)
        return "; ".join([one_line(self.state), *([f"asks {asked}"] if asked else []), *whom_it_waits_for(self.state)])

    def _step(self, now: int) -> tuple[str, ...]:
        inputs = Inputs(self._desired, self.policy, now, self.labels, told=self._told(now))
        done, known = step(self.state, inputs), dict[Ask, None]()
        while fresh := [ask for ask in done.ask if ask not in known]:
            known |= dict.fromkeys(fresh)
            answers = {ask: Answer(self._passes(ask), "") for ask in fresh}
            done = step(done.state, inputs._replace(told={}, answers=answers, look=False))
        self.state = done.state
        self.asked = tuple(f"{ask.gate} ({ask.stage}{' ' + ask.bot if ask.bot else ''})" for ask in known)
        return self.asked

    def _passes(self, ask: Ask) -> bool:
        is_refused = ask.gate in self.invented.refuse
        return is_refused if ask.stage == "rollback" else not is_refused

    def _told(self, now: int) -> dict[str, Told]:
        broken, known = self._broken(), self._known(now)
        is_open = not self.windows or opening(self.windows, self.start + timedelta(seconds=now)).is_open
        told = {}
        for bot, given in self.state.assigned.items():
            if bot in known:
                told[bot] = Told(known[bot].health, given.document.digest, given.generation, known[bot].why)
            elif now < self._back.get(bot, 0):
                told[bot] = Told("apart", why="offline")
            else:
                told[bot] = self._told_by(bot, given, is_open=is_open, is_broken=bot in broken)
        self.failed |= {bot for bot, one in told.items() if one.health == "failed"}
        return told

    def _told_by(self, bot: str, given: Assigned, *, is_open: bool, is_broken: bool) -> Told:
        """Return what a bot tells that is there: it takes what it is given at once, or when its window opens."""
        if is_open:
            self._has[bot] = given
        has = self._has[bot]
        if has.document != given.document:
            return Told("apart", has.document.digest, has.generation, "window")
        fails = has.document == self._desired[bot] and (is_broken or bot in self._failing)
        health: Health = "failed" if fails else "healthy"
        return Told(health, has.document.digest, given.generation, "" if is_open or fails else "window")

    def _known(self, now: int) -> dict[str, Known]:
        """Return how bots are by history: since the look before, the worst counts, however short it was."""
        found: dict[str, Known] = {}
        for one in sorted(self.invented.history):
            last = found.get(one.bot)
            is_recent = last is not None and last.at >= now - self.interval
            if one.at <= now and not (is_recent and last is not None and _BADNESS[last.health] > _BADNESS[one.health]):
                found[one.bot] = one
        return found

    def _broken(self) -> frozenset[str]:
        going = self.state.step
        if going is None or not self.invented.fail:
            return frozenset()
        return frozenset(bot for name, bots in going.waves if name in self.invented.fail for bot in bots)

    def _moment(self, now: int, before: RolloutState, asked: tuple[str, ...]) -> Moment:
        state = self.state
        moved = [bot for bot, given in state.assigned.items() if before.assigned[bot] != given]
        given = sum(state.assigned[bot].document == self._desired[bot] for bot in moved)
        health = Counter(
            "off" if told.health == "apart" else "ready" if is_available(state, bot) else "unavailable"
            for bot, told in state.told.items()
        )
        new = sum(found.document == self._desired[bot] for bot, found in state.assigned.items())
        ended = state.history[-1] if len(state.history) > len(before.history) else None
        said = f"{ended.outcome}{': ' + ended.why if ended.why else ''}" if ended else one_line(state)
        wave = "" if state.step is None or state.step.reverting else _wave_of(state.step)
        return Moment(now, wave, said, given, len(moved) - given, new, health["unavailable"], health["off"], asked)


def _is_news(before: RolloutState, after: RolloutState) -> bool:
    one, other = before.step, after.step
    moved = None if one is None or other is None else (one.wave, one.reverting, one.why)
    now = None if one is None or other is None else (other.wave, other.reverting, other.why)
    return after.assigned != before.assigned or after.history != before.history or moved != now


def _wave_of(going: Step) -> str:
    return going.waves[min(going.wave, len(going.waves) - 1)].wave


def made_up(bots: int, like: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """Return ``bots`` bots with labels: copies of those ``like`` which they are, in turn."""
    patterns = sorted(like.items()) or [("bot", {})]
    width = len(str(bots))
    return {f"{patterns[n % len(patterns)][0]}-{n:0{width}}": patterns[n % len(patterns)][1] for n in range(bots)}


def _document(bot: str, release: str) -> Document:
    name = hashlib.sha256(f"{release} {bot}".encode()).hexdigest()
    return Document(name, f"sha256:{name}")
