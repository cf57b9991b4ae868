"""How the bots are that a change has reached: who is ready, who failed, and whom nobody waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from molthub.model.rollouts import Rollout
from molthub_reconciler.rollout.moving import document_of, has_failed, is_available, is_closed, is_reachable
from molthub_reconciler.rollout.records import RolloutState, Step, Why, going_step

_NAMED = 3
_LOST: Mapping[Why, str] = {
    "offline": "went off with it",
    "conflict": "has something of its owner's in its way",
    "fight": "has somebody who keeps undoing it",
}
"""What may be a bot's own fate or the change's doing: of one bot the first is likelier, of most the second."""


@dataclass
class Seen:
    """What one look says of the wave at hand of ``going``.

    ``ready`` are the bots that are healthy with the change; ``failed`` says what is wrong with others, ``allowed`` how
    many of these there may be. ``waits``: some are still on their way, or have their turn to come. ``missing`` are
    those of the wave that came back too late for their turn and are on their way now, or wait for their window: in a
    large fleet there is always somebody, so they are waited for only where they are more than those that are well.
    ``unready``, ``ill`` and ``returning`` are what is remembered of this look.
    """

    going: Step
    ready: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    unready: dict[str, int] = field(default_factory=dict)
    ill: dict[str, int] = field(default_factory=dict)
    returning: frozenset[str] = frozenset()
    missing: set[str] = field(default_factory=set)
    allowed: int = 0
    waits: bool = False

    @classmethod
    def of(cls, state: RolloutState, policy: Rollout) -> Seen:
        """Look at every bot of the waves that began."""
        going = going_step(state)
        seen = cls(going, ill=dict(going.ill), returning=going.returning | frozenset(_who_is_off(state, going)))
        seen.missing.update(bots_behind_windows(state, going))
        reached = [bot for bot in reached_by(going) if is_reachable(state, bot) or bot in going.tried]
        strayed = [bot for bot in reached if not seen._look(state, policy, bot)]
        seen._judge(state, strayed)
        seen.allowed = policy.max_failed.of(len(reached)) if going.wave else 0
        return seen

    @property
    def is_ready(self) -> bool:
        """Whether all are well that there are, and somebody is."""
        is_somebody = bool(self.ready) or (self.going.wave > 0 and bool(self.failed))
        return self.going.opened and not self.waits and not self.is_too_few and is_somebody

    @property
    def is_too_few(self) -> bool:
        """Whether more of the wave are missing than are well: then those that are well say too little of it."""
        of_wave = frozenset(self.going.waves[self.going.wave].bots)
        return len(self.missing & of_wave) > len(of_wave.intersection(self.ready))

    @property
    def is_too_bad(self) -> bool:
        """Whether more failed than may."""
        return len(self.failed) > self.allowed

    @property
    def noted(self) -> Step:
        """The step, with what is to be remembered."""
        since = self.going.since if self.is_ready else None
        well = frozenset(self.ready)
        return replace(self.going, unready=self.unready, ill=self.ill, since=since, tried=self.going.tried - well,
                       returning=self.returning - well)  # fmt: skip

    def said(self, wave: str) -> str:
        """Say in one line what failed."""
        named = [f"{bot} {why}" for bot, why in list(self.failed.items())[:_NAMED]]
        more = f" and {len(self.failed) - _NAMED} more" if len(self.failed) > _NAMED else ""
        return f"wave {wave}: {', '.join(named)}{more}"

    def _look(self, state: RolloutState, policy: Rollout, bot: str) -> bool:
        """Take in how one bot is; return False of one that is no longer waited for, for a reason of its own."""
        if document_of(state, bot) != self.going.target[bot]:
            if not is_closed(state, bot):
                self._wait_for(bot)
        elif is_available(state, bot):
            self.ready.append(bot)
            if bot in self.going.unready:
                self.ill[bot] = was_ill(state, bot)
        elif has_failed(state, bot):
            self.failed[bot] = "failed"
        else:
            self.unready[bot] = self.going.unready.get(bot, state.clock)
            is_late = was_ill(state, bot) > policy.deadline
            if not is_late and (is_reachable(state, bot) or is_closed(state, bot)):
                self._wait_for(bot)
            elif is_reachable(state, bot):
                self.failed[bot] = "is not healthy in time"
            else:
                return False
        return True

    def _wait_for(self, bot: str) -> None:
        if bot in self.returning:
            self.missing.add(bot)
        else:
            self.waits = True

    def _judge(self, state: RolloutState, strayed: list[str]) -> None:
        """Count those that strayed as failed where they are too many for chance: more than those that are well."""
        of_wave = frozenset(self.going.waves[self.going.wave].bots)
        lost = {bot: _LOST[state.told[bot].why] for bot in strayed if state.told[bot].why in _LOST}
        if len(lost) > max(1, len(of_wave.intersection(self.ready))):
            self.failed |= lost


def reached_by(going: Step) -> Iterator[str]:
    """Yield the bots of the waves that began, first wave first."""
    for _, bots in going.waves[: going.wave + (1 if going.opened else 0)]:
        yield from bots


def bots_behind_windows(state: RolloutState, going: Step) -> Iterator[str]:
    """Yield the bots of the wave at hand that wait for their window."""
    for bot in going.waves[going.wave].bots:
        told, has_it = state.told.get(bot), document_of(state, bot) == going.target[bot]
        if told is not None and told.why == "window" and not (has_it and is_available(state, bot)):
            yield bot


def _who_is_off(state: RolloutState, going: Step) -> Iterator[str]:
    """Yield the bots that are off when it is their turn."""
    for bot in reached_by(going):
        told = state.told.get(bot)
        if told is not None and told.why == "offline" and document_of(state, bot) != going.target[bot]:
            yield bot


def was_ill(state: RolloutState, bot: str) -> int:
    """Return for how many seconds a bot was not healthy, in all, since it has the change in this wave."""
    going = going_step(state)
    return going.ill.get(bot, 0) + state.clock - going.unready.get(bot, state.clock)
