"""Fleets of made-up bots, and one turn of a controller: what is assigned is told back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from molthub.model.rollouts import Rollout
from molthub_reconciler.rollout.records import Answer, Ask, Document, RolloutState, Told, Why, Wish, Wished
from molthub_reconciler.rollout.step import Inputs, Stepped, step

NAMES = tuple(f"bot-{number:02}" for number in range(20))


def documents(release: str, bots: Collection[str] = NAMES) -> dict[str, Document]:
    """Return a release: each bot's document in it."""
    return {bot: Document(*names_of(release, bot)) for bot in bots}


@cache
def names_of(release: str, bot: str) -> tuple[str, str]:
    """Return the hex name and the digest of a bot's document in a release; the name says which release it is."""
    name = hashlib.sha256(f"{release}-{bot}".encode()).hexdigest()
    RELEASES[name] = release
    return name, f"sha256:{name}"


def in_other_lines(release: str, bots: Collection[str] = NAMES) -> dict[str, Document]:
    """Return documents that say the same as a release's, in other lines."""
    found = {}
    for bot, document in documents(release, bots).items():
        name = hashlib.sha256(f"{document.file} in other lines".encode()).hexdigest()
        RELEASES[name] = release
        found[bot] = document._replace(file=name)
    return found


RELEASES: dict[str, str] = {}


Effect = Literal["failed", "stuck", "other", "off", "conflict", "suspended"]
"""What a release that is bad does to a bot: it fails, never gets well, has something else, is never heard of again, or
cannot or may not take it."""


@dataclass
class Fleet:
    """A fleet and its controller's state.

    ``bad`` releases do to every bot what their effect says, ``apart`` bots are off (or what ``whys`` says), those in
    ``kept`` are well, but would not be changed.
    """

    policy: Rollout = field(default_factory=Rollout)
    desired: dict[str, Document] = field(default_factory=lambda: documents("a"))
    state: RolloutState = field(default_factory=lambda: RolloutState("prod"))
    bad: dict[str, Effect] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    whys: dict[str, Why] = field(default_factory=dict)
    kept: dict[str, Why] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    gate: Callable[[Ask], Answer] = lambda _ask: Answer(passed=True)
    now: int = 1000
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    asked: list[Ask] = field(default_factory=list)

    def tell(self) -> dict[str, Told]:
        """Return what every bot tells of what it was given."""
        return {bot: self._tell(bot) for bot in self.desired}

    def _tell(self, bot: str) -> Told:
        given, effect = self.state.assigned.get(bot), self.bad.get(self.release_of(bot), "")
        if bot in self.apart or effect == "off":
            return Told("apart", why=self.whys.get(bot, "offline") if bot in self.apart else "offline")
        if given is None:
            return Told("waiting")
        said = given.document.digest, given.generation
        if effect in ("conflict", "suspended"):
            return Told("apart", *said, effect)  # type: ignore[arg-type] # it is a reason, too
        if effect == "other":
            return Told("healthy", f"sha256:{'0' * 64}", given.generation)
        if bot in self.failing or effect == "failed":
            return Told("failed", *said)
        return Told("waiting" if effect == "stuck" else "healthy", *said, self.kept.get(bot, ""))

    def release_of(self, bot: str) -> str:
        """Return which release a bot has."""
        given = self.state.assigned.get(bot)
        return RELEASES[given.document.file] if given else ""

    def turn(self, *said: Wish | Wished, seconds: int = 60, told: Mapping[str, Told] | None = None) -> Stepped:
        """Let time pass, hear every bot, and make the next step, gates included."""
        self.now += seconds
        wishes = tuple(one if isinstance(one, Wished) else Wished(one) for one in said)
        told = self.tell() if told is None else told
        done = step(self.state, Inputs(self.desired, self.policy, self.now, self.labels, told=told, wishes=wishes))
        known: set[Ask] = set()
        while fresh := [ask for ask in done.ask if ask not in known]:
            known.update(fresh)
            self.asked += fresh
            answers = {ask: self.gate(ask) for ask in fresh}
            again = Inputs(self.desired, self.policy, self.now, self.labels, answers=answers, look=False)
            done = step(done.state, again)
        self.state = done.state
        return done

    def settle(self, turns: int = 60) -> Fleet:
        """Turn until nothing is going on."""
        for _ in range(turns):
            self.turn()
            if self.state.step is None and not self.waiting:
                self.turn()
                if self.state.step is None:
                    return self
        return self

    @property
    def waiting(self) -> set[str]:
        """Bots that have nothing yet."""
        return self.desired.keys() - self.state.assigned.keys()

    def releases(self) -> dict[str, int]:
        """Return how many bots have which release."""
        found: dict[str, int] = {}
        for bot in self.desired:
            found[self.release_of(bot)] = found.get(self.release_of(bot), 0) + 1
        return found


def running(**fields: object) -> Fleet:
    """Return a fleet all of whose bots have release ``a``, by which no rollout was needed yet."""
    fleet = Fleet(**fields)  # type: ignore[arg-type] # the fields above
    standing = documents("a", fleet.desired)
    first = step(fleet.state, Inputs(fleet.desired, fleet.policy, fleet.now, standing=standing))
    fleet.state = first.state
    return fleet
