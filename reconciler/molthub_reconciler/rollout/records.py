"""What a rollout remembers, and what it is told: plain values. Pure.

Everything is by a bot's bare name; times are whole seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from molthub.model.rollouts import Hook, Members

Health = Literal["healthy", "failed", "waiting", "apart"]
"""As a bot last told: in sync with what it was given; failed at it; on its way; or apart, where it does not take part:
``why`` of :class:`Told` says why. A bot that is apart never holds a rollout up for long, and catches up later."""
Why = Literal[
    "", "offline", "window", "suspended", "detect", "rolled-back", "orphaned", "unresolved", "conflict", "fight"
]
"""Why a bot is apart: it is off; its window is closed; a person suspended, only watches or pinned it; it is declared
no more; what git asks for does not resolve; something of its owner's is in the way, or somebody keeps undoing it. A
healthy bot that would not be changed now (``window``, ``detect``) is told with that, too."""
NOT_NOW: frozenset[Why] = frozenset({"offline", "window"})
"""Whoever is so takes nothing now, and so is given nothing now: it catches up within the limits once it can."""
Outcome = Literal["done", "rolled-back", "superseded", "undone"]
Wish = Literal["pause", "resume", "promote", "abort", "undo"]


class Document(NamedTuple):
    """A bot's document: its hex name in the index, and the digest of the desired state in it."""

    file: str
    digest: str


class Assigned(NamedTuple):
    """The document that a bot is kept at, the generation that it was given in, and when."""

    document: Document
    generation: int
    at: int = 0


class Told(NamedTuple):
    """A bot's last report.

    ``generation`` is that of the assignment which it acted upon and ``observed`` the digest of what it then had: a
    report on anything earlier says nothing of what was given since.
    """

    health: Health
    observed: str | None = None
    generation: int = 0
    why: Why = ""


class Wished(NamedTuple):
    """What a person asked for, in view of a ``step`` (its id) at a ``wave``; empty: of whatever there is.

    What a person said of one change is not done to the next one.
    """

    wish: Wish
    step: str = ""
    wave: int | None = None


class Ask(NamedTuple):
    """A gate that must be asked now: for a bot, where a command is run for one; ``stage`` is what it is asked in.

    Stages are the hooks of Flagger's webhooks; a command is asked in ``rollout``.
    """

    gate: str
    wave: str
    stage: Hook
    bot: str = ""


class Answer(NamedTuple):
    """What a gate said."""

    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One change on its way: ``target`` is what each of its bots is to get, ``id`` the digest of all of that.

    ``wave`` counts from 0; it is ``opened`` once what must come before has passed. ``since`` is when all of its
    bots were healthy, from then on without a break. ``unready`` says since when a bot that has the change is not
    healthy, ``ill`` for how many seconds it was so before, in this wave. ``tried`` are the bots that were there
    when they were given the change, and did not tell yet that they are well with it; ``returning`` those that were off
    when their turn came. ``passed`` are the asks that passed in this wave, ``failures`` how often in a row one failed,
    ``asked`` since when a bot's answer is awaited. ``why`` is set where it stopped: it is ``reverting``, or paused.
    """

    id: str
    target: Mapping[str, Document]
    waves: tuple[Members, ...]
    began: int
    wave: int = 0
    opened: bool = False
    since: int | None = None
    unready: Mapping[str, int] = field(default_factory=dict)
    ill: Mapping[str, int] = field(default_factory=dict)
    tried: frozenset[str] = frozenset()
    returning: frozenset[str] = frozenset()
    passed: frozenset[Ask] = frozenset()
    failures: Mapping[Ask, int] = field(default_factory=dict)
    asked: Mapping[Ask, int] = field(default_factory=dict)
    reverting: bool = False
    why: str = ""
    outcome: Outcome = "rolled-back"


class Finished(NamedTuple):
    """A change that ended."""

    id: str
    outcome: Outcome
    began: int
    ended: int
    bots: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class RolloutState:
    """All that is remembered of one fleet's rollouts.

    ``good`` is what each bot is brought back to: the last document of a change that went through. ``before`` is what
    it had before that, for undoing. ``bad`` are digests that failed, each with why: a bot is not given its own again.
    ``clock`` never goes back: it is ``ahead`` of the machine's by what that went back so far.
    ``held``: nobody is changed until a person says so.
    ``heard`` names the words of people that were acted upon, so that none is acted upon twice.
    """

    fleet: str
    generation: int = 0
    clock: int = 0
    ahead: int = 0
    good: Mapping[str, Document] = field(default_factory=dict)
    before: Mapping[str, Document] = field(default_factory=dict)
    assigned: Mapping[str, Assigned] = field(default_factory=dict)
    bad: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    told: Mapping[str, Told] = field(default_factory=dict)
    step: Step | None = None
    held: bool = False
    history: tuple[Finished, ...] = ()
    heard: tuple[str, ...] = ()


def going_step(state: RolloutState) -> Step:
    """Return the step that is going on; raises ValueError where there is none."""
    if state.step is None:
        raise ValueError("no step is going on")
    return state.step
