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

from molthub.model.rollouts import Rollout
from molthub_reconciler.rollout.moving import is_available
from molthub_reconciler.rollout.records import Answer, Ask, Document, RolloutState, Told
from molthub_reconciler.rollout.replay import Known
from molthub_reconciler.rollout.step import Inputs, step
from molthub_reconciler.rollout.told import one_line

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
    """One look: ``at`` seconds after the beginning, what was changed, and how the bots are then."""

    at: int
    said: str
    given: int
    taken_back: int
    new: int
    unavailable: int
    off: int
    asked: tuple[str, ...] = ()


@dataclass
class Simulation:
    """A fleet of ``labels`` (by bot) that has one release and is asked for another."""

    policy: Rollout
    labels: Mapping[str, Mapping[str, str]]
    invented: Invented = field(default_factory=Invented)
    interval: int = 60
    fleet: str = "fleet"

    def __post_init__(self) -> None:
        self._random = random.Random(self.invented.seed)  # noqa: S311 (nothing is kept secret by it)
        old, new = ({bot: _document(bot, release) for bot in self.labels} for release in ("old", "new"))
        self._failing = {bot for bot in self.labels if self._random.random() < self.invented.fail_rate}
        off = [bot for bot in self.labels if self._random.random() < self.invented.offline]
        self._back = {bot: self._random.randrange(60, 3600) for bot in off}
        self._desired = new
        first = Inputs(old, self.policy, 0, self.labels, standing=old)
        self.state: RolloutState = step(RolloutState(self.fleet), first).state

    def run(self) -> Iterator[Moment]:
        """Yield what happens at each look at which something does, until nothing goes on."""
        now, earlier = 0, tuple[str, ...]()
        while now <= LONGEST:
            before = self.state
            asked = self._step(now)
            is_news = self.state.assigned != before.assigned or self.state.history != before.history
            if is_news or asked != earlier:
                yield self._moment(now, before, asked)
            earlier = asked
            if self.state.step is None and self.state.history:
                return
            now += self.interval

    @property
    def outcome(self) -> str:
        """How it ended: done, rolled-back, or going on."""
        return self.state.history[-1].outcome if self.state.history else "going on"

    def _step(self, now: int) -> tuple[str, ...]:
        inputs = Inputs(self._desired, self.policy, now, self.labels, told=self._told(now))
        done, known = step(self.state, inputs), dict[Ask, None]()
        while fresh := [ask for ask in done.ask if ask not in known]:
            known |= dict.fromkeys(fresh)
            answers = {ask: Answer(self._passes(ask), "") for ask in fresh}
            done = step(done.state, inputs._replace(told={}, answers=answers, look=False))
        self.state = done.state
        return tuple(f"{ask.gate} ({ask.stage}{' ' + ask.bot if ask.bot else ''})" for ask in known)

    def _passes(self, ask: Ask) -> bool:
        is_refused = ask.gate in self.invented.refuse
        return is_refused if ask.stage == "rollback" else not is_refused

    def _told(self, now: int) -> dict[str, Told]:
        broken = self._broken()
        known = self._known(now)
        told = {}
        for bot, given in self.state.assigned.items():
            if bot in known:
                told[bot] = Told(known[bot].health, given.document.digest, given.generation, known[bot].why)
            elif now < self._back.get(bot, 0):
                told[bot] = Told("apart", why="offline")
            else:
                has_new = given.document == self._desired[bot]
                fails = has_new and (bot in broken or bot in self._failing)
                told[bot] = Told("failed" if fails else "healthy", given.document.digest, given.generation)
        return told

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
        return Moment(now, said, given, len(moved) - given, new, health["unavailable"], health["off"], asked)


def made_up(bots: int, like: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """Return ``bots`` bots with labels: copies of those ``like`` which they are, in turn."""
    patterns = sorted(like.items()) or [("bot", {})]
    width = len(str(bots))
    return {f"{patterns[n % len(patterns)][0]}-{n:0{width}}": patterns[n % len(patterns)][1] for n in range(bots)}


def _document(bot: str, release: str) -> Document:
    name = hashlib.sha256(f"{release} {bot}".encode()).hexdigest()
    return Document(name, f"sha256:{name}")
