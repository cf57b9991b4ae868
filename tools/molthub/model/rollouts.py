"""How a change reaches a fleet: waves of bots, and the gates between them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

GateKind = Literal["probe", "scenarios", "http"]
Hook = Literal["confirm-rollout", "pre-rollout", "rollout", "confirm-promotion", "post-rollout", "rollback"]
HOOKS: tuple[Hook, ...] = (
    "confirm-rollout", "pre-rollout", "rollout", "confirm-promotion", "post-rollout", "rollback",
)  # fmt: skip
REST = "rest"
"""The name of the wave of those bots that no declared wave holds."""


@dataclass(frozen=True, slots=True)
class Wave:
    """Some bots that get a change together.

    Of the bots with the labels ``match_labels`` (empty: of all), ``count`` more, or so many that ``percent`` of them
    are in this wave or an earlier one; neither: all. After all are healthy, ``soak`` seconds must pass.
    """

    name: str
    match_labels: Mapping[str, str] = field(default_factory=dict)
    count: int | None = None
    percent: int | None = None
    soak: int = 0


@dataclass(frozen=True, slots=True)
class Gate:
    """Something that a wave must pass. Of ``probe`` and ``scenarios`` it is a ``command``, of ``http`` a ``url``.

    ``waves`` are those it is for (empty: all), ``bots`` how many of a wave's bots a command is run for. It fails when
    ``attempts`` in a row failed; ``timeout`` is in seconds. ``hook`` says when ``http`` is asked, by the contract of
    Flagger's webhooks (docs.flagger.app/usage/webhooks); ``metadata`` is sent along.
    """

    name: str
    kind: GateKind
    command: tuple[str, ...] = ()
    url: str = ""
    hook: Hook = "rollout"
    metadata: Mapping[str, str] = field(default_factory=dict)
    waves: tuple[str, ...] = ()
    bots: int = 1
    attempts: int = 1
    timeout: int = 30

    def is_for(self, wave: str) -> bool:
        """Whether the wave called ``wave`` must pass it."""
        return not self.waves or wave in self.waves


class Share(NamedTuple):
    """A number of bots, or a share of them in percent."""

    number: int
    is_percent: bool = False

    def of(self, whole: int) -> int:
        """Return how many of ``whole`` bots that is, rounded down."""
        return self.number * whole // 100 if self.is_percent else self.number

    def __str__(self) -> str:
        return f"{self.number}%" if self.is_percent else str(self.number)


A_QUARTER, NONE = Share(25, is_percent=True), Share(0)
DEFAULT_WAVES = (Wave("canary", count=1), Wave("tenth", percent=10), Wave("half", percent=50), Wave("all", percent=100))


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a fleet's ``rollout`` says.

    Of the bots that can be reached, at most ``max_unavailable`` (and at least one) may be on their way or unhealthy at
    a time, for a bot that is healthy to be changed. Of those that a change has reached, ``max_failed`` may fail; none
    of the first wave. A bot that can be reached must be healthy within ``deadline`` seconds.
    """

    waves: tuple[Wave, ...] = DEFAULT_WAVES
    gates: tuple[Gate, ...] = ()
    max_unavailable: Share = A_QUARTER
    max_failed: Share = NONE
    on_failure: Literal["rollback", "pause"] = "rollback"
    deadline: int = 1800


class Members(NamedTuple):
    """A wave's name and its bots, in the order in which they are changed."""

    wave: str
    bots: tuple[str, ...]


def members(waves: Sequence[Wave], bots: Mapping[str, Mapping[str, str]]) -> tuple[Members, ...]:
    """Return which of ``bots`` (labels by name) each wave holds; whom none holds comes last, as :data:`REST`.

    The order is that of the names' hashes: the same on every machine and for every change, and no bot is the first
    for its name alone. A wave may hold nobody.
    """
    left = dict.fromkeys(sorted(bots, key=lambda bot: hashlib.sha256(bot.encode()).digest()))
    found = []
    for wave in waves:
        wanted = wave.match_labels.items()
        fitting = [bot for bot in left if wanted <= bots[bot].items()]
        if wave.count is not None:
            fitting = fitting[: wave.count]
        elif wave.percent is not None:
            whole = sum(wanted <= labels.items() for labels in bots.values()) if wanted else len(bots)
            earlier = whole - len(fitting)
            fitting = fitting[: max(0, -(-wave.percent * whole // 100) - earlier)]
        for bot in fitting:
            del left[bot]
        found.append(Members(wave.name, tuple(fitting)))
    return (*found, *((Members(REST, tuple(left)),) if left else ()))
