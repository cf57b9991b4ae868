"""What simulations came to: of one run what an operator decides by, of many how they are spread. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from molthub.model import Json
from molthub_reconciler.rollout.simulate import Moment, Simulation

_NAMED = 3
_MOST_NAMED = 100
Row = tuple[str, ...]


class Span(NamedTuple):
    """A wave of a run: how many ``bots`` it holds, when it ``began`` and was ``over`` (None: it was not)."""

    wave: str
    bots: int
    began: int
    over: int | None


class Ran(NamedTuple):
    """One run: how it ended and why, after how many seconds.

    ``reached``: how many bots had the change at most, at one time; ``away``: how many could be reached and did not
    work, at most; ``failed`` are those that ever failed.
    """

    seed: int
    outcome: str
    why: str
    took: int
    reached: int
    away: int
    failed: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        """Return what `--json` says of it."""
        return {
            "seed": self.seed, "outcome": self.outcome, "why": self.why, "took": self.took, "reached": self.reached,
            "mostUnavailable": self.away, "failed": len(self.failed), "failedBots": list(self.failed[:_MOST_NAMED]),
        }  # fmt: skip


def ran_of(made: Simulation, moments: Sequence[Moment]) -> Ran:
    """Return what a run came to that is over."""
    return Ran(
        made.invented.seed,
        made.outcome,
        made.why,
        made.ended,
        max((one.new for one in moments), default=0),
        max((one.unavailable for one in moments), default=0),
        tuple(sorted(made.failed)),
    )


def spans_of(made: Simulation, moments: Iterable[Moment]) -> list[Span]:
    """Return the waves that began, first to last."""
    began: dict[str, int] = {}
    for one in moments:
        if one.wave:
            began.setdefault(one.wave, one.at)
    sizes, starts = made.sizes, list(began.items())
    last = None if made.outcome != "done" else made.ended
    overs = [*(at for _, at in starts[1:]), last]
    return [Span(wave, sizes.get(wave, 0), at, over) for (wave, at), over in zip(starts, overs, strict=True)]


def folded(moments: Sequence[Moment], bots: int) -> Iterator[tuple[Moment, int]]:
    """Yield moments and how many looks each stands for: those in a row of a wave in which hardly anybody is changed.

    Of these are told the first one's time, all changes, the worst of what was away, and how it was at the end.
    """
    found: Moment | None = None
    looks = 0
    for one in moments:
        is_small = one.given + one.taken_back < bots / 100
        if found is not None and is_small and looks and one.wave and one.wave == found.wave:
            found = replace(
                one, at=found.at, given=found.given + one.given, taken_back=found.taken_back + one.taken_back,
                unavailable=max(found.unavailable, one.unavailable), off=max(found.off, one.off),
                asked=tuple(dict.fromkeys((*found.asked, *one.asked))),
            )  # fmt: skip
            looks += 1
            continue
        if found is not None:
            yield found, max(1, looks)
        found, looks = one, int(is_small)
    if found is not None:
        yield found, max(1, looks)


def step_rows(moments: Sequence[Moment], bots: int) -> Iterator[Row]:
    """Yield a row for each look, or for many of a kind."""
    for one, looks in folded(moments, bots):
        changed = [f"+{one.given}"] * bool(one.given) + [f"-{one.taken_back}"] * bool(one.taken_back)
        many = f" ({looks} looks)" if looks > 1 else ""
        asked = f"; asks {', '.join(one.asked)}" if one.asked else ""
        yield (clock(one.at), " ".join(changed), str(one.new), str(one.unavailable), str(one.off),
               f"{one.said}{asked}{many}")  # fmt: skip


def said_of_run(ran: Ran, most: str) -> str:
    """Say what an operator decides by; ``most`` is what the policy allows to be away."""
    failed = ""
    if ran.failed:
        more = f" and {len(ran.failed) - _NAMED} more" if len(ran.failed) > _NAMED else ""
        failed = f"; {len(ran.failed)} failed: {', '.join(ran.failed[:_NAMED])}{more}"
    return f"the change reached {ran.reached}; at most {ran.away} were away at a time (maxUnavailable: {most}){failed}"


def outcome_rows(runs: Sequence[Ran]) -> list[Row]:
    """Return how many runs ended how, most first."""
    found = Counter(one.outcome for one in runs).most_common()
    return [(outcome, str(count), f"{100 * count / len(runs):.0f}%") for outcome, count in found]


def spread_rows(runs: Sequence[Ran]) -> list[Row]:
    """Return the median, what one in twenty runs is beyond, and the worst."""
    kinds = (
        ("took", [one.took for one in runs], clock),
        ("reached", [one.reached for one in runs], str),
        ("unavailable", [one.away for one in runs], str),
        ("failed", [len(one.failed) for one in runs], str),
    )
    return [
        (name, *(shown(sorted(found)[_rank(len(found), share)]) for share in (50, 95, 100)))
        for name, found, shown in kinds
    ]


def worst_of(runs: Sequence[Ran]) -> Ran:
    """Return the run to look at: of those that did not go through, the one that reached most bots."""
    return max(runs, key=lambda one: (one.outcome != "done", one.reached if one.outcome != "done" else one.took))


def _rank(count: int, share: int) -> int:
    """Return the place of a percentile by nearest rank."""
    return max(0, -(-count * share // 100) - 1)


def clock(seconds: int) -> str:
    """Return hours, minutes and seconds."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
